//! What is different between two replies to a question of a rule. Order within a section means nothing but for CNAMEs; RA is ours
//! alone to set, and how large an OPT may be is no rule's business.

use std::collections::BTreeSet;

use hickory_proto::op::Message;
use hickory_proto::rr::Record;

use crate::support::read::extended_errors;

/// A part of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// One answers, the other does not.
    Silence,
    Rcode,
    Aa,
    Rd,
    Answer,
    Ttl,
    Authority,
    Additional,
    Ede,
    Option,
}

pub fn differences(ours: Option<&Message>, theirs: Option<&Message>) -> BTreeSet<Part> {
    let (ours, theirs) = match (ours, theirs) {
        (Some(ours), Some(theirs)) => (ours, theirs),
        (None, None) => return BTreeSet::new(),
        _ => return [Part::Silence].into(),
    };
    let codes = |message| extended_errors(message).into_iter().collect::<Vec<_>>();
    let ttls = |message: &Message| message.answers.iter().map(|record| record.ttl).collect::<BTreeSet<_>>();
    let checks = [
        (Part::Rcode, ours.response_code == theirs.response_code),
        (Part::Aa, ours.authoritative == theirs.authoritative),
        (Part::Rd, ours.recursion_desired == theirs.recursion_desired),
        (Part::Answer, set(&ours.answers) == set(&theirs.answers)),
        (Part::Ttl, ttls(ours) == ttls(theirs)),
        (Part::Authority, set(&ours.authorities) == set(&theirs.authorities)),
        (Part::Additional, set(&ours.additionals) == set(&theirs.additionals)),
        (Part::Ede, codes(ours) == codes(theirs)),
        (Part::Option, nsid(ours) == nsid(theirs)),
    ];
    checks.into_iter().filter(|(_, same)| !same).map(|(part, _)| part).collect()
}

/// A reply as a text, for whoever has to find out why.
pub fn shown(message: Option<&Message>) -> String {
    let Some(message) = message else { return "nothing".into() };
    let sections =
        [&message.answers, &message.authorities, &message.additionals].map(|records| set(records).join("; "));
    let flags = [("aa", message.authoritative), ("rd", message.recursion_desired), ("tc", message.truncation)];
    let flags: Vec<&str> = flags.into_iter().filter(|(_, set)| *set).map(|(word, _)| word).collect();
    let ede: Vec<String> = extended_errors(message).into_iter().map(|error| format!("{error:?}")).collect();
    format!("{} [{}] {:?} {ede:?} {:?}", message.response_code, flags.join(" "), sections, nsid(message))
}

fn set(records: &[Record]) -> Vec<String> {
    let text = |record: &Record| {
        let owner = record.name.to_string().to_lowercase();
        format!("{owner} {} {} {}", record.dns_class, record.record_type(), record.data)
    };
    let mut texts: Vec<String> = records.iter().map(text).collect();
    texts.sort_unstable();
    texts
}

fn nsid(message: &Message) -> Option<String> {
    let edns = message.edns.as_ref()?;
    let option = edns.options().as_ref().iter().find(|(code, _)| u16::from(*code) == 3)?;
    Some(format!("{:?}", option.1))
}
