//! The client for one region: a row of the peer table, its host names resolved, its addresses asked. What the rest of the
//! program sees of a peer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::RwLock;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::address::Plan;
use super::answered::Answered;
use super::counters::{AddressSnapshot, count};
use super::dialer::{Dialer, TlsSnapshot};
use super::endpoints::{EndpointSnapshot, Endpoints, Takes};
use super::group::{Group, Trouble};
use super::listed::Listed;
use super::resolve::Resolve;
use super::sends::SendLog;
use super::settings::Settings;
use super::sync::Probe;
use crate::answer::Failure;
use crate::config::{Host, RegionRow};
use crate::wire::Name;
use crate::wire::exchange::{Question, Received};

/// A region's client. Dropping it ends its tasks and closes its connections.
pub struct RegionClient {
    label: String,
    servers: Arc<Servers>,
    endpoints: Endpoints,
    zone: RwLock<Name>,
    /// Why the row cannot be used.
    broken: RwLock<Option<String>>,
    stale_answers: AtomicU64,
}

/// Who is asked, and how.
struct Servers {
    group: Group,
    dialer: Arc<Dialer>,
    listed: Listed,
}

impl Takes for Servers {
    fn take(&self, found: &[(SocketAddr, &Host)]) {
        self.dialer.set_hosts(found.iter().copied());
        self.listed.set(found.iter().map(|(address, _)| *address).collect());
        self.group.set_addresses(&self.listed.fit());
    }
}

/// How a region stands, for metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionSnapshot {
    pub label: String,
    pub endpoints: Vec<EndpointSnapshot>,
    pub addresses: Vec<AddressSnapshot>,
    /// Left out, because they lead back to ourselves.
    pub looping: Vec<SocketAddr>,
    /// None: asked in clear text.
    pub tls: Option<TlsSnapshot>,
    /// Answers past their TTL that were given because the region gave none.
    pub stale_answers: u64,
}

impl RegionClient {
    /// Starts to resolve and to connect, inside a tokio runtime. `stamp` is our own path of one cluster, which probes bear.
    #[must_use]
    pub fn start(row: &RegionRow, settings: Settings, stamp: Vec<u8>, resolve: Arc<dyn Resolve>) -> Arc<Self> {
        let dialer = Arc::new(Dialer::new(row.tls.as_ref()));
        dialer.reload(&format!("region {}", row.label));
        let group = Group::dialling(plan(row, settings, stamp), Arc::clone(&dialer) as _);
        let servers = Arc::new(Servers { group, dialer, listed: Listed::default() });
        let client = Self {
            label: label(row),
            endpoints: Endpoints::new(Arc::clone(&servers) as _, resolve),
            servers,
            zone: RwLock::new(zone(row)),
            broken: RwLock::new(row.broken.clone()),
            stale_answers: AtomicU64::new(0),
        };
        client.endpoints.set(&row.endpoints);
        Arc::new(client)
    }

    /// May a new version of the row be taken over? Not if it is asked in clear text and was not, or over TLS with other files or
    /// another name: no connection may be left from before.
    #[must_use]
    pub fn can_take(&self, row: &RegionRow) -> bool {
        self.servers.dialer.is_for(row.tls.as_ref())
    }

    /// A new version of the same row. Endpoints that did not change keep their addresses and connections. Certificate files
    /// are read again.
    pub fn update(&self, row: &RegionRow, settings: Settings, stamp: Vec<u8>) {
        self.servers.dialer.reload(&format!("region {}", row.label));
        self.servers.group.set_plan(plan(row, settings, stamp));
        *self.zone.write() = zone(row);
        self.broken.write().clone_from(&row.broken);
        self.endpoints.set(&row.endpoints);
    }

    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Asks the region. `stamp` is the path of clusters, ourselves last.
    ///
    /// # Errors
    /// If no address answered before the deadline, or none is worth asking. SERVFAIL is an answer here.
    pub async fn ask(&self, question: &Question, stamp: &[u8]) -> Result<Answered, Failure> {
        self.ask_logged(question, stamp, &SendLog::OFF).await
    }

