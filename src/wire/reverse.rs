//! Reverse names: which address or which range of addresses a name below `in-addr.arpa` (RFC 1035 3.5) or `ip6.arpa`
//! (RFC 3596 2.5) stands for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Name, NameBuf};

/// What a reverse name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reverse(IpNet);

impl Reverse {
    /// Reads the name; `None` if it is not below the two zones, or its labels are not in the one form that they have.
    #[must_use]
    pub fn parse(name: &NameBuf) -> Option<Self> {
        let labels = name.label_count();
        if labels < 2 || name.label(labels - 1) != b"arpa" {
            return None;
        }
        let digits = labels - 2;
        match name.label(digits) {
            b"in-addr" if digits <= 4 => {
                let mut octets = [0; 4];
                for (place, octet) in octets.iter_mut().enumerate().take(digits) {
                    *octet = decimal(name.label(digits - 1 - place))?;
                }
                Ipv4Net::new(octets.into(), digits as u8 * 8).ok().map(|net| Self(net.into()))
            }
            b"ip6" if digits <= 32 => {
                let mut octets = [0u8; 16];
                for place in 0..digits {
                    let nibble = nibble(name.label(digits - 1 - place))?;
                    octets[place / 2] |= if place % 2 == 0 { nibble << 4 } else { nibble };
                }
                Ipv6Net::new(octets.into(), digits as u8 * 4).ok().map(|net| Self(net.into()))
            }
            _ => None,
        }
    }

    /// The address, if the name is complete.
    #[must_use]
    pub fn address(self) -> Option<IpAddr> {
        (self.0.prefix_len() == self.0.max_prefix_len()).then(|| self.0.addr())
    }

    /// Are all addresses of the name inside the range?
    #[must_use]
    pub fn is_in(self, range: &IpNet) -> bool {
        range.contains(&self.0)
    }
}

/// How many labels the smallest reverse zone has that holds the whole range: its prefix rounded down to an octet or a nibble.
#[must_use]
pub fn zone_labels(range: &IpNet) -> usize {
    let step = if range.addr().is_ipv4() { 8 } else { 4 };
    2 + usize::from(range.prefix_len()) / step
}

/// The reverse name of an address.
#[must_use]
pub fn name_of(address: IpAddr) -> Name {
    let text = match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = Ipv4Addr::octets(&v4);
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let nibbles: Vec<String> = Ipv6Addr::octets(&v6)
                .iter()
                .rev()
                .flat_map(|octet| [format!("{:x}", octet & 15), format!("{:x}", octet >> 4)])
                .collect();
            format!("{}.ip6.arpa", nibbles.join("."))
        }
    };
    text.parse().expect("at most 34 labels of three characters")
}

fn decimal(label: &[u8]) -> Option<u8> {
    if label.len() > 1 && label[0] == b'0' {
        return None;
    }
    std::str::from_utf8(label).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

fn nibble(label: &[u8]) -> Option<u8> {
    let [digit] = label else { return None };
    char::from(*digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Reverse> {
        let name: Name = text.parse().expect("a name");
        Reverse::parse(&NameBuf::from(name.as_ref()))
    }

    #[test]
    fn names_and_addresses_agree() {
        for address in ["10.0.1.144", "0.0.0.0", "255.255.255.255", "fd00:10:96::a", "::"] {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(parse(&name_of(address).to_string()).and_then(Reverse::address), Some(address));
        }
    }

    #[test]
    fn partial_names_are_ranges() {
        let net: IpNet = "10.0.96.0/20".parse().expect("a range");
        assert!(parse("97.0.10.in-addr.arpa").is_some_and(|found| found.is_in(&net)));
        assert!(!parse("0.10.in-addr.arpa").is_some_and(|found| found.is_in(&net)));
        assert_eq!(parse("97.0.10.in-addr.arpa").and_then(Reverse::address), None);
        assert_eq!(zone_labels(&net), 4);
        assert_eq!(zone_labels(&"fd00::/18".parse().expect("a range")), 6);
    }

    #[test]
    fn other_forms_are_no_reverse_names() {
        for name in [
            "1.in-addr.local",
            "01.0.0.10.in-addr.arpa",
            "256.in-addr.arpa",
            "x.ip6.arpa",
            "ab.ip6.arpa",
            "+1.in-addr.arpa",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
        assert_eq!(parse("1.1.1.1.1.in-addr.arpa"), None);
    }
}
