//! Bodies against messages that hickory wrote, and that hickory reads back.

use std::net::Ipv4Addr;

use hickory_proto::op::{Edns as HickoryEdns, Message, MessageType, OpCode, Query as HickoryQuery, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, MX, SOA};
use hickory_proto::rr::{Name as HickoryName, RData, Record as HickoryRecord, RecordType};

use super::*;
use crate::wire::Incoming;

fn name(text: &str) -> HickoryName {
    HickoryName::from_ascii(text).expect("a name")
}

fn message(asked: &str, rcode: ResponseCode) -> Message {
    let mut message = Message::new(7, MessageType::Response, OpCode::Query);
    message.metadata.response_code = rcode;
    message.add_query(HickoryQuery::query(name(asked), RecordType::A));
    message
}

fn a(owner: &str, ttl: u32, last: u8) -> HickoryRecord {
    HickoryRecord::from_rdata(name(owner), ttl, RData::A(A(Ipv4Addr::new(192, 0, 2, last))))
}

fn cname(owner: &str, ttl: u32, target: &str) -> HickoryRecord {
    HickoryRecord::from_rdata(name(owner), ttl, RData::CNAME(CNAME(name(target))))
}

fn soa(owner: &str, ttl: u32, minimum: u32) -> HickoryRecord {
    let data = SOA::new(name("ns.x."), name("host.x."), 1, 7200, 1800, 86_400, minimum);
    HickoryRecord::from_rdata(name(owner), ttl, RData::SOA(data))
}

fn body(message: &Message) -> ReplyBody {
    let bytes = message.to_vec().expect("hickory writes it");
    ReplyBody::read(&bytes, rtype::A).expect("well formed").0
}

/// Writes a body for a question and lets hickory read it.
fn written(body: &ReplyBody, asked: &str, max: usize, ttl: impl Fn(u32) -> u32) -> (usize, Message) {
    let mut question = Message::new(99, MessageType::Query, OpCode::Query);
    question.add_query(HickoryQuery::query(name(asked), RecordType::A));
    question.edns = Some(HickoryEdns::new());
    let bytes = question.to_vec().expect("hickory writes it");
    let mut buf = NameBuf::new();
    let Incoming::Query(query) = Query::parse(&bytes, &mut buf) else { panic!("a question") };
    let mut out = vec![0; 65_535];
    let asker = Asker { max, flags: Flags::RA, ede: None, option: None, keepalive: None, rotation: 0 };
    let len = body.write(&query, &mut out, asker, ttl);
    (len, Message::from_vec(&out[..len]).expect("hickory reads it"))
}

/// The last octets of the addresses, as a reply with this rotation has them.
fn turned(body: &ReplyBody, max: usize, rotation: usize) -> Vec<u8> {
    let question = b"\0\x09\x01\0\0\x01\0\0\0\0\0\0\x03web\x01x\0\0\x01\0\x01";
    let mut buf = NameBuf::new();
    let Incoming::Query(query) = Query::parse(question, &mut buf) else { panic!("a question") };
    let mut out = vec![0; 65_535];
    let asker = Asker { max, flags: Flags::RA, ede: None, option: None, keepalive: None, rotation };
    let len = body.write(&query, &mut out, asker, |ttl| ttl);
    let reply = Message::from_vec(&out[..len]).expect("hickory reads it");
    let last = |record: &HickoryRecord| match &record.data {
        RData::A(address) => address.octets()[3],
        _ => 0,
    };
    reply.all_sections().map(last).collect()
}

#[test]
fn addresses_take_turns_where_nothing_stands_behind_them() {
    let mut source = message("web.x.", ResponseCode::NoError);
    (1..=3).for_each(|last| {
        source.add_answer(a("web.x.", 60, last));
    });
    let plain = body(&source);
    assert_eq!(
        [0, 1, 2, 3].map(|rotation| turned(&plain, 512, rotation)),
        [[1, 2, 3], [2, 3, 1], [3, 1, 2], [1, 2, 3]]
    );
    // Two of them fit: those take turns.
    let room = 12 + 11 + 2 * 16;
    assert_eq!([0, 1].map(|rotation| turned(&plain, room, rotation)), [[1, 2], [2, 1]]);
    source.add_authority(HickoryRecord::from_rdata(name("x."), 9, RData::MX(MX::new(1, name("mx.web.x.")))));
    assert_eq!(turned(&body(&source), 512, 1), [1, 2, 3, 0], "what has more keeps its order");
    let mut chain = message("web.x.", ResponseCode::NoError);
    chain.add_answer(HickoryRecord::from_rdata(name("web.x."), 60, RData::CNAME(CNAME(name("real.x.")))));
    (1..=3).for_each(|last| {
        chain.add_answer(a("real.x.", 60, last));
    });
    assert_eq!(turned(&body(&chain), 512, 4), [0, 2, 3, 1], "the chain stays in front");
    let mut one = message("web.x.", ResponseCode::NoError);
    one.add_answer(a("web.x.", 60, 7));
    assert_eq!(turned(&body(&one), 512, 5), [7]);
}

