//! A question as it arrives: read in place, into borrowed parts and one name on the stack. It says what is there; which
//! rcode an odd question gets is decided in `answer`, but for the ones that cannot be read at all.

use super::edns::{Edns, is_client_subnet, option};
use super::exchange::Asked;
use super::name::NameBuf;
use super::record::skip_name;
use super::{Flags, HEADER_LEN, Rcode, WireError, read_u16, read_u32, rtype};

/// What to do with the bytes of a datagram or of a TCP message.
#[derive(Debug)]
pub enum Incoming<'q> {
    Query(Query<'q>),
    /// Answered with this rcode and nothing but a header.
    Reject(Rcode),
    /// Not answered at all: too short to have an id, or itself a reply (answering replies makes loops).
    Drop,
}

/// One readable question of opcode QUERY.
#[derive(Debug)]
pub struct Query<'q> {
    pub id: u16,
    pub flags: Flags,
    /// Lower case.
    pub name: &'q NameBuf,
    /// As the asker wrote it, for the echo.
    pub raw_name: &'q [u8],
    pub qtype: u16,
    pub qclass: u16,
    pub edns: Option<Edns<'q>>,
}

impl<'q> Query<'q> {
    /// Reads a message. `name` is where the lower-case name is kept.
    #[inline]
    pub fn parse(message: &'q [u8], name: &'q mut NameBuf) -> Incoming<'q> {
        let Some(header) = message.get(..HEADER_LEN) else { return Incoming::Drop };
        let field = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let flags = Flags(field(2));
        if flags.has(Flags::QR) {
            return Incoming::Drop;
        }
        if flags.opcode() != 0 {
            return Incoming::Reject(Rcode::NOTIMP);
        }
        // "a QUERY message with QDCOUNT > 1 MUST be FORMERR" (RFC 9619 4); answers in a question make no sense.
        if field(4) != 1 || field(6) != 0 {
            return Incoming::Reject(Rcode::FORMERR);
        }
        let Ok((end, qtype, qclass)) = read_question(message, name) else {
            return Incoming::Reject(Rcode::FORMERR);
        };
        // "the authority section containing the SOA record of client's version" (RFC 1995 3): one record, and only there.
        if field(8) > u16::from(qtype == rtype::IXFR) {
            return Incoming::Reject(Rcode::FORMERR);
        }
        let Ok(edns) = skip_records(message, end + 4, field(8)).and_then(|at| find_opt(message, at, field(10))) else {
            return Incoming::Reject(Rcode::FORMERR);
        };
        Incoming::Query(Query { id: field(0), flags, name, raw_name: &message[HEADER_LEN..end], qtype, qclass, edns })
    }

    /// The parts that decide the answer.
    #[inline]
    #[must_use]
    pub fn asked(&self) -> Asked<'_> {
        Asked {
            name: self.name.as_ref(),
            qtype: self.qtype,
            qclass: self.qclass,
            dnssec_ok: self.dnssec_ok(),
            checking_disabled: self.flags.has(Flags::CD),
            // Those of the asker are between it and us: "OPT RRs MUST NOT be ... forwarded" (RFC 6891 6.2.1).
            options: &[],
        }
    }

    /// DO, as the asker set it.
    #[inline]
    #[must_use]
    pub fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }
}

#[inline]
fn read_question(message: &[u8], name: &mut NameBuf) -> Result<(usize, u16, u16), WireError> {
    let end = name.read_plain(message, HEADER_LEN)?;
    let qtype = read_u16(message, end).ok_or(WireError::Short)?;
    let qclass = read_u16(message, end + 2).ok_or(WireError::Short)?;
    Ok((end, qtype, qclass))
}

/// Where `count` records end that nobody reads. There is none in nearly every question.
#[inline]
fn skip_records(message: &[u8], mut at: usize, count: u16) -> Result<usize, WireError> {
    for _ in 0..count {
        at = skip_name(message, at)?;
        let len = read_u16(message, at + 8).ok_or(WireError::Short)?;
        at += 10 + usize::from(len);
    }
    Ok(at)
}

