//! `interlocal.yaml` to a `Config`: the spec is judged once, here and in the files below, and what comes out cannot be
//! wrong. It reads no file and knows no peer table.

mod external;
mod forward;
mod kubernetes;
mod limits;
mod listeners;
mod log;
pub(super) mod policy;
mod servers;

pub(super) use kubernetes::blind;

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::error::{Fault, Parsed, Problem, Report, UnknownKeys};
use super::field::Field;
use super::overrides::Overrides;
use super::peers::{self, TableContext, TableResult};
use super::reader::Reader;
use super::spec::{CacheSpec, PeersSpec, Spec};
use super::units::Time;
use super::{
    CacheConfig, Config, ConfigMapRef, MetricsConfig, PeersConfig, PeersSource, ShutdownConfig, leaf, range, yaml,
};
use crate::wire::Name;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// Reads the configuration. Flags and variables win over the file, so they are asked for here; relative paths in the
/// file are relative to its folder.
///
/// # Errors
/// All that is wrong with the file or the overrides, in the order of the file, and the warnings behind that.
pub fn parse(
    text: &str,
    file: &Path,
    unknown: UnknownKeys,
    overrides: &Overrides,
) -> Result<Parsed<Config>, Vec<Problem>> {
    let report = Report::new(text, file, unknown);
    let config = read(text, &report).map(|spec| convert(&spec, file, overrides, &report));
    match (config, report.finish()) {
        (Some(value), (errors, warnings)) if errors.is_empty() => Ok(Parsed { value, warnings }),
        (_, (mut errors, warnings)) => {
            // Whoever mends the file wants to see all of it at once.
            errors.extend(warnings);
            Err(errors)
        }
    }
}

impl Config {
    /// Every zone that is forwarded somewhere of its own, over all servers: what a peer table may not take.
    #[must_use]
    pub fn stub_zones(&self) -> Vec<Name> {
        let rows = self.servers.iter().flat_map(|server| &server.forward);
        rows.map(|row| &row.zone).filter(|zone| !zone.as_ref().is_root()).cloned().collect()
    }

    /// Octets of the memory for answers, over all servers.
    #[must_use]
    pub fn cache_size(&self) -> usize {
        self.servers.iter().map(|server| server.cache.size).sum()
    }

    /// Reads a peer table as this instance uses it. `folder`: where the files are that it names, if not beside it.
    #[must_use]
    pub fn peer_table(&self, path: &Path, text: &str, folder: Option<&Path>) -> TableResult {
        let stub_zones = self.stub_zones();
        let context = TableContext {
            cluster_domain: &self.cluster_domain,
            region: self.region.as_ref(),
            stub_zones: &stub_zones,
            limits: &self.limits,
            folder,
        };
        peers::parse(text, path, &context, UnknownKeys::Warn)
    }
}

/// The keys of the file; none if it is not YAML.
pub(super) fn read(text: &str, report: &Report<'_>) -> Option<Spec> {
    let root = yaml::tree(text).map_err(|error| report.not_yaml(error)).ok()?;
    // Through a field, so that a file that is no mapping is reported with its place, and an empty one is the default.
    let spec = super::field::At::<Spec>::deserialize(Reader::new(&root, report)).ok()?;
    Some(spec.into_value().unwrap_or_default())
}

fn convert(spec: &Spec, file: &Path, overrides: &Overrides, report: &Report<'_>) -> Config {
    let default = Config::default();
    let folder = file.parent().unwrap_or(Path::new(""));
    let cluster_domain = match spec.cluster_domain.both() {
        Some((place, name)) if name.0.as_ref().is_root() => {
            report.error(place, Fault::new("the cluster domain must not be the root").help("write `cluster.local`"));
            default.cluster_domain
        }
        Some((_, name)) => name.0.clone(),
        None => default.cluster_domain,
    };
    let mut config = Config {
        region: spec.region.scalar(),
        servers: servers::servers(spec, &cluster_domain, folder, report),
        cluster_domain,
        listen: listeners::others(spec.listen.get(), default.listen, overrides.binds_only_its_own(), folder, report),
        kubernetes: spec
            .kubernetes
            .get()
            .map_or(default.kubernetes, |spec| kubernetes::kubernetes(spec, folder, report)),
        peers: spec.peers.get().map_or(default.peers, |spec| peers(spec, folder, report)),
        shutdown: ShutdownConfig {
            lameduck: spec.shutdown.get().map_or(default.shutdown.lameduck, |spec| {
                range::time(&spec.lameduck, Duration::ZERO..=SECOND * 600, default.shutdown.lameduck, report)
            }),
        },
        limits: spec.limits.get().map_or(default.limits, |spec| limits::limits(spec, report)),
        state_dir: spec.state_dir.scalar().filter(|path| !path.is_empty()).map(|path| folder.join(path)),
        workers: workers(&spec.workers, report),
        metrics: MetricsConfig {
            coredns_compat: spec.metrics.get().and_then(|spec| spec.coredns_compat.scalar()).unwrap_or(true),
        },
        log: spec.log.get().map_or(default.log, |spec| log::log(spec, report)),
        stamp_option: stamp_option(&spec.stamp_option, report),
        plain_sockets: plain_sockets(&spec.sockets, report),
    };
    policy::check(&config, spec.policy.place().or(spec.servers.place()), report);
    overrides.apply(&mut config, report);
    listeners::check(&config, spec, report);
    config
}

