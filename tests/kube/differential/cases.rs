//! When a wanted difference is what is seen: one predicate for each. They look at both replies and at what exists by the
//! specification, so that an entry does not hide another difference of the same part of a reply.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};

use super::compare::{set, text};
use super::model::ZONE;
use super::names::{Form, Names};
use super::questions::{Question, Way};

/// One question with both replies.
pub struct Case<'a> {
    pub question: &'a Question,
    pub names: &'a Names,
    pub ours: &'a Message,
    pub theirs: &'a Message,
}

impl Case<'_> {
    fn name(&self) -> String {
        self.question.name.to_ascii_lowercase()
    }

    /// In the zone, or one of our reverse names.
    fn inside(&self) -> bool {
        let name = self.name();
        name == ZONE || name.ends_with(&format!(".{ZONE}"))
    }
}

fn is_empty(message: &Message, rcode: ResponseCode) -> bool {
    message.response_code == rcode && message.answers.is_empty()
}

fn no_data(message: &Message) -> bool {
    is_empty(message, ResponseCode::NoError)
}

fn no_name(message: &Message) -> bool {
    is_empty(message, ResponseCode::NXDomain)
}

pub fn ra(case: &Case<'_>) -> bool {
    // CoreDNS passes on the flag of whoever it asks, and sets none itself.
    case.ours.recursion_available
}

pub fn own_size(case: &Case<'_>) -> bool {
    let (Some(ours), Some(theirs)) = (&case.ours.edns, &case.theirs.edns) else { return false };
    let same = ours.version() == theirs.version() && ours.flags().dnssec_ok == theirs.flags().dnssec_ok;
    let asked = match case.question.way {
        Way::UdpEdns(size) => size,
        _ => 1232,
    };
    same && ours.max_payload() == 1232 && theirs.max_payload() == asked
}

pub fn above_1232(case: &Case<'_>) -> bool {
    let large = |message: &Message| message.to_vec().is_ok_and(|bytes| bytes.len() > 1232);
    // Either answers do not fit into ours, or some glue.
    let less = case.ours.truncation || begins(&case.theirs.additionals, &case.ours.additionals);
    case.question.way == Way::UdpEdns(4096) && less && !case.theirs.truncation && large(case.theirs)
}

/// All answers are there, and not all glue.
pub fn glue_without_tc(case: &Case<'_>) -> bool {
    let srv = case.question.rtype == RecordType::SRV;
    srv && !case.ours.truncation && case.theirs.truncation && begins(&case.ours.answers, &case.theirs.answers)
}

pub fn between(case: &Case<'_>) -> bool {
    no_data(case.ours) && no_name(case.theirs) && case.names.is_between(&case.name())
}

pub fn other_type(case: &Case<'_>) -> bool {
    no_data(case.ours) && no_name(case.theirs) && case.names.exists(&case.name())
}

pub fn soa_of_nothing(case: &Case<'_>) -> bool {
    let nothing = !case.names.exists(&case.name()) && !case.names.is_between(&case.name());
    case.question.rtype == RecordType::SOA && nothing && no_name(case.ours) && no_data(case.theirs)
}

pub fn weights(case: &Case<'_>) -> bool {
    let weights = |message: &Message| -> Vec<u16> {
        let weight = |record: &Record| match &record.data {
            RData::SRV(srv) => Some(srv.weight),
            _ => None,
        };
        let mut weights: Vec<u16> = message.answers.iter().filter_map(weight).collect();
        weights.sort_unstable();
        weights
    };
    let ours = weights(case.ours);
    let share = u16::try_from(100 / ours.len().max(1)).unwrap_or(0).max(1);
    ours != weights(case.theirs)
        && ours.iter().all(|weight| *weight == share)
        && folded(&case.ours.answers) == folded(&case.theirs.answers)
}

