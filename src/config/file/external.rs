//! The rows of `external`: zones of load balancers' names.

use std::time::Duration;

use crate::config::error::{Fault, Report};
use crate::config::field::At;
use crate::config::spec::ExternalSpecs;
use crate::config::{ExternalConfig, ForwardConfig, range};
use crate::wire::Name;

/// CoreDNS takes the same range.
const MOST_TTL: Duration = Duration::from_secs(3_600);

/// The rows of a server that serves the cluster under these zones, and forwards others.
pub(super) fn external(
    specs: &ExternalSpecs,
    cluster: &[Name],
    forward: &[ForwardConfig],
    report: &Report<'_>,
) -> Vec<ExternalConfig> {
    let mut external: Vec<ExternalConfig> = Vec::new();
    for (place, spec) in specs.get().map_or(&[][..], Vec::as_slice).iter().filter_map(At::both) {
        let Some((zone_place, zone)) = spec.zone.both() else {
            if !spec.zone.failed() {
                report.error(place, Fault::new("the row has no `zone`").help("write `zone: lb.example.com`"));
            }
            continue;
        };
        let default = ExternalConfig::new(zone.0.clone());
        let row = ExternalConfig {
            apex: spec.apex.scalar().map_or(default.apex, |apex| apex.to_ascii_lowercase()),
            ttl: range::ttl(&spec.ttl, MOST_TTL, default.ttl, report),
            headless: spec.headless.scalar().unwrap_or(false),
            fallthrough: spec.fallthrough.scalar().unwrap_or(false),
            zone: default.zone,
        };
        if let Some(fault) = row.fault(cluster) {
            report.error(zone_place, fault);
        } else if !row.fallthrough && forward.iter().any(|other| other.zone == row.zone) {
            let fault = Fault::new(format!("`{}` has a row of `forward` too, which nobody would be sent to", row.zone));
            report.error(zone_place, fault.help("remove that row, or write `fallthrough: true`"));
        } else if external.iter().any(|other| other.zone == row.zone) {
            report.error(zone_place, Fault::new(format!("zone `{}` has two rows", row.zone)).help("remove one"));
        } else {
            external.push(row);
        }
    }
    external
}
