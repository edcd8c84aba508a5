//! What CoreDNS's dashboards and alerts ask for and no part counts under that name: told in CoreDNS's words from what the parts
//! know. It counts nothing itself.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering::Relaxed;

use super::labels;
use crate::config::{Config, ServerConfig};
use crate::forward::client::ForwardSnapshot;
use crate::metrics::{CACHE_ZONES, Histogram, Sink, names};
use crate::peer::counters::AddressSnapshot;
use crate::server::core::{Core, Routing};

const VIEW: (&str, &str) = ("view", "");
/// Whatever asks others is that plugin.
const PROXY: (&str, &str) = ("proxy_name", "forward");
/// Of the two kinds that [`crate::cache::Kinds`] has.
const KINDS: [(&str, &str); 2] = [("type", "success"), ("type", "denial")];

/// Everything but what upstreams and regions have to say: that is [`address`] and [`upstream`].
pub(super) fn report(core: &Core, routing: &Routing, sink: &mut Sink) {
    let servers = labels(&routing.config);
    plugins(&routing.config, &servers, sink);
    for (kinds, server) in core.cache.kinds().iter().zip(&servers) {
        for (at, kind) in KINDS.into_iter().enumerate() {
            let labels = [("server", server.as_str()), kind, CACHE_ZONES, VIEW];
            sink.gauge(names::COREDNS_CACHE_ENTRIES, &labels, kinds.entries[at] as f64);
            sink.count(names::COREDNS_CACHE_EVICTIONS, &labels, kinds.evictions[at]);
        }
    }
    // Regions belong to all servers; the first one stands for them.
    let regions = std::iter::repeat_n(0, routing.regions.len());
    for (server, refreshes) in regions.chain(owners(&routing.config)).zip(&routing.refreshes) {
        let labels = [("server", servers[server].as_str()), CACHE_ZONES, VIEW];
        sink.count(names::COREDNS_CACHE_PREFETCH, &labels, refreshes.started.load(Relaxed));
    }
    sink.count(names::COREDNS_FORWARD_REJECTS, &[], core.counters.overloaded.load(Relaxed));
    sink.count(names::COREDNS_FORWARD_BROKEN, &[], 0);
    sink.count(names::COREDNS_RELOAD_FAILED, &[], 0);
    let version = format!("{:016x}", version(&routing.config));
    sink.gauge(names::COREDNS_RELOAD_VERSION, &[("hash", "siphash"), ("value", &version)], 1.0);
    let runtime = core.runtime.metrics();
    let threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    sink.gauge(names::GO_GOROUTINES, &[], (runtime.num_alive_tasks() + threads) as f64);
}

/// One upstream zone; `number` is its place among all of them.
pub(super) fn upstream(routing: &Routing, number: usize, upstream: &ForwardSnapshot, sink: &mut Sink) {
    sink.count(names::COREDNS_FORWARD_BROKEN, &[], upstream.all_down);
    let mismatched = upstream.udp.iter().map(|one| one.mismatched).chain(upstream.tcp.iter().map(|one| one.mismatched));
    if let (Some(owner), servers) = (owners(&routing.config).nth(number), labels(&routing.config)) {
        let labels = [("server", servers[owner].as_str()), CACHE_ZONES, VIEW];
        sink.count(names::COREDNS_CACHE_DROPS, &labels, mismatched.sum());
    }
    for server in &upstream.udp {
        let to = server.address.to_string();
        exchanges(&to, server.tries, &server.timings, server.probe_failures, sink);
        connections(&to, "udp", 0, server.tries, sink);
        if server.over_tcp > 0 {
            connections(&to, "tcp", server.reused, server.connects, sink);
        }
    }
    let proto = proto(upstream.tls.is_some());
    upstream.tcp.iter().for_each(|server| address(server, proto, sink));
}

/// One address that is asked over connections that stay.
pub(super) fn address(server: &AddressSnapshot, proto: &str, sink: &mut Sink) {
    let to = server.address.to_string();
    exchanges(&to, server.questions, &server.timings, server.probe_failures, sink);
    // They are made ahead, so each question finds one.
    connections(&to, proto, server.questions, server.connects, sink);
}

