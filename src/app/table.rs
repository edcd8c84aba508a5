//! The peer table from its file or its ConfigMap, under the rules for a bad one: at start what is valid of it is used, or the last good one; at
//! reload anything wrong keeps the old one whole.

use std::path::{Path, PathBuf};

use super::{Adjust, text};
use crate::config::peers::TableResult;
use crate::config::{Config, ConfigMapRef, PeerTable, PeersSource, Problem};
use crate::kube::api::Told;
use crate::wire::Name;

/// The last good table inside `state_dir`.
const LAST_GOOD: &str = "peers.yaml";

/// A table without faults; whether it is taken is for the caller to say.
#[derive(Default)]
pub(super) struct Good {
    pub table: PeerTable,
    /// To be kept for the next start; none if there is no file.
    text: Option<String>,
    /// It is the file, because the ConfigMap was not read yet.
    pub stands_in: bool,
}

/// Why a table is not taken.
pub(super) enum Bad {
    /// The file cannot be read.
    Unreadable(String),
    /// The ConfigMap was not read yet, and nothing stands in for it.
    NotYet(String),
    /// What is wrong with it, and what of it could be used.
    Wrong { errors: Vec<Problem>, rest: PeerTable },
}

/// The file, if there is one to read; a default one that is not there is no table.
pub(super) fn path(config: &Config) -> Option<&Path> {
    match &config.peers.source {
        PeersSource::Table(_) | PeersSource::None => None,
        PeersSource::File(path) | PeersSource::DefaultFile(path) => Some(path),
    }
}

/// Reads the table: from the ConfigMap if the configuration names one and it was told, else from the file.
pub(super) fn read(config: &Config, adjust: Option<&dyn Adjust>, told: Option<&Told>) -> Result<Good, Bad> {
    match (&config.peers.configmap, told) {
        (Some(of), Some(Told::Text(text))) => from_configmap(config, adjust, of, text),
        (Some(_), Some(Told::Absent(why))) => Err(Bad::Unreadable(why.clone())),
        (Some(of), _) => match last_good(config, adjust) {
            Some(table) => Ok(Good { table, text: None, stands_in: true }),
            None if path(config).is_some_and(Path::exists) => {
                Ok(Good { text: None, stands_in: true, ..from_file(config, adjust)? })
            }
            None => Err(Bad::NotYet(of.to_string())),
        },
        (None, _) => from_file(config, adjust),
    }
}

fn from_configmap(config: &Config, adjust: Option<&dyn Adjust>, of: &ConfigMapRef, text: &str) -> Result<Good, Bad> {
    let most = config.limits.config_bytes;
    if text.len() as u64 > most {
        let why = format!("the table in ConfigMap {of} has more than {most} octets (`limits.config_bytes`)");
        return Err(Bad::Unreadable(why));
    }
    judge(config, adjust, &Path::new("ConfigMap").join(&of.namespace).join(&of.name), text.to_owned())
}

fn from_file(config: &Config, adjust: Option<&dyn Adjust>) -> Result<Good, Bad> {
    if let PeersSource::Table(table) = &config.peers.source {
        let mut table = PeerTable::clone(table);
        if let Some(adjust) = adjust {
            adjust.table(&mut table);
        }
        return Ok(Good { table, text: None, stands_in: false });
    }
    let Some(path) = path(config) else { return Ok(Good::default()) };
    let text = match text::config(path, &config.limits) {
        Ok(text) => text,
        Err(error) if matches!(config.peers.source, PeersSource::DefaultFile(_)) && is_missing(&error) => {
            return Ok(Good::default());
        }
        Err(error) => return Err(Bad::Unreadable(format!("cannot read {}: {error}", path.display()))),
    };
    judge(config, adjust, path, text)
}

