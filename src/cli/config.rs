//! `interlocal config`: the whole configuration with every default and what it means, and a file's values laid over it; or what a running
//! instance says that it works with.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::admin::{Instance, Place};
use super::files::{self, Problems};
use crate::app::text;
use crate::config::corefile::write;
use crate::config::whole::whole;
use crate::config::{Overrides, UnknownKeys, file};
use crate::limits::Limits;

/// A peer table with every key.
const PEERS: &str = include_str!("../../config/peers.yaml");
/// What wins over any file.
const VARIABLES: [&str; 5] = [
    "INTERLOCAL_REGION",
    "INTERLOCAL_LISTEN",
    "INTERLOCAL_MANIFESTS",
    "INTERLOCAL_WORKERS",
    "INTERLOCAL_PLAIN_SOCKETS",
];

#[derive(clap::Args)]
pub struct Args {
    /// With the values of this file in place of the defaults
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// With what this Corefile comes to
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    corefile: Option<PathBuf>,
    /// The whole configuration that a running instance works with: its `listen.admin` (ADDRESS:PORT or unix:PATH)
    #[arg(
        long,
        value_name = "WHERE",
        num_args = 0..=1,
        default_missing_value = "127.0.0.1:9154",
        conflicts_with_all = ["config", "corefile"]
    )]
    from_instance: Option<Place>,
    /// peers.yaml in place of interlocal.yaml
    #[arg(long, conflicts_with_all = ["config", "corefile", "from_instance"])]
    peers: bool,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let given = match (&args.config, &args.corefile) {
        (Some(path), _) => yaml(path)?,
        (None, Some(path)) => corefile(path)?,
        (None, None) => String::new(),
    };
    let page = match &args.from_instance {
        Some(place) => Some(Instance::at(place.clone()).get("/config")?),
        None if args.peers => Some(PEERS.to_owned()),
        None => whole(&given),
    };
    let page = page.context("the file is no mapping")?;
    // A pipe that closes is the end of whoever read it, and no fault.
    let _ = std::io::stdout().write_all(page.as_bytes());
    Ok(ExitCode::SUCCESS)
}

fn yaml(path: &Path) -> anyhow::Result<String> {
    let text = text::config(path, &Limits::default()).with_context(|| format!("cannot read {}", path.display()))?;
    // What it is judged to be is what is printed, so nothing is left out that nobody knows.
    file::parse(&text, path, UnknownKeys::Refuse, &Overrides::default()).map_err(Problems)?;
    for name in VARIABLES.iter().filter(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        eprintln!("{name} is set, and wins over what is shown");
    }
    Ok(text)
}

fn corefile(path: &Path) -> anyhow::Result<String> {
    let (loaded, notes) = files::corefile(path, &Overrides::default())?;
    let written = write::files(&loaded.config, &notes, &path.display().to_string());
    written.left_out.iter().for_each(|text| eprintln!("not carried over: {text}"));
    Ok(written.config)
}
