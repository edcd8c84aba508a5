//! Reading the files that commands are given: which file it is, and what is wrong with it.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::app::{FileKind, corefile, text};
use crate::config::corefile::{Corefile, Note};
use crate::config::file;
use crate::config::{Config, LogConfig, LogFormat, Overrides, Problem, UnknownKeys};
use crate::limits::Limits;
use crate::log::{self, Filter, LogHandle};

/// Where `serve` looks if no file is named.
pub const DEFAULT_CONFIG: &str = "/etc/interlocal/interlocal.yaml";

/// All that is wrong with one file.
#[derive(Debug)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|problem| writeln!(f, "{problem}\n"))
    }
}

impl std::error::Error for Problems {}

/// A configuration with the file that it came from.
pub struct Loaded {
    pub config: Config,
    /// None if there was no file, so that there is none to watch.
    pub file: Option<PathBuf>,
    pub kind: FileKind,
    pub warnings: Vec<Problem>,
}

/// What a server is made of, as commands are told: one of two kinds of file, and what stands beside it.
#[derive(Debug, Default, clap::Args)]
pub struct Sources {
    /// The configuration [default: /etc/interlocal/interlocal.yaml if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A Corefile in place of the configuration, as CoreDNS has it
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub corefile: Option<PathBuf>,
    /// The peer table, in place of the one that the configuration names; beside a Corefile it opens the peers' door [env: INTERLOCAL_PEERS]
    #[arg(long, value_name = "FILE")]
    pub peers: Option<PathBuf>,
    /// Which row of the peer table is ours [env: INTERLOCAL_REGION]
    #[arg(long, value_name = "LABEL")]
    pub region: Option<String>,
    /// The objects of a manifest file or folder in place of the API's [env: INTERLOCAL_MANIFESTS]
    #[arg(long, value_name = "PATH")]
    pub manifests: Option<PathBuf>,
}

impl Sources {
    /// These flags, and the environment where they say nothing. `more` are flags that the command has besides.
    pub fn overrides(&self, more: Overrides) -> Overrides {
        let flags = Overrides {
            region: self.region.clone(),
            manifests: self.manifests.clone(),
            peers: self.peers.clone(),
            ..more
        };
        flags.or(Overrides::from_env(|name| std::env::var(name).ok()))
    }

    /// The file that is read, whether it is there or not.
    pub fn file(&self) -> &Path {
        self.corefile.as_deref().or(self.config.as_deref()).unwrap_or(Path::new(DEFAULT_CONFIG))
    }

    /// Reads it as `serve` does.
    ///
    /// # Errors
    /// If a named file cannot be read, or any file is wrong.
    pub fn read(&self, overrides: &Overrides) -> anyhow::Result<Loaded> {
        match &self.corefile {
            Some(path) => Ok(corefile(path, overrides)?.0),
            None => config(self.config.as_deref(), overrides, UnknownKeys::Warn),
        }
    }
}

/// Sets logging up as the configuration says.
///
/// # Errors
/// If its level is none.
pub fn start_log(config: &LogConfig) -> anyhow::Result<LogHandle> {
    let filter = Filter::parse(&config.level).context("log.level")?;
    Ok(log::init(config.format == LogFormat::Json, filter)?)
}

/// Reads the named file; without a name the default one, which need not exist.
///
/// # Errors
/// If a named file cannot be read, or any file is wrong.
pub fn config(named: Option<&Path>, overrides: &Overrides, unknown: UnknownKeys) -> anyhow::Result<Loaded> {
    let path = named.unwrap_or(Path::new(DEFAULT_CONFIG));
    // What it says of its own limit can only be known afterwards.
    let (text, found) = match text::config(path, &Limits::default()) {
        Ok(text) => (text, Some(path.to_path_buf())),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => (String::new(), None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let parsed = file::parse(&text, path, unknown, overrides).map_err(Problems)?;
    Ok(Loaded { config: parsed.value, file: found, kind: FileKind::Yaml, warnings: parsed.warnings })
}

/// Reads a Corefile.
///
/// # Errors
/// If it cannot be read, or is wrong.
pub fn corefile(path: &Path, overrides: &Overrides) -> anyhow::Result<(Loaded, Vec<Note>)> {
    let parsed = corefile::parse(path, &Limits::default(), overrides).map_err(Problems)?;
    let Corefile { config, notes, read } = parsed.value;
    let kind = FileKind::Corefile(read);
    Ok((Loaded { config, file: Some(path.to_path_buf()), kind, warnings: parsed.warnings }, notes))
}
