//! What the query target's cache holds: replies as other servers send them, one of each kind that an answer from memory can be.

use interlocal::wire::reply::{Owner, Section, Verdict};
use interlocal::wire::{Flags, Incoming, MAX_MESSAGE, NameBuf, Query, Rcode, ReplyWriter, rtype};

/// The numbers of routes: the upstream for everything, the stub zone, and the last of three regions.
pub(crate) const EVERYTHING: u64 = 0;
pub(crate) const CORP: u64 = 1;
pub(crate) const WEST: u64 = 102;

/// As long as the cache keeps anything here.
const TTL: u32 = 604_800;
const SOA: &[u8] = b"\x02ns\0\x04mail\0\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x01\x51\x80";

type Record = (Section, u16, u32, &'static [u8]);

/// Whose they are, and the messages.
pub(crate) fn replies() -> Vec<(u64, Vec<u8>)> {
    use Section::{Additional, Answer, Authority};
    let text: Record = (Answer, rtype::TXT, TTL, b"\x3cabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij");
    let (a, cname) = (rtype::A, rtype::CNAME);
    let reply = |name, qtype, rcode, records: &[Record]| reply(name, qtype, rcode, records);
    vec![
        (
            EVERYTHING,
            reply(
                "www.example.com",
                a,
                Rcode::NOERROR,
                &[(Answer, a, TTL, &[192, 0, 2, 1]), (Answer, a, 9_999_999, &[192, 0, 2, 2])],
            ),
        ),
        (EVERYTHING, reply("big.example.com", rtype::TXT, Rcode::NOERROR, &[text; 40])),
        (
            EVERYTHING,
            reply(
                "mx.example.com",
                rtype::MX,
                Rcode::NOERROR,
                &[(Answer, rtype::MX, TTL, b"\0\x05\xc0\x0c"), (Additional, a, TTL, &[192, 0, 2, 3])],
            ),
        ),
        (EVERYTHING, reply("none.example.com", a, Rcode::NXDOMAIN, &[(Authority, rtype::SOA, TTL, SOA)])),
        (EVERYTHING, reply("nodata.example.com", a, Rcode::NOERROR, &[(Authority, rtype::SOA, TTL, SOA)])),
        // Chains that end elsewhere: in the cache, in the zone, in a region, and in themselves.
        (
            EVERYTHING,
            reply("alias.example.com", a, Rcode::NOERROR, &[(Answer, cname, TTL, b"\x03www\x07example\x03com\0")]),
        ),
        (
            EVERYTHING,
            reply(
                "big-alias.example.com",
                rtype::TXT,
                Rcode::NOERROR,
                &[(Answer, cname, TTL, b"\x03big\x07example\x03com\0")],
            ),
        ),
        (
            EVERYTHING,
            reply(
                "inside.example.com",
                a,
                Rcode::NOERROR,
                &[(Answer, cname, TTL, b"\x03web\x04shop\x03svc\x07cluster\x05local\0")],
            ),
        ),
        (
            EVERYTHING,
            reply(
                "far.example.com",
                a,
                Rcode::NOERROR,
                &[(Answer, cname, TTL, b"\x02db\x04west\x03svc\x07cluster\x05local\0")],
            ),
        ),
        (
            EVERYTHING,
            reply("loop.example.com", a, Rcode::NOERROR, &[(Answer, cname, TTL, b"\x04loop\x07example\x03com\0")]),
        ),
        (CORP, reply("www.corp.example.com", a, Rcode::NOERROR, &[(Answer, a, TTL, &[192, 0, 2, 9])])),
        (WEST, reply("db.west.svc.cluster.local", a, Rcode::NOERROR, &[(Answer, a, TTL, &[10, 0, 112, 7])])),
        // A name that only the region can resolve.
        (
            WEST,
            reply(
                "private.west.svc.cluster.local",
                a,
                Rcode::NOERROR,
                &[(Answer, cname, TTL, b"\x01x\x01y\x03svc\x07cluster\x05local\0")],
            ),
        ),
        (
            WEST,
            reply(
                "7.112.0.10.in-addr.arpa",
                rtype::PTR,
                Rcode::NOERROR,
                &[(Answer, rtype::PTR, TTL, b"\x02db\x04west\x03svc\x07cluster\x05local\0")],
            ),
        ),
    ]
}

/// A reply whose records all belong to the question's name.
fn reply(name: &str, qtype: u16, rcode: Rcode, records: &[Record]) -> Vec<u8> {
    let name: interlocal::wire::Name = name.parse().expect("a name");
    let mut question = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0".to_vec();
    question.extend_from_slice(name.as_ref().wire());
    question.extend_from_slice(&qtype.to_be_bytes());
    question.extend_from_slice(&[0, 1]);
    let mut buf = NameBuf::new();
    let Incoming::Query(query) = Query::parse(&question, &mut buf) else { panic!("a question") };
    let mut out = vec![0; MAX_MESSAGE];
    let mut writer = ReplyWriter::start(&mut out, &query, MAX_MESSAGE);
    for (section, record_type, ttl, data) in records {
        writer.push(*section, Owner::Question, *record_type, *ttl, &[data]).expect("it fits");
    }
    let len = writer.finish(&query, Verdict { rcode, flags: Flags::RA, ede: None, option: None });
    out.truncate(len);
    out
}
