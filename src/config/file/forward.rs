//! The `forward` rows: upstreams and stub zones.

use std::collections::HashMap;

use crate::config::error::{Fault, Report};
use crate::config::field::{At, FieldList};
use crate::config::node::Place;
use crate::config::spec::{ForwardSpec, ForwardSpecs};
use crate::config::{ForwardConfig, Transport, Upstream, defaults};
use crate::wire::Name;

/// The rows, or the default one if there are none. An empty list forwards nothing.
pub(super) fn forward(specs: &ForwardSpecs, cluster: &[Name], report: &Report<'_>) -> Vec<ForwardConfig> {
    let Some(rows) = specs.get() else {
        return vec![defaults::upstream()];
    };
    let mut seen: HashMap<Name, u32> = HashMap::new();
    let mut forward = Vec::with_capacity(rows.len());
    for (place, spec) in rows.iter().filter_map(At::both) {
        let Some((zone_place, zone)) = zone(place, spec, report) else {
            continue;
        };
        if let Some(line) = seen.insert(zone.clone(), zone_place.line) {
            let fault = Fault::new(format!("zone `{zone}` has two rows"));
            report.error(
                zone_place,
                fault.help(format!("the first is in line {line}; a row may have several addresses")),
            );
        }
        if cluster.contains(&zone) {
            let fault = Fault::new(format!("`{zone}` is the cluster domain, which is answered from the cluster"));
            report.error(zone_place, fault.help("forward a zone below it, or one outside of it"));
        }
        forward.push(ForwardConfig {
            to: to(place, &zone, &spec.to, report),
            transport: spec.transport.scalar().unwrap_or(Transport::Udp),
            stamp: stamp(&zone, spec, report),
            cache: spec.cache.get().map(|spec| super::cache::caps(spec, report)),
            random_case: spec.random_case.scalar().unwrap_or(false),
            zone,
        });
    }
    forward
}

fn zone(place: Place, spec: &ForwardSpec, report: &Report<'_>) -> Option<(Place, Name)> {
    if spec.zone.place().is_none() {
        report.error(place, Fault::new("the row has no `zone`").help("write `zone: .` for everything else"));
    }
    spec.zone.both().map(|(place, zone)| (place, zone.0.clone()))
}

fn to(place: Place, zone: &Name, list: &FieldList<Upstream>, report: &Report<'_>) -> Vec<Upstream> {
    let mut to: Vec<Upstream> = Vec::new();
    for (place, upstream) in list.items() {
        if to.contains(&upstream) {
            report.error(place, Fault::new(format!("`{upstream}` is named twice")));
        } else {
            to.push(upstream);
        }
    }
    if to.is_empty() && !list.any_failed() {
        let fault = Fault::new(format!("`{zone}` is forwarded to nobody"));
        report.error(list.place().unwrap_or(place), fault.help("write `to: [10.1.2.3]` or `to: [/etc/resolv.conf]`"));
    }
    to
}

fn stamp(zone: &Name, spec: &ForwardSpec, report: &Report<'_>) -> bool {
    let root = zone.as_ref().is_root();
    match spec.stamp.both() {
        Some((place, stamp)) if stamp.0 && root => {
            let fault = Fault::new("questions to `.` never carry the stamp");
            report.error(place, fault.help("it says which clusters a question passed; remove the key"));
            false
        }
        Some((_, stamp)) => stamp.0,
        None => !root,
    }
}
