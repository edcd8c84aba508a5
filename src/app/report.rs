//! What the parts say of themselves when `/metrics` is read.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

use super::{compat, labels, stages, table};
use crate::forward::client::ForwardSnapshot;
use crate::metrics::{Sink, names};
use crate::peer::health::Health;
use crate::peer::region::RegionSnapshot;
use crate::server::core::Core;

/// Adds every part's numbers to the registry, which belongs to the core: hence weak.
pub(super) fn register(core: &Arc<Core>) {
    let weak: Weak<Core> = Arc::downgrade(core);
    core.metrics.register_source(move |sink| {
        if let Some(core) = weak.upgrade() {
            report(&core, sink);
        }
    });
}

fn report(core: &Core, sink: &mut Sink) {
    let (zone, routing) = (core.zone.load(), core.routing.load());
    core.cache.report(sink);
    for refreshes in &routing.refreshes {
        let labels = [("zone", refreshes.label.as_str())];
        sink.count(names::CACHE_REFRESHES, &labels, refreshes.started.load(Relaxed));
        sink.count(names::CACHE_REFRESHES_REFUSED, &labels, refreshes.refused.load(Relaxed));
    }
    sink.gauge(names::FETCHES, &[], core.inflight.len() as f64);
    sink.count(names::FETCHES_REFUSED, &[], core.counters.overloaded.load(Relaxed));
    sink.count(names::TCP_REFUSED, &[], core.counters.tcp_refused.load(Relaxed));
    for (what, count) in
        [("questions", &core.counters.client_questions), ("connections", &core.counters.client_connections)]
    {
        sink.count(names::CLIENT_REFUSED, &[("what", what)], count.load(Relaxed));
    }
    sink.count(names::ACCEPT_ERRORS, &[], core.counters.accept_errors.load(Relaxed));
    if let Some(tls) = &core.tls {
        sink.gauge(names::TLS_OK, &[], f64::from(u8::from(tls.is_ok())));
        sink.count(names::TLS_HANDSHAKES, &[], tls.accepted());
        for end in tls.ends() {
            sink.gauge(names::TLS_NOT_AFTER, &[("file", end.file)], end.not_after as f64);
        }
        for (cause, count) in tls.failures() {
            sink.count(names::TLS_FAILURES, &[("cause", cause)], count);
        }
    }
    sink.gauge(names::ZONE_SERVICES, &[], zone.counts.services as f64);
    sink.gauge(names::ZONE_ENDPOINTS, &[], zone.counts.endpoints as f64);
    sink.gauge(names::ZONE_SERIAL, &[], f64::from(zone.serial));
    sink.gauge(names::ZONE_SYNCED, &[], f64::from(u8::from(zone.synced)));
    let hidden = table::hidden(&routing.config, &routing.table);
    let hidden = hidden.iter().filter(|namespace| zone.has_ready_endpoints(namespace)).count();
    sink.gauge(names::HIDDEN_NAMESPACES, &[], hidden as f64);
    sink.gauge(names::PEERS_TABLE_OK, &[], f64::from(u8::from(core.table.ok.load(Relaxed))));
    sink.count(names::PEERS_TABLE_GENERATION, &[], core.table.generation.load(Relaxed));
    sink.gauge(names::PEERS_TABLE_INFO, &[("hash", &format!("{:016x}", routing.table.hash))], 1.0);
    let own = routing.config.region.as_ref().map(|label| label.as_str().to_owned());
    for region in routing.regions.iter().filter(|region| Some(region.label()) != own.as_deref()) {
        let region = region.snapshot();
        report_region(&region, sink);
        if sink.coredns() {
            let proto = compat::proto(region.tls.is_some());
            region.addresses.iter().for_each(|address| compat::address(address, proto, sink));
        }
    }
    for (number, upstream) in routing.upstreams.iter().enumerate() {
        for upstream in upstream.all().map(|upstream| upstream.snapshot()) {
            report_upstream(&upstream, sink);
            if sink.coredns() {
                compat::upstream(&routing, number, &upstream, sink);
            }
        }
    }
    if sink.coredns() {
        compat::report(core, &routing, sink);
    }
    stages::report(&routing, &labels(&routing.config), sink);
}