    /// The same, each send written down.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_logged(&self, question: &Question, stamp: &[u8], log: &SendLog) -> Result<Answered, Failure> {
        let until = Instant::now() + self.servers.group.plan().settings.deadline;
        self.first_addresses(until).await;
        self.servers.group.ask_logged(question, Some(stamp), until, log).await.map_err(|trouble| self.failure(trouble))
    }

    /// No address of the region is worth asking now: [`Self::ask`] would fail at once. Cheap, and waits for nothing.
    #[must_use]
    pub fn is_dark(&self) -> bool {
        self.servers.group.is_dark() || (self.servers.group.is_empty() && !self.endpoints.is_pending())
    }

    /// An answer of this region was given past its TTL.
    pub fn served_stale(&self) {
        count(&self.stale_answers);
    }

    /// The addresses that are asked, and each change of them, for the self-probe.
    #[must_use]
    pub fn listed(&self) -> watch::Receiver<Vec<SocketAddr>> {
        self.servers.listed.subscribe()
    }

    /// Asks one address, over a connection that questions use.
    pub async fn ask_address(&self, server: SocketAddr, question: &Question, until: Instant) -> Option<Received> {
        self.servers.group.ask_address(server, question, until).await
    }

    /// Questions that an address has been sent so far.
    #[must_use]
    pub fn questions_to(&self, server: SocketAddr) -> u64 {
        self.servers.group.questions_to(server)
    }

    /// Leaves an address that leads back to ourselves out, or takes it in again.
    pub fn set_looping(&self, address: SocketAddr, looping: bool) {
        self.servers.listed.set_looping(address, looping);
        self.endpoints.again();
    }

    /// How it is connected to.
    #[must_use]
    pub fn dialer(&self) -> Arc<Dialer> {
        Arc::clone(&self.servers.dialer)
    }

    #[must_use]
    pub fn is_looping(&self, address: SocketAddr) -> bool {
        self.servers.listed.is_looping(address)
    }

    /// The first zone of the row, under which it is probed.
    #[must_use]
    pub fn zone(&self) -> Name {
        self.zone.read().clone()
    }

    #[must_use]
    pub fn snapshot(&self) -> RegionSnapshot {
        let mut addresses = self.servers.group.snapshot();
        if let Some(refusal) = self.servers.dialer.refusal() {
            addresses.iter_mut().filter_map(|address| address.cause.as_mut()).for_each(|cause| *cause = refusal);
        }
        RegionSnapshot {
            label: self.label.clone(),
            endpoints: self.endpoints.snapshot(),
            addresses,
            looping: self.servers.listed.looping(),
            tls: self.servers.dialer.snapshot(),
            stale_answers: self.stale_answers.load(Relaxed),
        }
    }

    /// Right after the start there may be no address because no host name has been resolved yet.
    async fn first_addresses(&self, until: Instant) {
        loop {
            let changed = self.servers.group.changed();
            if !self.servers.group.addresses().is_empty() || !self.endpoints.is_pending() {
                return;
            }
            if timeout_at(until, changed).await.is_err() {
                return;
            }
        }
    }

    fn failure(&self, trouble: Trouble) -> Failure {
        let region = self.label.clone();
        match trouble {
            // A server that does not want our certificate says so on a connection that was made already.
            Trouble::Dark(cause) => {
                Failure::RegionDark { region, cause: self.servers.dialer.refusal().unwrap_or(cause) }
            }
            Trouble::Refused(answer) => Failure::RegionRefused { region, rcode: answer.body.rcode },
            Trouble::NoAddress if !self.servers.listed.looping().is_empty() => {
                Failure::RouteLoops { zone: self.zone() }
            }
            Trouble::NoAddress => {
                let broken = self.broken.read().clone();
                let why = broken.or_else(|| self.endpoints.trouble()).unwrap_or_else(|| "no endpoints".into());
                Failure::RegionWithoutAddress { region, why }
            }
        }
    }
}

fn label(row: &RegionRow) -> String {
    row.label.as_str().to_owned()
}

fn plan(row: &RegionRow, settings: Settings, stamp: Vec<u8>) -> Plan {
    Plan { settings, probe: Probe::Region(zone(row)), stamp: Some(stamp) }
}

fn zone(row: &RegionRow) -> Name {
    row.zones.first().cloned().unwrap_or_else(Name::root)
}
