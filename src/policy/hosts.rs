//! Names and addresses of a hosts table.

use super::compile::{Hosts, Policy, Rule, Turn};
use super::fixed::answer;
use super::message::Message;
use super::question::Question;
use super::tally::{Event, Events};
use crate::answer::{Failure, by_rule};
use crate::config::policy::HostTable;
use crate::wire::reverse::Reverse;
use crate::wire::{Flags, Name, NameBuf, rtype};

impl Policy {
    /// The answer of the first table that has one.
    pub(super) fn hosts(&self, question: &Question, turn: Turn<'_>, events: &mut Events) -> Option<Message> {
        self.hosts.iter().find_map(|rule| {
            let zone = rule.zone(turn);
            if zone.is_none() && !(question.qtype == rtype::PTR && rule.scope.holds(turn.asked)) {
                return None;
            }
            let reply = one(rule, question, zone.is_some())?;
            events.push((Event::Hosts, zone.map_or_else(Name::root, |zone| zone.to_name())));
            Some(reply)
        })
    }
}

/// What one table says; none if the question goes on. An address has no zone: its names are in the table, or it goes on.
fn one(rule: &Rule<Hosts>, question: &Question, inside: bool) -> Option<Message> {
    let (hosts, name) = (&rule.what, question.name.as_ref());
    let found = |rtype, data: Vec<Vec<u8>>| answer(question, Flags::AA, rtype, hosts.rule.ttl, data);
    if question.qtype == rtype::PTR {
        let address = Reverse::parse(&NameBuf::from(name))?.address()?.to_canonical();
        let names = hosts.tables.iter().flat_map(|table| table.names(address));
        let names: Vec<Vec<u8>> = names.map(|name| name.as_ref().wire().to_vec()).collect();
        return (!names.is_empty()).then(|| found(rtype::PTR, names));
    }
    debug_assert!(inside, "only addresses are asked for outside the zones");
    let v4 = || hosts.tables.iter().flat_map(|table| table.v4(name));
    let v6 = || hosts.tables.iter().flat_map(|table| table.v6(name));
    let data = match question.qtype {
        rtype::A => v4().map(|v4| v4.octets().to_vec()).collect(),
        rtype::AAAA => v6().map(|v6| v6.octets().to_vec()).collect(),
        _ => Vec::new(),
    };
    let through = hosts.rule.fallthrough.iter().any(|zone| name.is_in(zone.as_ref()));
    let other_type = !matches!(question.qtype, rtype::A | rtype::AAAA);
    if other_type && through && hosts.rule.fallthrough_unsupported {
        return None;
    }
    let known = |table: &HostTable| !table.v4(name).is_empty() || !table.v6(name).is_empty();
    if !hosts.tables.iter().any(known) {
        // A table has no SOA that could make its denial one, so there is none.
        let failure = Failure::NoAnswerByRule { what: by_rule::NOT_IN_TABLE };
        return (!through).then(|| Message::failed(question, &failure));
    }
    Some(found(question.qtype, data))
}
