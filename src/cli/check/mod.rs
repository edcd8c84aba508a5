//! `interlocal check`: looks at everything that has to be right, live: files, machine, Kubernetes API, own doors, upstreams, every
//! address of every region. Each finding says what, why and how to mend it. Exit code 1 if questions fail because of one.
//!
//! A file of this folder is one group: it gathers with the product's own parts, and judges what it was given without any I/O.

mod clashes;
mod configuration;
mod domain;
mod doors;
mod instance;
mod kubernetes;
mod loops;
mod machine;
mod matrix;
mod peers;
mod print;
mod regions;
mod report;
mod subject;
mod tables;
mod upstream;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use self::print::Output;
use self::report::{Level, Report};
use self::subject::Subject;
use crate::cli::admin::Place;
use crate::cli::files;
use crate::clock;
use crate::config::{Overrides, units};
use crate::kube::api::Target;
use crate::wire::Name;

/// Between two rounds with `--wait`.
const EVERY: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    sources: files::Sources,
    /// The running instance's admin listener (ADDRESS:PORT or unix:PATH) [default: `listen.admin` of the configuration]
    #[arg(long, value_name = "WHERE")]
    admin: Option<Place>,
    /// Before installing: nothing runs yet, so ports have to be free and no door has to answer
    #[arg(long)]
    pre: bool,
    /// Look again until nothing is wrong, for so long at most: `30s`, `5m`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    wait: Option<Duration>,
    /// Also ask a real question of every region, over each address and as a pod would, with its time
    #[arg(long)]
    matrix: bool,
    /// A name of a region to ask for in the matrix; may be repeated
    #[arg(long, value_name = "NAME", requires = "matrix")]
    name: Vec<Name>,
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// The resolv.conf of a pod, for the cluster's domain
    #[arg(long, value_name = "FILE", default_value = domain::RESOLV_CONF)]
    resolv_conf: PathBuf,
}

fn duration(text: &str) -> Result<Duration, String> {
    units::duration(text).map_err(|fault| fault.message)
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.context("cannot start threads")?;
    let end = args.wait.map(|wait| clock::now() + wait);
    let mut out = std::io::stdout();
    let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    loop {
        let mut subject = subject(args)?;
        let report = runtime.block_on(async {
            subject.read_configmap().await;
            look(args, &subject).await
        });
        let again = report.worst() == Level::Problem && end.is_some_and(|end| clock::now() + EVERY < end);
        if again {
            eprintln!("{}, looking again", print::summary(&report));
            std::thread::sleep(EVERY);
            continue;
        }
        // A pipe that closes is the end of whoever read it, and no fault.
        let _ = out.write_all(print::text(&report, args.output, colour).as_bytes()).and_then(|()| out.flush());
        return Ok(match report.worst() {
            // Nothing else could be looked at.
            _ if !subject.errors.is_empty() => ExitCode::from(super::USAGE),
            Level::Problem => ExitCode::from(super::FOUND),
            Level::Warning | Level::Fine => ExitCode::SUCCESS,
        });
    }
}

fn subject(args: &Args) -> anyhow::Result<Subject> {
    let overrides = args.sources.overrides(Overrides::default());
    Subject::read(&args.sources, &overrides, args.admin.clone(), args.pre)
}

/// One look at everything. Causes come before what follows from them.
async fn look(args: &Args, subject: &Subject) -> Report {
    let mut report = Report::default();
    report.add("configuration", configuration::judge(subject));
    if !subject.errors.is_empty() {
        // What it should be is not known; what runs still says how it is.
        report.add("sync", instance::judge(&subject.pages));
        return report;
    }
    let config = &subject.config;
    let target = Target::of(&config.kubernetes.source);
    let resolv_conf: &Path = &args.resolv_conf;
    let (objects, doors, upstreams, regions, domain) = tokio::join!(
        kubernetes::gather(subject),
        doors::gather(subject),
        upstream::gather(subject),
        regions::gather(subject),
        domain::gather(config, resolv_conf, target.as_ref()),
    );
    let own = doors::own(&doors);
    report.add("configuration", domain::judge(config, &domain));
    report.add("machine", machine::judge(config, &machine::gather(subject)));
    report.add("kubernetes", kubernetes::judge(&objects.source));
    if !subject.pre {
        report.add("sync", instance::judge(&subject.pages));
        report.add("doors", doors::judge(subject, &doors));
    }
    report.add("loops", loops::judge(own, &upstreams));
    report.add("upstream", upstream::judge(config, &upstreams, own));
    report.add("clashes", clashes::judge(subject, &regions, objects.namespaces.as_deref(), own));
    report.add("peers", peers::judge(&regions, own));
    let in_use = subject.pages.peers.as_ref().map(|peers| peers.table.hash.clone());
    report.add(
        "tables",
        tables::judge(&regions, &in_use.unwrap_or_else(|| configuration::hash(subject.table.table.hash))),
    );
    if args.matrix {
        report.matrix = matrix::gather(subject, &regions, &args.name).await;
    }
    report
}
