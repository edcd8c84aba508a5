//! One session: everything is started, measured, and ended.

use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::api::Amount;
use crate::measure::udp::WIDTH;
use crate::measure::{coalescing, memory, region};
use crate::options::Options;
use crate::peers::{self, Peer, Place};
use crate::process::{Process, free};
use crate::results::{Facts, Results, Row};
use crate::role;
use crate::rounds::Rounds;
use crate::support::sys;

/// Measurements of one kind that are not part of the rounds.
const TIMES: usize = 3;
/// The numbers of unique names begin apart for each kind.
const REGION_RUNS: u16 = 0;

pub fn run(options: &Options) -> anyhow::Result<Results> {
    let cores = sys::cores();
    let (Some(server_core), Some(load_core)) = (cores.first().copied(), cores.last().copied()) else {
        anyhow::bail!("no core to run on");
    };
    sys::pin(load_core)?;
    let folder = tempfile::tempdir()?;
    let mut place =
        Place { folder: folder.path().to_owned(), server_core, load_core, upstream: free()?, api: String::new() };
    let _upstream = place.run_beside(role::command("upstream", &[place.upstream.to_string()])?, "upstream")?;
    let api = start_api(&mut place, Amount::Usual)?;
    let echo = peers::echo(&place).context("the echo server")?;
    let (running, missing) = peers::start(&place, options);
    for one in &missing {
        eprintln!("{} does not run: {}", one.name, one.why);
    }
    let effort = options.effort();
    let mut results = Results {
        facts: Facts {
            kernel: read("/proc/sys/kernel/osrelease"),
            cores: cores.len(),
            processor: processor(),
            rounds: effort.rounds,
            sockets: WIDTH.sockets,
            window: WIDTH.window,
            peers: running.iter().map(|peer| (peer.name.clone(), peer.version.clone())).collect(),
            missing: missing.into_iter().map(|one| (one.name.to_owned(), one.why)).collect(),
        },
        ..Results::default()
    };
    let mut rounds = Rounds { echo: &echo, peers: &running, effort, fresh: 0 };
    rounds.run(options, &mut results);
    if options.measures("coalescing") {
        coalesce(&place, &running, &mut results);
    }
    drop((running, echo, api));
    if options.measures("regions") {
        let region = peers::central_and_east(&place)?;
        for run in 0..TIMES as u16 {
            results.region.push(region::measure(&region, effort.steps, REGION_RUNS + run)?);
        }
    }
    if options.measures("memory") {
        measure_memory(&mut place, options, &mut results)?;
    }
    Ok(results)
}

fn start_api(place: &mut Place, amount: Amount) -> anyhow::Result<Process> {
    let address = free()?;
    place.api = format!("http://{address}");
    let arguments = [address.to_string(), amount.name().to_owned()];
    place.run_beside(role::command("api", &arguments)?, "api")
}

fn coalesce(place: &Place, running: &[Peer], results: &mut Results) {
    let forwarding = running.iter().filter(|peer| matches!(peer.key, "interlocal" | "coredns-cached" | "unbound"));
    let mut run = 0;
    for peer in forwarding {
        let mut row = Row::new(peer.key, &peer.name, ());
        for _ in 0..TIMES {
            run += 1;
            row.keep(coalescing::measure(peer.address, place.upstream, run));
        }
        results.coalesced.push(row);
    }
}

/// With servers of their own, which have seen nothing else.
fn measure_memory(place: &mut Place, options: &Options, results: &mut Results) -> anyhow::Result<()> {
    let _api = start_api(place, Amount::Large)?;
    let only = Options { only: vec!["coredns".into()], ..options.clone() };
    let (running, _) = peers::start(place, &only);
    for peer in running.iter().filter(|peer| matches!(peer.key, "interlocal" | "coredns-cached")) {
        let mut row = Row::new(peer.key, &peer.name, ());
        row.keep(memory::measure(peer.address, &peer.process));
        results.memory.push(row);
    }
    Ok(())
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn processor() -> String {
    let text = read("/proc/cpuinfo");
    let model = text.lines().find_map(|line| line.strip_prefix("model name"));
    model.map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned()).unwrap_or_default()
}
