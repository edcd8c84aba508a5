//! Addresses as one label: `10-1-2-3`, `2001-db8--1`. Endpoints without a hostname are called so, and pods.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The label of an address. A label does not end in a hyphen, so `2001:db8::` becomes `2001-db8--0`.
pub(super) fn label(address: IpAddr) -> String {
    let mut text = String::with_capacity(40);
    // Writing to a String cannot fail.
    let _ = write!(text, "{address}");
    let mut text = text.replace(['.', ':'], "-");
    if text.starts_with('-') {
        text.insert(0, '0');
    }
    if text.ends_with('-') {
        text.push('0');
    }
    text
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
            assert_eq!(label(address), expected);
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
