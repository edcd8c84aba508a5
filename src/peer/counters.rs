//! What happened at one address, counted; and how it looks now, for metrics and for `interlocal peers`.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::health::Health;
use crate::metrics::{Histogram, Timings};
use crate::wire::stamp::ReplyStamp;

/// Counts that only grow, but for `in_flight`.
#[derive(Debug, Default)]
pub struct Counters {
    pub connects: AtomicU64,
    pub connect_failures: AtomicU64,
    /// Connections that the other side ended, or that broke.
    pub resets: AtomicU64,
    /// Replies to no question of ours, or that could not be read.
    pub mismatched: AtomicU64,
    /// Replies to questions that had been given up.
    pub late: AtomicU64,
    /// Questions without an answer at their deadline.
    pub timeouts: AtomicU64,
    pub questions: AtomicU64,
    pub answers: AtomicU64,
    pub probes: AtomicU64,
    pub probe_failures: AtomicU64,
    /// Questions asked elsewhere too, because the answer was later than usual here.
    pub hedges: AtomicU64,
    /// Questions asked elsewhere too, because their connection here had stalled.
    pub stalls: AtomicU64,
    /// Questions that wait for their answer.
    pub in_flight: AtomicU64,
    /// How long answers took.
    pub timings: Timings,
}

/// One more.
pub fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

/// One address, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressSnapshot {
    pub address: SocketAddr,
    pub health: Health,
    /// Why it is not asked, if it is not.
    pub cause: Option<&'static str>,
    pub rtt: Option<Duration>,
    /// Within this time answers usually come.
    pub usual: Option<Duration>,
    /// Connections that are open.
    pub connections: usize,
    /// Those of them whose probe was denied with authority.
    pub synced: usize,
    /// What the last reply option said, if there was one.
    pub said: Option<ReplyStamp>,
    pub in_flight: u64,
    pub connects: u64,
    pub connect_failures: u64,
    pub resets: u64,
    pub mismatched: u64,
    pub late: u64,
    pub timeouts: u64,
    pub questions: u64,
    pub answers: u64,
    pub probes: u64,
    pub probe_failures: u64,
    pub hedges: u64,
    pub stalls: u64,
    /// How long answers took, by rcode.
    pub timings: Vec<(&'static str, Histogram)>,
}

/// The part of it that is no count.
pub(super) struct Standing {
    pub(super) health: Health,
    pub(super) cause: Option<&'static str>,
    pub(super) rtt: Option<Duration>,
    pub(super) usual: Option<Duration>,
    pub(super) connections: usize,
    pub(super) synced: usize,
    pub(super) said: Option<ReplyStamp>,
}

impl Counters {
    pub(super) fn snapshot(&self, address: SocketAddr, standing: Standing) -> AddressSnapshot {
        let Standing { health, cause, rtt, usual, connections, synced, said } = standing;
        AddressSnapshot {
            address,
            health,
            cause,
            rtt,
            usual,
            connections,
            synced,
            said,
            in_flight: self.in_flight.load(Relaxed),
            connects: self.connects.load(Relaxed),
            connect_failures: self.connect_failures.load(Relaxed),
            resets: self.resets.load(Relaxed),
            mismatched: self.mismatched.load(Relaxed),
            late: self.late.load(Relaxed),
            timeouts: self.timeouts.load(Relaxed),
            questions: self.questions.load(Relaxed),
            answers: self.answers.load(Relaxed),
            probes: self.probes.load(Relaxed),
            probe_failures: self.probe_failures.load(Relaxed),
            hedges: self.hedges.load(Relaxed),
            stalls: self.stalls.load(Relaxed),
            timings: self.timings.read(),
        }
    }
}