pub fn case_of_data(case: &Case<'_>) -> bool {
    let same = |ours: &[Record], theirs: &[Record]| folded(ours) == folded(theirs);
    case.question.name != case.name()
        && same(&case.ours.answers, &case.theirs.answers)
        && same(&case.ours.additionals, &case.theirs.additionals)
        && same(&case.ours.authorities, &case.theirs.authorities)
}

pub fn any(case: &Case<'_>) -> bool {
    let [first, rest @ ..] = &case.ours.answers[..] else { return false };
    let one = rest.iter().all(|other| (&other.name, other.record_type()) == (&first.name, first.record_type()));
    case.question.rtype == RecordType::ANY && one && case.theirs.answers.is_empty()
}

pub fn alias_type(case: &Case<'_>) -> bool {
    let alias = case.ours.answers.first().is_some_and(|first| first.record_type() == RecordType::CNAME);
    let answered = [RecordType::A, RecordType::AAAA, RecordType::CNAME, RecordType::ANY];
    alias && case.inside() && !answered.contains(&case.question.rtype) && no_data(case.theirs)
}

/// An ExternalName whose target is inside and is not there, has no such type, or leads in a circle.
pub fn alias_inside(case: &Case<'_>) -> bool {
    let alias = !case.ours.answers.is_empty() && case.ours.answers.iter().all(is_alias);
    let addresses = [RecordType::A, RecordType::AAAA, RecordType::CNAME];
    alias && case.inside() && addresses.contains(&case.question.rtype) && no_data(case.theirs)
}

/// A chain that never ends.
pub fn circle(case: &Case<'_>) -> bool {
    let name = case.name();
    let circle = ["x-loop-a.", "x-loop-b.", "x-self."].iter().any(|it| name.starts_with(it));
    circle && is_empty(case.ours, ResponseCode::ServFail) && no_data(case.theirs)
}

/// Both have the chain, and we say how it ended.
pub fn end_of_chain(case: &Case<'_>) -> bool {
    let alias = case.ours.answers.last().is_some_and(is_alias);
    let soa = case.ours.authorities.iter().any(|record| record.record_type() == RecordType::SOA);
    let ended = soa || case.ours.response_code == ResponseCode::ServFail;
    alias
        && ended
        && same(case)
        && case.theirs.response_code == ResponseCode::NoError
        && case.theirs.authorities.is_empty()
}

/// An upstream's answer that ends with a CNAME.
pub fn upstream_alias(case: &Case<'_>) -> bool {
    // Inside, the first CNAME is the ExternalName's.
    let outside = !case.inside() || case.theirs.answers.len() > 1;
    outside && case.theirs.answers.last().is_some_and(is_alias) && begins(&case.ours.answers, &case.theirs.answers)
}

/// What is not in memory is refused; behind a CNAME of ours the answer ends with it.
pub fn no_recursion(case: &Case<'_>) -> bool {
    let refused = case.ours.response_code == ResponseCode::Refused;
    let ends = case.ours.response_code == ResponseCode::NoError && !case.ours.answers.is_empty();
    case.question.way == Way::NoRecursion
        && (refused || ends)
        && case.ours.answers.iter().all(is_alias)
        && (case.question.form == Form::Reverse || !case.inside() || !case.ours.answers.is_empty())
}

pub fn reverse_type(case: &Case<'_>) -> bool {
    let exists = case.names.exists(&case.name());
    let reverse = case.question.form == Form::Reverse && exists && case.question.rtype != RecordType::PTR;
    reverse && no_data(case.ours) && case.ours.authoritative && case.theirs.answers.is_empty()
}

/// CoreDNS without `fallthrough`.
pub fn reverse_of_others(case: &Case<'_>) -> bool {
    let arpa =
        |record: &Record| ["in-addr.arpa.", "ip6.arpa."].contains(&record.name.to_lowercase().to_ascii().as_str());
    let nobody = case.question.form == Form::Reverse && !case.names.exists(&case.name());
    let mut theirs = case.theirs.authorities.iter().chain(&case.theirs.answers);
    nobody && !case.ours.authoritative && case.theirs.authoritative && theirs.any(arpa)
}