/// What CoreDNS calls such connections.
pub(super) fn proto(tls: bool) -> &'static str {
    if tls { "tcp-tls" } else { "tcp" }
}

fn exchanges(to: &str, questions: u64, timings: &[(&'static str, Histogram)], failed_probes: u64, sink: &mut Sink) {
    let to = ("to", to);
    sink.count(names::COREDNS_FORWARD_REQUESTS, &[to], questions);
    for (rcode, seen) in timings {
        sink.histogram(names::COREDNS_PROXY_DURATION, &[PROXY, to, ("rcode", rcode)], seen);
        sink.histogram(names::COREDNS_FORWARD_DURATION, &[to, ("rcode", rcode)], seen);
        sink.count(names::COREDNS_FORWARD_RESPONSES, &[to, ("rcode", rcode)], seen.count);
    }
    sink.count(names::COREDNS_PROXY_FAILURES, &[PROXY, to], failed_probes);
    sink.count(names::COREDNS_FORWARD_FAILURES, &[to], failed_probes);
}

fn connections(to: &str, proto: &str, hits: u64, misses: u64, sink: &mut Sink) {
    let labels = [PROXY, ("to", to), ("proto", proto)];
    sink.count(names::COREDNS_PROXY_HITS, &labels, hits);
    sink.count(names::COREDNS_PROXY_MISSES, &labels, misses);
}

/// The server of each upstream zone, in their order.
fn owners(config: &Config) -> impl Iterator<Item = usize> {
    let servers = config.servers.iter().enumerate();
    servers.flat_map(|(number, server)| std::iter::repeat_n(number, server.forward.len()))
}

fn plugins(config: &Config, servers: &[String], sink: &mut Sink) {
    for (server, label) in config.servers.iter().zip(servers) {
        for name in enabled(config, server) {
            let labels = [("server", label.as_str()), ("zone", "."), VIEW, ("name", name)];
            sink.gauge(names::COREDNS_PLUGIN_ENABLED, &labels, 1.0);
        }
    }
}

/// The plugins of CoreDNS whose work is done for this server.
fn enabled(config: &Config, server: &ServerConfig) -> impl Iterator<Item = &'static str> {
    let listen = &config.listen;
    let optional = [
        (listen.health.is_some(), "health"),
        (listen.ready.is_some(), "ready"),
        (listen.metrics.is_some(), "prometheus"),
        (server.cache.size > 0, "cache"),
        (!server.forward.is_empty(), "forward"),
        (!server.forward.is_empty(), "loop"),
        (config.log.queries.is_some(), "log"),
        (!server.external.is_empty(), "k8s_external"),
    ];
    let rules: BTreeSet<&str> = server.policy.iter().map(|row| row.rule.plugin()).collect();
    let always = ["errors", "kubernetes", "loadbalance", "reload"];
    always.into_iter().chain(optional.into_iter().filter_map(|(is, name)| is.then_some(name))).chain(rules)
}

/// Another configuration has another one.
fn version(config: &Config) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{config:?}").hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Overrides, UnknownKeys, file};

    #[test]
    fn plugins_are_those_that_are_configured() {
        let of = |text: &str| {
            let parsed = file::parse(text, Path::new("x"), UnknownKeys::Refuse, &Overrides::default());
            let config = parsed.unwrap().value;
            enabled(&config, &config.servers[0]).collect::<Vec<_>>()
        };
        let plain = of("forward: []");
        assert!(plain.contains(&"kubernetes") && !plain.contains(&"forward") && !plain.contains(&"hosts"), "{plain:?}");
        let rules = "[{hosts: {inline: 10.0.0.1 a}}, {any: true}, {hosts: {inline: 10.0.0.2 b}}, {nsid: a}]";
        let more = of(&format!("forward: []\nexternal: [{{zone: lb.example}}]\npolicy: {rules}"));
        let new: Vec<_> = more.into_iter().filter(|name| !plain.contains(name)).collect();
        assert_eq!(new, ["k8s_external", "any", "hosts", "nsid"], "each once");
    }
}
