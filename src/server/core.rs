//! What all doors share, and the view of it that one batch of questions works on. It holds things; it decides nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::runtime::Handle;

use super::courier::Courier;
use super::failures::Failures;
use super::fetch::Fetched;
use super::heartbeat::Heartbeats;
use super::identity::Identity;
use super::permits::Permits;
use super::querylog::QueryLog;
use super::recorders::Recorders;
use super::refresh::Refreshes;
use crate::cache::{Cache, Inflight, Policy};
use crate::config::{Config, PeerTable};
use crate::forward::ForwardClient;
use crate::metrics::{Registry, ZoneSlot};
use crate::peer::RegionClient;
use crate::policy::Policy as Stage;
use crate::publish::Published;
use crate::route::{Door, Remote, Routes};
use crate::tls::Acceptor;
use crate::wire::Name;
use crate::wire::stamp::{DoorSaid, ReplyStamp};
use crate::zone::Snapshot;

/// Everything that the doors share.
pub struct Core {
    pub zone: Arc<Published<Snapshot>>,
    pub routing: Published<Routing>,
    /// Of all servers: their keys differ.
    pub cache: Cache,
    pub inflight: Arc<Inflight<Fetched>>,
    /// Questions that wait for a peer or an upstream, and fetches that outlast their askers, bounded by `limits.in_flight`.
    pub in_flight: Permits,
    pub runtime: Handle,
    /// Takes questions that only an upstream has to be asked for.
    pub courier: Courier,
    pub metrics: Arc<Registry>,
    pub recorders: Recorders,
    pub heartbeats: Heartbeats,
    /// Random, new at each start: a self-probe that finds it has found this very process.
    pub instance: u64,
    pub counters: Counters,
    pub identity: Identity,
    pub failures: Failures,
    /// Of the peers' door over TLS, if there is one.
    pub tls: Option<Arc<Acceptor>>,
    pub table: TableState,
}

/// How the peer table in use came to be so.
#[derive(Debug)]
pub struct TableState {
    /// Tables that have been in use, this one included.
    pub generation: AtomicU64,
    /// The newest one is in use as it stands.
    pub ok: AtomicBool,
}

impl TableState {
    /// That of the first table.
    #[must_use]
    pub fn new(ok: bool) -> Self {
        Self { generation: 1.into(), ok: ok.into() }
    }
}

/// What happens rarely, counted by whoever sees it.
#[derive(Debug, Default)]
pub struct Counters {
    /// Questions refused because `limits.in_flight` was reached.
    pub overloaded: AtomicU64,
    /// Connections closed because `limits.tcp_connections` was reached.
    pub tcp_refused: AtomicU64,
    /// Questions refused because their client has its share of `limits.in_flight`.
    pub client_questions: AtomicU64,
    /// Connections closed because their client has its share of `limits.tcp_connections`.
    pub client_connections: AtomicU64,
    /// Connections that could not be accepted, for want of file descriptors for instance.
    pub accept_errors: AtomicU64,
}

impl Counters {
    /// Adds one.
    pub fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a reload replaces, as one piece: the routes, and the clients that they number.
pub struct Routing {
    pub routes: Routes,
    pub regions: Vec<Arc<RegionClient>>,
    pub upstreams: Vec<Arc<ForwardClient>>,
    pub config: Arc<Config>,
    /// What may be kept of regions' answers, for each server.
    pub policies: Vec<Policy>,
    /// What may be kept of an upstream's, by its number.
    pub upstream_policies: Vec<Policy>,
    pub region_ids: Vec<u64>,
    pub upstream_ids: Vec<u64>,
    /// Of regions, then of upstreams.
    pub refreshes: Vec<Arc<Refreshes>>,
    /// Whether questions to an upstream bear the stamp, by its number.
    pub upstream_stamps: Vec<bool>,
    pub table: PeerTable,
    pub slots: Slots,
    /// The rules of each server, if it has any.
    pub stages: Vec<Option<Arc<Stage>>>,
    /// If questions are to be logged.
    pub query_log: Option<Arc<QueryLog>>,
}

/// Where answers are counted, by where they came from.
pub struct Slots {
    pub origins: Vec<ZoneSlot>,
    pub regions: Vec<ZoneSlot>,
    pub upstreams: Vec<ZoneSlot>,
    pub reverse: ZoneSlot,
}

impl Slots {
    /// Registers the name of every zone.
    pub fn register(metrics: &Registry, origins: &[Name], routes: &Routes) -> Self {
        Self {
            origins: origins.iter().map(|origin| metrics.zone(&origin.to_string())).collect(),
            regions: routes.regions().iter().map(|region| metrics.zone(region)).collect(),
            upstreams: routes.upstreams().iter().map(|zone| metrics.zone(&zone.to_string())).collect(),
            reverse: metrics.zone("arpa"),
        }
    }

