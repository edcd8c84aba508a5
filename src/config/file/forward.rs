//! The `forward` rows: upstreams and stub zones.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use crate::config::error::{Fault, Report};
use crate::config::field::{At, Field, FieldList};
use crate::config::node::Place;
use crate::config::spec::{CapsSpec, ForwardSpec, ForwardSpecs, NextSpec};
use crate::config::tls::TlsSpec;
use crate::config::upstream::Written;
use crate::config::{CacheCaps, CacheConfig, ForwardConfig, NextConfig, Transport, Upstream, defaults, range};
use crate::wire::{Name, Rcode};

/// The rows, or the default one if there are none. An empty list forwards nothing.
pub(super) fn forward(
    specs: &ForwardSpecs,
    cluster: &[Name],
    folder: &Path,
    report: &Report<'_>,
) -> Vec<ForwardConfig> {
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
        let servers = Servers {
            to: &spec.to,
            transport: &spec.transport,
            tls: &spec.tls,
            failover: &spec.failover,
            resolver: &spec.resolver,
            random_case: &spec.random_case,
        };
        let (next, stamp) = (spec.next.get().map_or(&[][..], Vec::as_slice), stamp(&zone, spec, report));
        let next = next.iter().filter_map(At::both);
        forward.push(ForwardConfig {
            stamp,
            cache: spec.cache.get().map(|spec| caps(spec, report)),
            next: next.map(|(place, spec)| self::next(place, &zone, stamp, spec, folder, report)).collect(),
            ..servers.judged(place, &zone, folder, report)
        });
    }
    forward
}

fn next(place: Place, zone: &Name, stamp: bool, spec: &NextSpec, folder: &Path, report: &Report<'_>) -> NextConfig {
    let servers = Servers {
        to: &spec.to,
        transport: &spec.transport,
        tls: &spec.tls,
        failover: &spec.failover,
        resolver: &spec.resolver,
        random_case: &spec.random_case,
    };
    let on: BTreeSet<_> = spec.on.items().map(|(_, outcome)| outcome).collect();
    if on.is_empty() && !spec.on.any_failed() {
        let fault = Fault::new("nothing leads to these servers: `on` is missing");
        report.error(spec.on.place().unwrap_or(place), fault.help("write `on: [NXDOMAIN]`, or `NODATA`"));
    }
    NextConfig { on, row: ForwardConfig { stamp, ..servers.judged(place, zone, folder, report) } }
}

/// The keys that say who is asked and how, in a row as in its `next`.
struct Servers<'s> {
    to: &'s FieldList<Written>,
    transport: &'s Field<Transport>,
    tls: &'s At<TlsSpec>,
    failover: &'s FieldList<Rcode>,
    resolver: &'s FieldList<Written>,
    random_case: &'s Field<bool>,
}

impl Servers<'_> {
    /// A row of them, without all that is the zone's.
    fn judged(&self, place: Place, zone: &Name, folder: &Path, report: &Report<'_>) -> ForwardConfig {
        let row = ForwardConfig::new(zone.clone(), self.to(place, zone, report), self.transport(report));
        let resolver = match self.resolver.place() {
            Some(place) => self.resolver(place, report),
            None => row.resolver,
        };
        ForwardConfig {
            tls: self.tls.get().map(|spec| spec.read(folder, &mut |place, fault| report.error(place, fault))),
            failover: self.failover(report),
            random_case: self.random_case.scalar().unwrap_or(false),
            resolver,
            ..row
        }
    }

    fn transport(&self, report: &Report<'_>) -> Transport {
        match (self.transport.both(), self.tls.place()) {
            (Some((place, transport)), Some(_)) if transport.0 == Transport::Udp => {
                let fault = Fault::new("`transport: udp` and `tls`: there is no TLS over UDP");
                report.error(place, fault.help("remove one of the two"));
                Transport::Tcp
            }
            (_, Some(_)) => Transport::Tcp,
            (transport, None) => transport.map_or(Transport::Udp, |(_, transport)| transport.0),
        }
    }

    fn to(&self, place: Place, zone: &Name, report: &Report<'_>) -> Vec<Upstream> {
        let (list, over_tls) = (self.to, self.tls.place().is_some());
        let one_name = self.tls.get().is_some_and(|tls| tls.server_name.place().is_some());
        let mut to: Vec<Upstream> = Vec::new();
        for (place, written) in list.items() {
            if written.is_file() && over_tls {
                let fault = Fault::new("a file says nobody's port or name of TLS");
                report.error(place, fault.help("write the addresses here, or leave `tls` out"));
            }
            if written.has_name() && !over_tls {
                let fault = Fault::new("a name behind `%` is that of a certificate, and the row has no `tls`");
                report.error(place, fault.help("write `tls: {}` in the row, or remove the name"));
            }
            if written.has_name() && one_name {
                let fault = Fault::new("the row has a `server_name` for all, and this server another one");
                report.error(place, fault.help("remove `server_name`, or the name behind `%`"));
            }
            let upstream = written.or_port(ForwardConfig::port(over_tls));
            if to.contains(&upstream) {
                report.error(place, Fault::new(format!("`{upstream}` is named twice")));
            } else {
                to.push(upstream);
            }
        }
        if to.is_empty() && !list.any_failed() {
            let fault = Fault::new(format!("`{zone}` is forwarded to nobody"));
            report
                .error(list.place().unwrap_or(place), fault.help("write `to: [10.1.2.3]` or `to: [/etc/resolv.conf]`"));
        }
        to
    }

    fn resolver(&self, place: Place, report: &Report<'_>) -> Vec<Upstream> {
        let mut resolver = Vec::new();
        for (place, written) in self.resolver.items() {
            if written.is_host() || written.has_name() {
                let fault = Fault::new("who looks up host names has no host name itself");
                report.error(place, fault.help("write an address, or the path of a resolv.conf"));
                continue;
            }
            resolver.push(written.or_port(ForwardConfig::port(false)));
        }
        if self.resolver.items().next().is_none() && !self.resolver.any_failed() {
            let fault = Fault::new("nobody looks up host names: `resolver` is empty");
            report.error(place, fault.help("write an address, or leave the key out: it is /etc/resolv.conf then"));
        }
        resolver
    }

    fn failover(&self, report: &Report<'_>) -> BTreeSet<Rcode> {
        let mut rcodes = BTreeSet::new();
        for (place, rcode) in self.failover.items() {
            if rcode == Rcode::NOERROR {
                let fault = Fault::new("`NOERROR` is what everybody is asked for");
                report.error(place, fault.help("`next` with `NODATA` is for answers with nothing in them"));
            }
            rcodes.insert(rcode);
        }
        rcodes
    }
}

fn caps(spec: &CapsSpec, report: &Report<'_>) -> CacheCaps {
    let default = CacheConfig::default();
    CacheCaps {
        max_ttl: range::ttl(&spec.max_ttl, super::WEEK, default.max_ttl, report),
        max_negative_ttl: range::ttl(&spec.max_negative_ttl, super::WEEK, default.max_negative_ttl, report),
    }
}

fn zone(place: Place, spec: &ForwardSpec, report: &Report<'_>) -> Option<(Place, Name)> {
    if spec.zone.place().is_none() {
        report.error(place, Fault::new("the row has no `zone`").help("write `zone: .` for everything else"));
    }
    spec.zone.both().map(|(place, zone)| (place, zone.0.clone()))
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