fn peers(spec: &PeersSpec, folder: &Path, report: &Report<'_>) -> PeersConfig {
    let default = PeersConfig::default();
    let source = match spec.file.scalar() {
        None => default.source,
        Some(path) if path.is_empty() => PeersSource::None,
        Some(path) => PeersSource::File(folder.join(path)),
    };
    let files = match &source {
        PeersSource::File(path) => path.parent().unwrap_or(Path::new("")),
        PeersSource::DefaultFile(_) | PeersSource::Table(_) | PeersSource::None => folder,
    };
    let configmap = spec.configmap.scalar().and_then(|path| path.0).map(|(namespace, name)| ConfigMapRef {
        namespace,
        name,
        folder: files.to_path_buf(),
    });
    let least = Duration::from_millis(10);
    let peers = PeersConfig {
        source,
        configmap,
        stale: range::time(&spec.stale, Duration::ZERO..=WEEK, default.stale, report),
        stale_after: range::time(&spec.stale_after, Duration::ZERO..=10 * SECOND, default.stale_after, report),
        deadline: range::time(&spec.deadline, least..=10 * SECOND, default.deadline, report),
        connections: range::number(&spec.connections, 1..=8, default.connections, report),
        max_age: range::time(&spec.max_age, SECOND..=24 * HOUR, default.max_age, report),
    };
    let named = spec.stale_after.place().or(spec.deadline.place());
    if let Some(place) = named.filter(|_| peers.stale_after > peers.deadline) {
        let (stale, deadline) = (Time(peers.stale_after), Time(peers.deadline));
        let fault = Fault::new(format!("`stale_after` ({stale}) is later than `deadline` ({deadline})"));
        report.error(place, fault.help("a question ends at its deadline, so no stale answer would be used"));
    }
    peers
}

fn cache(spec: &CacheSpec, report: &Report<'_>) -> CacheConfig {
    let default = CacheConfig::default();
    let size = range::size(&spec.size, 0..=1 << 40, default.size as u64, report);
    CacheConfig {
        size: usize::try_from(size).unwrap_or(usize::MAX),
        max_ttl: range::ttl(&spec.max_ttl, WEEK, default.max_ttl, report),
        max_negative_ttl: range::ttl(&spec.max_negative_ttl, WEEK, default.max_negative_ttl, report),
        prefetch: spec.prefetch.scalar().unwrap_or(default.prefetch),
    }
}

/// `auto` is none.
fn workers(field: &Field<String>, report: &Report<'_>) -> Option<usize> {
    let (place, text) = field.both()?;
    workers_of(&text.0).unwrap_or_else(|fault| {
        report.error(place, fault);
        None
    })
}

pub(super) fn workers_of(text: &str) -> Result<Option<usize>, Fault> {
    match text.parse() {
        _ if text == "auto" => Ok(None),
        Ok(number @ 1..=1_024) => Ok(Some(number)),
        _ => Err(Fault::new(format!("expected `auto` or a number from 1 to 1024, found `{text}`"))),
    }
}

fn stamp_option(field: &Field<u64>, report: &Report<'_>) -> u16 {
    // For local and experimental use (RFC 6891 9).
    let number = range::number(field, 65_001..=65_534, super::defaults::STAMP_OPTION.into(), report);
    u16::try_from(number).unwrap_or(super::defaults::STAMP_OPTION)
}

fn plain_sockets(field: &Field<String>, report: &Report<'_>) -> bool {
    let Some((place, text)) = field.both() else {
        return false;
    };
    leaf::choice(&text.0, &[("batched", false), ("plain", true)]).unwrap_or_else(|fault| {
        report.error(place, fault);
        false
    })
}

#[cfg(test)]
mod tests;
