//! `interlocal peers`: how the other regions stand, as a running instance sees them. Exit code 1 if a region has no address that
//! answers, or the newest table is not in use.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use super::{admin, columns, output::Output};
use crate::server::admin::peers::{Address, Peers, Region, Said};

/// Between two looks with `--watch`.
const EVERY: Duration = Duration::from_secs(1);
/// Clears a terminal, and goes to its first line.
const CLEAR: &str = "\x1b[H\x1b[2J";

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    admin: admin::Instance,
    #[command(flatten)]
    output: Output,
    /// Look again every second, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    let clear = args.watch && !args.output.is_json() && out.is_terminal();
    loop {
        let page = args.admin.get("/peers")?;
        let peers = Peers::from_json(&page)?;
        let text = if args.output.is_json() { page + "\n" } else { table(&peers) };
        // A pipe that closes is the end of whoever read it, and no fault.
        if write!(out, "{}{text}", if clear { CLEAR } else { "" }).and_then(|()| out.flush()).is_err() || !args.watch {
            return Ok(if is_well(&peers) { ExitCode::SUCCESS } else { ExitCode::from(super::FOUND) });
        }
        std::thread::sleep(EVERY);
    }
}

fn is_well(peers: &Peers) -> bool {
    let reached = |region: &Region| region.own || region.addresses.iter().any(|address| address.up);
    peers.table.ok && peers.regions.iter().all(reached)
}

/// A line for each address, then what there is to say of regions and endpoints, and what we ourselves are.
fn table(peers: &Peers) -> String {
    let head = [
        "REGION", "ADDRESS", "STATE", "RTT", "CONNS", "WAITING", "QUERIES", "FAILED", "RESETS", "HEDGES", "PROBES",
        "SAYS",
    ];
    let mut rows = vec![columns::head(&head)];
    for region in &peers.regions {
        rows.extend(region.addresses.iter().map(|address| line(region, address, &peers.table.hash)));
    }
    let mut text = columns::text(&rows);
    text.push('\n');
    for region in &peers.regions {
        for note in notes(region) {
            text.push_str(&format!("{}: {note}\n", region.label));
        }
    }
    let Peers { region, table, .. } = peers;
    let own = region.as_deref().map_or_else(|| "we have no region".to_owned(), |own| format!("we are {own}"));
    let ok = if table.ok { "" } else { "; the newest table is bad and not in use, see the log" };
    text + &format!("{own}; table {}, generation {}{ok}\n", table.hash, table.generation)
}

fn line(region: &Region, address: &Address, table: &str) -> Vec<String> {
    let state = match &address.cause {
        _ if address.up => "up".to_owned(),
        Some(cause) => format!("{}: {cause}", address.breaker),
        None => address.breaker.clone(),
    };
    let probes = match address.probe_failures {
        0 => address.probes.to_string(),
        failed => format!("{} ({failed} failed)", address.probes),
    };
    vec![
        region.label.clone(),
        address.address.to_string(),
        state,
        address.rtt_ms.map_or_else(|| "-".to_owned(), |rtt| format!("{rtt:.1} ms")),
        address.connections.to_string(),
        address.in_flight.to_string(),
        address.queries.to_string(),
        (address.timeouts + address.connect_failures).to_string(),
        address.resets.to_string(),
        address.hedges.to_string(),
        probes,
        address.said.as_ref().map_or_else(|| "-".to_owned(), |said| says(said, region, table)),
    ]
}

/// What a server says of itself, and what of that is not as it should be.
fn says(said: &Said, region: &Region, table: &str) -> String {
    let mut words = vec![if said.synced { "synced" } else { "not synced" }.to_owned()];
    if said.label != region.label {
        words.push(format!("is {}", if said.label.is_empty() { "no region" } else { &said.label }));
    }
    if said.door != "peers" {
        words.push(format!("{} door", said.door));
    }
    if said.table != table {
        words.push("other table".to_owned());
    }
    words.join(", ")
}

/// What no address has a line for.
fn notes(region: &Region) -> Vec<String> {
    if region.own {
        return Vec::new();
    }
    let mut notes: Vec<String> =
        region.looping.iter().map(|address| format!("{address} leads back to us, and is left out")).collect();
    notes.extend(region.tls.iter().filter_map(|tls| tls.error.as_ref()).map(|error| format!("certificates: {error}")));
    let unresolved = region.endpoints.iter().filter_map(|endpoint| Some((endpoint, endpoint.error.as_ref()?)));
    notes.extend(unresolved.map(|(endpoint, error)| format!("{} does not resolve: {error}", endpoint.endpoint)));
    if notes.is_empty() && region.addresses.is_empty() {
        notes.push(region.broken.clone().unwrap_or_else(|| "no address yet".to_owned()));
    }
    if region.stale_answers > 0 {
        notes.push(format!("{} answers were given past their TTL", region.stale_answers));
    }
    notes
}
