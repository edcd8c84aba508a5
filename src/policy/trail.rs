//! What rules did with a question, in words for `interlocal query`. It decides nothing and is not asked for by anybody else.

use std::net::IpAddr;

use super::compile::{Hosts, Policy, Rule, Turn};
use super::question::Question;
use super::tally::{Event, Events};
use crate::wire::mnemonic::type_text;
use crate::wire::reverse::Reverse;
use crate::wire::{Name, NameBuf, rtype};

/// The verdict of the rules of access; the event says which way it went.
pub(super) fn access(passed: bool, client: IpAddr, question: &Question, events: &Events) -> String {
    let about = format!("{} from {client}", question.text);
    match events.last().filter(|_| !passed) {
        Some((event, zone)) => format!("acl: {about} is {}, by a rule for {}", event.word(), of(zone)),
        None => format!("acl: {about} is let through"),
    }
}

/// By a rule that needs no look-up.
pub(super) fn answered(events: &Events) -> String {
    let word = events.last().map_or("a rule", |(event, _)| event.word());
    format!("{word}: answered without a look-up")
}

pub(super) fn no_name() -> String {
    "rewrite: makes of it what is no name".to_owned()
}

pub(super) fn rewritten(before: &Question, after: &Question) -> String {
    if (&before.name, before.qtype, before.qclass) == (&after.name, after.qtype, after.qclass) {
        return "rewrite: the reply will be changed".to_owned();
    }
    format!("rewrite: asked on as {} {}", after.text, type_text(after.qtype))
}

pub(super) fn template(events: &Events) -> String {
    match events.last() {
        Some((Event::Template { rtype, .. }, zone)) => {
            format!("template for {}: answers {}", of(zone), type_text(*rtype))
        }
        Some((Event::TemplateFailed { .. }, zone)) => format!("template for {}: could not be filled", of(zone)),
        _ => "template: no pattern fits, and no fallthrough".to_owned(),
    }
}

pub(super) fn translated() -> String {
    "dns64: asked for addresses of IPv4, to be translated".to_owned()
}

/// The table that answers, with the line that it has the name in.
pub(super) fn hosts(policy: &Policy, question: &Question, turn: Turn<'_>) -> String {
    let lines = policy.hosts.iter().filter(|rule| question.qtype == rtype::PTR || rule.zone(turn).is_some());
    lines.into_iter().find_map(|rule| line(rule, question)).unwrap_or_else(|| "hosts: not in the table".to_owned())
}

fn line(rule: &Rule<Hosts>, question: &Question) -> Option<String> {
    let address = || Reverse::parse(&NameBuf::from(question.name.as_ref()))?.address().map(|it| it.to_canonical());
    let address = if question.qtype == rtype::PTR { Some(address()?) } else { None };
    let tables = rule.what.sources().into_iter().zip(&rule.what.tables);
    let mut found = tables.filter_map(|(source, table)| {
        let line = match address {
            Some(address) => table.line_of_address(address),
            None => table.line_of(question.name.as_ref()),
        };
        Some(format!("hosts: {source} line {}", line?))
    });
    found.next()
}

fn of(zone: &Name) -> String {
    if zone.as_ref().is_root() { "every name".to_owned() } else { zone.to_string() }
}
