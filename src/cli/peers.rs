//! `interlocal peers`: how the other regions stand, as a running instance sees them. Exit code 1 if a region has no address that
//! answers, or the newest table is not in use.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use super::admin;
use crate::server::admin::peers::{Address, Peers, Region};

/// Between two looks with `--watch`.
const EVERY: Duration = Duration::from_secs(1);
/// Clears a terminal, and goes to its first line.
const CLEAR: &str = "\x1b[H\x1b[2J";

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    admin: admin::Instance,
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Look again every second, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// For people
    #[default]
    Table,
    /// The page itself, for programs
    Json,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    let clear = args.watch && args.output == Output::Table && out.is_terminal();
    loop {
        let page = args.admin.get("/peers")?;
        let peers = Peers::from_json(&page)?;
        let text = match args.output {
            Output::Table => table(&peers),
            Output::Json => page + "\n",
        };
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

/// A line for each address, and one for each region or endpoint that has none.
fn table(peers: &Peers) -> String {
    let head = ["REGION", "ADDRESS", "STATE", "RTT", "CONNS", "WAITING", "QUERIES", "TIMEOUTS", "RESETS", "PROBES"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for region in &peers.regions {
        rows.extend(lines(region));
    }
    let widths: Vec<usize> = (0..head.len())
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    let Peers { region, table, .. } = peers;
    let own = region.as_deref().unwrap_or("no region of its own");
    let ok = if table.ok { "" } else { "; the newest table is bad and not in use, see the log" };
    text + &format!("\n{own}; table {}, generation {}{ok}\n", table.hash, table.generation)
}

fn lines(region: &Region) -> Vec<Vec<String>> {
    let say = |address: &str, state: String| vec![region.label.clone(), address.to_owned(), state];
    if region.own {
        return vec![say("-", "own".to_owned())];
    }
    let mut lines: Vec<_> = region.addresses.iter().map(|address| line(region, address)).collect();
    lines.extend(region.looping.iter().map(|address| say(&address.to_string(), "loops: leads back to us".to_owned())));
    for endpoint in &region.endpoints {
        if let Some(error) = &endpoint.error {
            lines.push(say(&endpoint.endpoint, format!("does not resolve: {error}")));
        }
    }
    if lines.is_empty() {
        let why = region.broken.as_deref().unwrap_or("no address yet");
        lines.push(say("-", why.to_owned()));
    }
    lines
}

fn line(region: &Region, address: &Address) -> Vec<String> {
    let state = if address.up { "up" } else { &address.breaker };
    let probes = match address.probe_failures {
        0 => address.probes.to_string(),
        failed => format!("{} ({failed} failed)", address.probes),
    };
    vec![
        region.label.clone(),
        address.address.to_string(),
        state.to_owned(),
        address.rtt_ms.map_or_else(|| "-".to_owned(), |rtt| format!("{rtt:.1} ms")),
        address.connections.to_string(),
        address.in_flight.to_string(),
        address.queries.to_string(),
        (address.timeouts + address.connect_failures).to_string(),
        address.resets.to_string(),
        probes,
    ]
}