    pub fn of(&self, remote: Remote) -> ZoneSlot {
        match remote {
            Remote::Peer(region) => self.regions[region],
            Remote::Forward(upstream) => self.upstreams[upstream],
        }
    }
}

impl Routing {
    /// The rules for who asks at this door: the pods' only, what other regions may ask is decided without them.
    #[inline]
    pub fn policy(&self, door: Door) -> Option<&Stage> {
        match door {
            Door::Pods { server } => self.stages.get(server)?.as_deref(),
            Door::Peers => None,
        }
    }

    /// A number of the target that stays the same when the table is made anew, so that cached answers outlive a reload.
    #[inline]
    pub fn route_id(&self, remote: Remote) -> u64 {
        match remote {
            Remote::Peer(region) => self.region_ids[region],
            Remote::Forward(upstream) => self.upstream_ids[upstream],
        }
    }

    /// The target with this number, if there is one.
    pub fn remote(&self, id: u64) -> Option<Remote> {
        let at = |ids: &[u64]| ids.iter().position(|found| *found == id);
        at(&self.region_ids).map(Remote::Peer).or_else(|| at(&self.upstream_ids).map(Remote::Forward))
    }

    /// What may be kept of its answers.
    pub fn keeping(&self, server: u16, remote: Remote) -> &Policy {
        match remote {
            Remote::Peer(_) => &self.policies[usize::from(server)],
            Remote::Forward(upstream) => &self.upstream_policies[upstream],
        }
    }

    pub fn refreshes(&self, remote: Remote) -> &Arc<Refreshes> {
        match remote {
            Remote::Peer(region) => &self.refreshes[region],
            Remote::Forward(upstream) => &self.refreshes[self.regions.len() + upstream],
        }
    }

    /// No address of the region is worth asking. Upstreams are asked whatever is known of them.
    #[inline]
    pub fn is_dark(&self, remote: Remote) -> bool {
        match remote {
            Remote::Peer(region) => self.regions[region].is_dark(),
            Remote::Forward(_) => false,
        }
    }

    /// Does a stamped question go its own way there? Its path belongs to it alone, so it neither joins a fetch nor takes from
    /// the cache where the path is passed on.
    pub fn passes_the_stamp_on(&self, remote: Remote) -> bool {
        match remote {
            Remote::Peer(_) => true,
            Remote::Forward(upstream) => self.upstream_stamps[upstream],
        }
    }
}

/// The newest zone and routes, held for one batch.
pub struct View {
    pub zone: Arc<Snapshot>,
    pub routing: Arc<Routing>,
    /// What replies to stamped questions say, for the pods' door and the peers' door; written when first needed.
    reply_stamps: [OnceLock<Vec<u8>>; 2],
}

impl View {
    pub fn load(core: &Core) -> Self {
        Self { zone: core.zone.load(), routing: core.routing.load(), reply_stamps: Default::default() }
    }

    /// Takes what is new. It costs two reads when nothing is.
    #[inline]
    pub fn refresh(&mut self, core: &Core) {
        let zone = core.zone.refresh(&mut self.zone);
        if core.routing.refresh(&mut self.routing) || zone {
            self.reply_stamps = Default::default();
        }
    }

    pub fn reply_stamp(&self, door: Door) -> &[u8] {
        let (stamp, said) = match door {
            Door::Pods { .. } => (&self.reply_stamps[0], DoorSaid::Pods),
            Door::Peers => (&self.reply_stamps[1], DoorSaid::Peers),
        };
        stamp.get_or_init(|| {
            let label = self.routing.routes.own().label.as_ref();
            let reply = ReplyStamp {
                id: self.zone.cluster_id,
                label: label.map(|label| label.as_str().to_owned()).unwrap_or_default(),
                synced: self.zone.synced,
                door: said,
                table: self.routing.table.hash,
            };
            reply.write()
        })
    }
}
