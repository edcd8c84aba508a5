//! Search paths walked here: a name below the first domain of a client's search path stands for the same name below each of the others,
//! which the client would ask one after another. Which names those are is decided here; looking them up is not.

use super::compile::{Policy, Turn};
use super::message::Message;
use super::question::{Client, Question};
use crate::wire::text::OwnRecord;
use crate::wire::{Name, NameBuf, NameRef, Rcode, class, rtype};

/// Domains of a file that are walked: Kubernetes lets a pod have no more.
const MAX_DOMAINS: usize = 32;

/// Where search paths come from.
#[derive(Debug)]
pub(super) struct Search {
    /// Does it begin with the domains that a pod has for its namespace?
    pub pods: bool,
    /// Those of the file.
    pub domains: Vec<Name>,
}

/// The names that one name stands for.
#[derive(Debug)]
pub(super) struct Walk {
    /// As it was asked.
    question: Question,
    pub asked: Name,
    /// Those that are left, the next one last.
    left: Vec<Name>,
    /// What the first one got.
    first: Option<Message>,
    /// That of the rule.
    pub zone: Name,
}

/// After the reply to one of the names.
#[derive(Debug)]
pub(super) enum Walked {
    /// That is the answer, because some name had one.
    Here(Message),
    /// None of them had.
    Nowhere(Message),
    /// This name is next.
    On(Question, Walk),
}

impl Search {
    /// The domains behind the last `search` or `domain` of such a file (resolv.conf(5)).
    pub(super) fn of(pods: bool, text: &str) -> Self {
        let mut domains = Vec::new();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("search") => domains = words.collect(),
                Some("domain") => domains = words.take(1).collect(),
                _ => {}
            }
        }
        let domains = domains.into_iter().filter_map(|domain: &str| domain.parse().ok());
        Self { pods, domains: domains.filter(|name: &Name| !name.as_ref().is_root()).take(MAX_DOMAINS).collect() }
    }
}

impl Policy {
    /// Does it matter whose pod asks?
    #[must_use]
    pub fn asks_for_pods(&self) -> bool {
        self.autopath.iter().any(|rule| rule.what.pods)
    }

    /// The names that this one stands for, if it is below the first domain of a search path.
    pub(super) fn walk(&self, question: &Question, turn: Turn<'_>, client: Client<'_>) -> Option<Walk> {
        if question.qclass != class::IN {
            return None;
        }
        self.autopath.iter().find_map(|rule| {
            let zone = rule.zone(turn)?;
            let path = self.path(&rule.what, turn.now, client)?;
            let (first, others) = path.split_first()?;
            let below = turn.now.label_count().checked_sub(first.as_ref().label_count())?;
            if below == 0 || !turn.now.is_in(first.as_ref()) {
                return None;
            }
            let left = others.iter().rev().filter_map(|domain| moved(turn.now, below, domain)).collect();
            let (asked, zone) = (turn.asked.to_name(), zone.to_name());
            Some(Walk { question: question.clone(), asked, left, first: None, zone })
        })
    }

    /// A search path; at its end names are as they are.
    fn path(&self, search: &Search, name: NameRef<'_>, client: Client<'_>) -> Option<Vec<Name>> {
        let mut path = Vec::with_capacity(4 + search.domains.len());
        if search.pods {
            let namespace = client.namespace?;
            let zones = self.cluster.iter().filter(|zone| name.is_in(zone.as_ref()));
            let zone = zones.max_by_key(|zone| zone.as_ref().label_count())?;
            let svc = zone.prepend("svc").ok()?;
            path.extend([svc.prepend(namespace).ok()?, svc, zone.clone()]);
        }
        path.extend(search.domains.iter().cloned());
        path.push(Name::root());
        Some(path)
    }
}

impl Walk {
    /// Takes the reply to the last name.
    pub(super) fn step(mut self, reply: Message) -> Walked {
        // A name that nobody may be asked about is not there either.
        if !matches!(reply.rcode, Rcode::NXDOMAIN | Rcode::REFUSED) {
            let first = self.first.is_none();
            return Walked::Here(if first { reply } else { led(reply, &self.question.name) });
        }
        let first = self.first.take().unwrap_or(reply);
        match self.left.pop() {
            Some(name) => {
                self.first = Some(first);
                Walked::On(self.question.of_name(name), self)
            }
            None => Walked::Nowhere(first),
        }
    }
}

/// The first labels of a name in front of another domain; none if that is too long.
fn moved(name: NameRef<'_>, labels: usize, domain: &Name) -> Option<Name> {
    let mut moved = NameBuf::new();
    for label in name.labels().take(labels) {
        moved.push(label).ok()?;
    }
    moved.extend(domain.as_ref()).ok()?;
    Some(moved.to_name())
}

/// A reply about another name as one about this: a CNAME leads there.
fn led(mut reply: Message, name: &Name) -> Message {
    if let Some(found) = reply.answers().first().filter(|record| record.owner != *name) {
        let data = found.owner.as_ref().wire().to_vec();
        let cname = OwnRecord { owner: name.clone(), rtype: rtype::CNAME, class: class::IN, ttl: found.ttl, data };
        reply.sections[0].insert(0, cname);
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_says_the_domains() {
        let of = |text| Search::of(true, text).domains.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(of("search a.x b.x\nnameserver 10.0.0.1\n# search c.x\n"), ["a.x", "b.x"]);
        assert_eq!(of("search a.x\ndomain b.x c.x\n"), ["b.x"]);
        assert_eq!(of("search . a..b c.x"), ["c.x"]);
        let many: String = (0..99).map(|number| format!(" x{number}")).collect();
        assert_eq!(of(&format!("search{many}")).len(), MAX_DOMAINS);
    }

    #[test]
    fn names_that_would_be_too_long_are_left_out() {
        let long: Name = [["x"; 63].concat().as_str(); 3].join(".").parse().unwrap();
        let name: Name = "a.b.c".parse().unwrap();
        assert_eq!(moved(name.as_ref(), 2, &"x".parse().unwrap()).unwrap().to_string(), "a.b.x");
        let longer = long.prepend(&"y".repeat(58)).unwrap();
        assert_eq!(moved(name.as_ref(), 2, &longer), None);
    }
}
