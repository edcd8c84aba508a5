//! One question with the courier: who asked it, the duty to bring an answer to all who wait for it, and the first try.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::answer::Failure;
use crate::cache::{Joined, Leader};
use crate::clock;
use crate::forward::attempt::Handed;
use crate::forward::first::First;
use crate::forward::flights::{Course, Passenger};
use crate::metrics::Answerer;
use crate::peer::datagram::Datagram;
use crate::route::{Decision, Remote, Whence};
use crate::server::asking::{Done, server_of};
use crate::server::contained::contained;
use crate::server::core::{Core, View};
use crate::server::fetch::{Fetch, Fetched};
use crate::server::permits::Permit;
use crate::server::resolve::Miss;
use crate::server::udp::later::{Later, Reply};
use crate::wire::exchange::Received;
use crate::wire::stamp::{Stamp, write_stamp};
use crate::wire::{Incoming, NameBuf, Query};

/// A question that is out.
pub(super) struct Parcel {
    pub later: Later,
    pub permit: Arc<Permit>,
    pub errand: Errand,
}

/// What is asked, of whom, and for whom else.
pub(super) struct Errand {
    fetch: Fetch,
    leader: Leader<Fetched>,
    first: First,
}

impl Errand {
    /// None: whatever is not one question to one upstream waits in a task: a chain, an answer that has come meanwhile, one that is on
    /// its way.
    pub(super) fn take(core: &Arc<Core>, view: &View, miss: &Miss, permit: &Arc<Permit>) -> Option<(Course, Self)> {
        let mut name = NameBuf::new();
        let Incoming::Query(query) = Query::parse(&miss.message, &mut name) else { return None };
        let routing = &view.routing;
        let stamp = query.edns.and_then(|edns| edns.option(routing.config.stamp_option)).and_then(Stamp::parse);
        let whence = Whence { door: miss.door, stamp, own_id: view.zone.cluster_id };
        let Decision::Remote(remote @ Remote::Forward(upstream)) = routing.routes.decide(&whence, query.name) else {
            return None;
        };
        if stamp.is_some() && routing.passes_the_stamp_on(remote) {
            return None;
        }
        // Where a stale answer may do, it may be wanted long before a try is late.
        if routing.keeping(server_of(miss.door), remote).stale_after().is_some() {
            return None;
        }
        let fetch = Fetch {
            core: Arc::clone(core),
            routing: Arc::clone(routing),
            server: server_of(miss.door),
            remote,
            question: query.asked().to_question(),
            stamp: write_stamp(stamp, routing.routes.own().hop(view.zone.cluster_id)),
        };
        if fetch.cached().is_some() {
            return None;
        }
        let Joined::Leader(leader) = core.inflight.join(&fetch.key(), clock::now()) else { return None };
        match routing.upstreams[upstream].first() {
            Some(first) => Some((first.course(), Self { fetch, leader, first })),
            None => {
                Arc::new(fetch).lead(leader, None, Arc::clone(permit));
                None
            }
        }
    }
}

impl Parcel {
    /// As it goes on board, `wrapped` for the way.
    pub(super) fn embarks<T>(self, wrapped: impl FnOnce(Self) -> T) -> Passenger<T> {
        let Errand { fetch, first, .. } = &self.errand;
        let (posted, message) = first.write(&fetch.question, &fetch.stamp);
        Passenger { question: fetch.question.clone(), posted, message, what: wrapped(self) }
    }

    /// Takes what came, and gives the reply if it is an answer.
    pub(super) fn arrive(self, core: &Arc<Core>, view: &View, outcome: Datagram) -> Option<Reply> {
        let Self { later, permit, errand: Errand { fetch, leader, first } } = self;
        match first.attempt.landed(outcome) {
            Ok(received) => {
                let reply = contained(|| reply(core, view, &later.miss, &fetch, leader, received));
                match reply {
                    Some(Some((bytes, done))) => return Some(Reply { later, bytes, done, _held: Some(permit) }),
                    // What a CNAME leads to is to be asked for too.
                    Some(None) => later.start(core, permit),
                    None => later.give_up(core, &Failure::Panic),
                }
            }
            Err((attempt, outcome)) => {
                let (sender, receiver) = oneshot::channel();
                // The receiver is still here.
                let _ = sender.send(outcome);
                let handed = Handed { attempt, outcome: receiver, late: false };
                Arc::new(fetch).lead(leader, Some(handed), Arc::clone(&permit));
                later.start(core, permit);
            }
        }
        None
    }

    /// It takes longer than others are waited for: the runtime goes on, and is told what comes of the first try.
    pub(super) fn goes_on(self, core: &Arc<Core>, outcome: oneshot::Receiver<Datagram>) {
        let Self { later, permit, errand: Errand { fetch, leader, first } } = self;
        first.attempt.was_silent();
        let handed = Handed { attempt: first.attempt, outcome, late: true };
        Arc::new(fetch).lead(leader, Some(handed), Arc::clone(&permit));
        later.start(core, permit);
    }
}

/// Keeps the answer, gives it to all who wait, and writes it for who asked first; not if more has to be asked for it.
fn reply(
    core: &Arc<Core>,
    view: &View,
    miss: &Miss,
    fetch: &Fetch,
    leader: Leader<Fetched>,
    received: Received,
) -> Option<(Vec<u8>, Done)> {
    let fetched = fetch.landed(&leader, received);
    leader.complete(fetched.clone());
    let mut name = NameBuf::new();
    let Incoming::Query(query) = Query::parse(&miss.message, &mut name) else { return None };
    if fetched.body.open_target.is_some() {
        return None;
    }
    let by = if fetched.stale { Answerer::Stale } else { Answerer::Forward };
    Some(miss.written(core, view, &query, &fetched.body, (fetch.routing.slots.of(fetch.remote), by)))
}
