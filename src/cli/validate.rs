//! `interlocal validate`: reads files as `serve` would, but refuses what `serve` only warns of, and uses no network. What a file
//! is shows in what it says: a peer table has `regions`, a manifest has `kind`, a Corefile begins with a block, everything else is a
//! configuration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::files::{self, Problems};
use crate::app::text;
use crate::config::corefile::Note;
use crate::config::peers::{self, TableContext};
use crate::config::{Config, ForwardConfig, Overrides, PeersSource, Problem, RegionLabel, UnknownKeys};
use crate::kube::{Selection, manifests};
use crate::limits::Limits;
use crate::wire::Name;

#[derive(clap::Args)]
pub struct Args {
    /// Configurations, Corefiles, peer tables, manifests, or folders of manifests; a configuration or a Corefile is judged first, and the tables by it
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Which row of the peer table is ours [default: what the configuration says]
    #[arg(long, value_name = "LABEL")]
    region: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Corefile,
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
    // Beside a Corefile a table is what `serve --corefile FILE --peers FILE` has.
    let beside = files.iter().any(|(kind, _)| *kind == Kind::Corefile);
    let first = files.iter().find(|(kind, _)| beside && *kind == Kind::Table);
    let peers = first.map(|(_, file)| PathBuf::from(file));
    let overrides = Overrides { region: args.region.clone(), peers, ..Overrides::default() };
    let region = args.region.as_deref().and_then(|label| RegionLabel::parse(label).ok());
    let mut config = Config { region, ..Config::default() };
    let mut failed = false;
    for (kind, file) in files {
        let result = match kind {
            Kind::Corefile => match files::corefile(file, &overrides) {
                Ok((loaded, notes)) => {
                    config = loaded.config;
                    loaded.warnings.iter().for_each(|warning| println!("{warning}\n"));
                    explain(&config, &notes);
                    Ok(format!("Corefile, {} server(s)", config.servers.len()))
                }
                Err(error) => Err(error.downcast::<Problems>()?.to_string()),
            },
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
    if is_corefile(file, &text) {
        return Ok(Kind::Corefile);
    }
    let has = |key: &str| text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')));
    Ok(if has("kind") {
        Kind::Manifests
    } else if has("regions") {
        Kind::Table
    } else {
        Kind::Config
    })
}

/// By its name, or by its first line: a block opens there, which it does not in YAML.
fn is_corefile(file: &Path, text: &str) -> bool {
    let named = file.file_name().is_some_and(|name| name == "Corefile");
    let named = named || file.extension().is_some_and(|extension| extension == "Corefile");
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    named || lines.next().is_some_and(|line| line.ends_with('{') && !line.contains(": "))
}

/// What a Corefile came to.
fn explain(config: &Config, notes: &[Note]) {
    for note in notes {
        println!("{}:{}: {}: {}", note.file.display(), note.line, note.of, note.text);
    }
    for server in &config.servers {
        let shown = |list: &mut dyn Iterator<Item = String>| list.collect::<Vec<_>>().join(" ");
        println!("server {}", shown(&mut server.listen.iter().map(ToString::to_string)));
        if !server.zones.is_empty() {
            println!("  cluster: {}", shown(&mut server.zones.iter().map(ToString::to_string)));
        }
        for row in &server.forward {
            let of = |row: &ForwardConfig| {
                let over = if row.tls.is_some() { " over TLS" } else { "" };
                format!("{}{over}", shown(&mut row.to.iter().map(ToString::to_string)))
            };
            println!("  forward: {} to {}", row.zone, of(row));
            for next in &row.next {
                println!("    behind {}: {}", shown(&mut next.on.iter().map(ToString::to_string)), of(&next.row));
            }
        }
        for external in &server.external {
            println!("  load balancers: {}", external.zone);
        }
        for zone in &server.routes.refuse {
            println!("  refused: {zone}");
        }
    }
    if let PeersSource::Table(table) = &config.peers.source {
        for row in &table.regions {
            let to: Vec<String> = row.endpoints.iter().map(ToString::to_string).collect();
            println!("region {}: {}", row.label, to.join(" "));
        }
    }
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
    let loaded = manifests::load(path, &config.limits, &Selection::of(config));
    if loaded.problems.is_empty() {
        return Ok(format!("manifests, {} object(s)", loaded.objects.len()));
    }
    Err(loaded.problems.iter().map(|problem| format!("{problem}\n\n")).collect())
}
