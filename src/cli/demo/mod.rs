//! `interlocal demo`: three regions in one process, on loopback, from the files of `config/demo`, which are built in. It asks every
//! region for every other region's name, prints what came back, and serves until Ctrl-C.

mod files;
mod matrix;
mod print;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use self::files::{Folder, Region};
use super::files as config_files;
use crate::app::{Adjust, App, BoundApp, Input};
use crate::config::{Config, Host, Listen, Overrides, PeerTable, UnknownKeys};

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
        let bound: Vec<BoundApp> = regions.iter().map(|region| bind(region, &args)).collect::<Result<_, _>>()?;
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
            tokio::signal::ctrl_c().await.context("cannot listen for Ctrl-C")?;
            eprintln!("stopping");
        }
        for region in running {
            region.app.shutdown().await;
        }
        Ok(if right { ExitCode::SUCCESS } else { ExitCode::from(super::FOUND) })
    })
}

fn bind(region: &Region, args: &Args) -> anyhow::Result<BoundApp> {
    let overrides = Overrides { plain_sockets: args.plain_sockets, ..Overrides::default() };
    let loaded = config_files::config(Some(&region.config), &overrides, UnknownKeys::Refuse)?;
    // The first region sets it up for the process.
    let _ = config_files::start_log(&loaded.config.log);
    let shift = Shift(args.base_port.wrapping_sub(FILE_PORT));
    let input = Input { config: loaded.config, file: loaded.file, overrides, log: None, adjust: Some(Arc::new(shift)) };
    BoundApp::new(input).with_context(|| format!("region {}", region.label))
}

fn start(region: Region, bound: BoundApp) -> anyhow::Result<Running> {
    let app = bound.start().with_context(|| format!("region {}", region.label))?;
    let dns = *app.addresses().dns.first().with_context(|| format!("region {} has no pods' door", region.label))?;
    Ok(Running { region, app, dns })
}

/// How far every port is moved; ports wrap around, as any sum of ports must.
#[derive(Clone, Copy)]
struct Shift(u16);

impl Shift {
    fn port(self, port: u16) -> u16 {
        port.wrapping_add(self.0)
    }

    fn listen(self, listen: &mut Listen) {
        match listen {
            Listen::Port(port) => *port = self.port(*port),
            Listen::Address(address) => address.set_port(self.port(address.port())),
        }
    }
}

impl Adjust for Shift {
    fn config(&self, config: &mut Config) {
        let doors = config.servers.iter_mut().flat_map(|server| &mut server.listen);
        let listen = &mut config.listen;
        let http = [&mut listen.health, &mut listen.ready, &mut listen.metrics, &mut listen.admin];
        doors.chain(&mut listen.peers).chain(http.into_iter().flatten()).for_each(|listen| self.listen(listen));
    }

    fn table(&self, table: &mut PeerTable) {
        for endpoint in table.regions.iter_mut().flat_map(|row| &mut row.endpoints) {
            if matches!(endpoint.host, Host::Address(address) if address.is_loopback()) {
                endpoint.port = self.port(endpoint.port);
            }
        }
    }
}
