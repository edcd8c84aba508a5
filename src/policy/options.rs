//! The EDNS options that upstreams are asked with, as rules want them. Of the client's own only those go on that a rule names, and
//! nobody without the same ones gets the answer: the cache tells them apart.

use std::net::IpAddr;
use std::sync::Arc;

use super::question::Client;
use crate::config::policy::{Edns0Action, Edns0Data, Edns0Option};
use crate::wire::edns::{Edns, option};

/// Octets of all options together, so that there is room for the question in the smallest message that everybody takes.
const MAX_OPTIONS: usize = 1_024;

/// Code and data.
type Coded = (u16, Box<[u8]>);

/// The options of one question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// The client's own.
    sent: Arc<[Coded]>,
    /// Codes that a rule has named: from then on the client's own with that code go on.
    named: Vec<u16>,
    passed: Vec<Coded>,
}

/// What options may say of a question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asks<'q> {
    /// In lower case, with its final dot.
    pub name: &'q str,
    pub qtype: u16,
    pub client: Client<'q>,
}

impl Options {
    pub(super) fn of(edns: Option<&Edns<'_>>) -> Self {
        let sent = edns.into_iter().flat_map(Edns::options).map(|(code, data)| (code, data.into()));
        Self { sent: sent.collect(), ..Self::default() }
    }

    /// As no rule had seen them.
    pub(super) fn reset(&mut self) {
        self.named.clear();
        self.passed.clear();
    }

    /// Whether the rule fits the question.
    pub(super) fn apply(&mut self, what: &Edns0Option, action: Edns0Action, asks: Asks<'_>) -> bool {
        let code = match what {
            Edns0Option::Local { code, .. } => *code,
            Edns0Option::Nsid => option::NSID,
            Edns0Option::Subnet { .. } => option::CLIENT_SUBNET,
        };
        if !self.named.contains(&code) {
            self.named.push(code);
            self.passed.extend(self.sent.iter().filter(|(sent, _)| *sent == code).cloned());
        }
        let found = self.passed.iter().position(|(passed, _)| *passed == code);
        match (action, found) {
            (Edns0Action::Unset, _) => self.passed.retain(|(passed, _)| *passed != code),
            (Edns0Action::Set | Edns0Action::Replace, Some(at)) => self.passed[at].1 = data(what, asks),
            (Edns0Action::Set | Edns0Action::Append, None) => self.passed.push((code, data(what, asks))),
            (Edns0Action::Append, Some(_)) | (Edns0Action::Replace, None) => return false,
        }
        true
    }

    /// As they stand in a message; those that have no room are left out.
    pub(super) fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (code, data) in &self.passed {
            let Ok(len) = u16::try_from(data.len()) else { continue };
            if out.len() + 4 + data.len() > MAX_OPTIONS {
                continue;
            }
            out.extend(code.to_be_bytes());
            out.extend(len.to_be_bytes());
            out.extend_from_slice(data);
        }
        out
    }
}

fn data(what: &Edns0Option, Asks { name, qtype, client }: Asks<'_>) -> Box<[u8]> {
    match what {
        // "The NSID option in a query is empty" (RFC 5001 2.1).
        Edns0Option::Nsid => [].into(),
        Edns0Option::Subnet { v4, v6 } => subnet(client.address, *v4, *v6),
        Edns0Option::Local { data, .. } => match data {
            Edns0Data::Octets(octets) => octets.as_slice().into(),
            Edns0Data::Name => name.as_bytes().into(),
            Edns0Data::Type => qtype.to_be_bytes().into(),
            Edns0Data::ClientAddress => octets(client.address.to_canonical()),
            Edns0Data::ClientPort => client.port.to_be_bytes().into(),
            Edns0Data::Protocol => if client.tcp { &b"tcp"[..] } else { b"udp" }.into(),
        },
    }
}

fn octets(address: IpAddr) -> Box<[u8]> {
    match address {
        IpAddr::V4(address) => address.octets().into(),
        IpAddr::V6(address) => address.octets().into(),
    }
}