fn judge(config: &Config, adjust: Option<&dyn Adjust>, path: &Path, text: String) -> Result<Good, Bad> {
    let mut result = parse(config, path, &text);
    if let Some(adjust) = adjust {
        adjust.table(&mut result.table);
    }
    for warning in &result.warnings {
        tracing::warn!("{warning}");
    }
    if result.errors.is_empty() {
        Ok(Good { table: result.table, text: Some(text), stands_in: false })
    } else {
        Err(Bad::Wrong { errors: result.errors, rest: result.table })
    }
}

/// The table to start with, whatever the file is like, and whether it is the newest as it stands. The ConfigMap comes later.
pub(super) fn at_start(config: &Config, adjust: Option<&dyn Adjust>) -> (PeerTable, bool) {
    let bad = match read(config, adjust, None) {
        Ok(good) => {
            let newest = !good.stands_in;
            return (good.keep(config), newest);
        }
        Err(bad) => bad,
    };
    bad.log();
    if let Some(table) = last_good(config, adjust) {
        tracing::warn!("starting with the last good peer table");
        return (table, false);
    }
    let valid = match bad {
        Bad::Unreadable(_) | Bad::NotYet(_) => PeerTable::default(),
        Bad::Wrong { rest, .. } => {
            tracing::warn!(regions = rest.regions.len(), "starting with what is valid of the peer table");
            rest
        }
    };
    (valid, false)
}

impl Good {
    /// Takes the table, and keeps its text for the next start. A disk that is full or read-only costs that, and nothing else.
    pub(super) fn keep(self, config: &Config) -> PeerTable {
        if let (Some(text), Some(path)) = (self.text, last_good_path(config)) {
            let written = path.with_extension("new");
            let result = std::fs::write(&written, text).and_then(|()| std::fs::rename(&written, &path));
            if let Err(error) = result {
                tracing::warn!(path = %path.display(), %error, "cannot keep the peer table for the next start");
            }
        }
        self.table
    }
}

impl Bad {
    /// Says what is wrong, each problem with its place and its mend.
    pub(super) fn log(&self) {
        match self {
            Self::Unreadable(why) => tracing::error!("{why}"),
            Self::NotYet(of) => tracing::info!("peer table: waiting for ConfigMap {of}"),
            Self::Wrong { errors, .. } => errors.iter().for_each(|problem| tracing::error!("{problem}")),
        }
    }
}

/// Where the certificates are that the table names, whichever copy of it is read.
fn files_of(config: &Config) -> Option<&Path> {
    match &config.peers.configmap {
        Some(of) => Some(&of.folder),
        None => path(config).and_then(Path::parent),
    }
}

fn parse(config: &Config, path: &Path, text: &str) -> TableResult {
    config.peer_table(path, text, files_of(config))
}

/// The namespaces of ours that the table's regions take away from the pods, by having the same name. A row that says
/// `override_local` means it.
#[must_use]
pub fn hidden(config: &Config, table: &PeerTable) -> Vec<String> {
    let others = table.regions.iter().filter(|row| Some(&row.label) != config.region.as_ref() && !row.override_local);
    let services = config.cluster_domain.prepend("svc").ok();
    let namespace = |zone: &Name| {
        let first = zone.as_ref().labels().next()?;
        let below = zone.as_ref().parent() == services.as_ref().map(Name::as_ref);
        below.then(|| String::from_utf8_lossy(first).into_owned())
    };
    others.flat_map(|row| &row.zones).filter_map(namespace).collect()
}

fn is_missing(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

fn last_good_path(config: &Config) -> Option<PathBuf> {
    config.state_dir.as_ref().map(|dir| dir.join(LAST_GOOD))
}

fn last_good(config: &Config, adjust: Option<&dyn Adjust>) -> Option<PeerTable> {
    let path = last_good_path(config)?;
    let text = text::config(&path, &config.limits).ok()?;
    let mut result = parse(config, &path, &text);
    if let Some(adjust) = adjust {
        adjust.table(&mut result.table);
    }
    result.errors.is_empty().then_some(result.table)
}
