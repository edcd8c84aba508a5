//! Addresses as one label: `10-1-2-3`, `2001-db8--1`. Endpoints without a hostname are called so, and pods.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Appends the label of an address. A label neither starts nor ends with a hyphen, so `2001:db8::` becomes `2001-db8--0`.
pub(super) fn write_label(address: IpAddr, into: &mut Vec<u8>) {
    let start = into.len();
    // Writing to a Vec cannot fail.
    let _ = match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            write!(into, "{a}-{b}-{c}-{d}")
        }
        IpAddr::V6(address) => write!(into, "{address}"),
    };
    if into[start] == b':' {
        into.insert(start, b'0');
    }
    if into.last() == Some(&b':') {
        into.push(b'0');
    }
    into[start..].iter_mut().filter(|byte| matches!(byte, b':' | b'.')).for_each(|byte| *byte = b'-');
}

/// The address that a pod's label spells, in any spelling.
pub(super) fn parse(label: &[u8]) -> Option<IpAddr> {
    // The longest spelling has eight groups of four digits; anything else in it is no address.
    let mut text = [0; 39];
    let text = text.get_mut(..label.len())?;
    let dashes = label.iter().filter(|byte| **byte == b'-').count();
    let four = dashes == 3 && !label.windows(2).any(|pair| pair == b"--");
    for (to, from) in text.iter_mut().zip(label) {
        *to = match from {
            b'-' if four => b'.',
            b'-' => b':',
            b'0'..=b'9' | b'a'..=b'f' => *from,
            _ => return None,
        };
    }
    let text = std::str::from_utf8(text).ok()?;
    if four {
        return text.parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    }
    text.parse::<Ipv6Addr>().ok().map(|address| IpAddr::V6(address).to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_labels_and_spell_their_address() {
        for (address, expected) in [
            ("10.1.2.3", "10-1-2-3"),
            ("2001:db8::1", "2001-db8--1"),
            ("2001:db8::", "2001-db8--0"),
            ("::1", "0--1"),
            ("::", "0--0"),
        ] {
            let address: IpAddr = address.parse().expect("an address");
            let mut label = b"x".to_vec();
            write_label(address, &mut label);
            assert_eq!(label[1..], *expected.as_bytes());
            assert_eq!(parse(expected.as_bytes()), Some(address));
            assert!(crate::zone::object::is_label(expected));
        }
    }

    #[test]
    fn other_spellings_of_pods_are_read() {
        assert_eq!(parse(b"2001-db8-0-0-0-0-0-1"), "2001:db8::1".parse().ok());
        assert_eq!(parse(b"--1"), "::1".parse().ok());
        assert_eq!(parse(b"1-2--3"), "1:2::3".parse().ok(), "three hyphens, but two of them in a row");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for label in [&b"web"[..], b"1-2-3", b"256-1-1-1", b"1.2.3.4", b"--ffff-1.2.3.4", b"01-2-3-4", b"", b"-"] {
            assert_eq!(parse(label), None, "{}", String::from_utf8_lossy(label));
        }
        assert_eq!(parse(&[b'0'; 63]), None);
    }
}
