//! The list of servers: the flat keys are one, or `servers` says each.

use std::path::Path;

use super::cache;
use super::external::external;
use super::forward::forward;
use super::policy::policy;
use crate::config::error::{Fault, Report};
use crate::config::field::{At, FieldList};
use crate::config::node::Place;
use crate::config::spec::{ServerSpec, Spec};
use crate::config::{CacheConfig, RouteRules, ServerConfig, defaults};
use crate::wire::Name;

pub(super) fn servers(spec: &Spec, cluster_domain: &Name, folder: &Path, report: &Report<'_>) -> Vec<ServerConfig> {
    let rows = spec.servers.get().map_or(&[][..], Vec::as_slice);
    let flat_dns = spec.listen.get().map(|listen| &listen.dns);
    if rows.is_empty() {
        let dns = flat_dns.filter(|dns| dns.place().is_some());
        let forward = forward(&spec.forward, std::slice::from_ref(cluster_domain), folder, report);
        return vec![ServerConfig {
            listen: dns.map_or_else(defaults::dns, |dns| dns.items().map(|(_, listen)| listen).collect()),
            zones: vec![cluster_domain.clone()],
            cache: spec.cache.get().map_or_else(CacheConfig::default, |spec| cache(spec, report)),
            external: external(&spec.external, std::slice::from_ref(cluster_domain), &forward, report),
            forward,
            policy: policy(&spec.policy, folder, report),
            routes: RouteRules::default(),
        }];
    }
    let flat = [
        ("listen.dns", flat_dns.and_then(At::place)),
        ("forward", spec.forward.place()),
        ("cache", spec.cache.place()),
        ("policy", spec.policy.place()),
        ("external", spec.external.place()),
    ];
    for (key, place) in flat {
        if let Some(place) = place {
            let fault = Fault::new(format!("`{key}` and `servers` cannot both be given"));
            report.error(place, fault.help("move it into the rows of `servers`"));
        }
    }
    let rows = rows.iter().filter_map(At::both);
    rows.map(|(place, row)| server(place, row, cluster_domain, folder, report)).collect()
}

fn server(place: Place, spec: &ServerSpec, cluster_domain: &Name, folder: &Path, report: &Report<'_>) -> ServerConfig {
    let listen: Vec<_> = spec.listen.items().map(|(_, listen)| listen).collect();
    if listen.is_empty() && !spec.listen.any_failed() {
        report.error(place, Fault::new("the server listens nowhere").help("write `listen: [\":53\"]`"));
    }
    let mut zones: Vec<Name> = Vec::new();
    for (place, zone) in spec.zones.items() {
        if zones.contains(&zone) {
            report.error(place, Fault::new(format!("zone `{zone}` is named twice")));
        } else {
            zones.push(zone);
        }
    }
    let zones = if spec.zones.place().is_some() { zones } else { vec![cluster_domain.clone()] };
    // What falls through is answered from the cluster first, and forwarded then.
    let forward = forward(&spec.forward, &unforwarded(&zones, &spec.fallthrough), folder, report);
    ServerConfig {
        listen,
        cache: spec.cache.get().map_or_else(CacheConfig::default, |spec| cache(spec, report)),
        external: external(&spec.external, &zones, &forward, report),
        forward,
        policy: policy(&spec.policy, folder, report),
        routes: RouteRules {
            refuse: spec.refuse.items().map(|(_, zone)| zone).collect(),
            fallthrough: fallthrough(&zones, &spec.fallthrough, report),
            closed: spec.closed.items().map(|(_, zone)| zone).collect(),
        },
        zones,
    }
}

/// Zones of the cluster that nobody else is asked for.
fn unforwarded(zones: &[Name], fallthrough: &FieldList<Name>) -> Vec<Name> {
    zones.iter().filter(|zone| !fallthrough.items().any(|(_, falls)| falls == **zone)).cloned().collect()
}

fn fallthrough(zones: &[Name], spec: &FieldList<Name>, report: &Report<'_>) -> Vec<Name> {
    let mut found = Vec::new();
    for (place, zone) in spec.items() {
        if !zones.iter().any(|of| zone.as_ref().is_in(of.as_ref())) {
            let fault = Fault::new(format!("`{zone}` is no zone of the cluster, so nothing falls through"));
            report.error(place, fault.help("name one of `zones`, or one below it"));
        }
        found.push(zone);
    }
    found
}