/// Family, length, a scope of 0, and as many octets of the address as the length has, the rest of the last one clear (RFC 7871 6).
fn subnet(address: IpAddr, v4: u8, v6: u8) -> Box<[u8]> {
    let address = address.to_canonical();
    let (family, bits) = if address.is_ipv4() { (1, v4.min(32)) } else { (2, v6.min(128)) };
    let mut network = octets(address).into_vec();
    network.truncate(usize::from(bits).div_ceil(8));
    if let (Some(last), rest @ 1..) = (network.last_mut(), bits % 8) {
        *last &= 0xff << (8 - rest);
    }
    [vec![0, family, bits, 0], network].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::edns::is_client_subnet;

    fn asks(address: &str) -> Asks<'static> {
        let client = Client { address: address.parse().unwrap(), port: 0x1234, tcp: false, namespace: None };
        Asks { name: "web.x.", qtype: 28, client }
    }

    fn local(code: u16, text: &str) -> Edns0Option {
        Edns0Option::Local { code, data: Edns0Data::Octets(text.into()) }
    }

    #[test]
    fn subnets_are_cut_as_they_should_be() {
        for (address, v4, v6, expected) in [
            ("10.1.2.3", 24, 56, &[0, 1, 24, 0, 10, 1, 2][..]),
            ("10.1.255.3", 20, 56, &[0, 1, 20, 0, 10, 1, 0xf0]),
            ("::ffff:10.1.2.3", 32, 0, &[0, 1, 32, 0, 10, 1, 2, 3]),
            ("10.1.2.3", 0, 56, &[0, 1, 0, 0]),
            ("2001:db8::ff", 24, 35, &[0, 2, 35, 0, 0x20, 1, 0x0d, 0xb8, 0]),
        ] {
            let data = subnet(address.parse().unwrap(), v4, v6);
            assert_eq!(&*data, expected, "{address}");
            assert!(is_client_subnet(&data), "{address}");
        }
    }

    #[test]
    fn what_nobody_names_stays_here() {
        let sent = [(0xffee, b"own"[..].into()), (0xffef, b"other"[..].into()), (8, b"net"[..].into())];
        let mut options = Options { sent: Arc::new(sent), ..Options::default() };
        assert_eq!(options.encoded(), [0u8; 0]);
        assert!(options.apply(&local(0xffee, "new"), Edns0Action::Replace, asks("::1")));
        assert_eq!(options.encoded(), b"\xff\xee\0\x03new");
        assert!(!options.apply(&local(0xffef, "x"), Edns0Action::Append, asks("::1")));
        assert_eq!(options.encoded(), b"\xff\xee\0\x03new\xff\xef\0\x05other");
        assert!(options.apply(&local(0xffee, ""), Edns0Action::Unset, asks("::1")));
        assert!(!options.apply(&local(0xffee, "x"), Edns0Action::Replace, asks("::1")));
        assert!(options.apply(&Edns0Option::Nsid, Edns0Action::Append, asks("::1")));
        assert_eq!(options.encoded(), b"\xff\xef\0\x05other\0\x03\0\0");
        options.reset();
        assert_eq!(options.encoded(), [0u8; 0]);
    }

    #[test]
    fn values_are_those_of_the_question() {
        let told = |what: Edns0Data| data(&Edns0Option::Local { code: 1, data: what }, asks("10.0.0.1")).into_vec();
        assert_eq!(told(Edns0Data::Name), b"web.x.");
        assert_eq!(told(Edns0Data::Type), [0, 28]);
        assert_eq!(told(Edns0Data::ClientAddress), [10, 0, 0, 1]);
        assert_eq!(told(Edns0Data::ClientPort), [0x12, 0x34]);
        assert_eq!(told(Edns0Data::Protocol), b"udp");
    }

    #[test]
    fn what_has_no_room_is_left_out() {
        let mut options = Options::default();
        for code in 0..5 {
            assert!(options.apply(&local(0xff00 + code, &"x".repeat(250)), Edns0Action::Set, asks("::1")));
        }
        assert_eq!(options.encoded().len(), 4 * 254);
    }
}
