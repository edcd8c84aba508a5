//! The servers that are measured, each with the same names on the same core. A file for each says how it is started; none of them
//! measures anything.

mod coredns;
mod dnsdist;
mod dnsmasq;
pub mod hickory;
mod interlocal;
mod knot;
mod nsd;
mod unbound;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::options::Options;
use crate::process::{Process, free};
use crate::role;
use crate::support::world::{self, Work};

pub use self::interlocal::{Region, central_and_east};

/// What every server is started with.
pub struct Place {
    /// Of all files.
    pub folder: PathBuf,
    pub server_core: usize,
    pub load_core: usize,
    /// Names of others are there.
    pub upstream: SocketAddr,
    /// The API server's URL.
    pub api: String,
}

/// A server that runs.
pub struct Peer {
    /// How it is chosen and found.
    pub key: &'static str,
    pub name: String,
    pub version: String,
    pub address: SocketAddr,
    pub process: Process,
    pub works: Vec<Work>,
    pub tcp: bool,
    /// Names that nobody has asked before go to the upstream.
    pub forwards: bool,
    pub paced: bool,
}

/// One that does not, and why.
pub struct Missing {
    pub name: &'static str,
    pub why: String,
}

/// Starts all that are wanted.
pub fn start(place: &Place, options: &Options) -> (Vec<Peer>, Vec<Missing>) {
    type Start = fn(&Place) -> anyhow::Result<Vec<Peer>>;
    const ALL: [(&str, Start); 8] = [
        ("interlocal", interlocal::start),
        ("coredns", coredns::start),
        ("knot", knot::start),
        ("nsd", nsd::start),
        ("unbound", unbound::start),
        ("dnsdist", dnsdist::start),
        ("dnsmasq", dnsmasq::start),
        ("hickory", hickory::start),
    ];
    let (mut peers, mut missing) = (Vec::new(), Vec::new());
    for (name, start) in ALL {
        if name != "interlocal" && !options.wants(name) {
            continue;
        }
        match start(place) {
            Ok(started) => peers.extend(started),
            Err(error) => missing.push(Missing { name, why: format!("{error:#}") }),
        }
    }
    (peers, missing)
}

/// The echo server, as a process like the others.
pub fn echo(place: &Place) -> anyhow::Result<Peer> {
    let address = free()?;
    let mut process = place.run(role::command("echo", &[address.to_string()])?, "echo")?;
    process.until_right(address, &Work::ClusterIp.questions().echoed())?;
    let works = vec![Work::ClusterIp];
    let (name, version) = ("echo".to_owned(), String::new());
    Ok(Peer { key: "echo", name, version, address, process, works, tcp: false, forwards: false, paced: true })
}

impl Place {
    fn run(&self, command: Command, name: &str) -> anyhow::Result<Process> {
        Process::start(command, self.server_core, &self.folder, name)
    }

    /// Starts something that belongs to the load.
    pub fn run_beside(&self, command: Command, name: &str) -> anyhow::Result<Process> {
        Process::start(command, self.load_core, &self.folder, name)
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        Ok(path)
    }
}

/// A program of the system, wherever Debian has it.
fn program(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| format!("{name} is not installed"))
}

/// The first word with a dot and a digit in what the program says.
fn version(program: &Path, argument: &str) -> String {
    let said = Command::new(program).arg(argument).output();
    let said = said.map(|it| [it.stdout, it.stderr].concat()).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let words = said.split(|letter: char| letter.is_whitespace() || "-(),".contains(letter));
    let is_version = |word: &&str| word.contains('.') && word.starts_with(|letter: char| letter.is_ascii_digit());
    words.into_iter().find(is_version).unwrap_or("?").to_owned()
}

/// All names as a zone.
fn zone_file() -> String {
    let mut text = format!(
        "$ORIGIN {0}.\n$TTL 5\n@ SOA ns.dns hostmaster 1 7200 1800 86400 5\n@ NS ns.dns\nns.dns A 10.96.0.10\n",
        world::DOMAIN
    );
    for (name, address) in addresses() {
        text += &format!("{name}. A {address}\n");
    }
    text
}

fn addresses() -> impl Iterator<Item = (String, std::net::Ipv4Addr)> {
    let (name, all) = world::headless();
    world::services().chain(all.into_iter().map(move |address| (name.clone(), address)))
}
