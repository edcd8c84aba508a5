//! The rows of the fault table, each in a file with those that are like it; and running them, one after the other.

mod answers;
mod connections;
mod corefile;
mod dark;
mod descriptors;
mod flood;
mod loops;
mod noisy;
mod random;
mod reloads;
mod slow_tcp;
mod soak;
mod upstreams;
mod waiting;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use interlocal::clock;

use crate::options::{Column, Options};
use crate::report::{Findings, Report, Row};
use crate::world::World;
use crate::{coredns, namespace};

type Measure = fn(&World, &mut Findings);

/// Name, and what it measures.
const ROWS: &[(&str, &[Column], Measure)] = &[
    ("dark", BOTH, dark::long_running),
    ("dark-start", BOTH, dark::just_started),
    ("one-of-three", BOTH, connections::one_of_three),
    ("idle", BOTH, connections::idle),
    ("slow-in-front", BOTH, waiting::slow_in_front),
    ("askers", BOTH, waiting::askers),
    ("loops", BOTH, loops::loops),
    ("udp-upstreams", BOTH, upstreams::black_holed),
    ("sick-pod", BOTH, connections::sick_pod),
    ("idle-races", BOTH, connections::races),
    ("wrong-answers", BOTH, answers::wrong),
    ("unsynced", BOTH, answers::unsynced),
    ("slow-peer", BOTH, waiting::slow_peer),
    ("thundering", BOTH, waiting::thundering),
    ("reloads", BOTH, reloads::reloads),
    ("corefile-reloads", BOTH, corefile::reloads),
    ("udp-flood", OURS, flood::flood),
    ("slow-tcp", OURS, slow_tcp::slow),
    ("noisy-client", OURS, noisy::noisy),
    ("descriptors", OURS, descriptors::exhausted),
    ("soak", OURS, soak::soak),
    ("random", OURS, random::random),
];

const BOTH: &[Column] = &[Column::Interlocal, Column::CoreDns];
/// What is measured needs limits, pages or metrics that the other one does not have.
const OURS: &[Column] = &[Column::Interlocal];

/// How long the soak takes unless it is said.
const SOAK: Duration = Duration::from_secs(600);
const SOAK_QUICK: Duration = Duration::from_secs(20);
/// And faults in random order.
const RANDOM: Duration = Duration::from_secs(300);
const RANDOM_QUICK: Duration = Duration::from_secs(30);

pub fn run(options: &Options) -> Report {
    let mut report = Report::default();
    let unknown = options.only.iter().find(|wanted| !ROWS.iter().any(|(row, ..)| row == wanted));
    assert!(unknown.is_none(), "no row `{}`; there are: {}", unknown.unwrap(), names());
    for (row, columns, measure) in ROWS {
        if !options.only.is_empty() && !options.only.iter().any(|wanted| wanted == row) {
            continue;
        }
        for column in columns.iter().filter(|column| options.columns.contains(column)) {
            let found = one(options, row, *column, *measure);
            report.rows.push(found);
        }
    }
    report
}

fn names() -> String {
    ROWS.iter().map(|(row, ..)| *row).collect::<Vec<_>>().join(", ")
}

fn one(options: &Options, row: &'static str, column: Column, measure: Measure) -> Row {
    let mut found = Row { row, column: column.name(), skipped: None, checks: Vec::new() };
    let coredns = match (column, coredns::find()) {
        (Column::CoreDns, Err(missing)) => {
            println!("{row}, {}: {missing}", column.name());
            found.skipped = Some(missing);
            return found;
        }
        (_, coredns) => coredns.unwrap_or_default(),
    };
    println!("{row}, {}", column.name());
    let began = clock::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let soak = options.soak.unwrap_or(if options.quick { SOAK_QUICK } else { SOAK });
    let random = options.random.unwrap_or(if options.quick { RANDOM_QUICK } else { RANDOM });
    let world = World { column, quick: options.quick, runtime, coredns, soak, random, seed: options.seed };
    let mut findings = Findings::new();
    let measured = std::panic::catch_unwind(AssertUnwindSafe(|| measure(&world, &mut findings)));
    if measured.is_err() {
        findings.holds("the row came to its end", "no: see above", false);
    }
    namespace::lighten_all();
    for check in &findings.0 {
        let held = match check.holds {
            None => "    ",
            Some(true) => "ok  ",
            Some(false) => "MISS",
        };
        println!("  {held} {}: {} {}", check.what, check.measured, bracketed(&check.bound));
    }
    println!("  ({:.1} s)", clock::now().duration_since(began).as_secs_f64());
    found.checks = findings.0;
    found
}

fn bracketed(bound: &str) -> String {
    if bound.is_empty() { String::new() } else { format!("({bound})") }
}
