//! `peers.yaml` to a `PeerTable`, under every rule of what a table may not take. It reads no file, and does not know
//! which namespaces the cluster has: what hides one of those is for the reload to judge.

mod hash;
mod names;
mod row;
mod spec;
mod tld;

use std::path::Path;

use serde::Deserialize;

use self::names::Rules;
use self::row::{Judge, Taken};
use self::spec::TableSpec;
use super::error::{Fault, Problem, Report, UnknownKeys};
use super::field::At;
use super::node::{Content, Node, Place};
use super::reader::Reader;
use super::{PeerTable, RegionLabel, RegionRow, yaml};
use crate::limits::Limits;
use crate::wire::Name;

/// The newest version of the file that this program knows whole.
const VERSION: u64 = 1;

/// What a table is judged by: the rest of this instance's configuration.
#[derive(Debug, Clone, Copy)]
pub struct TableContext<'a> {
    pub cluster_domain: &'a Name,
    /// Our own row; none: every row is a peer.
    pub region: Option<&'a RegionLabel>,
    /// The zones of `forward` but `.`.
    pub stub_zones: &'a [Name],
    pub limits: &'a Limits,
    /// Where the files are that the table names with a relative path; none: beside the table.
    pub folder: Option<&'a Path>,
}

/// A table as far as it can be used, with all that is wrong. At start what there is of it is used; at reload an error
/// keeps the old one.
#[derive(Debug, Clone, PartialEq)]
pub struct TableResult {
    pub table: PeerTable,
    pub errors: Vec<Problem>,
    pub warnings: Vec<Problem>,
}

/// Reads a peer table.
#[must_use]
pub fn parse(text: &str, file: &Path, context: &TableContext<'_>, unknown: UnknownKeys) -> TableResult {
    let root = yaml::tree(text);
    let folder = context.folder.or_else(|| file.parent()).unwrap_or(Path::new(""));
    // What a newer version added cannot be known here, and is no mistake.
    let newer = root.as_ref().is_ok_and(|root| version(root).is_some_and(|version| version > VERSION));
    let report = Report::new(text, file, if newer { UnknownKeys::Warn } else { unknown });
    let regions = match root {
        Ok(root) => read(&root, &report).map_or_else(Vec::new, |spec| rows(&spec, context, folder, &report)),
        Err(error) => {
            report.not_yaml(error);
            Vec::new()
        }
    };
    let table = PeerTable { hash: hash::hash(&regions), regions };
    let (errors, warnings) = report.finish();
    TableResult { table, errors, warnings }
}

impl PeerTable {
    #[must_use]
    pub fn region(&self, label: &RegionLabel) -> Option<&RegionRow> {
        self.regions.iter().find(|row| row.label == *label)
    }
}

fn version(root: &Node) -> Option<u64> {
    let Content::Map(entries) = &root.content else {
        return None;
    };
    let (_, value) = entries.iter().find(|(key, _)| key.scalar() == Some("version"))?;
    value.scalar()?.parse().ok()
}

fn read(root: &Node, report: &Report<'_>) -> Option<TableSpec> {
    let spec = At::<TableSpec>::deserialize(Reader::new(root, report)).ok()?;
    if spec.failed() { None } else { Some(spec.into_value().unwrap_or_default()) }
}

fn rows(spec: &TableSpec, context: &TableContext<'_>, folder: &Path, report: &Report<'_>) -> Vec<RegionRow> {
    head(spec, context, report);
    let top = Place { line: 1, column: 1, width: 1 };
    let Some(regions) = spec.regions.get() else {
        if !spec.regions.failed() {
            let fault = Fault::new("the table has no `regions`");
            report.error(top, fault.help("write `regions: {}` if there are none"));
        }
        return Vec::new();
    };
    let bodies = || regions.0.iter().filter_map(|(_, body)| body.get());
    let mesh = bodies().filter_map(|row| row.mesh.get()).map(|mesh| &mesh.0);
    let Some(rules) = Rules::new(context.cluster_domain, context.stub_zones, mesh) else {
        report.error(top, Fault::new(format!("nothing fits below `{}`", context.cluster_domain)));
        return Vec::new();
    };
    let judge = Judge { context, rules: &rules, report, folder };
    let mut taken = Taken::default();
    let mut rows = Vec::with_capacity(regions.0.len());
    for (key, body) in &regions.0 {
        let Some((place, text)) = key.both() else {
            continue;
        };
        if rows.len() == context.limits.regions {
            let fault = Fault::new(format!("the table has more than {} regions", rows.len()));
            report.error(place, fault.help("`limits.regions` in interlocal.yaml is how many it may have"));
            break;
        }
        // A row without a body is enough for the own region.
        let empty = spec::RowSpec::default();
        let body = if body.failed() { None } else { Some(body.get().unwrap_or(&empty)) };
        match RegionLabel::parse(&text.0) {
            Ok(label) => rows.push(judge.row(label, place, body, &mut taken)),
            Err(fault) => report.error(place, fault),
        }
    }
    own_row(&rows, spec.regions.place().unwrap_or(top), context, report);
    rows.sort_by(|a, b| a.label.cmp(&b.label));
    rows
}

fn head(spec: &TableSpec, context: &TableContext<'_>, report: &Report<'_>) {
    match spec.version.both() {
        Some((place, version)) if version.0 > VERSION => {
            let fault = Fault::new(format!("version {} is newer than this program knows ({VERSION})", version.0));
            report.warning(place, fault.help("keys that it does not know are ignored"));
        }
        Some((place, version)) if version.0 == 0 => {
            report.error(place, Fault::new("there is no version 0").help("write `version: 1`"));
        }
        _ => {}
    }
    if let Some((place, domain)) = spec.domain.both().filter(|(_, domain)| domain.0 != *context.cluster_domain) {
        let fault =
            Fault::new(format!("the table is for `{}`, this cluster is `{}`", domain.0, context.cluster_domain));
        report.error(place, fault.help("`domain` here and `cluster_domain` in interlocal.yaml must agree"));
    }
}

fn own_row(rows: &[RegionRow], place: Place, context: &TableContext<'_>, report: &Report<'_>) {
    let Some(own) = context.region.filter(|own| !rows.iter().any(|row| row.label == **own)) else {
        return;
    };
    let labels: Vec<&str> = rows.iter().map(|row| row.label.as_str()).collect();
    let fault =
        Fault::new(format!("this cluster is region `{own}`, which has no row: no region can ask for its names"));
    report.warning(place, fault.did_you_mean(own.as_str(), &labels));
}

#[cfg(test)]
mod tests;
