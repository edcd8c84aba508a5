//! `interlocal compare`: asks this server and another one the same questions, and says where they differ. For the day before a
//! switch from CoreDNS: what is wanted to be other is known and counted apart. Exit code 1 if anything else is different.

mod differences;
mod instance;
mod print;
mod questions;
mod run;
mod source;
mod wanted;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};

use self::differences::Kind;
use self::questions::Questions;
use self::run::Plan;
use crate::cli::admin::Place;
use crate::cli::files;
use crate::config::{Overrides, units};

/// More than any log of a day; read at once.
const MOST_BYTES: u64 = 1 << 30;

#[derive(clap::Args)]
pub struct Args {
    /// The server to compare with, CoreDNS for instance
    #[arg(long, value_name = "ADDRESS:PORT")]
    against: SocketAddr,
    /// Our own server
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:53")]
    ours: SocketAddr,
    #[command(flatten)]
    sources: files::Sources,
    /// The names are those that a running instance has read: its `listen.admin` (ADDRESS:PORT or unix:PATH)
    #[arg(
        long,
        value_name = "WHERE",
        num_args = 0..=1,
        default_missing_value = "127.0.0.1:9154",
        conflicts_with = "manifests"
    )]
    from_instance: Option<Place>,
    /// Ask for these in place of every name of the cluster: a `name [type]` a line, or what CoreDNS's `log` wrote
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Questions a second to each server
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Questions at one time
    #[arg(long, value_name = "NUMBER", default_value_t = 16)]
    at_once: usize,
    /// TTLs may be so far apart: kept answers count down
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    ttl: Duration,
    /// Differences of this kind do not count; may be repeated
    #[arg(long, value_enum, value_name = "KIND")]
    ignore: Vec<Kind>,
    /// Show every difference, not the first ones of each kind
    #[arg(long)]
    all: bool,
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
}

fn duration(text: &str) -> Result<Duration, String> {
    units::duration(text).map_err(|fault| fault.message)
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    ensure!(args.ours != args.against, "--ours and --against are one server");
    let mut config = args.sources.read(&args.sources.overrides(Overrides::default()))?.config;
    let known = args.from_instance.clone().map(instance::objects).transpose()?.map(|(objects, domain)| {
        config.cluster_domain = domain;
        objects
    });
    let mut questions = Questions::default();
    if let Some(file) = &args.file {
        let text = crate::app::text::read(file, MOST_BYTES, "of a list");
        questions.lines(&text.with_context(|| format!("cannot read {}", file.display()))?);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.context("cannot start threads")?;
    let outcome = runtime.block_on(async {
        let objects = match known {
            Some(objects) => Ok(objects),
            None => source::objects(&config).await,
        };
        match objects {
            Ok(objects) => {
                questions.objects(&objects, &config.cluster_domain, config.kubernetes.pods, args.file.is_none());
            }
            Err(error) if args.file.is_none() => return Err(error),
            Err(error) => eprintln!("{error:#}: some differences that are wanted cannot be told from others"),
        }
        if questions.skipped > 0 {
            eprintln!("{} lines are no questions of class IN, and are left out", questions.skipped);
        }
        ensure!(!questions.asked.is_empty(), "there is nothing to ask");
        let mut domain = config.cluster_domain.to_string();
        if !domain.ends_with('.') {
            domain.push('.');
        }
        let plan = Plan {
            ours: args.ours,
            theirs: args.against,
            rate: args.rate,
            at_once: args.at_once,
            apart: u32::try_from(args.ttl.as_secs()).unwrap_or(u32::MAX),
            ignored: args.ignore.clone(),
            domain,
        };
        Ok(run::run(&plan, &questions).await)
    })?;
    let text = match args.output {
        Output::Table => print::table(&outcome, args.all),
        Output::Json => print::json(&outcome),
    };
    // A pipe that closes is the end of whoever read it, and no fault.
    let _ = std::io::stdout().write_all(text.as_bytes());
    let fine = outcome.differences.is_empty() && outcome.unanswered.is_empty();
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(super::FOUND) })
}
