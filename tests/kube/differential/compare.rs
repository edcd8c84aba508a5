//! What is different between two replies, facet by facet. Order within an RRset means nothing (both servers rotate), nor does
//! the SOA's serial, nor the id; the order of a chain of CNAMEs does.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record, RecordType};

use crate::support::differential::{Part, different};

pub fn differences(ours: &Message, theirs: &Message) -> BTreeSet<Part> {
    // What is left of a cut reply is not to be used (RFC 2181 9).
    let cut = ours.truncation && theirs.truncation;
    different([
        (Part::Rcode, ours.response_code == theirs.response_code),
        (Part::Aa, ours.authoritative == theirs.authoritative),
        (Part::Ra, ours.recursion_available == theirs.recursion_available),
        (Part::Tc, ours.truncation == theirs.truncation),
        (Part::Rd, ours.recursion_desired == theirs.recursion_desired),
        (Part::Ad, ours.authentic_data == theirs.authentic_data),
        (Part::Cd, ours.checking_disabled == theirs.checking_disabled),
        (Part::Question, question(ours) == question(theirs)),
        (Part::Edns, edns(ours) == edns(theirs)),
        (Part::Answer, cut || set(&ours.answers, false) == set(&theirs.answers, false)),
        (Part::Chain, cut || chain(ours) == chain(theirs)),
        (Part::Ttl, cut || common_ttls_agree(&ours.answers, &theirs.answers)),
        (Part::Authority, cut || set(&ours.authorities, true) == set(&theirs.authorities, true)),
        (Part::Additional, cut || set(&ours.additionals, true) == set(&theirs.additionals, true)),
    ])
}

/// A record as text: owner, TTL if it counts, type, data.
pub fn text(record: &Record, with_ttl: bool) -> String {
    let ttl = if with_ttl { record.ttl } else { 0 };
    format!("{} {ttl} {} {}", record.name, record.record_type(), data(&record.data))
}

/// The serial is the time of the last change, and each server has its own clock and its own idea of a change.
fn data(data: &RData) -> String {
    match data {
        RData::SOA(soa) => {
            let timers = [soa.refresh.unsigned_abs(), soa.retry.unsigned_abs(), soa.expire.unsigned_abs(), soa.minimum];
            format!("{} {} SERIAL {timers:?}", soa.mname, soa.rname)
        }
        other => other.to_string(),
    }
}

pub fn set(records: &[Record], with_ttl: bool) -> Vec<String> {
    let mut texts: Vec<String> = records.iter().map(|record| text(record, with_ttl)).collect();
    texts.sort_unstable();
    texts
}

fn chain(message: &Message) -> Vec<String> {
    message.answers.iter().filter(|it| it.record_type() == RecordType::CNAME).map(|it| text(it, false)).collect()
}

fn common_ttls_agree(ours: &[Record], theirs: &[Record]) -> bool {
    ours.iter().all(|record| {
        let same: Vec<&Record> = theirs.iter().filter(|other| text(other, false) == text(record, false)).collect();
        same.is_empty() || same.iter().any(|other| other.ttl == record.ttl)
    })
}

fn question(message: &Message) -> Vec<String> {
    let text =
        |query: &hickory_proto::op::Query| format!("{} {} {}", query.name(), query.query_class(), query.query_type());
    message.queries.iter().map(text).collect()
}

fn edns(message: &Message) -> Option<(u8, bool, u16)> {
    message.edns.as_ref().map(|edns| (edns.version(), edns.flags().dnssec_ok, edns.max_payload()))
}

/// A reply as `dig` would show it.
pub fn shown(message: &Message) -> String {
    let mut out = String::new();
    let flags = [
        ("qr", true),
        ("aa", message.authoritative),
        ("tc", message.truncation),
        ("rd", message.recursion_desired),
        ("ra", message.recursion_available),
        ("ad", message.authentic_data),
        ("cd", message.checking_disabled),
    ];
    let flags: Vec<&str> = flags.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect();
    let _ = writeln!(out, ";; status: {}, flags: {}", message.response_code, flags.join(" "));
    if let Some(edns) = &message.edns {
        let dnssec = if edns.flags().dnssec_ok { " do" } else { "" };
        let _ = writeln!(out, ";; EDNS: version {}{dnssec}, udp {}", edns.version(), edns.max_payload());
        for (code, text) in crate::support::read::extended_errors(message) {
            let _ = writeln!(out, ";; EDE: {code} ({text})");
        }
    }
    for query in &message.queries {
        let _ = writeln!(out, ";{query}");
    }
    for (section, records) in
        [("ANSWER", &message.answers), ("AUTHORITY", &message.authorities), ("ADDITIONAL", &message.additionals)]
    {
        if !records.is_empty() {
            let _ = writeln!(out, ";; {section}");
            for record in records.iter().take(24) {
                let _ = writeln!(out, "{record}");
            }
            if records.len() > 24 {
                let _ = writeln!(out, "... {} records", records.len());
            }
        }
    }
    out
}