/// Finds the OPT record among the additional records. "If a query message with more than one OPT RR is received, a
/// FORMERR MUST be returned", and its name must be the root (RFC 6891 6.1.1 and 6.1.2). Each record takes eleven octets or more,
/// so the walk is bounded by the message, whatever the count says.
#[inline]
fn find_opt(message: &[u8], mut at: usize, count: u16) -> Result<Option<Edns<'_>>, WireError> {
    let mut found = None;
    for _ in 0..count {
        let owner = at;
        at = skip_name(message, at)?;
        let record_type = read_u16(message, at).ok_or(WireError::Short)?;
        let class = read_u16(message, at + 2).ok_or(WireError::Short)?;
        let ttl = read_u32(message, at + 4).ok_or(WireError::Short)?;
        let len = usize::from(read_u16(message, at + 8).ok_or(WireError::Short)?);
        let data = message.get(at + 10..at + 10 + len).ok_or(WireError::Short)?;
        if record_type == rtype::OPT {
            if found.is_some() || at - owner != 1 {
                return Err(WireError::Edns);
            }
            let edns = Edns::parse(class, ttl, data)?;
            if edns.option(option::CLIENT_SUBNET).is_some_and(|data| !is_client_subnet(data)) {
                return Err(WireError::Edns);
            }
            found = Some(edns);
        }
        at += 10 + len;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x03wEb\x01x\0\0\x01\0\x01";

    fn reject(message: &[u8]) -> Option<Rcode> {
        let mut name = NameBuf::new();
        match Query::parse(message, &mut name) {
            Incoming::Reject(rcode) => Some(rcode),
            _ => None,
        }
    }

    fn with(at: usize, value: u8) -> Vec<u8> {
        let mut message = PLAIN.to_vec();
        message[at] = value;
        message
    }

    #[test]
    fn reads_a_question_and_keeps_its_case() {
        let mut name = NameBuf::new();
        let Incoming::Query(query) = Query::parse(PLAIN, &mut name) else { panic!("a question") };
        assert_eq!((query.id, query.qtype, query.qclass), (0x1234, 1, 1));
        assert_eq!(query.name.to_name().to_string(), "web.x");
        assert_eq!(query.raw_name, b"\x03wEb\x01x\0");
        assert!(query.flags.has(Flags::RD));
        assert!(query.edns.is_none());
    }

    #[test]
    fn reads_edns() {
        let mut message = with(11, 1);
        message.extend_from_slice(b"\0\0\x29\x04\xd0\0\0\x80\0\0\0");
        let mut name = NameBuf::new();
        let Incoming::Query(query) = Query::parse(&message, &mut name) else { panic!("a question") };
        assert_eq!(query.edns.map(|edns| edns.udp_size), Some(1232));
        assert!(query.dnssec_ok());
    }

    #[test]
    fn replies_and_scraps_are_dropped() {
        let mut name = NameBuf::new();
        assert!(matches!(Query::parse(&PLAIN[..11], &mut name), Incoming::Drop));
        assert!(matches!(Query::parse(&with(2, 0x81), &mut name), Incoming::Drop));
    }

    /// RFC 1995 3: the SOA record of the version that the asker has.
    #[test]
    fn a_question_for_changes_may_have_one_authority_record() {
        let mut transfer = PLAIN.to_vec();
        transfer[9] = 1;
        transfer[20] = rtype::IXFR as u8;
        assert_eq!(reject(&transfer), Some(Rcode::FORMERR), "the record is not there");
        transfer.extend_from_slice(b"\xc0\x0c\0\x06\0\x01\0\0\0\0\0\x02\0\0");
        assert_eq!(reject(&transfer), None);
        transfer[9] = 2;
        assert_eq!(reject(&transfer), Some(Rcode::FORMERR), "two of them");
        transfer[9] = 1;
        transfer[20] = 1;
        assert_eq!(reject(&transfer), Some(Rcode::FORMERR), "for another type");
    }

    #[test]
    fn odd_headers_are_rejected() {
        assert_eq!(reject(&with(2, 0x28)), Some(Rcode::NOTIMP), "UPDATE");
        assert_eq!(reject(&with(5, 2)), Some(Rcode::FORMERR), "two questions");
        assert_eq!(reject(&with(5, 0)), Some(Rcode::FORMERR), "none");
        assert_eq!(reject(&with(7, 1)), Some(Rcode::FORMERR), "an answer");
        assert_eq!(reject(&with(11, 1)), Some(Rcode::FORMERR), "an additional record that is not there");
        assert_eq!(reject(&with(12, 0xc0)), Some(Rcode::FORMERR), "a pointer in the question");
        assert_eq!(reject(&PLAIN[..PLAIN.len() - 1]), Some(Rcode::FORMERR), "cut short");
    }

    #[test]
    fn two_opt_or_one_with_a_name_are_rejected() {
        let opt = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";
        let mut twice = with(11, 2);
        twice.extend_from_slice(opt);
        twice.extend_from_slice(opt);
        assert_eq!(reject(&twice), Some(Rcode::FORMERR));
        let mut named = with(11, 1);
        named.extend_from_slice(b"\x01a");
        named.extend_from_slice(opt);
        assert_eq!(reject(&named), Some(Rcode::FORMERR));
    }
}