#[test]
fn a_body_is_given_to_any_asker_with_their_case_and_id() {
    let mut source = message("web.x.", ResponseCode::NoError);
    source.add_answer(a("web.x.", 60, 1));
    source.add_answer(a("web.x.", 30, 2));
    source.add_additional(HickoryRecord::from_rdata(name("x."), 9, RData::MX(MX::new(1, name("mx.web.x.")))));
    source.edns = Some(HickoryEdns::new());
    let body = body(&source);
    assert_eq!((body.ttl, body.answers()), (Some(30), 2));
    let (_, reply) = written(&body, "WEB.x.", 1232, |ttl| ttl - 5);
    assert_eq!(reply.metadata.id, 99);
    let ttls: Vec<_> = reply.all_sections().map(|record| (record.name.to_string(), record.ttl)).collect();
    assert_eq!(ttls, [("WEB.x.".into(), 55), ("WEB.x.".into(), 25), ("x.".into(), 4)]);
}

#[test]
fn a_large_body_is_cut_at_a_record() {
    let mut source = message("web.x.", ResponseCode::NoError);
    (0..60).for_each(|last| {
        source.add_answer(a("web.x.", 60, last));
    });
    let (len, reply) = written(&body(&source), "web.x.", 512, |ttl| ttl);
    assert!(len <= 512);
    assert!(reply.metadata.truncation && reply.edns.is_some());
    assert_eq!(reply.answers.len(), (512 - 12 - 11 - 11) / 16);
}

#[test]
fn a_denial_lives_as_long_as_its_soa_says() {
    let mut denial = message("no.x.", ResponseCode::NXDomain);
    assert_eq!(body(&denial).ttl, None, "no SOA, not kept");
    denial.add_authority(soa("x.", 300, 20));
    assert_eq!(body(&denial).ttl, Some(20));
    let mut failure = message("no.x.", ResponseCode::ServFail);
    failure.add_authority(soa("x.", 300, 20));
    assert_eq!(body(&failure).ttl, None);
}

#[test]
fn an_open_chain_names_where_it_leads() {
    let mut source = message("a.x.", ResponseCode::NoError);
    source.add_answer(cname("b.x.", 9, "c.y."));
    source.add_answer(cname("a.x.", 60, "b.x."));
    assert_eq!(body(&source).open_target.map(|name| name.to_string()).as_deref(), Some("c.y"));
    assert_eq!(body(&source).ttl, Some(9), "kept, and followed by whoever reads it");
    source.add_answer(a("c.y.", 5, 1));
    assert_eq!((body(&source).open_target, body(&source).ttl), (None, Some(5)));
    let mut nodata = message("a.x.", ResponseCode::NoError);
    nodata.add_answer(cname("a.x.", 60, "b.x."));
    nodata.add_authority(soa("x.", 300, 20));
    assert_eq!((body(&nodata).open_target, body(&nodata).ttl), (None, Some(20)), "the target has no such type");
}

#[test]
fn a_loop_of_cnames_ends() {
    let mut source = message("a.x.", ResponseCode::NoError);
    source.add_answer(cname("a.x.", 60, "b.x."));
    source.add_answer(cname("b.x.", 60, "a.x."));
    assert!(body(&source).open_target.is_some());
}

#[test]
fn chains_are_joined_without_stale_pointers() {
    let mut first = message("a.x.", ResponseCode::NoError);
    first.add_answer(cname("a.x.", 60, "far.longer.y."));
    first.metadata.authoritative = true;
    let mut second = message("far.longer.y.", ResponseCode::NoError);
    second.add_answer(cname("far.longer.y.", 9, "end.longer.y."));
    second.add_answer(a("end.longer.y.", 5, 7));
    let (asked, target) = ("a.x".parse::<Name>().expect("a name"), "far.longer.y".parse::<Name>().expect("a name"));
    let joined =
        body(&first).chained(asked.as_ref(), target.as_ref(), &body(&second), rtype::A).expect("both are well formed");
    assert_eq!((joined.ttl, joined.open_target.as_ref()), (Some(5), None));
    assert_eq!(joined.flags, Flags::AA, "the first owner counts (RFC 1035 4.1.1)");
    let (_, reply) = written(&joined, "A.x.", 1232, |ttl| ttl);
    let seen: Vec<_> = reply.answers.iter().map(|record| format!("{} {}", record.name, record.data)).collect();
    assert_eq!(seen, ["A.x. far.longer.y.", "far.longer.y. end.longer.y.", "end.longer.y. 192.0.2.7"]);
}

