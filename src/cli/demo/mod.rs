//! `interlocal demo`: three regions in one process, on loopback, from the files of `config/demo`, which are built in. It asks every
//! region for every other region's name, prints what came back, and serves until Ctrl-C.

mod files;
mod matrix;
mod network;
mod places;
mod print;
mod relay;
// Not in its own file, which others take in.
#[cfg(test)]
#[path = "relay/tests.rs"]
mod relay_tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use self::files::{Folder, Region};
use self::network::Network;
use self::places::Places;
use super::files as config_files;
use crate::app::{App, BoundApp, Input};
use crate::config::{Overrides, UnknownKeys};

/// The port of the first region's pods' door in the files.
const FILE_PORT: u16 = 5_300;
/// All regions are ready long before; a region whose manifests are broken never is.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// How long the regions may take to find each other; a region that cannot be reached never is.
const MET_WITHIN: Duration = Duration::from_secs(3);

#[derive(clap::Args)]
pub struct Args {
    /// Read the files of this folder in place of those that are built in; it is laid out like config/demo
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Move all ports: the files start at 5300
    #[arg(long, value_name = "PORT", default_value_t = FILE_PORT)]
    base_port: u16,
    /// Ask the questions once and end; the exit code says whether every answer was right
    #[arg(long)]
    once: bool,
    /// Receive and send datagrams one by one, as systems other than Linux do
    #[arg(long)]
    plain_sockets: bool,
    #[command(flatten)]
    network: network::Wanted,
}

/// A region that runs.
struct Running {
    region: Region,
    app: App,
    /// The pods' door.
    dns: SocketAddr,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let folder = Folder::open(args.dir.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    runtime.block_on(async {
        let mut running = Vec::new();
        // All are bound before the first one starts, so that none finds another one away.
        let regions = folder.regions()?;
        let places = Arc::new(Places::new(args.base_port.wrapping_sub(FILE_PORT)));
        let bind = |region| bind(region, &args, &places);
        let bound: Vec<BoundApp> = regions.iter().map(bind).collect::<Result<_, _>>()?;
        let doors = regions
            .iter()
            .zip(&bound)
            .filter_map(|(region, bound)| Some((region.label.clone(), *bound.addresses().peers.first()?)));
        let mut network = Network::start(&args.network, &doors.collect()).await?;
        places.reach_through(network.addresses());
        for (region, bound) in regions.into_iter().zip(bound) {
            running.push(start(region, bound)?);
        }
        for region in &running {
            if tokio::time::timeout(READY_WITHIN, region.app.ready()).await.is_err() {
                eprintln!("{} is not ready: {}", region.region.label, region.app.missing().join("; "));
            }
        }
        let met = async {
            for region in &running {
                region.app.peers_up().await;
            }
        };
        let _ = tokio::time::timeout(MET_WITHIN, met).await;
        print::regions(&running);
        let cells = matrix::ask(&running).await;
        let right = print::matrix(&running, &cells);
        if !args.once {
            print::digs(&running, folder.path());
            serve(&mut network).await?;
            eprintln!("stopping");
        }
        for region in running {
            region.app.shutdown().await;
        }
        Ok(if right { ExitCode::SUCCESS } else { ExitCode::from(super::FOUND) })
    })
}

/// Until Ctrl-C; Enter turns the weather.
async fn serve(network: &mut Network) -> anyhow::Result<()> {
    let mut end = std::pin::pin!(tokio::signal::ctrl_c());
    let mut typed = network::typed();
    loop {
        if let Some(said) = network.turn() {
            println!("\n{said}. Enter turns that round.");
        }
        tokio::select! {
            ended = &mut end => return ended.context("cannot listen for Ctrl-C"),
            Some(()) = typed.recv() => {}
        }
    }
}

fn bind(region: &Region, args: &Args, places: &Arc<Places>) -> anyhow::Result<BoundApp> {
    let overrides = Overrides { plain_sockets: args.plain_sockets, ..Overrides::default() };
    let loaded = config_files::config(Some(&region.config), &overrides, UnknownKeys::Refuse)?;
    // The first region sets it up for the process.
    let _ = config_files::start_log(&loaded.config.log);
    let places = Arc::clone(places);
    let input = Input {
        config: loaded.config,
        file: loaded.file,
        kind: Default::default(),
        overrides,
        log: None,
        adjust: Some(places),
    };
    BoundApp::new(input).with_context(|| format!("region {}", region.label))
}

fn start(region: Region, bound: BoundApp) -> anyhow::Result<Running> {
    let app = bound.start().with_context(|| format!("region {}", region.label))?;
    let dns = *app.addresses().dns.first().with_context(|| format!("region {} has no pods' door", region.label))?;
    Ok(Running { region, app, dns })
}
