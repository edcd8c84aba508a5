//! `interlocal query`: what a running instance would answer, stage by stage, and why; with `--manifests` what files would answer. Exit
//! code 1 if there is no proper answer.

mod table;

use std::io::Write;
use std::net::IpAddr;
use std::process::ExitCode;

use anyhow::Context;

use super::{admin, files, output::Output};
use crate::app::offline::Offline;
use crate::config::Overrides;
use crate::server::admin::params::Params;
use crate::server::admin::{json, query};
use crate::server::explain::Explainer;
use crate::server::explain::page::Explanation;

#[derive(clap::Args)]
// Without manifests it is a running instance that is asked, and no file is read.
#[command(
    mut_arg("manifests", |it| it.help("Without a running instance: what these objects would give, a manifest file or a folder of them")),
    mut_arg("config", |it| it.requires("manifests").help("With --manifests: the configuration, which names the peer table")),
    mut_arg("corefile", |it| it.requires("manifests").help("With --manifests: a Corefile in place of the configuration")),
    mut_arg("peers", |it| it.requires("manifests").help("With --manifests: the peer table")),
    mut_arg("region", |it| it.requires("manifests").help("With --manifests: which row of the peer table is ours"))
)]
pub struct Args {
    /// The name; without a dot at its end it is also looked for along a pod's search path
    name: String,
    /// The record type, or TYPE with a number
    #[arg(value_name = "TYPE", default_value = "A")]
    qtype: String,
    #[command(flatten)]
    admin: admin::Instance,
    /// Send the question for real, past the cache, and show each attempt; nothing of the answer is kept
    #[arg(long, conflicts_with = "manifests")]
    trace: bool,
    /// Who asks
    #[arg(long, value_name = "IP")]
    from: Option<IpAddr>,
    /// Through which door
    #[arg(long, default_value = "pods", value_parser = ["pods", "peers"])]
    door: String,
    /// Which of `servers`, counted from 0, at the pods' door
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    server: usize,
    /// Whose search path a relative name has
    #[arg(long, value_name = "NAMESPACE", default_value = "default")]
    namespace: String,
    #[command(flatten)]
    sources: files::Sources,
    #[command(flatten)]
    output: Output,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (server, from) = (args.server.to_string(), args.from.map(|from| from.to_string()).unwrap_or_default());
    let params = [
        ("name", args.name.as_str()),
        ("type", &args.qtype),
        ("door", &args.door),
        ("server", &server),
        ("from", &from),
        ("namespace", &args.namespace),
    ];
    let page = match &args.sources.manifests {
        Some(_) => offline(args, &params)?,
        None if args.trace => args.admin.post(&Params::path("/query", &params))?,
        None => args.admin.get(&Params::path("/query", &params))?,
    };
    let explanation: Explanation = json::read(&page).context("not the page of an instance of this version")?;
    let text = if args.output.is_json() { page + "\n" } else { table::text(&explanation) };
    // A pipe that closes is the end of whoever read it, and no fault.
    let _ = std::io::stdout().write_all(text.as_bytes());
    let proper = matches!(explanation.answer.rcode.as_deref(), Some("NOERROR") | None);
    Ok(if proper { ExitCode::SUCCESS } else { ExitCode::from(super::FOUND) })
}

/// The same page, made from files.
fn offline(args: &Args, params: &[(&str, &str)]) -> anyhow::Result<String> {
    let loaded = args.sources.read(&args.sources.overrides(Overrides::default()))?;
    let offline = Offline::read(loaded.config)?;
    for problem in &offline.problems {
        eprintln!("warning: {problem}");
    }
    let path = Params::path("", params);
    let params = Params::parse(path.trim_start_matches('?'));
    let wanted = query::wanted(&params, offline.config.servers.len()).map_err(anyhow::Error::msg)?;
    let explainer = Explainer {
        zone: &offline.zone,
        routes: &offline.routes,
        config: &offline.config,
        stages: &offline.stages,
        live: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("cannot start")?;
    Ok(json::write(&runtime.block_on(explainer.explain(&wanted))))
}
