//! Builds every part in order, joins the tasks, and drains in order: the only place that knows everybody. The binary and the tests
//! start an instance through the same function.

mod certificates;
mod compat;
mod configmap;
pub mod corefile;
mod feed;
mod http;
mod loops;
pub mod memory;
pub mod offline;
#[cfg(test)]
mod planted;
mod pulse;
mod reloads;
mod report;
mod routing;
mod servers;
mod stages;
mod table;
pub mod text;

pub use table::hidden;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::Handle;

use self::feed::Feed;
use self::http::Http;
use self::pulse::Pulse;
use self::reloads::{Reloads, State, Watched};
use self::routing::Builder;
use crate::cache::{Cache, Inflight};
use crate::clock;
use crate::config::{Config, Listen, Namespaces, Overrides, PeerTable};
use crate::log::LogHandle;
use crate::metrics::Registry;
use crate::peer::health::Health;
use crate::peer::region::RegionSnapshot;
use crate::publish::Published;
use crate::ready::Ready;
use crate::route::Routes;
use crate::server::admin::Admin;
use crate::server::bind::BindError;
use crate::server::core::{Core, Counters, TableState};
use crate::server::courier::Courier;
use crate::server::failures::Failures;
use crate::server::heartbeat::Heartbeats;
use crate::server::identity::Identity;
use crate::server::permits::Permits;
use crate::server::recorders::Recorders;
use crate::server::{BoundDoors, Doors};
use crate::wire::stamp::ClusterId;
use crate::zone::{Snapshot, ZoneSettings};

/// UDP workers for each address unless configured: more than eight gain nothing before the network is full.
const MAX_WORKERS: usize = 8;
/// How often `shutdown` looks whether the last questions are answered.
const DRAIN_STEP: Duration = Duration::from_millis(10);
/// How long it looks: longer than any question may take.
const DRAIN: Duration = Duration::from_secs(5);

/// Changes what was read from files, now and at every reload: how the demo moves its ports.
pub trait Adjust: Send + Sync {
    fn config(&self, config: &mut Config);
    fn table(&self, table: &mut PeerTable);
}

/// What an instance starts from.
pub struct Input {
    pub config: Config,
    /// The file that the configuration came from, watched; none: nothing to watch.
    pub file: Option<PathBuf>,
    /// What kind of file that is.
    pub kind: FileKind,
    pub overrides: Overrides,
    /// For changes of the log's format and level; none: they are not applied.
    pub log: Option<LogHandle>,
    pub adjust: Option<Arc<dyn Adjust>>,
}

/// How a configuration is written.
#[derive(Debug, Clone, Default)]
pub enum FileKind {
    #[default]
    Yaml,
    /// With all that it was read from.
    Corefile(Vec<PathBuf>),
}

/// Where an instance listens.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    pub dns: Vec<SocketAddr>,
    pub peers: Vec<SocketAddr>,
    /// The peers' door over TLS.
    pub peers_tls: Vec<SocketAddr>,
    pub health: Option<SocketAddr>,
    pub ready: Option<SocketAddr>,
    pub metrics: Option<SocketAddr>,
    pub admin: Option<SocketAddr>,
}

/// An instance with its sockets bound and nothing served yet: whoever starts several that ask each other binds them all first.
pub struct BoundApp {
    input: Input,
    config: Arc<Config>,
    watched: Watched,
    doors: BoundDoors,
    http: Http,
}

/// A running instance. Dropping it stops it at once; [`App::shutdown`] stops it gently.
pub struct App {
    addresses: Addresses,
    core: Arc<Core>,
    ready: Ready,
    doors: Doors,
    admin: Admin,
    reloads: Reloads,
    _pulse: Option<Pulse>,
}

impl BoundApp {
    /// Binds every socket. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If a socket cannot be had.
    pub fn new(input: Input) -> Result<Self, BindError> {
        let mut config = input.config.clone();
        if let Some(adjust) = &input.adjust {
            adjust.config(&mut config);
        }
        let watched = Watched::new(&config, input.file.as_deref(), &input.kind);
        let doors = BoundDoors::bind(&config, workers(&config))?;
        let http = Http::bind(&config)?;
        Ok(Self { config: Arc::new(config), input, watched, doors, http })
    }

