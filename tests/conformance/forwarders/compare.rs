//! What is different between two replies to one question, facet by facet: the order of records means nothing, nor does the case of
//! their owners, nor the sections that no client of a forwarder looks at.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use hickory_proto::op::Message;
use hickory_proto::rr::{Record, RecordType};

use crate::support::differential::{Part, different};
use crate::support::raw::Reply;
use crate::support::read::extended_errors;

/// Types whose data is numbers and names: NS, CNAME, SOA, PTR, MX and SRV.
pub const NAMES: [u16; 6] = [2, 5, 6, 12, 15, 33];

/// `age`: seconds that an answer may be old.
pub fn differences(ours: &Reply, theirs: &Reply, age: u32) -> BTreeSet<Part> {
    let (our, their) = (&ours.message, &theirs.message);
    // What is left of a cut reply is not to be used (RFC 2181 9).
    let cut = ours.tc() && theirs.tc();
    different([
        (Part::Rcode, ours.rcode() == theirs.rcode()),
        (Part::Aa, ours.aa() == theirs.aa()),
        (Part::Ra, ours.ra() == theirs.ra()),
        (Part::Tc, ours.tc() == theirs.tc()),
        (Part::Rd, ours.rd() == theirs.rd()),
        (Part::Ad, ours.ad() == theirs.ad()),
        (Part::Cd, ours.cd() == theirs.cd()),
        (Part::Question, echo(ours) == echo(theirs)),
        (Part::Edns, edns(our) == edns(their)),
        (Part::Ede, extended_errors(our) == extended_errors(their)),
        (Part::Answer, cut || set(&our.answers) == set(&their.answers)),
        (Part::Ttl, cut || ttls_agree(&our.answers, &their.answers, age)),
    ])
}

fn echo(reply: &Reply) -> &[u8] {
    if reply.counts()[0] == 1 { reply.question() } else { &[] }
}

fn edns(message: &Message) -> Option<bool> {
    message.edns.as_ref().map(|edns| edns.flags().dnssec_ok)
}

fn ttls_agree(ours: &[Record], theirs: &[Record], age: u32) -> bool {
    ours.iter().all(|record| {
        let same: Vec<&Record> = theirs.iter().filter(|other| text(other) == text(record)).collect();
        same.is_empty() || same.iter().any(|other| other.ttl.abs_diff(record.ttl) <= age)
    })
}

/// A record without its TTL; the case of names means nothing (RFC 4343 3), that of other data does.
pub fn text(record: &Record) -> String {
    let rtype = u16::from(record.record_type());
    let data = record.data.to_string();
    let data = if NAMES.contains(&rtype) { data.to_ascii_lowercase() } else { data };
    format!("{} {rtype} {data}", record.name.to_lowercase())
}

pub fn set(records: &[Record]) -> BTreeSet<String> {
    records.iter().map(text).collect()
}

pub fn is_alias(record: &Record) -> bool {
    record.record_type() == RecordType::CNAME
}

/// A reply in short.
pub fn shown(reply: &Reply) -> String {
    let mut out = String::new();
    let flags = [
        ("aa", reply.aa()),
        ("tc", reply.tc()),
        ("rd", reply.rd()),
        ("ra", reply.ra()),
        ("ad", reply.ad()),
        ("cd", reply.cd()),
    ];
    let flags: Vec<&str> = flags.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect();
    let size = reply.bytes.len();
    let _ = writeln!(
        out,
        "rcode {} flags {} edns {:?} {size} octets",
        reply.rcode(),
        flags.join(" "),
        edns(&reply.message)
    );
    for (code, text) in extended_errors(&reply.message) {
        let _ = writeln!(out, "EDE {code} {text}");
    }
    for record in reply.message.answers.iter().chain(&reply.message.authorities).take(20) {
        let _ = writeln!(out, "{record}");
    }
    let counts = reply.counts();
    let _ = writeln!(out, "counts {counts:?}");
    out
}
