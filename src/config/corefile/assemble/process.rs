//! What there is one of in a process, gathered from all blocks: the cluster, the pages that others look at, the end.

use std::time::Duration;

use super::zones::is_reverse;
use crate::config::corefile::plugins::{Block, Http, Kubernetes};
use crate::config::corefile::sources::Sources;
use crate::config::error::Fault;
use crate::config::{
    Config, KubernetesConfig, KubernetesSource, Listen, ListenConfig, PeersConfig, PeersSource, ShutdownConfig,
};

pub(super) fn config(blocks: &[Block], sources: &Sources) -> Config {
    let default = Config::default();
    let (mut health, mut ready, mut metrics) = (None, None, None);
    let mut lameduck = Duration::ZERO;
    for block in blocks {
        if let Some(found) = &block.health {
            one("health", &mut health, found.http, sources);
            lameduck = lameduck.max(found.lameduck);
        }
        if let Some(found) = block.ready {
            one("ready", &mut ready, found, sources);
        }
        if let Some(found) = block.prometheus {
            one("prometheus", &mut metrics, found, sources);
        }
    }
    let (cluster_domain, kubernetes) = kubernetes(blocks, &default, sources);
    Config {
        cluster_domain,
        kubernetes,
        servers: Vec::new(),
        listen: ListenConfig {
            health: health.map(|http: Http| http.listen),
            ready: ready.map(|http: Http| http.listen),
            metrics: metrics.map(|http: Http| http.listen),
            peers_chase_outside: true,
            ..ListenConfig::default()
        },
        peers: PeersConfig { source: PeersSource::None, ..PeersConfig::default() },
        shutdown: ShutdownConfig { lameduck },
        ..default
    }
}

/// The same page twice is one; two different ones would need two ports, and there is one.
fn one(name: &str, found: &mut Option<Http>, new: Http, sources: &Sources) {
    match found {
        None => *found = Some(new),
        Some(old) if same(old.listen, new.listen) => {}
        Some(old) => {
            let fault = Fault::new(format!(
                "`{name}` on `{}` and on `{}`: there is one page for all blocks",
                old.listen, new.listen
            ));
            sources.error(new.spot, fault.help("write the same address in each block, or leave it out of all but one"));
        }
    }
}

fn same(one: Listen, other: Listen) -> bool {
    one == other
}

/// The cluster domain and where its names come from. Several `kubernetes` are one if they say the same of the cluster.
fn kubernetes(blocks: &[Block], default: &Config, sources: &Sources) -> (crate::wire::Name, KubernetesConfig) {
    let all = || blocks.iter().filter_map(|block| Some((block, block.kubernetes.as_ref()?)));
    let Some((_, first)) = all().next() else {
        let config = KubernetesConfig { source: KubernetesSource::None, ..KubernetesConfig::default() };
        return (default.cluster_domain.clone(), config);
    };
    for (_, other) in all() {
        if other.config != first.config {
            let fault = Fault::new("two `kubernetes` say different things of the cluster");
            let line = first.spot.place.line;
            sources.error(other.spot, fault.help(format!("there is one cluster: write the options as in line {line}")));
        }
    }
    let names = |block: &Block, kubernetes: &Kubernetes| -> Vec<crate::wire::Name> {
        let own = block.keys.iter().map(|key| key.zone.clone()).collect();
        if kubernetes.zones.is_empty() { own } else { kubernetes.zones.clone() }
    };
    let mut zones = all().flat_map(|(block, kubernetes)| names(block, kubernetes)).filter(|zone| !is_reverse(zone));
    let Some(domain) = zones.next() else {
        let fault = Fault::new("`kubernetes` names no zone but reverse ones");
        sources
            .error(first.spot, fault.help("name the cluster domain: `kubernetes cluster.local in-addr.arpa ip6.arpa`"));
        return (default.cluster_domain.clone(), first.config.clone());
    };
    if domain.as_ref().is_root() {
        let fault = Fault::new("the zone of `kubernetes` is the root: every name would be the cluster's");
        sources.error(first.spot, fault.help("name the cluster domain: `kubernetes cluster.local`"));
        return (default.cluster_domain.clone(), first.config.clone());
    }
    (domain, first.config.clone())
}
