//! Misses are finished here: admitted or turned away, and contained, so that a panic costs one question and nothing else.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::asking::Done;
use super::contained::contained_async;
use super::core::{Core, Counters, Routing};
use super::permits::{Full, Permit};
use super::resolve::Miss;
use crate::answer::Failure;
use crate::clock;
use crate::route::Door;
use crate::wire::{Incoming, NameBuf, Query};

/// Room for one more question in flight.
///
/// # Errors
/// Why there is none.
pub fn admit(core: &Core, door: Door, source: IpAddr) -> Result<Permit, Failure> {
    let taken = core.in_flight.take(sharing(door, source), core.routing.load().config.limits.in_flight);
    taken.map_err(|full| match full {
        Full::All => {
            Counters::add(&core.counters.overloaded);
            Failure::Overloaded
        }
        Full::Client => {
            Counters::add(&core.counters.client_questions);
            Failure::ClientOverloaded
        }
    })
}

/// What would keep one more question out just now.
pub fn full(core: &Core, routing: &Routing, door: Door, source: IpAddr) -> Option<Full> {
    core.in_flight.full(sharing(door, source), routing.config.limits.in_flight)
}

/// Whose share a question or a connection is taken from. At the pods' door each address is a client. Behind the load balancer at
/// the peers' door all other regions may be one address.
pub fn sharing(door: Door, source: IpAddr) -> Option<IpAddr> {
    matches!(door, Door::Pods { .. }).then_some(source)
}

/// Resolves an admitted miss; fetches that it begins share its permit. `None`: there is nothing to send.
pub async fn finish(core: &Arc<Core>, miss: &Miss, permit: &Arc<Permit>) -> Option<(Vec<u8>, Done)> {
    let result = contained_async(miss.resolve(core, permit)).await;
    result.unwrap_or_else(|| give_up(core, miss, &Failure::Panic))
}

/// The reply to a question that is not resolved after all.
pub fn give_up(core: &Core, miss: &Miss, failure: &Failure) -> Option<(Vec<u8>, Done)> {
    if *failure == Failure::Panic {
        core.metrics.panicked();
    }
    let mut name = NameBuf::new();
    if let Incoming::Query(query) = Query::parse(&miss.message, &mut name) {
        core.failures.note(&failure.ede(), failure.rcode(), query.name, query.qtype, clock::now());
    }
    miss.fail(failure)
}

/// Logs the answer to a question that was not answered at once, if such answers are logged.
pub fn log_late(core: &Core, from: SocketAddr, miss: &Miss, reply: &[u8], done: &Done, took: Duration) {
    let routing = core.routing.load();
    let Some(log) = &routing.query_log else { return };
    if let Some(entry) = log.entry(from, miss.transport, &miss.message, reply, done.rcode, clock::now()) {
        log.put(entry, took);
    }
}