    /// Where it will listen.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        Addresses {
            dns: self.doors.addresses(false),
            peers: self.doors.addresses(true),
            peers_tls: self.doors.tls_addresses(),
            ..self.http.addresses()
        }
    }

    /// Reads every file, and serves. The runtime's threads then do everything but UDP and HTTP.
    ///
    /// # Errors
    /// If a thread cannot be started. Files that are wrong do not end up here: the configuration was judged by the caller,
    /// and a bad peer table never stops local DNS.
    pub fn start(self) -> anyhow::Result<App> {
        let addresses = self.addresses();
        let Self { input, config, watched, doors, http } = self;
        let ready = Ready::new();
        let metrics = Registry::new(env!("CARGO_PKG_VERSION"), config.metrics.coredns_compat);
        let (table, ok) = table::at_start(&config, input.adjust.as_deref());
        let zone = Arc::new(Published::new(Snapshot::empty(&zone_settings(&config, &table))));
        let builder = Builder::new(Arc::clone(&metrics), Arc::clone(&zone));
        let routing = builder.build(&config, &table, None);
        let core = Arc::new(Core {
            zone: Arc::clone(&zone),
            routing: Published::new(routing),
            cache: Cache::new(config.cache_size()),
            inflight: Inflight::new(),
            in_flight: Permits::default(),
            runtime: Handle::current(),
            courier: Courier::default(),
            recorders: Recorders::new(&metrics, labels(&config)),
            heartbeats: Heartbeats::new(clock::now()),
            metrics: Arc::clone(&metrics),
            instance: builder.instance(),
            counters: Counters::default(),
            identity: Identity::new(|name| std::env::var(name).ok()),
            failures: Failures::default(),
            tls: config.listen.peers_tls.as_ref().map(|_| Arc::default()),
            table: TableState::new(ok),
        });
        // Before anybody looks when they end.
        certificates::reload(&core, &config);
        let feed = Feed::start(&config, zone_settings(&config, &table), zone, &ready, &metrics);
        let reloads = Reloads::start(
            watched,
            State {
                core: Arc::clone(&core),
                builder,
                feed,
                configmap: configmap::Watched::start(&config, &ready, &metrics),
                table,
                config: Arc::clone(&config),
                file: input.file,
                kind: input.kind,
                overrides: input.overrides,
                log: input.log,
                adjust: input.adjust,
                identity: ClusterId::default(),
            },
        );
        report::register(&core);
        memory::watch(&core);
        let doors = doors.start(&core, config.plain_sockets).context("cannot start the doors")?;
        let admin = http.serve(&core, &ready)?;
        let _pulse = Pulse::start(addresses.health, config.metrics.coredns_compat, &metrics);
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            region = config.region.as_ref().map_or("", |label| label.as_str()),
            dns = ?addresses.dns,
            peers = ?addresses.peers,
            peers_tls = ?addresses.peers_tls,
            "serving"
        );
        Ok(App { addresses, core, ready, doors, admin, reloads, _pulse })
    }
}

impl App {
    /// Binds and starts an instance. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// As [`BoundApp::new`] and [`BoundApp::start`].
    pub fn start(input: Input) -> anyhow::Result<Self> {
        BoundApp::new(input)?.start()
    }

    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// What all doors share, for whoever wants to look.
    #[must_use]
    pub fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// What is missing before this instance is ready.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        self.ready.missing()
    }

    /// Waits until nothing is missing.
    pub async fn ready(&self) {
        while !self.missing().is_empty() {
            tokio::time::sleep(DRAIN_STEP).await;
        }
    }

    /// Waits until every region has an address that answers.
    pub async fn peers_up(&self) {
        let own = self.core.routing.load().config.region.clone();
        let up = |region: &RegionSnapshot| {
            own.as_ref().is_some_and(|own| own.as_str() == region.label)
                || region.addresses.iter().any(|address| address.connections > 0 && address.health == Health::Closed)
        };
        while !self.core.routing.load().regions.iter().all(|region| up(&region.snapshot())) {
            tokio::time::sleep(DRAIN_STEP).await;
        }
    }

    /// Reads all files again, as on SIGHUP.
    pub fn reload(&self) {
        self.reloads.poke();
    }

    /// Ends gently: not ready at once, answering until the lameduck time is over, then the doors close, what is in flight is
    /// answered, and everything stops.
    pub async fn shutdown(self) {
        let config = Arc::clone(&self.core.routing.load().config);
        self.ready.set_shutting_down();
        tracing::info!(lameduck = ?config.shutdown.lameduck, "shutting down");
        tokio::time::sleep(config.shutdown.lameduck).await;
        self.doors.stop().await;
        let end = tokio::time::Instant::now() + DRAIN;
        while self.core.in_flight.taken() > 0 && tokio::time::Instant::now() < end {
            tokio::time::sleep(DRAIN_STEP).await;
        }
        let routing = self.core.routing.load();
        while routing.query_log.as_ref().is_some_and(|log| !log.is_written()) && tokio::time::Instant::now() < end {
            tokio::time::sleep(DRAIN_STEP).await;
        }
        self.reloads.stop().await;
        drop(self.admin);
        tracing::info!("stopped");
    }
}

/// What the zone is built by.
fn zone_settings(config: &Config, table: &PeerTable) -> ZoneSettings {
    ZoneSettings {
        origins: Routes::origins(config, table),
        ttl: u32::try_from(config.kubernetes.ttl.as_secs()).unwrap_or(u32::MAX),
        pods: config.kubernetes.pods,
        only_known_namespaces: matches!(config.kubernetes.namespaces, Namespaces::Labelled(_)),
        endpoint_pod_names: config.kubernetes.endpoint_pod_names,
        ignore_empty_services: config.kubernetes.ignore_empty_service,
        externals: Routes::externals(config),
    }
}

fn workers(config: &Config) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    config.workers.unwrap_or(cores.min(MAX_WORKERS))
}

/// How metrics call the servers, and last the peers' door: as CoreDNS calls its server blocks, with an address only if there is one
/// to tell.
fn labels(config: &Config) -> Vec<String> {
    let label = |listen: Option<&Listen>| match listen {
        Some(Listen::Address(address)) if !address.ip().is_unspecified() => format!("dns://{address}"),
        Some(listen) => format!("dns://:{}", listen.port()),
        None => "dns://".to_owned(),
    };
    let servers = config.servers.iter().map(|server| label(server.listen.first()));
    servers.chain([label(config.listen.peers.first())]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_called_as_corednss() {
        let mut config = Config::default();
        assert_eq!(labels(&config), ["dns://:53", "dns://:8053"]);
        config.servers[0].listen = vec![Listen::Address(([169, 254, 20, 10], 53).into())];
        config.listen.peers = Vec::new();
        assert_eq!(labels(&config), ["dns://169.254.20.10:53", "dns://"]);
    }
}
