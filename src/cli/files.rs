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
