//! What each reader makes of a message; none if it refuses it.

use domain::base::Message as DomainMessage;
use domain::base::name::{ParsedName, ToName};
use domain::base::opt::{Opt, OptRecord};
use domain::base::record::ParsedRecord;
use domain::rdata::{Cname, Mx, Ns, Ptr, Soa, Srv};
use hickory_proto::op::Message;
use hickory_proto::rr::{Name, Record as HickoryRecord};
use interlocal::wire::record::Record;
use interlocal::wire::{Incoming, NameBuf, Query, ReplyBody, read_u16, rtype};

use super::{Edns, Facts, HEADER, One};

/// OPT, TSIG and SIG: hickory keeps them apart from the records.
const APART: [u16; 3] = [41, 250, 24];
/// All of the second line of the header but the reserved bit.
const FLAGS: u16 = 0xffbf;
/// "Values lower than 512 MUST be treated as equal to 512" (RFC 6891 6.2.3), which hickory does when it reads.
const LEAST: u16 = 512;

fn header(message: &[u8]) -> (u16, u16) {
    let field = |at| read_u16(message, at).unwrap_or_default();
    (field(0), field(2) & FLAGS)
}

pub(super) fn our_query(message: &[u8]) -> Option<Facts> {
    let mut name = NameBuf::new();
    let Incoming::Query(query) = Query::parse(message, &mut name) else { return None };
    Some(Facts {
        id: query.id,
        flags: query.flags.0 & FLAGS,
        question: (query.name.as_ref().wire().to_vec(), query.qtype, query.qclass),
        edns: query.edns.map(|edns| (edns.udp_size.max(LEAST), edns.version, edns.rcode_high, edns.dnssec_ok)),
        records: None,
    })
}

pub(super) fn our_reply(message: &[u8]) -> Option<Facts> {
    let mut name = NameBuf::new();
    let end = name.read_plain(message, HEADER).ok()?;
    let (qtype, qclass) = (read_u16(message, end)?, read_u16(message, end + 2)?);
    let (_, edns) = ReplyBody::read(message, qtype).ok()?;
    let count: usize = [6, 8, 10].iter().map(|at| usize::from(read_u16(message, *at).unwrap_or_default())).sum();
    let (mut at, mut records) = (end + 4, Vec::new());
    for _ in 0..count {
        let record = Record::read(message, at).ok()?;
        let mut owner = NameBuf::new();
        owner.read(message, record.start).ok()?;
        records.push((owner.as_ref().wire().to_vec(), record.rtype, record.class, record.ttl));
        at = record.end;
    }
    records.retain(|(_, rtype, ..)| !APART.contains(rtype));
    let (id, flags) = header(message);
    Some(Facts {
        id,
        flags,
        question: (name.as_ref().wire().to_vec(), qtype, qclass),
        edns: edns.map(|edns| (edns.udp_size.max(LEAST), edns.version, edns.rcode_high, edns.dnssec_ok)),
        records: Some(records),
    })
}

pub(super) fn hickory(message: &[u8], reply: bool) -> Option<Facts> {
    let read = Message::from_vec(message).ok()?;
    let [question] = &read.queries[..] else { return None };
    let (_, flags) = header(message);
    let edns = read.edns.as_ref();
    let edns = edns.map(|edns| (edns.max_payload(), edns.version(), edns.rcode_high(), edns.flags().dnssec_ok));
    let parts = |record: &HickoryRecord| {
        (wire(&record.name), u16::from(record.record_type()), u16::from(record.dns_class), record.ttl)
    };
    let sections = read.answers.iter().chain(&read.authorities).chain(&read.additionals).map(parts);
    Some(Facts {
        id: read.metadata.id,
        flags,
        question: (wire(question.name()), question.query_type().into(), question.query_class().into()),
        edns,
        records: reply.then(|| sections.filter(|(_, rtype, ..)| !APART.contains(rtype)).collect()),
    })
}

fn wire(name: &Name) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name {
        wire.push(label.len() as u8);
        wire.extend_from_slice(label);
    }
    wire.push(0);
    wire.to_ascii_lowercase()
}

/// All records are walked, and the names are read in the data that servers compress.
pub(super) fn domain(message: &[u8], reply: bool) -> Option<Facts> {
    let (id, flags) = header(message);
    let read = DomainMessage::from_octets(message).ok()?;
    let question = read.sole_question().ok()?;
    let mut records = Vec::new();
    let mut edns = None;
    for record in read.answer().ok()? {
        records.push(one(record.ok()?, &mut edns)?);
    }
    for record in read.authority().ok()? {
        records.push(one(record.ok()?, &mut edns)?);
    }
    for record in read.additional().ok()? {
        records.push(one(record.ok()?, &mut edns)?);
    }
    records.retain(|(_, rtype, ..)| !APART.contains(rtype));
    Some(Facts {
        id,
        flags,
        question: (lower(question.qname()), question.qtype().to_int(), question.qclass().to_int()),
        edns,
        records: reply.then_some(records),
    })
}

fn one(record: ParsedRecord<'_, &[u8]>, edns: &mut Option<Edns>) -> Option<One> {
    let sound = match record.rtype().to_int() {
        rtype::OPT => {
            let opt = OptRecord::from_record(record.to_record::<Opt<_>>().ok()??);
            let rcode_high = (record.ttl().as_secs() >> 24) as u8;
            *edns = Some((opt.udp_payload_size().max(LEAST), opt.version(), rcode_high, opt.dnssec_ok()));
            true
        }
        rtype::NS => record.to_record::<Ns<ParsedName<_>>>().is_ok(),
        rtype::CNAME => record.to_record::<Cname<ParsedName<_>>>().is_ok(),
        rtype::PTR => record.to_record::<Ptr<ParsedName<_>>>().is_ok(),
        rtype::SOA => record.to_record::<Soa<ParsedName<_>>>().is_ok(),
        rtype::MX => record.to_record::<Mx<ParsedName<_>>>().is_ok(),
        rtype::SRV => record.to_record::<Srv<ParsedName<_>>>().is_ok(),
        _ => true,
    };
    if !sound {
        return None;
    }
    Some((lower(&record.owner()), record.rtype().to_int(), record.class().to_int(), record.ttl().as_secs()))
}

fn lower(name: &impl ToName) -> Vec<u8> {
    name.to_vec().as_slice().to_ascii_lowercase()
}
