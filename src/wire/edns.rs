//! EDNS(0): what a question's OPT record says (RFC 6891), and Extended DNS Errors (RFC 8914).

use std::borrow::Cow;

use super::{WireError, read_u16};

/// Octets of an OPT record without options: root, type, size, extended rcode and flags, length (RFC 6891 6.1.2).
pub const OPT_LEN: usize = 11;
/// Octets in front of an option's data: code and length.
pub const OPTION_HEADER: usize = 4;
/// Options read in one message; more are an attack on whoever walks them (CVE-2026-41292 and its kin).
pub const MAX_OPTIONS: usize = 32;
/// Octets of an EDE's text, so that it never decides whether a reply fits (CVE-2024-1931).
pub const MAX_EDE_TEXT: usize = 80;

/// Option codes.
pub mod option {
    /// Who answers (RFC 5001 2.3).
    pub const NSID: u16 = 3;
    /// The network that a client asks from (RFC 7871 6).
    pub const CLIENT_SUBNET: u16 = 8;
    /// How long an idle connection stays open (RFC 7828 3).
    pub const TCP_KEEPALIVE: u16 = 11;
    pub const EDE: u16 = 15;
}

/// A message's OPT record, its options known to be well formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edns<'p> {
    /// What the sender can take over UDP, as it said so.
    pub udp_size: u16,
    /// The high eight bits of the rcode; zero in a question.
    pub rcode_high: u8,
    pub version: u8,
    /// DO (RFC 3225).
    pub dnssec_ok: bool,
    options: &'p [u8],
}

impl<'p> Edns<'p> {
    /// Reads the OPT record from its class, TTL and data.
    ///
    /// # Errors
    /// If an option overruns the record, or there are more than [`MAX_OPTIONS`].
    pub fn parse(class: u16, ttl: u32, options: &'p [u8]) -> Result<Self, WireError> {
        let (mut at, mut count) = (0, 0);
        while at < options.len() {
            let len = usize::from(read_u16(options, at + 2).ok_or(WireError::Edns)?);
            at += OPTION_HEADER + len;
            count += 1;
            if at > options.len() || count > MAX_OPTIONS {
                return Err(WireError::Edns);
            }
        }
        let [rcode_high, version, flags, _] = ttl.to_be_bytes();
        Ok(Self { udp_size: class, rcode_high, version, dnssec_ok: flags & 0x80 != 0, options })
    }

    /// Code and data of each option, in order.
    pub fn options(&self) -> impl Iterator<Item = (u16, &'p [u8])> {
        let mut rest = self.options;
        std::iter::from_fn(move || {
            let (code, len) = (read_u16(rest, 0)?, usize::from(read_u16(rest, 2)?));
            let data = rest.get(OPTION_HEADER..OPTION_HEADER + len)?;
            rest = &rest[OPTION_HEADER + len..];
            Some((code, data))
        })
    }

    /// The data of the first option with this code.
    #[must_use]
    pub fn option(&self, code: u16) -> Option<&'p [u8]> {
        if self.options.is_empty() {
            return None;
        }
        self.options().find(|(found, _)| *found == code).map(|(_, data)| data)
    }
}

/// Is a question's client subnet well formed? It is not used, but "a server receiving an ECS option that uses either too few or too
/// many ADDRESS octets, or that has non-zero ADDRESS bits set beyond SOURCE PREFIX-LENGTH, SHOULD return FORMERR" (RFC 7871 6), and
/// the scope of a question "MUST be set to 0". Families that nobody knows are not judged.
#[must_use]
pub fn is_client_subnet(data: &[u8]) -> bool {
    let [family, family_low, source, scope, address @ ..] = data else { return false };
    let bits = match u16::from_be_bytes([*family, *family_low]) {
        0 => 0,
        1 => 32,
        2 => 128,
        _ => return true,
    };
    let len = usize::from(*source).div_ceil(8);
    let beyond = (1u16 << (len * 8 - usize::from(*source))) - 1;
    let clean = address.last().is_none_or(|last| u16::from(*last) & beyond == 0);
    *source <= bits && *scope == 0 && address.len() == len && clean
}

