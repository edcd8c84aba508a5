//! `interlocal validate`: reads files as `serve` would, but refuses what `serve` only warns of, and uses no network. What a file
//! is shows in what it says: a peer table has `regions`, a manifest has `kind`, everything else is a configuration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::files::{self, Problems};
use crate::app::text;
use crate::config::peers::{self, TableContext};
use crate::config::{Config, Overrides, Problem, RegionLabel, UnknownKeys};
use crate::kube::{Selection, manifests};
use crate::limits::Limits;
use crate::wire::Name;

#[derive(clap::Args)]
pub struct Args {
    /// Configurations, peer tables, manifests, or folders of manifests; a configuration is judged first, and the tables by it
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Which row of the peer table is ours [default: what the configuration says]
    #[arg(long, value_name = "LABEL")]
    region: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Config,
    Table,
    Manifests,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut files = Vec::new();
    for file in &args.files {
        files.push((kind(file)?, file));
    }
    files.sort();
    let overrides = Overrides { region: args.region.clone(), ..Overrides::default() };
    let region = args.region.as_deref().and_then(|label| RegionLabel::parse(label).ok());
    let mut config = Config { region, ..Config::default() };
    let mut failed = false;
    for (kind, file) in files {
        let result = match kind {
            Kind::Config => match files::config(Some(file), &overrides, UnknownKeys::Refuse) {
                Ok(loaded) => {
                    config = loaded.config;
                    Ok(format!("configuration, {} server(s)", config.servers.len()))
                }
                Err(error) => Err(error.downcast::<Problems>()?.to_string()),
            },
            Kind::Table => table(file, &config)?,
            Kind::Manifests => manifest(file, &config),
        };
        match result {
            Ok(what) => println!("{}: {what}: fine", file.display()),
            Err(problems) => {
                failed = true;
                print!("{problems}");
            }
        }
    }
    Ok(if failed { ExitCode::from(super::FOUND) } else { ExitCode::SUCCESS })
}

fn kind(file: &Path) -> anyhow::Result<Kind> {
    if file.is_dir() {
        return Ok(Kind::Manifests);
    }
    let limit = Limits::default().manifest_bytes;
    let text =
        text::read(file, limit, "limits.manifest_bytes").with_context(|| format!("cannot read {}", file.display()))?;
    let has = |key: &str| text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')));
    Ok(if has("kind") {
        Kind::Manifests
    } else if has("regions") {
        Kind::Table
    } else {
        Kind::Config
    })
}

fn table(file: &Path, config: &Config) -> anyhow::Result<Result<String, String>> {
    let text = text::config(file, &config.limits).with_context(|| format!("cannot read {}", file.display()))?;
    let stub_zones: Vec<Name> = config.stub_zones();
    let context = TableContext {
        cluster_domain: &config.cluster_domain,
        region: config.region.as_ref(),
        stub_zones: &stub_zones,
        limits: &config.limits,
        folder: None,
    };
    let result = peers::parse(&text, file, &context, UnknownKeys::Refuse);
    let all: Vec<Problem> = result.errors.into_iter().chain(result.warnings).collect();
    Ok(if all.is_empty() {
        Ok(format!("peer table, {} region(s)", result.table.regions.len()))
    } else {
        Err(Problems(all).to_string())
    })
}

fn manifest(path: &Path, config: &Config) -> Result<String, String> {
    let loaded = manifests::load(path, &config.limits, &Selection::of(&config.kubernetes));
    if loaded.problems.is_empty() {
        return Ok(format!("manifests, {} object(s)", loaded.objects.len()));
    }
    Err(loaded.problems.iter().map(|problem| format!("{problem}\n\n")).collect())
}