fn report_region(region: &RegionSnapshot, sink: &mut Sink) {
    for address in &region.addresses {
        let server = address.address.to_string();
        let labels = [("region", region.label.as_str()), ("address", server.as_str())];
        sink.gauge(names::PEER_UP, &labels, f64::from(u8::from(address.health == Health::Closed)));
        sink.gauge(names::PEER_RTT, &labels, address.rtt.map_or(0.0, |rtt| rtt.as_secs_f64()));
        sink.gauge(names::PEER_IN_FLIGHT, &labels, address.in_flight as f64);
        sink.gauge(names::PEER_CONNECTIONS, &labels, address.connections as f64);
        sink.count(names::PEER_QUERIES, &labels, address.questions);
        sink.count(names::PEER_FAILURES, &labels, address.connect_failures + address.timeouts);
        sink.count(names::PEER_CONNECTS, &labels, address.connects);
        sink.count(names::PEER_RESETS, &labels, address.resets);
        sink.count(names::PEER_MISMATCHES, &labels, address.mismatched);
        let breaker = match address.health {
            Health::Closed => 0.0,
            Health::Open => 1.0,
            Health::HalfOpen => 2.0,
        };
        sink.gauge(names::PEER_BREAKER, &labels, breaker);
        sink.gauge(names::PEER_SYNCED, &labels, address.synced as f64);
        sink.gauge(names::PEER_USUAL, &labels, address.usual.map_or(0.0, |usual| usual.as_secs_f64()));
        sink.count(names::PEER_PROBES, &labels, address.probes);
        sink.count(names::PEER_PROBE_FAILURES, &labels, address.probe_failures);
        sink.count(names::PEER_HEDGES, &labels, address.hedges);
        sink.count(names::PEER_STALLS, &labels, address.stalls);
    }
    if let Some(tls) = &region.tls {
        sink.gauge(names::PEER_TLS_OK, &[("region", &region.label)], f64::from(u8::from(tls.error.is_none())));
        for end in &tls.ends {
            let labels = [("region", region.label.as_str()), ("file", end.file)];
            sink.gauge(names::PEER_TLS_NOT_AFTER, &labels, end.not_after as f64);
        }
        for (cause, count) in &tls.failures {
            sink.count(names::PEER_TLS_FAILURES, &[("region", &region.label), ("cause", cause)], *count);
        }
    }
    sink.count(names::PEER_STALE, &[("region", region.label.as_str())], region.stale_answers);
    for address in &region.looping {
        let labels = [("region", region.label.as_str()), ("address", &address.to_string())];
        sink.gauge(names::PEER_LOOPS, &labels, 1.0);
    }
}

fn report_upstream(upstream: &ForwardSnapshot, sink: &mut Sink) {
    let zone = upstream.zone.to_string();
    for address in &upstream.looping {
        let labels = [("zone", zone.as_str()), ("address", &address.to_string())];
        sink.gauge(names::UPSTREAM_LOOPS, &labels, 1.0);
    }
    sink.count(names::UPSTREAM_FAILOVERS, &[("zone", &zone)], upstream.failovers);
    sink.count(names::UPSTREAM_NEXT, &[("zone", &zone)], upstream.led_on);
    if let Some(tls) = &upstream.tls {
        sink.gauge(names::UPSTREAM_TLS_OK, &[("zone", &zone)], f64::from(u8::from(tls.error.is_none())));
        for end in &tls.ends {
            sink.gauge(names::UPSTREAM_TLS_NOT_AFTER, &[("zone", &zone), ("file", end.file)], end.not_after as f64);
        }
        for (cause, count) in &tls.failures {
            sink.count(names::UPSTREAM_TLS_FAILURES, &[("zone", &zone), ("cause", cause)], *count);
        }
    }
    for server in &upstream.udp {
        let address = server.address.to_string();
        let labels = [("zone", zone.as_str()), ("address", address.as_str())];
        sink.gauge(names::UPSTREAM_UP, &labels, f64::from(u8::from(server.up)));
        sink.gauge(names::UPSTREAM_RTT, &labels, server.rtt.map_or(0.0, |rtt| rtt.as_secs_f64()));
        sink.count(names::UPSTREAM_QUERIES, &labels, server.tries);
        sink.count(names::UPSTREAM_FAILURES, &labels, server.silent);
        sink.count(names::UPSTREAM_MISMATCHES, &labels, server.mismatched);
    }
    for server in &upstream.tcp {
        let address = server.address.to_string();
        let labels = [("zone", zone.as_str()), ("address", address.as_str())];
        sink.gauge(names::UPSTREAM_UP, &labels, f64::from(u8::from(server.health == Health::Closed)));
        sink.gauge(names::UPSTREAM_RTT, &labels, server.rtt.map_or(0.0, |rtt| rtt.as_secs_f64()));
        sink.count(names::UPSTREAM_QUERIES, &labels, server.questions);
        sink.count(names::UPSTREAM_FAILURES, &labels, server.connect_failures + server.timeouts);
        sink.count(names::UPSTREAM_MISMATCHES, &labels, server.mismatched);
    }
}
