//! Asks a snapshot as a door does, and reads the reply with hickory.

use std::net::IpAddr;

use hickory_proto::op::Message;
use interlocal::wire::reply::{Owner, ReplyWriter, Verdict};
use interlocal::wire::reverse::Reverse;
use interlocal::wire::{Flags, Incoming, NameBuf, Query, Rcode, mnemonic, rtype};
use interlocal::zone::{Found, ReverseView, Snapshot};

/// What came back, in an order that does not depend on rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// `ANSWER`, `NODATA`, `NXDOMAIN`, `ALIAS target`, `NOT READY`, `NOT OWN`.
    pub(crate) found: String,
    /// `TYPE ttl data`, sorted.
    pub(crate) answers: Vec<String>,
    /// `owner TYPE data`, sorted.
    pub(crate) additional: Vec<String>,
    /// Owners of SOA records.
    pub(crate) denials: Vec<String>,
    pub(crate) truncated: bool,
    pub(crate) len: usize,
}

pub(crate) fn question(name: &str, qtype: u16) -> Vec<u8> {
    let name: interlocal::wire::Name = name.parse().unwrap();
    let mut message = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0".to_vec();
    message.extend_from_slice(name.as_ref().wire());
    message.extend_from_slice(&qtype.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    message
}

pub(crate) fn ask(zone: &Snapshot, name: &str, qtype: u16) -> Reply {
    ask_at(zone, 0, name, qtype, 65_535, 0)
}

pub(crate) fn ask_at(zone: &Snapshot, origin: usize, name: &str, qtype: u16, max: usize, rotation: usize) -> Reply {
    reply(&question(name, qtype), max, |name, writer| {
        let found = zone.lookup(origin, name, Owner::Question, qtype, writer, rotation);
        if let Found::Alias { target, at } = found {
            let mut written = NameBuf::new();
            let message = writer.written();
            written.read_plain(message, at).unwrap();
            assert_eq!(written.as_ref(), target.as_ref(), "the target stands where it is said to");
        }
        described(found)
    })
}

/// Asks for the names of an address.
pub(crate) fn ask_reverse(zone: &Snapshot, address: &str, view: ReverseView<'_>, qtype: u16) -> Reply {
    let address: IpAddr = address.parse().unwrap();
    reply(&question(&reverse_name(address), qtype), 65_535, |name, writer| {
        assert_eq!(Reverse::parse(name).and_then(Reverse::address), Some(address));
        described(zone.reverse(address, view, Owner::Question, qtype, writer))
    })
}

fn reply(question: &[u8], max: usize, look: impl FnOnce(&NameBuf, &mut ReplyWriter<'_>) -> (String, Rcode)) -> Reply {
    let mut name = NameBuf::new();
    let Incoming::Query(query) = Query::parse(question, &mut name) else { panic!("a question") };
    let mut out = vec![0; 65_535];
    let mut writer = ReplyWriter::start(&mut out, &query, max);
    let (found, rcode) = look(query.name, &mut writer);
    let len = writer.finish(&query, Verdict { rcode, flags: Flags::AA, ede: None, option: None });
    let message = Message::from_vec(&out[..len]).expect("hickory reads what we write");
    let mut reply = Reply {
        found,
        answers: message.answers.iter().map(|it| format!("{} {} {}", it.record_type(), it.ttl, it.data)).collect(),
        additional: message
            .additionals
            .iter()
            .map(|it| format!("{} {} {}", it.name, it.record_type(), it.data))
            .collect(),
        denials: message.authorities.iter().map(|it| it.name.to_string()).collect(),
        truncated: message.metadata.truncation,
        len,
    };
    for record in &message.answers {
        assert_eq!(record.name, message.queries[0].name, "answers belong to the question");
    }
    reply.answers.sort();
    reply.additional.sort();
    reply
}

fn described(found: Found<'_>) -> (String, Rcode) {
    match found {
        Found::Answer => ("ANSWER".into(), Rcode::NOERROR),
        Found::NoData(_) => ("NODATA".into(), Rcode::NOERROR),
        Found::NxDomain(_) => ("NXDOMAIN".into(), Rcode::NXDOMAIN),
        Found::Alias { target, .. } => (format!("ALIAS {target}"), Rcode::NOERROR),
        Found::NotReady => ("NOT READY".into(), Rcode::SERVFAIL),
        Found::NotOwn => ("NOT OWN".into(), Rcode::NXDOMAIN),
    }
}

pub(crate) fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let digits: Vec<String> =
                address.octets().iter().rev().map(|octet| format!("{:x}.{:x}", octet & 15, octet >> 4)).collect();
            format!("{}.ip6.arpa", digits.join("."))
        }
    }
}

/// `A`, `AAAA`, ...
pub(crate) fn type_named(text: &str) -> u16 {
    let all =
        [rtype::A, rtype::AAAA, rtype::SRV, rtype::PTR, rtype::CNAME, rtype::TXT, rtype::SOA, rtype::NS, rtype::MX];
    let all = all.into_iter().chain([rtype::ANY, rtype::HTTPS]);
    all.into_iter()
        .find(|number| mnemonic::type_text(*number) == text || (text == "ANY" && *number == rtype::ANY))
        .unwrap()
}
