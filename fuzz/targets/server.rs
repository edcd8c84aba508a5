//! A server without sockets for the query target: what the doors share, with a zone, a peer table and answers in its cache.
//! Nobody can be asked from here: no region and no upstream has an address.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use interlocal::cache::{Cache, Entry, Inflight, KeyBuf, Policy, Source};
use interlocal::clock;
use interlocal::config::{Config, Overrides, PeerTable, UnknownKeys, file, peers};
use interlocal::forward::{ForwardClient, HostLookup};
use interlocal::metrics::Registry;
use interlocal::peer::{RegionClient, Settings};
use interlocal::publish::Published;
use interlocal::route::Routes;
use interlocal::server::core::{Core, Counters, Routing, Slots, TableState};
use interlocal::server::courier::Courier;
use interlocal::server::heartbeat::Heartbeats;
use interlocal::server::permits::Permits;
use interlocal::server::recorders::Recorders;
use interlocal::wire::ReplyBody;
use interlocal::zone::{Builder, Event, Snapshot, ZoneSettings};
use tokio::runtime::Runtime;

use super::{answers, cached, objects};

const CONFIG: &str = "
region: east
listen: {dns: ['127.0.0.1:0'], peers: ['127.0.0.1:0'], health: '', ready: '', metrics: '', admin: ''}
kubernetes: {source: manifests}
forward:
  - {zone: ., to: [/nowhere/resolv.conf]}
  - {zone: corp.example.com, to: [/nowhere/resolv.conf], transport: tcp}
cache: {max_ttl: 168h, max_negative_ttl: 168h, prefetch: false}
";
const PEERS: &str = "
regions:
  east: {endpoints: [a.invalid], cidrs: [10.0.96.0/20, '2001:db8:e::/64'], mesh: east.mesh}
  west: {endpoints: [a.invalid], cidrs: [10.0.112.0/20], mesh: west.mesh}
  dark: {endpoints: [a.invalid]}
";
const ZONE: &str = include_str!("zone.yaml");

pub(crate) struct Server {
    pub(crate) core: Arc<Core>,
    pub(crate) runtime: Runtime,
    /// When everything was put into the cache.
    pub(crate) now: Instant,
}

impl Server {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let parsed = file::parse(CONFIG, Path::new("config"), UnknownKeys::Refuse, &Overrides::default());
        let config = Arc::new(parsed.expect("a configuration").value);
        let table = table(&config);
        let metrics = Registry::new("0", true);
        let zone = Arc::new(Published::new(Snapshot::empty(&settings(&config, &table))));
        zone.publish(snapshot(settings(&config, &table)));
        let routing = {
            let _inside = runtime.enter();
            routing(&config, &table, &metrics)
        };
        let now = clock::now();
        let cache = Cache::new(16 << 20);
        fill(&cache, &routing, now);
        let core = Core {
            zone,
            routing: Published::new(routing),
            cache,
            inflight: Inflight::new(),
            in_flight: Permits::default(),
            runtime: runtime.handle().clone(),
            courier: Courier::default(),
            recorders: Recorders::new(&metrics, ["dns://".to_owned(), "dns://".to_owned()]),
            heartbeats: Heartbeats::new(now),
            metrics,
            instance: 1,
            identity: interlocal::server::identity::Identity::new(|_| None),
            failures: interlocal::server::failures::Failures::default(),
            counters: Counters::default(),
            tls: None,
            table: TableState::new(true),
        };
        Self { core: Arc::new(core), runtime, now }
    }
}

fn table(config: &Config) -> PeerTable {
    let context = peers::TableContext {
        cluster_domain: &config.cluster_domain,
        region: config.region.as_ref(),
        stub_zones: &config.stub_zones(),
        limits: &config.limits,
        folder: None,
    };
    let result = peers::parse(PEERS, Path::new("peers"), &context, UnknownKeys::Refuse);
    assert!(result.errors.is_empty(), "{:?}", result.errors);
    result.table
}

fn settings(config: &Config, table: &PeerTable) -> ZoneSettings {
    let origins = Routes::origins(config, table);
    ZoneSettings {
        origins,
        ttl: 5,
        pods: config.kubernetes.pods,
        only_known_namespaces: false,
        endpoint_pod_names: false,
        ignore_empty_services: false,
        externals: Vec::new(),
    }
}

fn snapshot(settings: ZoneSettings) -> Arc<Snapshot> {
    let loaded = objects::load(ZONE.as_bytes());
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    let mut builder = Builder::new(settings);
    loaded.objects.into_iter().for_each(|object| builder.apply(Event::Apply(object)));
    builder.mark_synced();
    builder.publish(1).expect("the first one")
}

fn routing(config: &Arc<Config>, table: &PeerTable, metrics: &Registry) -> Routing {
    let routes = Routes::build(config, table);
    let hosts = Arc::new(HostLookup::new(Vec::new(), Vec::new()));
    let rows = || config.servers.iter().flat_map(|server| &server.forward);
    let region = |row: &interlocal::config::RegionRow| {
        let mut row = row.clone();
        row.endpoints.clear();
        let settings = Settings::for_peers(&config.peers, &config.limits, config.stamp_option);
        RegionClient::start(&row, settings, Vec::new(), Arc::clone(&hosts) as _)
    };
    Routing {
        region_ids: (cached::WEST - 2..).take(table.regions.len()).collect(),
        upstream_ids: (0..).take(rows().count()).collect(),
        refreshes: Vec::new(),
        upstream_stamps: rows().map(|row| row.stamp).collect(),
        slots: Slots::register(metrics, &Routes::origins(config, table), &routes),
        stages: Vec::new(),
        policies: config.servers.iter().map(|server| Policy::new(&server.cache, config.peers.stale)).collect(),
        upstream_policies: rows().map(|_| Policy::new(&config.servers[0].cache, config.peers.stale)).collect(),
        regions: table.regions.iter().map(region).collect(),
        upstreams: rows().map(|row| ForwardClient::start(row, &config.limits, config.stamp_option)).collect(),
        query_log: None,
        config: Arc::clone(config),
        table: table.clone(),
        routes,
    }
}

fn fill(cache: &Cache, routing: &Routing, now: Instant) {
    for (route, message) in cached::replies() {
        let question = answers::question(&message).expect("a question");
        let (body, _) = ReplyBody::read(&message, question.qtype).expect("a reply");
        let source = if route < cached::WEST { Source::Forward } else { Source::Peer };
        let keep = routing.policies[0].keep(source, &body).expect("an answer that is kept");
        let key = KeyBuf::new(0, route, &question.asked()).to_key();
        cache.insert(key, Entry::new(Arc::new(body), keep, now, now), now);
    }
}