#[test]
fn what_stands_behind_opt_is_dropped() {
    let mut source = message("web.x.", ResponseCode::NoError);
    source.add_answer(a("web.x.", 60, 1));
    source.edns = Some(HickoryEdns::new());
    let mut bytes = source.to_vec().expect("hickory writes it");
    bytes[11] = 2;
    bytes.extend_from_slice(b"\x01t\0\0\xfa\0\xff\0\0\0\0\0\x02\xab\xcd");
    let (body, edns) = ReplyBody::read(&bytes, rtype::A).expect("well formed");
    assert!(edns.is_some());
    assert_eq!(body.counts, [1, 0, 0]);
    bytes.truncate(bytes.len() - 1);
    assert_eq!(ReplyBody::read(&bytes, rtype::A).map(|_| ()), Err(WireError::Short));
}

/// "web.x A", two answers: the owner of the second one is a pointer to `place`. The first one's TTL is a name, "a".
fn pointing(place: u16) -> Vec<u8> {
    let mut bytes = b"\0\x07\x81\x80\0\x01\0\x02\0\0\0\0\x03web\x01x\0\0\x01\0\x01".to_vec();
    for owner in [0xc00c, 0xc000 | place] {
        bytes.extend_from_slice(&u16::to_be_bytes(owner));
        bytes.extend_from_slice(b"\0\x01\0\x01\x01\x61\0\0\0\x04\xc0\0\x02\x01");
    }
    bytes
}

#[test]
fn names_that_lead_through_what_changes_are_refused() {
    // The TTL of the first answer lies from 29 to 32. Where something else is, a name is odd but stays what it is.
    for (place, read) in
        [(12, true), (16, true), (25, true), (4, false), (26, false), (29, false), (31, false), (33, true)]
    {
        let bytes = pointing(place);
        assert_eq!(ReplyBody::read(&bytes, rtype::A).err(), (!read).then_some(WireError::Pointer), "{place}");
    }
    let mut own = pointing(12);
    own[6..8].copy_from_slice(&[0, 1]);
    own.splice(25..27, [0, 5]);
    own.splice(33.., *b"\0\x02\xc0\x1d");
    assert_eq!(ReplyBody::read(&own, rtype::A).err(), Some(WireError::Pointer), "its own TTL");
}

#[test]
fn records_without_a_question_are_dropped() {
    let mut bytes = b"\0\x07\x81\x82\0\0\0\x02\0\0\0\0\x01x\0".to_vec();
    bytes.extend_from_slice(b"\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01");
    bytes.extend_from_slice(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01");
    let (body, _) = ReplyBody::read(&bytes, rtype::A).expect("well formed");
    assert_eq!((body.rcode, body.answers(), body.records.len()), (Rcode::SERVFAIL, 0, 0));
}

/// Whoever calls has looked at the question before, but need not.
#[test]
fn a_question_that_is_cut_short_or_not_alone_is_refused() {
    let whole = b"\0\x07\x81\x80\0\x01\0\0\0\0\0\0\x03web\x01x\0\0\x01\0\x01".to_vec();
    assert!(ReplyBody::read(&whole, rtype::A).is_ok());
    for len in 0..whole.len() {
        assert_eq!(ReplyBody::read(&whole[..len], rtype::A).err(), Some(WireError::Short), "{len}");
    }
    let mut two = whole;
    two[5] = 2;
    assert_eq!(ReplyBody::read(&two, rtype::A).err(), Some(WireError::Question));
}

#[test]
fn opt_belongs_to_the_root() {
    let mut bytes = pointing(12);
    bytes[11] = 1;
    bytes.extend_from_slice(b"\0\0\x29\x04\xd0\0\0\0\0\0\0");
    assert!(ReplyBody::read(&bytes, rtype::A).is_ok_and(|(_, edns)| edns.is_some()));
    let opt = bytes.len() - 11;
    bytes.splice(opt..=opt, *b"\xc0\x0c");
    assert_eq!(ReplyBody::read(&bytes, rtype::A).err(), Some(WireError::Edns));
}
