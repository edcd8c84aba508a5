//! Addresses of IPv4 as ones of IPv6, for who has no other (RFC 6147).

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv6Net;

use super::compile::{Policy, Turn};
use super::message::Message;
use super::question::{Client, Question};
use crate::config::policy::Dns64Rule;
use crate::wire::text::OwnRecord;
use crate::wire::{Flags, Rcode, class, rtype};

/// "If the TTL of the SOA is unknown, ... 600 seconds" (RFC 6147 5.1.7).
const UNKNOWN_TTL: u32 = 600;

impl Policy {
    /// The rule for a question, if its answer may need translation.
    pub(super) fn dns64(&self, question: &Question, turn: Turn<'_>, client: Client<'_>) -> Option<Dns64Rule> {
        if question.qtype != rtype::AAAA || question.qclass != class::IN {
            return None;
        }
        let rule = self.dns64.iter().find(|rule| rule.sees(turn))?.what;
        (rule.allow_ipv4 || client.address.to_canonical().is_ipv6()).then_some(rule)
    }
}

/// Does the answer need translation? A name that does not exist has no other address either (RFC 6147 5.1.2).
pub(super) fn wanted(rule: Dns64Rule, reply: &Message) -> bool {
    let has = reply.answers().iter().any(|record| record.rtype == rtype::AAAA);
    reply.rcode != Rcode::NXDOMAIN && (rule.translate_all || !has)
}

/// The answer with the addresses of `v4` in place of those that `v6` does not have.
pub(super) fn translated(rule: Dns64Rule, v6: &Message, mut v4: Message) -> Message {
    // What was made up here is nobody's authority, nor signed by anybody (RFC 6147 5.5).
    v4.flags &= !(Flags::AA | Flags::AD);
    let soa = v6.sections[1].iter().filter(|record| record.rtype == rtype::SOA).map(|record| record.ttl).next_back();
    for record in &mut v4.sections[0] {
        let Ok(octets) = <[u8; 4]>::try_from(record.data.as_slice()) else { continue };
        if record.rtype == rtype::A {
            *record = OwnRecord {
                owner: record.owner.clone(),
                rtype: rtype::AAAA,
                class: record.class,
                ttl: record.ttl.min(soa.unwrap_or(UNKNOWN_TTL)),
                data: mapped(rule.prefix, octets.into()).octets().to_vec(),
            };
        }
    }
    v4
}

/// The address inside the prefix; bits 64 to 71 stay zero (RFC 6052 2.2).
fn mapped(prefix: Ipv6Net, address: Ipv4Addr) -> Ipv6Addr {
    let mut octets = prefix.network().octets();
    let start = usize::from(prefix.prefix_len()) / 8;
    let places = (start..octets.len()).filter(|place| *place != 8);
    for (place, octet) in places.zip(address.octets()) {
        octets[place] = octet;
    }
    octets.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6052 2.4.
    #[test]
    fn addresses_are_embedded_as_in_the_rfc() {
        for (prefix, address) in [
            ("2001:db8::/32", "2001:db8:c000:221::"),
            ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
            ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
            ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
            ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
            ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
            ("64:ff9b::/96", "64:ff9b::192.0.2.33"),
        ] {
            let prefix = prefix.parse().unwrap();
            assert_eq!(mapped(prefix, Ipv4Addr::new(192, 0, 2, 33)), address.parse::<Ipv6Addr>().unwrap(), "{prefix}");
        }
    }
}
