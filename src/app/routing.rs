//! Routes and the clients behind them, built from a configuration and a table. What a reload does not change is kept: a client whose
//! row is the same keeps its connections, and answers stay in the cache because their route keeps its number.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::loops;
use super::stages::Stages;
use crate::cache::Policy;
use crate::config::{Config, ForwardConfig, PeerTable, RegionRow, ServerConfig};
use crate::forward::{ForwardClient, HostLookup};
use crate::metrics::Registry;
use crate::peer::{RegionClient, Settings};
use crate::publish::Published;
use crate::route::Routes;
use crate::server::core::{Routing, Slots};
use crate::server::querylog::QueryLogs;
use crate::server::refresh::Refreshes;
use crate::wire::stamp::write_stamp;
use crate::zone::Snapshot;

/// Builds routings, one after another.
pub(super) struct Builder {
    metrics: Arc<Registry>,
    zone: Arc<Published<Snapshot>>,
    instance: u64,
    hosts: Arc<HostLookup>,
    stages: Stages,
    query_logs: QueryLogs,
}

impl Builder {
    pub(super) fn new(metrics: Arc<Registry>, zone: Arc<Published<Snapshot>>) -> Self {
        let hosts = Arc::new(HostLookup::new(Vec::new(), Vec::new()));
        let query_logs = QueryLogs::new(&metrics);
        Self { metrics, zone, instance: rand::random(), hosts, stages: Stages::new(), query_logs }
    }

    /// Random, new at each start.
    pub(super) fn instance(&self) -> u64 {
        self.instance
    }

    /// Inside a tokio runtime.
    pub(super) fn build(&self, config: &Arc<Config>, table: &PeerTable, previous: Option<&Routing>) -> Routing {
        let routes = Routes::build(config, table);
        let externals = Routes::externals(config).into_iter().map(|external| external.zone);
        let local: Vec<_> = Routes::origins(config, table).into_iter().chain(externals).collect();
        let own = loops::Own { zone: Arc::clone(&self.zone), instance: self.instance };
        let stamp = write_stamp(None, routes.own().hop(self.zone.load().cluster_id));
        let upstreams: Vec<Arc<ForwardClient>> = self.upstreams(config, previous, &own);
        self.hosts.update(upstreams.clone(), stamp.clone());
        let regions = table.regions.iter().map(|row| self.region(config, row, &stamp, previous, &own)).collect();
        let stale = config.peers.stale;
        let region_ids: Vec<u64> = routes.regions().iter().map(|label| route_id("region", label)).collect();
        let upstream_ids: Vec<u64> = upstream_ids(config);
        Routing {
            refreshes: refreshes(&routes, [&region_ids, &upstream_ids], previous),
            region_ids,
            upstream_ids,
            upstream_stamps: rows(config).map(|row| row.stamp && !row.zone.as_ref().is_root()).collect(),
            slots: Slots::register(&self.metrics, &local, &routes),
            stages: self.stages.build(config, previous),
            policies: config.servers.iter().map(|server| Policy::new(&server.cache, stale)).collect(),
            query_log: self.query_logs.of(
                config.log.queries.as_ref(),
                &config.limits,
                previous.and_then(|old| old.query_log.as_ref()),
            ),
            upstream_policies: upstream_policies(config),
            config: Arc::clone(config),
            table: table.clone(),
            routes,
            regions,
            upstreams,
        }
    }

    fn upstreams(&self, config: &Config, previous: Option<&Routing>, own: &loops::Own) -> Vec<Arc<ForwardClient>> {
        let mut old: Vec<Arc<ForwardClient>> = previous.map(|routing| routing.upstreams.clone()).unwrap_or_default();
        rows(config)
            .map(|row| match old.iter().position(|client| *client.zone() == row.zone && client.can_take(row)) {
                Some(at) => {
                    let client = old.swap_remove(at);
                    client.update(row, &config.limits, config.stamp_option);
                    client
                }
                None => {
                    let client = ForwardClient::start(row, &config.limits, config.stamp_option);
                    client.probed().for_each(|client| loops::watch_upstream(client, own.clone()));
                    client
                }
            })
            .collect()
    }

    fn region(
        &self,
        config: &Config,
        row: &RegionRow,
        stamp: &[u8],
        previous: Option<&Routing>,
        own: &loops::Own,
    ) -> Arc<RegionClient> {
        let settings = Settings::for_peers(&config.peers, &config.limits, config.stamp_option);
        let mut row = row.clone();
        if Some(&row.label) == config.region.as_ref() {
            // Our own row leads to our own load balancer, which we never ask.
            row.endpoints.clear();
            row.tls = None;
        }
        let kept = previous.and_then(|old| old.regions.iter().find(|client| client.label() == row.label.as_str()));
        match kept {
            Some(client) if client.can_take(&row) => {
                client.update(&row, settings, stamp.to_vec());
                Arc::clone(client)
            }
            _ => {
                let client = RegionClient::start(&row, settings, stamp.to_vec(), Arc::clone(&self.hosts) as _);
                loops::watch_region(&client, own.clone());
                client
            }
        }
    }
}

/// Two servers may forward one zone to different places, so each row of each server is a route of its own.
fn upstream_ids(config: &Config) -> Vec<u64> {
    let servers = config.servers.iter().enumerate();
    servers
        .flat_map(|(at, server)| server.forward.iter().map(move |row| route_id("zone", &format!("{at} {}", row.zone))))
        .collect()
}

/// How long the answers of each row are kept: as it says itself, else as its server does.
fn upstream_policies(config: &Config) -> Vec<Policy> {
    let of = |server: &ServerConfig, row: &ForwardConfig| {
        let mut cache = server.cache.clone();
        if let Some(caps) = row.cache {
            (cache.max_ttl, cache.max_negative_ttl) = (caps.max_ttl, caps.max_negative_ttl);
        }
        Policy::new(&cache, config.peers.stale)
    };
    config.servers.iter().flat_map(|server| server.forward.iter().map(move |row| of(server, row))).collect()
}

/// The rows of `forward`, server by server: the order in which routes number them.
fn rows(config: &Config) -> impl Iterator<Item = &ForwardConfig> {
    config.servers.iter().flat_map(|server| &server.forward)
}

/// The refreshes of every route, by their numbers: regions, then upstreams.
fn refreshes(routes: &Routes, ids: [&[u64]; 2], previous: Option<&Routing>) -> Vec<Arc<Refreshes>> {
    let before = previous.map_or(&[][..], |routing| &routing.refreshes);
    let labels = routes.regions().iter().cloned().chain(routes.upstreams().iter().map(ToString::to_string));
    let ids = ids.into_iter().flatten();
    ids.zip(labels).map(|(id, label)| Refreshes::of(before, *id, &label)).collect()
}

/// The number by which the cache knows a route: the same for the same name as long as the process lives.
fn route_id(kind: &str, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind, name).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
