//! When a wanted difference is what is seen: one predicate for each. They look at what the upstream says, so that an entry does
//! not hide another difference of the same part of a reply.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::Record;

use super::compare::{NAMES, is_alias, set};
use super::questions::Question;
use super::wanted::Peer;
use super::world::{self, Answer};
use crate::support::lab::{REFUSED, SERVFAIL};
use crate::support::name;
use crate::support::raw::Reply;

/// One question with both replies.
pub struct Case<'a> {
    pub peer: Peer,
    pub question: &'a Question,
    pub ours: &'a Reply,
    pub theirs: &'a Reply,
    /// Seconds that an answer may be old.
    pub age: u32,
}

impl Case<'_> {
    /// What the upstream says.
    pub fn source(&self) -> Answer {
        world::answer(&name(&self.question.name), self.question.qtype.into())
    }
}

/// What UDP replies have at most.
const LARGEST: usize = 1_232;
/// `cache.max_ttl` and `cache.max_negative_ttl`.
const CAPS: [u32; 2] = [30, 10];

/// All links of a chain, and no end.
fn ends_open(records: &[Record]) -> bool {
    records.last().is_some_and(is_alias)
}

fn holds(all: &[Record], some: &[Record]) -> bool {
    set(all).is_superset(&set(some))
}

/// Each TTL is the upstream's, or the cap if that is less, but for the age.
pub fn capped(case: &Case<'_>) -> bool {
    let source = case.source().answers.first().map_or(300, |record| record.ttl);
    let full = if case.question.kind == "ttl" { source } else { 300 };
    full > CAPS[1]
        && full >> 31 == 0
        && case
            .ours
            .message
            .answers
            .iter()
            .all(|record| record.ttl <= CAPS[0].min(full) && record.ttl + case.age >= CAPS[1].min(full))
        && case.theirs.message.answers.iter().all(|record| record.ttl <= full)
}

pub fn top_bit(case: &Case<'_>) -> bool {
    let odd = |record: &Record| record.ttl >> 31 == 1;
    case.source().answers.iter().all(odd)
        && case.theirs.message.answers.iter().all(odd)
        && case.ours.message.answers.iter().all(|record| record.ttl == 0)
}

pub fn aa(case: &Case<'_>) -> bool {
    case.source().aa && case.theirs.aa() && !case.ours.aa()
}

pub fn ra(case: &Case<'_>) -> bool {
    case.source().no_ra && case.ours.ra() && !case.theirs.ra()
}

fn asks_for_ad(case: &Case<'_>) -> bool {
    case.question.ad || case.question.dnssec_ok
}

pub fn ad_unasked(case: &Case<'_>) -> bool {
    case.source().ad && case.theirs.ad() && !case.ours.ad() && !asks_for_ad(case)
}

pub fn ad_passed(case: &Case<'_>) -> bool {
    case.source().ad && case.ours.ad() && !case.theirs.ad() && asks_for_ad(case)
}

/// The upstream leaves a chain open, we go on.
pub fn open_chain(case: &Case<'_>) -> bool {
    let theirs = &case.theirs.message.answers;
    let chain = case.question.kind.starts_with("chain") && ![5, 255].contains(&case.question.qtype);
    chain && ends_open(theirs) && (case.ours.tc() || holds(&case.ours.message.answers, theirs))
}

/// We give up on it, and say so.
pub fn endless(case: &Case<'_>) -> bool {
    let endless = ["loop", "chain14"].contains(&case.question.kind);
    endless && case.ours.rcode() == SERVFAIL && case.ours.answers() == 0
}

/// The upstream follows it itself and says how it ends.
pub fn long_and_whole(case: &Case<'_>) -> bool {
    let long = case.question.kind == "chain14" && case.source().answers.len() > 11;
    long && case.theirs.rcode() == SERVFAIL && case.theirs.answers() == 0 && ends_open(&case.ours.message.answers)
}

pub fn no_recursion(case: &Case<'_>) -> bool {
    !case.question.rd && case.ours.rcode() == REFUSED && case.ours.answers() == 0
}

pub fn memory_without_recursion(case: &Case<'_>) -> bool {
    !case.question.rd && case.theirs.rcode() == REFUSED && case.ours.rcode() != REFUSED
}

pub fn extended_errors(case: &Case<'_>) -> bool {
    use crate::support::read::extended_errors;
    !extended_errors(&case.ours.message).is_empty() && extended_errors(&case.theirs.message).is_empty()
}

pub fn rcode_passed(case: &Case<'_>) -> bool {
    let source = case.source().rcode;
    let failed = !matches!(source, ResponseCode::NoError | ResponseCode::NXDomain | ResponseCode::ServFail);
    failed && case.theirs.rcode() == SERVFAIL && case.ours.rcode() == u16::from(source)
}

pub fn extended_rcode(case: &Case<'_>) -> bool {
    let source = u16::from(case.source().rcode);
    source > 15 && case.question.size == 0 && case.theirs.rcode() == source & 15 && case.ours.rcode() == SERVFAIL
}

pub fn records_beside(case: &Case<'_>) -> bool {
    let (ours, theirs) = (&case.ours.message.answers, &case.theirs.message.answers);
    let asked = name(&case.question.name);
    case.question.kind == "extra" && holds(ours, theirs) && theirs.iter().all(|record| record.name == asked)
}

pub fn above_1232(case: &Case<'_>) -> bool {
    !case.question.tcp && case.question.room() > LARGEST && case.ours.tc() && case.theirs.bytes.len() > LARGEST
}

/// What fits only with its names compressed.
pub fn compression(case: &Case<'_>) -> bool {
    let named = case.question.kind.starts_with("chain") || NAMES.contains(&case.question.qtype);
    let fits = case.theirs.bytes.len() <= case.question.room().min(LARGEST);
    named && !case.question.tcp && case.ours.tc() && !case.theirs.tc() && fits
}

pub fn cut(case: &Case<'_>) -> bool {
    !case.question.tcp && case.theirs.tc() && !case.ours.tc() && case.ours.rcode() == case.theirs.rcode()
}

/// We give one RRset in 512 octets; what does not fit is cut.
pub fn any_over_udp(case: &Case<'_>) -> bool {
    case.question.qtype == 255 && !case.question.tcp && case.ours.tc() && case.theirs.bytes.len() > 512
}

/// Whatever types of the name it was asked for before.
pub fn any_from_memory(case: &Case<'_>) -> bool {
    let true_ones = |record: &Record| {
        let mut message = Message::query();
        message.answers = world::answer(&record.name, record.record_type()).answers;
        // As they are read, not as they were made.
        let there = Message::from_vec(&message.to_vec().unwrap()).unwrap().answers;
        holds(&there, std::slice::from_ref(record))
    };
    case.question.qtype == 255 && case.theirs.answers() > 0 && case.theirs.message.answers.iter().all(true_ones)
}
