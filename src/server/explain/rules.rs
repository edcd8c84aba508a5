//! The stage of a server's rules: the same steps as for a question that was asked, driven by what the other stages say. Nothing of it
//! is counted.

use super::page::{Answer, Link, PolicyStage};
use super::{Explainer, Found, Wanted, answer, micros};
use crate::clock;
use crate::policy::{Client, Further, Policy, Step};
use crate::route::Door;
use crate::wire::body::Asker;
use crate::wire::{Flags, Incoming, MAX_MESSAGE, NameBuf, Query, class};

/// An OPT record as `dig` sends it (RFC 6891 6.1.2), so that the words of a failure come back.
const OPT: [u8; 11] = [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0];

impl Explainer<'_> {
    /// The rules for who asks at this door: the pods' only.
    pub(super) fn policy(&self, door: Door) -> Option<&Policy> {
        match door {
            Door::Pods { server } => self.stages.get(server)?.as_deref(),
            Door::Peers => None,
        }
    }

    /// The question as the rules want it: the links of whatever they look up, and what they make of that.
    pub(super) async fn ruled(&self, policy: &Policy, wanted: &Wanted) -> (Option<PolicyStage>, Vec<Link>, Answer) {
        let started = clock::now();
        let message = question(wanted);
        let mut name = NameBuf::new();
        let Incoming::Query(query) = Query::parse(&message, &mut name) else {
            let (links, found) = self.links(wanted).await;
            return (None, links, found.answer(wanted));
        };
        let namespace = policy.asks_for_pods().then(|| self.zone.namespace_of(wanted.from.to_canonical())).flatten();
        let client = Client { address: wanted.from, port: 0, tcp: false, namespace };
        let mut work = policy.look(&message, &query, client);
        let (mut links, mut from, mut took) = (Vec::new(), None, None);
        let stage = |verdict: &str, notes: &[String], took: Option<f64>| {
            let notes = notes.to_vec();
            Some(PolicyStage { verdict: verdict.to_owned(), notes, took_us: took.unwrap_or_else(|| micros(started)) })
        };
        loop {
            let step = work.step();
            // What others take is not the rules'.
            let took_us = *took.get_or_insert_with(|| micros(started));
            match step {
                Step::Done(reply) => {
                    let body = reply.body(wanted.name.as_ref(), wanted.qtype).ok();
                    let refused = from.is_none() && work.trail().last().is_some_and(|note| note.starts_with("acl: "));
                    let verdict = match (&from, refused) {
                        (None, true) => "refused",
                        (None, false) => "answered",
                        (Some(_), _) if work.trail().iter().any(|note| note.starts_with("rewrite: ")) => "rewritten",
                        (Some(_), _) => "passed",
                    };
                    let from = from.unwrap_or_else(|| "policy".to_owned());
                    let said = answer(wanted, body.as_ref(), from);
                    return (stage(verdict, work.trail(), Some(took_us)), links, said);
                }
                Step::Drop => {
                    let said = answer(wanted, None, "policy".to_owned());
                    let said = Answer { rcode: Some("no reply".to_owned()), ..said };
                    return (stage("dropped", work.trail(), Some(took_us)), links, said);
                }
                Step::Ask(Further { message, options }) => {
                    let mut name = NameBuf::new();
                    let Incoming::Query(query) = Query::parse(&message, &mut name) else {
                        work.reply(&[]);
                        continue;
                    };
                    let (name, qtype) = (query.name.to_name(), query.qtype);
                    let further = Wanted { name, qtype, options, ..wanted.clone() };
                    let (more, found) = self.links(&further).await;
                    links.extend(more);
                    let Found { body: Some(body), complete: true, from: by } = found else {
                        let renamed = further.name != wanted.name || further.qtype != wanted.qtype;
                        let verdict = if renamed { "rewritten" } else { "passed" };
                        return (stage(verdict, work.trail(), Some(took_us)), links, found.answer(&further));
                    };
                    from.get_or_insert(by);
                    let mut out = vec![0; MAX_MESSAGE];
                    let flags = body.flags | Flags::RA;
                    let asker =
                        Asker { max: MAX_MESSAGE, flags, ede: None, option: None, keepalive: None, rotation: 0 };
                    let len = body.write(&query, &mut out, asker, |ttl| ttl);
                    work.reply(&out[..len]);
                }
            }
        }
    }
}

/// As `dig` asks it.
fn question(wanted: &Wanted) -> Vec<u8> {
    let mut message = Vec::with_capacity(64);
    for field in [0, Flags::RD, 1, 0, 0, 1] {
        message.extend(field.to_be_bytes());
    }
    message.extend_from_slice(wanted.name.as_ref().wire());
    message.extend(wanted.qtype.to_be_bytes());
    message.extend(class::IN.to_be_bytes());
    message.extend(OPT);
    message
}
