//! Names under `in-addr.arpa` and `ip6.arpa`, read as the address or the network that they stand for (RFC 1035 3.5, RFC 3596 2.5).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::wire::NameBuf;

/// What a reverse name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReverseName {
    Address(IpAddr),
    /// Fewer labels than an address has.
    Net(IpNet),
}

impl ReverseName {
    /// None if the name is not below the two zones, or no address begins like it.
    #[must_use]
    pub fn parse(name: &NameBuf) -> Option<Self> {
        let labels = name.label_count().checked_sub(2)?;
        if name.label(labels + 1) != b"arpa" {
            return None;
        }
        match name.label(labels) {
            b"in-addr" => Self::four(name, labels),
            b"ip6" => Self::six(name, labels),
            _ => None,
        }
    }

    fn four(name: &NameBuf, labels: usize) -> Option<Self> {
        let mut octets = [0; 4];
        for (number, octet) in octets.get_mut(..labels)?.iter_mut().enumerate() {
            *octet = octet_of(name.label(labels - 1 - number))?;
        }
        let address = Ipv4Addr::from(octets);
        if labels == octets.len() {
            return Some(Self::Address(address.into()));
        }
        Ipv4Net::new(address, labels as u8 * 8).ok().map(|net| Self::Net(net.into()))
    }

    fn six(name: &NameBuf, labels: usize) -> Option<Self> {
        if labels > 32 {
            return None;
        }
        let mut bits = 0u128;
        for number in 0..labels {
            bits |= nibble_of(name.label(labels - 1 - number))? << (124 - 4 * number);
        }
        let address = Ipv6Addr::from_bits(bits);
        if labels == 32 {
            return Some(Self::Address(address.into()));
        }
        Ipv6Net::new(address, labels as u8 * 4).ok().map(|net| Self::Net(net.into()))
    }
}

/// Decimal, without leading zeros: an address has one reverse name.
fn octet_of(label: &[u8]) -> Option<u8> {
    if label.len() > 1 && label[0] == b'0' || !label.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(label).ok()?.parse().ok()
}

fn nibble_of(label: &[u8]) -> Option<u128> {
    match label {
        [digit @ b'0'..=b'9'] => Some(u128::from(digit - b'0')),
        [digit @ b'a'..=b'f'] => Some(u128::from(digit - b'a' + 10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Name;

    fn parse(text: &str) -> Option<ReverseName> {
        ReverseName::parse(&NameBuf::from(text.parse::<Name>().expect("a name").as_ref()))
    }

    fn net(text: &str) -> Option<ReverseName> {
        Some(ReverseName::Net(text.parse().expect("a network")))
    }

    #[test]
    fn full_names_are_addresses() {
        assert_eq!(parse("4.3.2.10.in-addr.arpa"), Some(ReverseName::Address([10, 2, 3, 4].into())));
        let six = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        let address = "2001:db8::1".parse().expect("an address");
        assert_eq!(parse(six), Some(ReverseName::Address(address)));
    }

    #[test]
    fn shorter_names_are_networks() {
        assert_eq!(parse("2.10.in-addr.arpa"), net("10.2.0.0/16"));
        assert_eq!(parse("in-addr.arpa"), net("0.0.0.0/0"));
        assert_eq!(parse("8.b.d.0.1.0.0.2.ip6.arpa"), net("2001:db8::/32"));
        assert_eq!(parse("ip6.arpa"), net("::/0"));
    }

    #[test]
    fn other_names_are_neither() {
        for text in [
            "5.4.3.2.10.in-addr.arpa",
            "256.in-addr.arpa",
            "01.in-addr.arpa",
            "+1.in-addr.arpa",
            "x.in-addr.arpa",
            "10.ip6.arpa",
            "g.ip6.arpa",
            "10.in-addr.example",
            "arpa",
            ".",
            &format!("{}ip6.arpa", "0.".repeat(33)),
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
