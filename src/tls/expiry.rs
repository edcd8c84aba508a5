//! When certificates end: the one field that rustls reads and does not show. It trusts nothing that it walks through, judges no
//! certificate, and what it cannot read has no end that it knows of.

use rustls::pki_types::CertificateDer;

/// When a set of certificates ends, in seconds since 1970, and which of the files it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub file: &'static str,
    pub not_after: u64,
}

/// Of a certificate with those that vouch for it: all are needed, so the first one that ends.
pub(super) fn of_chain(chain: &[CertificateDer<'_>]) -> Option<End> {
    let not_after = chain.iter().filter_map(|certificate| not_after(certificate)).min()?;
    Some(End { file: "certificate", not_after })
}

/// Of authorities, one of which is enough: the last one that ends, since an old one often stays beside its successor.
pub(super) fn of_authorities(file: &'static str, authorities: &[CertificateDer<'_>]) -> Option<End> {
    let not_after = authorities.iter().filter_map(|certificate| not_after(certificate)).max()?;
    Some(End { file, not_after })
}

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The version of a TBSCertificate, which version 1 leaves out (RFC 5280 4.1).
const VERSION: u8 = 0xa0;

/// The second of the two times of a certificate (RFC 5280 4.1.2.5), in seconds since 1970; a time before that is 0.
fn not_after(certificate: &[u8]) -> Option<u64> {
    let (tbs, _) = element(certificate, SEQUENCE)?;
    let (fields, _) = element(tbs, SEQUENCE)?;
    let fields = element(fields, VERSION).map_or(fields, |(_, rest)| rest);
    let (_serial, fields) = element(fields, INTEGER)?;
    let (_algorithm, fields) = element(fields, SEQUENCE)?;
    let (_issuer, fields) = element(fields, SEQUENCE)?;
    let (validity, _) = element(fields, SEQUENCE)?;
    let (_, times) = time(validity)?;
    time(times).map(|(not_after, _)| not_after)
}

/// The content of the first element, if it has this tag, and what follows it. A certificate has at most 64 KiB in any handshake,
/// so lengths of more than three octets are none of ours.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (octets.iter().fold(0, |len, octet| len << 8 | usize::from(*octet)), rest)
        }
        _ => return None,
    };
    if found == tag { rest.split_at_checked(len) } else { None }
}

/// "YYMMDDHHMMSSZ" of a UTCTime, "YYYYMMDDHHMMSSZ" of a GeneralizedTime (RFC 5280 4.1.2.5.1 and 2), and what follows it.
fn time(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (text, rest, century) = match element(bytes, UTC_TIME) {
        Some((text, rest)) => (text, rest, None),
        None => {
            element(bytes, GENERALIZED_TIME).and_then(|(text, rest)| Some((text.get(2..)?, rest, pair(text, 0))))?
        }
    };
    if text.len() != 13 || text[12] != b'Z' {
        return None;
    }
    let two = |at| pair(text, at);
    let year = match (century, two(0)?) {
        (Some(century), year) => century * 100 + year,
        // "Where YY is greater than or equal to 50, the year SHALL be interpreted as 19YY".
        (None, year) if year >= 50 => 1_900 + year,
        (None, year) => 2_000 + year,
    };
    let (month, day, hour, minute, second) = (two(2)?, two(4)?, two(6)?, two(8)?, two(10)?);
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    fits.then_some((u64::try_from(seconds).unwrap_or(0), rest))
}

fn pair(text: &[u8], at: usize) -> Option<i64> {
    let digit = |at: usize| text.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| i64::from(byte - b'0'));
    Some(digit(at)? * 10 + digit(at + 1)?)
}

/// Days from 1970 to a day of the Gregorian calendar. Years are counted from March, so that the day that may be missing is the
/// last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_year = (153 * month + 2) / 5 + day - 1;
    let leap_days = year / 4 - year / 100 + year / 400;
    // 719,468 days lie between the first of March of year 0 and 1970.
    year * 365 + leap_days + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(year: i32) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 3, 1);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn the_end_of_a_certificate_is_found() {
        // The first uses UTCTime, the others GeneralizedTime.
        for (year, expected) in [(2_027, 1_803_859_200), (2_050, 2_529_705_600), (2_400, 13_574_649_600)] {
            assert_eq!(not_after(&certificate(year)), Some(expected), "{year}");
        }
        let chain = [certificate(2_050), certificate(2_027)];
        assert_eq!(of_chain(&chain), Some(End { file: "certificate", not_after: 1_803_859_200 }));
        assert_eq!(of_authorities("ca", &chain), Some(End { file: "ca", not_after: 2_529_705_600 }));
        assert_eq!((of_chain(&[]), of_chain(&[vec![1, 2, 3].into()])), (None, None));
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!((days(1_970, 1, 1), days(2_000, 2, 29), days(2_000, 3, 1)), (0, 11_016, 11_017));
        assert_eq!((days(1_969, 12, 31), days(2_100, 3, 1) - days(2_100, 2, 28)), (-1, 1));
    }

    #[test]
    fn a_time_that_is_none_is_not_read() {
        let read = |text: &[u8], tag| {
            let whole: Vec<u8> = [tag, text.len() as u8].iter().chain(text).copied().collect();
            time(&whole).map(|(seconds, _)| seconds)
        };
        assert_eq!(read(b"491231235959Z", UTC_TIME), Some(2_524_607_999));
        assert_eq!(read(b"500101000000Z", UTC_TIME), Some(0), "1950");
        assert_eq!(read(b"99991231235959Z", GENERALIZED_TIME), Some(253_402_300_799));
        for text in [
            &b"271301000000Z"[..],
            b"270132000000Z",
            b"270101240000Z",
            b"2701010000Z",
            b"270101000000+",
            b"27010100000xZ",
        ] {
            assert_eq!(read(text, UTC_TIME), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_octets_panic(at in 0..400_usize, octets in proptest::collection::vec(any::<u8>(), 0..64), cut in 0..400_usize) {
            let mut der = CERTIFICATE.with(Clone::clone);
            for (place, octet) in der.iter_mut().skip(at).zip(&octets) {
                *place = *octet;
            }
            der.truncate(der.len().saturating_sub(cut));
            let _ = (not_after(&der), not_after(&octets));
        }
    }

    thread_local! {
        static CERTIFICATE: Vec<u8> = certificate(2_027).to_vec();
    }
}
