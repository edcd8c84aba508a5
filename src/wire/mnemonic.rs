//! Words for numbers: types, classes and rcodes as files and people write them. What is not known can be written as its number.

use std::borrow::Cow;

use super::{Rcode, class, rtype};

/// Types (IANA, "Resource Record (RR) TYPEs") that anything still asks for or serves.
const TYPES: [(&str, u16); 61] = [
    ("A", rtype::A),
    ("NS", rtype::NS),
    ("CNAME", rtype::CNAME),
    ("SOA", rtype::SOA),
    ("MB", 7),
    ("MG", 8),
    ("MR", 9),
    ("NULL", 10),
    ("PTR", rtype::PTR),
    ("HINFO", rtype::HINFO),
    ("MINFO", 14),
    ("MX", rtype::MX),
    ("TXT", rtype::TXT),
    ("RP", 17),
    ("AFSDB", 18),
    ("RT", 21),
    ("SIG", 24),
    ("KEY", 25),
    ("PX", 26),
    ("AAAA", rtype::AAAA),
    ("LOC", 29),
    ("NXT", 30),
    ("SRV", rtype::SRV),
    ("NAPTR", NAPTR),
    ("KX", 36),
    ("CERT", 37),
    ("DNAME", rtype::DNAME),
    ("OPT", rtype::OPT),
    ("APL", 42),
    ("DS", rtype::DS),
    ("SSHFP", 44),
    ("IPSECKEY", 45),
    ("RRSIG", rtype::RRSIG),
    ("NSEC", rtype::NSEC),
    ("DNSKEY", rtype::DNSKEY),
    ("DHCID", 49),
    ("NSEC3", rtype::NSEC3),
    ("NSEC3PARAM", 51),
    ("TLSA", 52),
    ("SMIMEA", 53),
    ("HIP", 55),
    ("CDS", 59),
    ("CDNSKEY", 60),
    ("OPENPGPKEY", 61),
    ("CSYNC", 62),
    ("ZONEMD", 63),
    ("SVCB", 64),
    ("HTTPS", rtype::HTTPS),
    ("SPF", 99),
    ("NID", 104),
    ("EUI48", 108),
    ("EUI64", 109),
    ("TKEY", rtype::TKEY),
    ("TSIG", rtype::TSIG),
    ("IXFR", rtype::IXFR),
    ("AXFR", rtype::AXFR),
    ("MAILB", rtype::MAILB),
    ("MAILA", rtype::MAILA),
    ("ANY", rtype::ANY),
    ("URI", 256),
    ("CAA", CAA),
];

/// RFC 3403 4.
pub const NAPTR: u16 = 35;
/// RFC 8659 4.
pub const CAA: u16 = 257;

/// Classes (RFC 1035 3.2.4, RFC 2136 2.4).
const CLASSES: [(&str, u16); 5] =
    [("IN", class::IN), ("CH", class::CH), ("HS", 4), ("NONE", class::NONE), ("ANY", class::ANY)];

/// Rcodes (IANA, "DNS RCODEs").
const RCODES: [(&str, u16); 20] = [
    ("NOERROR", 0),
    ("FORMERR", 1),
    ("SERVFAIL", 2),
    ("NXDOMAIN", 3),
    ("NOTIMP", 4),
    ("REFUSED", 5),
    ("YXDOMAIN", 6),
    ("YXRRSET", 7),
    ("NXRRSET", 8),
    ("NOTAUTH", 9),
    ("NOTZONE", 10),
    // 16 is BADVERS in an OPT record, which is where rcodes above 15 are; in a TSIG record it is BADSIG.
    ("BADVERS", 16),
    ("BADSIG", 16),
    ("BADKEY", 17),
    ("BADTIME", 18),
    ("BADMODE", 19),
    ("BADNAME", 20),
    ("BADALG", 21),
    ("BADTRUNC", 22),
    ("BADCOOKIE", 23),
];

/// Reads `AAAA` or `TYPE28` (RFC 3597 5), in either case.
#[must_use]
pub fn type_of(word: &str) -> Option<u16> {
    find(&TYPES, word).or_else(|| numbered(word, "TYPE"))
}

/// Reads `IN` or `CLASS1`, in either case.
#[must_use]
pub fn class_of(word: &str) -> Option<u16> {
    find(&CLASSES, word).or_else(|| numbered(word, "CLASS"))
}

/// Reads `NXDOMAIN` or a number up to 23, in either case.
#[must_use]
pub fn rcode_of(word: &str) -> Option<Rcode> {
    let number = || word.parse().ok().filter(|number| *number <= 23);
    find(&RCODES, word).or_else(number).map(Rcode)
}

/// `AAAA`, or `TYPE65280`.
#[must_use]
pub fn type_text(number: u16) -> Cow<'static, str> {
    text(&TYPES, number).unwrap_or_else(|| format!("TYPE{number}").into())
}

/// `IN`, or `CLASS7`.
#[must_use]
pub fn class_text(number: u16) -> Cow<'static, str> {
    text(&CLASSES, number).unwrap_or_else(|| format!("CLASS{number}").into())
}

/// `NXDOMAIN`, or `RCODE24`.
#[must_use]
pub fn rcode_text(rcode: Rcode) -> Cow<'static, str> {
    text(&RCODES, rcode.0).unwrap_or_else(|| format!("RCODE{}", rcode.0).into())
}

fn find(table: &[(&str, u16)], word: &str) -> Option<u16> {
    table.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, number)| *number)
}

fn text(table: &[(&'static str, u16)], number: u16) -> Option<Cow<'static, str>> {
    table.iter().find(|(_, known)| *known == number).map(|(word, _)| (*word).into())
}

fn numbered(word: &str, prefix: &str) -> Option<u16> {
    let (start, digits) = word.split_at_checked(prefix.len())?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain && start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_agree() {
        for (word, number) in TYPES {
            assert_eq!((type_of(&word.to_lowercase()), type_text(number)), (Some(number), word.into()));
        }
        for (word, number) in CLASSES {
            assert_eq!((class_of(word), class_text(number)), (Some(number), word.into()));
        }
        assert_eq!(rcode_of("nxdomain"), Some(Rcode::NXDOMAIN));
        assert_eq!((rcode_of("23"), rcode_of("24"), rcode_of("x")), (Some(Rcode(23)), None, None));
        assert_eq!((type_of("type65280"), type_text(65_280)), (Some(65_280), "TYPE65280".into()));
        for word in ["", "TYPE", "TYPE+1", "TYPE70000", "é"] {
            assert_eq!(type_of(word), None, "{word}");
        }
    }
}
