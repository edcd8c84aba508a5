//! The servers of one zone that are asked over UDP: what is known of each, and the probes of those
//! that are down. Whom a question goes to is decided in `tries`, and what a try is stands in `attempt`.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use super::attempt::Attempt;
use super::finish::Finish;
use super::upstream::Standing;
use crate::config::ForwardConfig;
use crate::limits::Limits;
use crate::metrics::{Histogram, Timings};
use crate::peer::counters::{Counters, count};
use crate::peer::datagram::{self, Datagram, Spelling};
use crate::peer::health::{PROBE_EVERY, vary};
use crate::peer::sync::Probe;
use crate::wire::exchange::Manner;

/// A probe is over after this long; the next one may then follow.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// What the clients of upstreams go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// From the first try to SERVFAIL.
    pub deadline: Duration,
    pub tries: usize,
    pub in_flight: usize,
    /// Code of the stamp.
    pub stamp_option: u16,
    /// Of questions over UDP.
    pub spelling: Spelling,
}

impl Bounds {
    #[must_use]
    pub fn new(config: &ForwardConfig, limits: &Limits, stamp_option: u16) -> Self {
        Self {
            deadline: limits.forward_deadline,
            tries: limits.forward_tries.max(1),
            in_flight: limits.peer_in_flight.max(1),
            stamp_option,
            spelling: if config.random_case { Spelling::Random } else { Spelling::Lower },
        }
    }
}

/// The servers.
pub struct Pool {
    servers: RwLock<Arc<Vec<Arc<Server>>>>,
    runtime: Handle,
    /// Questions that came while all servers were down.
    pub(super) all_down: AtomicU64,
}

/// One server.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) standing: Mutex<Standing>,
    pub(super) tally: Tally,
    pub(super) finish: Finish,
    me: Weak<Self>,
    runtime: Handle,
}

/// Counts of one server.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) tries: AtomicU64,
    pub(super) answers: AtomicU64,
    pub(super) silent: AtomicU64,
    /// Replies with another id or question.
    pub(super) mismatched: AtomicU64,
    pub(super) truncated: AtomicU64,
    pub(super) probes: AtomicU64,
    pub(super) probe_failures: AtomicU64,
    /// From a question to its answer, over TCP if need be.
    pub(super) timings: Timings,
    tcp: Arc<Counters>,
}

/// One server, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct UpstreamSnapshot {
    pub address: SocketAddr,
    pub up: bool,
    pub rtt: Option<Duration>,
    pub tries: u64,
    pub answers: u64,
    pub silent: u64,
    pub mismatched: u64,
    pub truncated: u64,
    pub probes: u64,
    pub probe_failures: u64,
    /// How long answers took, by rcode.
    pub timings: Vec<(&'static str, Histogram)>,
    /// Questions that were finished over TCP.
    pub over_tcp: u64,
    /// Connections made for that.
    pub connects: u64,
    /// Questions for which there was one already.
    pub reused: u64,
}

impl Pool {
    /// Call it inside a tokio runtime: that is where its probes will run.
    #[must_use]
    pub fn new() -> Self {
        Self { servers: RwLock::default(), runtime: Handle::current(), all_down: AtomicU64::new(0) }
    }

    /// Servers that stay keep what is known of them.
    pub fn set(&self, addresses: &[SocketAddr]) {
        let mut servers = self.servers.write();
        let mut next: Vec<Arc<Server>> = Vec::with_capacity(addresses.len());
        for address in addresses {
            if next.iter().all(|one| one.address != *address) {
                let kept = servers.iter().find(|one| one.address == *address).map(Arc::clone);
                next.push(kept.unwrap_or_else(|| Server::new(*address, self.runtime.clone())));
            }
        }
        *servers = Arc::new(next);
    }

    /// The same servers, without these and those that are down.
    pub(super) fn but(&self, without: &[SocketAddr]) -> Self {
        let fit = |one: &&Arc<Server>| !without.contains(&one.address) && !one.standing.lock().is_down();
        let rest = self.servers().iter().filter(fit).map(Arc::clone).collect();
        Self { servers: RwLock::new(Arc::new(rest)), runtime: self.runtime.clone(), all_down: AtomicU64::new(0) }
    }

    pub(super) fn servers(&self) -> Arc<Vec<Arc<Server>>> {
        Arc::clone(&self.servers.read())
    }

    /// Tries at a server so far.
    #[must_use]
    pub fn tries_at(&self, address: SocketAddr) -> u64 {
        let servers = self.servers.read();
        servers.iter().find(|one| one.address == address).map_or(0, |one| one.tally.tries.load(Relaxed))
    }

    #[must_use]
    pub fn snapshot(&self) -> Vec<UpstreamSnapshot> {
        self.servers().iter().map(|server| server.snapshot()).collect()
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    fn new(address: SocketAddr, runtime: Handle) -> Arc<Self> {
        let tally = Tally::default();
        let finish = Finish::new(address, Arc::clone(&tally.tcp));
        let standing = Mutex::default();
        Arc::new_cyclic(|me| Self { address, standing, tally, finish, me: me.clone(), runtime })
    }

    /// A question is about to leave for it.
    pub(super) fn begin(self: &Arc<Self>) -> Attempt {
        let began = Instant::now();
        count(&self.tally.tries);
        let mut standing = self.standing.lock();
        standing.asked();
        Attempt { server: Arc::clone(self), edns: standing.takes_opt(began), began }
    }

    /// The try has been silent for so long that somebody else is asked.
    pub(super) fn was_silent(&self) {
        count(&self.tally.silent);
        if self.standing.lock().was_silent() {
            tracing::warn!(server = %self.address, "upstream is silent: down until it answers a probe");
            let me = self.me.clone();
            self.runtime.spawn(probe_until_up(me));
        }
    }

    pub(super) fn answered(&self, began: Instant) {
        count(&self.tally.answers);
        let now = Instant::now();
        if self.standing.lock().answered(now - began, now) {
            tracing::info!(server = %self.address, "upstream answers again");
        }
    }

    fn snapshot(&self) -> UpstreamSnapshot {
        let standing = *self.standing.lock();
        UpstreamSnapshot {
            address: self.address,
            up: !standing.is_down(),
            rtt: standing.rtt(),
            tries: self.tally.tries.load(Relaxed),
            answers: self.tally.answers.load(Relaxed),
            silent: self.tally.silent.load(Relaxed),
            mismatched: self.tally.mismatched.load(Relaxed),
            truncated: self.tally.truncated.load(Relaxed),
            probes: self.tally.probes.load(Relaxed),
            probe_failures: self.tally.probe_failures.load(Relaxed),
            timings: self.tally.timings.read(),
            over_tcp: self.tally.tcp.questions.load(Relaxed),
            connects: self.tally.tcp.connects.load(Relaxed),
            reused: self.finish.reused(),
        }
    }
}

async fn probe_until_up(server: Weak<Server>) {
    loop {
        sleep(vary(PROBE_EVERY)).await;
        let Some(server) = server.upgrade() else { return };
        if !server.standing.lock().is_down() {
            return;
        }
        count(&server.tally.probes);
        let began = Instant::now();
        let manner = Manner { edns: true, option: None };
        let (question, until) = (Probe::Root.question(), began + PROBE_TIMEOUT);
        if let Datagram::Answer(_) = datagram::ask(server.address, &question, manner, Spelling::Lower, 0, until).await {
            server.answered(began);
            return;
        }
        count(&server.tally.probe_failures);
    }
}
