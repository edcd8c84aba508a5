//! A question of a server that has rules: they see it first, what they want looked up is looked up as ever, and they see the reply
//! last. It decides nothing itself.

use std::cell::RefCell;
use std::sync::Arc;

use super::asking::{Asking, Done, Transport};
use super::core::{Core, View};
use super::permits::Permit;
use super::question::Outcome;
use super::resolve::Miss;
use crate::answer::{Failure, unanswerable};
use crate::metrics::{Answerer, DropReason, ZoneSlot};
use crate::policy::{Begin, Client, Message, Policy, Step};
use crate::wire::body::Asker;
use crate::wire::edns::option;
use crate::wire::stamp::Stamp;
use crate::wire::{Flags, Incoming, MAX_MESSAGE, MAX_UDP_PAYLOAD, NameBuf, Query};

/// Flags that the rules decide.
const DECIDED: u16 = Flags::AA | Flags::RA | Flags::RD | Flags::AD;

thread_local! {
    /// Where a look-up in place is written before the rules see it, one for each thread.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; MAX_MESSAGE].into());
}

/// Where a reply is counted.
type Counted = (ZoneSlot, Answerer);

const OWN: Counted = (ZoneSlot::NONE, Answerer::Own);

impl Asking<'_> {
    /// Answers one message into `out` as these rules want it.
    pub(super) fn judge(&self, policy: &Policy, message: &[u8], out: &mut [u8]) -> Outcome {
        let mut name = NameBuf::new();
        let Some(query) = readable(message, &mut name) else { return self.look_up(message, out) };
        let mut work = match policy.begin(message, &query, self.client(policy), false) {
            Begin::Pass => return self.look_up(message, out),
            Begin::Drop => return Outcome::Drop(DropReason::Policy),
            Begin::Work(work) => work,
        };
        // Whole, whatever the client can take: the rules see everything.
        let whole = Asking { transport: Transport::Tcp, ..*self };
        let mut counted = OWN;
        loop {
            match work.step() {
                Step::Done(reply) => return Outcome::Reply(self.write(&query, &reply, counted, out)),
                Step::Drop => return Outcome::Drop(DropReason::Policy),
                Step::Ask(further) => {
                    let found = SCRATCH.with_borrow_mut(|scratch| {
                        let outcome = whole.look_up(&further, scratch);
                        if let Outcome::Reply(done) = &outcome {
                            work.reply(&scratch[..done.len]);
                        }
                        outcome
                    });
                    match found {
                        Outcome::Reply(done) => counted = (done.zone, done.by),
                        // The rules see it again in a task of its own.
                        other => return other,
                    }
                }
            }
        }
    }

    fn client(&self, policy: &Policy) -> Client<'_> {
        let namespace = || self.view.zone.namespace_of(self.source.to_canonical());
        Client {
            address: self.source,
            port: self.port,
            tcp: self.transport == Transport::Tcp,
            namespace: policy.asks_for_pods().then(namespace).flatten(),
        }
    }

    /// Writes the reply that the rules want this client to get.
    fn write(&self, query: &Query<'_>, reply: &Message, (zone, by): Counted, out: &mut [u8]) -> Done {
        let body = reply.body(query.name.as_ref(), query.qtype).unwrap_or_else(|_| Failure::Malformed.body());
        let stamp_option = self.view.routing.config.stamp_option;
        let stamp = query.edns.and_then(|edns| edns.option(stamp_option)).and_then(Stamp::parse);
        let nsid = reply.nsid.as_ref().map(|name| (option::NSID, name.as_bytes()));
        let asker = Asker {
            max: self.limit(query),
            flags: 0,
            ede: None,
            option: nsid.filter(|_| stamp.is_none()).or_else(|| self.reply_option(query, stamp)),
            keepalive: self.keepalive(query),
            rotation: self.rotation,
        };
        let len = body.write(query, out, asker, |ttl| ttl);
        let written = u16::from_be_bytes([out[2], out[3]]);
        let cut = if reply.truncated { Flags::TC } else { 0 };
        let flags = (written & !DECIDED) | (reply.flags & DECIDED) | cut;
        out[2..4].copy_from_slice(&flags.to_be_bytes());
        Done::new(query, len, zone, by, body.rcode)
    }
}

impl Miss {
    /// Resolves the question as these rules want it.
    pub(super) async fn judge(
        &self,
        policy: &Policy,
        core: &Arc<Core>,
        permit: &Arc<Permit>,
    ) -> Option<(Vec<u8>, Done)> {
        let view = View::load(core);
        let mut name = NameBuf::new();
        let Some(query) = readable(&self.message, &mut name) else { return self.look_up(core, permit).await };
        let asking = self.asking(core, &view, query.id);
        let mut work = match policy.begin(&self.message, &query, asking.client(policy), true) {
            Begin::Pass => return self.look_up(core, permit).await,
            Begin::Drop => return None,
            Begin::Work(work) => work,
        };
        let mut counted = OWN;
        loop {
            match work.step() {
                Step::Done(reply) => {
                    let udp = self.transport == Transport::Udp;
                    let mut out = vec![0; if udp { MAX_UDP_PAYLOAD } else { MAX_MESSAGE }];
                    // What had to be waited for is told apart from what was not.
                    let done = self.asking(core, &view, query.id).write(&query, &reply, counted, &mut out);
                    out.truncate(done.len);
                    return Some((out, done));
                }
                Step::Drop => return None,
                Step::Ask(message) => {
                    let further = Self { message: message.into(), transport: Transport::Tcp, ..*self };
                    let (reply, by) = further.in_place_or_not(core, &view, permit).await?;
                    work.reply(&reply);
                    counted = by;
                }
            }
        }
    }

    /// A look-up of the rules: most of what they want further is in memory.
    async fn in_place_or_not(&self, core: &Arc<Core>, view: &View, permit: &Arc<Permit>) -> Option<(Vec<u8>, Counted)> {
        let found =
            SCRATCH.with_borrow_mut(|scratch| match self.asking(core, view, 0).look_up(&self.message, scratch) {
                Outcome::Reply(done) => Some((scratch[..done.len].to_vec(), (done.zone, done.by))),
                Outcome::Ask | Outcome::Miss | Outcome::Drop(_) => None,
            });
        if found.is_some() {
            return found;
        }
        let (reply, done) = self.look_up(core, permit).await?;
        Some((reply, (done.zone, done.by)))
    }
}

/// A question that rules can be asked about: whatever else there is gets the same rcode from every server.
fn readable<'q>(message: &'q [u8], name: &'q mut NameBuf) -> Option<Query<'q>> {
    let Incoming::Query(query) = Query::parse(message, name) else { return None };
    let version = query.edns.map_or(0, |edns| edns.version);
    (version == 0 && unanswerable(query.qtype).is_none()).then_some(query)
}