/// An EDE info code (RFC 8914 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EdeCode(pub u16);

impl EdeCode {
    pub const OTHER: Self = Self(0);
    pub const STALE_ANSWER: Self = Self(3);
    pub const CACHED_ERROR: Self = Self(13);
    pub const NOT_READY: Self = Self(14);
    pub const BLOCKED: Self = Self(15);
    pub const FILTERED: Self = Self(17);
    pub const PROHIBITED: Self = Self(18);
    pub const NOT_AUTHORITATIVE: Self = Self(20);
    pub const NOT_SUPPORTED: Self = Self(21);
    pub const NO_REACHABLE_AUTHORITY: Self = Self(22);
    pub const NETWORK_ERROR: Self = Self(23);
}

/// One Extended DNS Error: what is odd about a reply, in words that an operator reads in `dig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ede {
    pub code: EdeCode,
    text: Cow<'static, str>,
}

impl Ede {
    /// The text is cut to [`MAX_EDE_TEXT`] octets at a character.
    pub fn new(code: EdeCode, text: impl Into<Cow<'static, str>>) -> Self {
        let mut text = text.into();
        if text.len() > MAX_EDE_TEXT {
            let end = text.floor_char_boundary(MAX_EDE_TEXT);
            text = Cow::Owned(text[..end].to_owned());
        }
        Self { code, text }
    }

    /// Reads the option's data; text that is not UTF-8 is repaired (RFC 8914 2 demands UTF-8).
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let code = read_u16(data, 0)?;
        Some(Self::new(EdeCode(code), String::from_utf8_lossy(&data[2..]).into_owned()))
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Octets of the whole option.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        OPTION_HEADER + 2 + self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_walked_and_checked() {
        let options = [0, 3, 0, 0, 0xff, 0x21, 0, 2, 7, 8];
        let edns = Edns::parse(1232, 0x0000_8000, &options).expect("well formed");
        assert!(edns.dnssec_ok);
        assert_eq!(edns.option(0xff21), Some(&[7, 8][..]));
        assert_eq!(edns.option(3), Some(&[][..]));
        assert_eq!(edns.option(4), None);
        assert_eq!(Edns::parse(512, 0, &[0, 3, 0, 1]), Err(WireError::Edns), "overruns");
        assert_eq!(Edns::parse(512, 0, &[0, 3, 0]), Err(WireError::Edns), "cut short");
        assert_eq!(Edns::parse(512, 0, &[0; 4 * (MAX_OPTIONS + 1)]), Err(WireError::Edns), "too many");
    }

    #[test]
    fn client_subnets_are_judged() {
        for good in [&[0, 1, 24, 0, 10, 0, 7][..], &[0, 1, 0, 0], &[0, 2, 3, 0, 0x20], &[0, 0, 0, 0], &[0, 9, 9, 9, 9]]
        {
            assert!(is_client_subnet(good), "{good:?}");
        }
        for (bad, why) in [
            (&[0, 1, 24][..], "cut short"),
            (&[0, 1, 24, 0, 10, 0], "too few octets"),
            (&[0, 1, 16, 0, 10, 0, 7], "too many"),
            (&[0, 1, 0, 0, 0], "too many for nothing"),
            (&[0, 1, 33, 0, 10, 0, 7, 1, 0], "longer than an address"),
            (&[0, 1, 20, 0, 10, 0, 0x1f], "bits beyond the prefix"),
            (&[0, 1, 24, 8, 10, 0, 7], "a scope"),
            (&[0, 0, 8, 0, 1], "an address of no family"),
        ] {
            assert!(!is_client_subnet(bad), "{why}");
        }
    }

    #[test]
    fn ede_text_is_bounded_at_a_character() {
        let ede = Ede::new(EdeCode::OTHER, "é".repeat(60));
        assert_eq!(ede.text().len(), MAX_EDE_TEXT);
        let odd = Ede::new(EdeCode::OTHER, format!("x{}", "é".repeat(60)));
        assert_eq!(odd.text().len(), MAX_EDE_TEXT - 1);
    }
}