/// Slices without their Service, or of an ExternalName: CoreDNS gives the address a name that does not lead back.
pub fn name_that_does_not_lead_back(case: &Case<'_>) -> bool {
    let ours = set(&case.ours.answers, false);
    let orphan = |record: &&Record| match &record.data {
        RData::PTR(target) => !case.names.exists(target.to_lowercase().to_ascii().trim_end_matches('.')),
        _ => false,
    };
    let more: Vec<&Record> = case.theirs.answers.iter().filter(|record| !ours.contains(&text(record, false))).collect();
    let none = case.names.exists(&case.name()) || no_name(case.ours);
    case.question.form == Form::Reverse
        && none
        && !more.is_empty()
        && more.iter().all(orphan)
        && begins(&case.theirs.answers, &case.ours.answers)
}

pub fn name_server(case: &Case<'_>) -> bool {
    let name = case.name();
    let asked = name == format!("ns.dns.{ZONE}") || (name == ZONE && case.question.rtype == RecordType::NS);
    asked && case.ours.response_code == ResponseCode::NoError
}

pub fn pod_srv(case: &Case<'_>) -> bool {
    let invented = |record: &Record| matches!(&record.data, RData::SRV(srv) if srv.port == 0);
    let pod = case.name().ends_with(&format!(".pod.{ZONE}")) && case.question.rtype == RecordType::SRV;
    pod && no_data(case.ours) && !case.theirs.answers.is_empty() && case.theirs.answers.iter().all(invented)
}

pub fn below_a_pod(case: &Case<'_>) -> bool {
    let labels = case.name().strip_suffix(&format!(".pod.{ZONE}")).map_or(0, |front| front.split('.').count());
    labels > 2 && no_name(case.ours) && case.theirs.response_code == ResponseCode::NoError
}

/// An address of a pod, written in another way than the API writes it.
pub fn spelling_of_a_pod(case: &Case<'_>) -> bool {
    let other = ["fd00-10-5-0-0-0-0-1.default.pod.", "fd00-10-5--0.default.pod."];
    let asked = other.iter().any(|it| case.name().starts_with(it));
    asked && case.ours.response_code == ResponseCode::NoError && no_name(case.theirs)
}

pub fn odd_port(case: &Case<'_>) -> bool {
    let name = case.name();
    let numberless = name.contains("every.") && name.ends_with(".all-ports.shop.svc.cluster.local");
    let asked = numberless
        || ["_._tcp.", "_._udp.", "_._sctp.", "_.tcp.", "_.udp.", "_.sctp."].iter().any(|it| name.starts_with(it));
    asked && no_name(case.ours) && case.theirs.response_code == ResponseCode::NoError
}

/// One endpoint name in slices with different ports or of both families is one host for us.
pub fn one_host(case: &Case<'_>) -> bool {
    case.names.shares_hosts(&case.name())
        && case.ours.response_code == ResponseCode::NoError
        && begins(&case.ours.answers, &case.theirs.answers)
        && begins(&case.ours.additionals, &case.theirs.additionals)
}

fn is_alias(record: &Record) -> bool {
    record.record_type() == RecordType::CNAME
}

fn same(case: &Case<'_>) -> bool {
    folded(&case.ours.answers) == folded(&case.theirs.answers)
}

/// Is every record of `some` in `all`?
fn begins(all: &[Record], some: &[Record]) -> bool {
    let all = folded(all);
    folded(some).iter().all(|record| all.contains(record))
}

/// Records without the case of names, without TTLs, and without SRV weights.
fn folded(records: &[Record]) -> Vec<String> {
    let without_weight = |record: &Record| {
        let mut record = record.clone();
        if let RData::SRV(srv) = &mut record.data {
            srv.weight = 0;
        }
        record
    };
    let records: Vec<Record> = records.iter().map(without_weight).collect();
    let mut texts: Vec<String> = set(&records, false).iter().map(|text| text.to_ascii_lowercase()).collect();
    texts.sort_unstable();
    texts
}
