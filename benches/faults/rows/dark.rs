//! A region that swallows everything, SYN included.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use interlocal::clock;

use crate::double::Double;
use crate::load::{self, Ask};
use crate::namespace;
use crate::report::Findings;
use crate::samples::{Outcome, Samples};
use crate::server::Spec;
use crate::world::{CENTRAL, EAST, UPSTREAMS, WEST, World, address, ask, outside, sleep};

const LOCAL: u8 = 0;
const PEERS: u8 = 1;
const OUTSIDE: u8 = 2;
/// Names of the dark region that were asked for before, and those that were not.
const KNOWN: u8 = 3;
const NEW: u8 = 4;

/// Questions a second for all others.
const RATE: f64 = 5_000.0;
/// No Reachable Authority (RFC 8914 4.23).
const NO_REACHABLE_AUTHORITY: u16 = 22;

fn others(number: u64) -> Ask {
    // Few names of the other region and of the world, so that most come from memory, as most do.
    match number % 10 {
        0..6 => ask(CENTRAL, number as u32, LOCAL),
        6..9 => ask(WEST, number as u32 % 500, PEERS),
        _ => outside(number % 200, OUTSIDE),
    }
}

fn of_east(number: u64) -> Ask {
    match number % 2 {
        0 => ask(EAST, number as u32 % 20, KNOWN),
        _ => ask(EAST, 100 + number as u32, NEW),
    }
}

fn central(world: &World) -> Spec {
    Spec::new(CENTRAL)
        .row("central", &[world.door(CENTRAL, 1)])
        .row("east", &[world.door(EAST, 1)])
        .row("west", &[world.door(WEST, 1)])
        .upstream(UPSTREAMS[0])
}

pub fn long_running(world: &World, findings: &mut Findings) {
    let _upstream = Double::plain(world, UPSTREAMS[0]);
    let _others = [world.peer(EAST, 1), world.peer(WEST, 1)];
    let central = world.start(central(world));
    let settle = world.secs(3.0, 2.0);
    let load = load::start(central.dns(), RATE, |number| Some(others(number)));
    let east = load::start(central.dns(), 50.0, |number| Some(of_east(number)));
    sleep(settle);
    let calm = clock::now();
    sleep(world.secs(5.0, 3.0));
    let dark = clock::now();
    namespace::darken(&address(EAST, 1).to_string());
    let lasts = world.secs(10.0, 6.0);
    sleep(lasts);
    let tried = namespace::tried();
    let light = clock::now();
    namespace::lighten(&address(EAST, 1).to_string());
    let mut fresh = 5_000;
    let back = central.until_good(Duration::from_secs(20), move || {
        fresh += 1;
        ask(EAST, fresh, NEW)
    });
    let (others, east) = (load.stop(), east.stop());

    let before = others.between(calm, dark);
    let during = others.between(dark, light);
    findings.none("other names: failed", during.bad(), during.len());
    findings.at_most("other names: p99 added", during.usual_p99() - before.usual_p99(), 1.0, "ms");
    findings
        .told("other names: p99 before, during", format!("{:.2}, {:.2} ms", before.usual_p99(), during.usual_p99()));
    findings.told("other names: what failed", during.why());
    let dark_east = east.between(dark, light);
    findings.at_most("that region: slowest failure", dark_east.max(), 1_550.0, "ms");
    let later = dark_east.since(dark + Duration::from_secs(3));
    told_why(&later, findings);
    findings.at_most("after 3 s: p99", later.p99(), 5.0, "ms");
    let known = later.tag(KNOWN);
    let stale = known.count(|outcome| matches!(outcome, Outcome::Right | Outcome::Stale));
    findings.told("after 3 s: names in use that are still answered", format!("{stale} of {}", known.len()));
    findings.at_most("back after", back.map_or(f64::INFINITY, |back| back.as_secs_f64()), 2.0, "s");
    findings.at_most("connection attempts a second", tried as f64 / lasts.as_secs_f64(), 1.2, "");
}

fn told_why(later: &Samples, findings: &mut Findings) {
    let told = later.count(|outcome| match outcome {
        Outcome::Stale | Outcome::Right => true,
        Outcome::Failed(rcode, errors) => {
            *rcode == ResponseCode::ServFail && errors.iter().any(|(code, _)| *code == NO_REACHABLE_AUTHORITY)
        }
        _ => false,
    });
    findings.none("after 3 s: neither an answer nor SERVFAIL with EDE 22", later.len() - told, later.len());
}

pub fn just_started(world: &World, findings: &mut Findings) {
    let _upstream = Double::plain(world, UPSTREAMS[0]);
    let _others = [world.peer(EAST, 1), world.peer(WEST, 1)];
    // What the same questions cost in memory when nothing is wrong.
    let (_, usual) = start_and_ask(world);
    namespace::darken(&address(EAST, 1).to_string());
    let lasts = clock::now();
    let (samples, memory) = start_and_ask(world);
    let tried = namespace::tried() as f64 / clock::now().duration_since(lasts).as_secs_f64();
    let others = samples.only(|sample| sample.ask.tag < KNOWN);
    let east = samples.only(|sample| sample.ask.tag >= KNOWN);
    findings.none("other names: failed", others.bad(), others.len());
    findings.at_most("that region: slowest failure", east.max(), 1_550.0, "ms");
    findings.at_most("connection attempts a second", tried, 2.0, "");
    findings.at_most("memory beyond that of a start with all regions", memory - usual, 2.0, "MB");
}

/// A new server, asked at once; its memory at the end.
fn start_and_ask(world: &World) -> (Samples, f64) {
    let central = world.start(central(world));
    let load = load::start(central.dns(), 1_000.0, |number| Some(others(number)));
    let east = load::start(central.dns(), 50.0, |number| Some(of_east(number)));
    sleep(world.secs(8.0, 5.0));
    let memory = central.memory();
    let mut samples = load.stop();
    samples.extend(east.stop());
    (samples, memory)
}
