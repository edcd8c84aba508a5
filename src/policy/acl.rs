//! Access: the first entry of the first rule that fits a question decides.

use std::net::IpAddr;

use super::compile::{Policy, Rule, Turn};
use super::message::Message;
use super::tally::{Event, Events};
use crate::config::policy::{AclAction, AclEntry};
use crate::wire::{Ede, EdeCode, NameRef, Rcode};

/// What the rules say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Access {
    Allowed,
    Reply(Message),
    Drop,
}

impl Policy {
    /// May this client ask this? `turn` has the name that it asked, and the one that it is now.
    pub(super) fn access(&self, from: IpAddr, turn: Turn<'_>, qtype: u16, flags: u16, events: &mut Events) -> Access {
        let from = from.to_canonical();
        for rule in &self.acl {
            let Some(zone) = rule.zone(turn) else { continue };
            let Some(entry) = rule.what.iter().find(|entry| fits(entry, from, qtype)) else { continue };
            let event = match entry.action {
                AclAction::Allow => break,
                AclAction::Block => Event::Blocked,
                AclAction::Filter => Event::Filtered,
                AclAction::Drop => Event::Dropped,
            };
            events.push((event, zone.to_name()));
            return match event {
                Event::Dropped => Access::Drop,
                // Both as CoreDNS has them; without words, which would tell the client about the rules.
                Event::Blocked => Access::Reply(reply(Rcode::REFUSED, EdeCode::BLOCKED, flags)),
                _ => Access::Reply(reply(Rcode::NOERROR, EdeCode::FILTERED, flags)),
            };
        }
        Access::Allowed
    }
}

fn reply(rcode: Rcode, code: EdeCode, flags: u16) -> Message {
    Message::new(rcode, flags).because(Ede::new(code, ""))
}

fn fits(entry: &AclEntry, from: IpAddr, qtype: u16) -> bool {
    let net = entry.nets.is_empty() || entry.nets.iter().any(|net| net.contains(&from));
    net && (entry.types.is_empty() || entry.types.contains(&qtype))
}

impl<T> Rule<T> {
    /// The zone that a question is in for this rule, which sees it at all.
    pub(super) fn zone<'z>(&'z self, turn: Turn<'_>) -> Option<NameRef<'z>> {
        if self.scope.holds(turn.asked) { self.zone_of(turn.now) } else { None }
    }

    /// The zone of a name, whatever was asked.
    pub(super) fn zone_of<'z>(&'z self, name: NameRef<'_>) -> Option<NameRef<'z>> {
        let zones = if self.zones.is_empty() { &self.scope.zones } else { &self.zones };
        if zones.is_empty() {
            return Some(self.root.as_ref());
        }
        let inside = zones.iter().map(|zone| zone.as_ref()).filter(|zone| name.is_in(*zone));
        inside.max_by_key(|zone| zone.wire().len())
    }

    /// Does a rule without zones of its own see the question?
    pub(super) fn sees(&self, turn: Turn<'_>) -> bool {
        let inside = || self.zones.iter().any(|zone| turn.now.is_in(zone.as_ref()));
        self.scope.holds(turn.asked) && (self.zones.is_empty() || inside())
    }
}
