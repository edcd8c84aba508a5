//! One row of the peer table, judged by itself and against the rows before it. A row that is wrong becomes a region
//! without addresses, which owns what of its names is beyond doubt: those fail with a reason, everything else works.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::path::Path;

use ipnet::IpNet;

use super::TableContext;
use super::names::Rules;
use super::spec::RowSpec;
use crate::config::endpoint::{DNS_PORT, DOT_PORT};
use crate::config::error::{Fault, Report};
use crate::config::node::Place;
use crate::config::{Endpoint, RegionLabel, RegionRow};
use crate::wire::Name;

/// Why a row whose body is no mapping is broken; nothing else is said about it.
const UNREAD: &str = "its body cannot be read";

/// What earlier rows own, with the row and the line that says so.
#[derive(Default)]
pub(super) struct Taken {
    names: HashMap<Name, (String, u32)>,
    cidrs: HashMap<IpNet, (String, u32)>,
}

/// What every row is judged by.
pub(super) struct Judge<'a> {
    pub(super) context: &'a TableContext<'a>,
    pub(super) rules: &'a Rules<'a>,
    pub(super) report: &'a Report<'a>,
    /// Of the table: where the files are that it names.
    pub(super) folder: &'a Path,
}

/// A row while it is judged.
pub(super) struct Row<'a> {
    label: &'a RegionLabel,
    at: Place,
    report: &'a Report<'a>,
    broken: Option<String>,
}

impl Row<'_> {
    pub(super) fn wrong(&mut self, place: Place, fault: Fault) {
        self.broken.get_or_insert_with(|| fault.message.clone());
        self.report.error(place, fault);
    }

    /// Is it still free? If not, says who has it.
    fn take<T: Hash + Eq + Display>(
        &mut self,
        taken: &mut HashMap<T, (String, u32)>,
        (place, what): (Place, T),
        kind: &str,
    ) -> bool {
        let Some((owner, line)) = taken.get(&what) else {
            taken.insert(what, (self.label.to_string(), place.line));
            return true;
        };
        let fault = if *owner == self.label.as_str() {
            Fault::new(format!("{kind} `{what}` is named twice")).help("remove one of the two")
        } else {
            let fault = Fault::new(format!("{kind} `{what}` belongs to two regions, `{owner}` and `{}`", self.label));
            fault.help(format!("the other is in line {line}; one region can own it"))
        };
        self.wrong(place, fault);
        false
    }
}

impl Judge<'_> {
    /// `at` is the place of the label. A body that could not be read at all is none.
    pub(super) fn row(&self, label: RegionLabel, at: Place, spec: Option<&RowSpec>, taken: &mut Taken) -> RegionRow {
        let broken = match spec {
            Some(spec) => spec.unreadable().map(|key| format!("its `{key}` cannot be read")),
            None => Some(UNREAD.into()),
        };
        let mut row = Row { label: &label, at, report: self.report, broken };
        let nothing = RowSpec::default();
        let spec = spec.unwrap_or(&nothing);
        let allow_tld = spec.allow_tld.scalar().unwrap_or(false);
        let zones = self.zones(&mut row, spec, allow_tld, taken);
        let mesh = self.mesh(&mut row, spec, allow_tld, taken);
        let cidrs = Self::cidrs(&mut row, spec, taken);
        let tls = spec.tls.get().map(|spec| spec.read(self.folder, &mut |place, fault| row.wrong(place, fault)));
        let endpoints = self.endpoints(&mut row, spec);
        if zones.is_empty() && mesh.is_none() && row.broken.is_none() {
            let fault = Fault::new(format!("region `{label}` owns no names"));
            row.wrong(spec.zones.place().unwrap_or(at), fault.help("leave `zones` out, or give the row a `mesh`"));
        }
        let broken = row.broken;
        RegionRow {
            zones,
            mesh,
            cidrs,
            endpoints: if broken.is_some() { Vec::new() } else { endpoints },
            allow_tld,
            override_local: spec.override_local.scalar().unwrap_or(false),
            tls,
            broken,
            label,
        }
    }

    fn zones(&self, row: &mut Row<'_>, spec: &RowSpec, allow_tld: bool, taken: &mut Taken) -> Vec<Name> {
        // The label stands in every table and in every name of the default zone, so it is judged even beside `zones`.
        let label = self.rules.label(row.label.as_str(), allow_tld);
        let label_is_fine = label.map_err(|fault| row.wrong(row.at, fault)).is_ok();
        let listed: Vec<(Place, Name)> = if spec.zones.place().is_some() {
            spec.zones.items().collect()
        } else if label_is_fine {
            self.rules.default_zone(row.label.as_str()).map(|zone| (row.at, zone)).into_iter().collect()
        } else {
            Vec::new()
        };
        let mut zones = Vec::with_capacity(listed.len());
        for (place, zone) in listed {
            match self.rules.zone(&zone, allow_tld) {
                Err(fault) => row.wrong(place, fault),
                Ok(()) if row.take(&mut taken.names, (place, zone.clone()), "zone") => zones.push(zone),
                Ok(()) => {}
            }
        }
        zones
    }

    fn mesh(&self, row: &mut Row<'_>, spec: &RowSpec, allow_tld: bool, taken: &mut Taken) -> Option<Name> {
        let (place, mesh) = spec.mesh.both()?;
        if let Err(fault) = self.rules.mesh(&mesh.0, allow_tld) {
            row.wrong(place, fault);
            return None;
        }
        row.take(&mut taken.names, (place, mesh.0.clone()), "zone").then(|| mesh.0.clone())
    }

    fn cidrs(row: &mut Row<'_>, spec: &RowSpec, taken: &mut Taken) -> Vec<IpNet> {
        let mut cidrs = Vec::new();
        for (place, net) in spec.cidrs.items() {
            if net.prefix_len() == 0 {
                let fault = Fault::new(format!("`{net}` is every address there is"));
                row.wrong(place, fault.help("`cidrs` are the ranges of the region's pods"));
            } else if row.take(&mut taken.cidrs, (place, net), "range") {
                cidrs.push(net);
            }
        }
        cidrs
    }

    fn endpoints(&self, row: &mut Row<'_>, spec: &RowSpec) -> Vec<Endpoint> {
        let mut endpoints: Vec<Endpoint> = Vec::new();
        let port = if spec.tls.place().is_some() { DOT_PORT } else { DNS_PORT };
        for (place, written) in spec.endpoints.items() {
            let endpoint = written.or_port(port);
            if endpoints.contains(&endpoint) {
                row.wrong(
                    place,
                    Fault::new(format!("endpoint `{endpoint}` is named twice")).help("remove one of the two"),
                );
            } else {
                endpoints.push(endpoint);
            }
        }
        let most = self.context.limits.peer_addresses;
        if endpoints.len() > most {
            let fault =
                Fault::new(format!("region `{}` has {} endpoints, more than {most}", row.label, endpoints.len()));
            let fault = fault.help("`limits.peer_addresses` in interlocal.yaml is how many it may have");
            row.wrong(spec.endpoints.place().unwrap_or(row.at), fault);
        }
        let own = self.context.region == Some(row.label);
        if endpoints.is_empty() && !own && !spec.endpoints.any_failed() && row.broken.as_deref() != Some(UNREAD) {
            let fault = Fault::new(format!("region `{}` has no `endpoints`", row.label));
            let fault = fault.help("write the host or address of its resolver: `endpoints: [10.0.118.91]`");
            row.wrong(spec.endpoints.place().unwrap_or(row.at), fault);
        }
        endpoints
    }
}
