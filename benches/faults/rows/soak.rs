//! Load for long, while objects change, the table is read again, and a region goes and comes back: what a process has in the end is
//! what it had in the beginning.

use std::net::SocketAddr;
use std::time::Duration;

use interlocal::clock;

use crate::double::Double;
use crate::interlocal_files;
use crate::load::{self, Ask};
use crate::process;
use crate::relay::Weather;
use crate::report::Findings;
use crate::samples::{Outcome, Samples};
use crate::server::{Server, Spec};
use crate::world::{CENTRAL, EAST, UPSTREAMS, World, ask, outside, sleep};

const LOCAL: u8 = 0;
const OTHERS: u8 = 1;
/// Names of others that are in use.
const IN_USE: u64 = 200;

/// What the process has at one moment.
struct Has {
    hours: f64,
    memory: f64,
    descriptors: usize,
    /// Tasks and threads, as its metrics say.
    tasks: f64,
}

#[derive(Default)]
struct Tally {
    asked: usize,
    local: usize,
    wrong: usize,
    lost: usize,
    failed: usize,
    unserved: usize,
    why: String,
}

pub fn soak(world: &World, findings: &mut Findings) {
    let _upstream = Double::plain(world, UPSTREAMS[0]);
    let _east = world.peer(EAST, 1);
    let relay = world.relay(world.door(EAST, 1), Weather::default());
    let central = world.start(Spec::new(CENTRAL).row("east", &[relay.address()]).upstream(UPSTREAMS[0]));
    let objects = std::fs::read_to_string(central.folder.path().join("objects.yaml")).unwrap();
    let names = || (0..IN_USE).flat_map(|number| [ask(EAST, number as u32, OTHERS), outside(number, OTHERS)]);
    load::burst(central.dns(), names().collect());

    let (mut tally, mut seen) = (Tally::default(), Vec::new());
    let began = clock::now();
    let mut round = 0u8;
    while clock::now().duration_since(began) < world.soak {
        let load = load::start(central.dns(), world.pick(4_000.0, 1_000.0), mixed);
        central.write("objects.yaml", &format!("{objects}{}", changed(round)));
        table(&central, relay.address(), round.is_multiple_of(2));
        relay.change(|weather| weather.reset = round % 3 == 1);
        relay.change(|weather| weather.dark = round % 3 == 2);
        sleep(Duration::from_millis(500));
        relay.change(|weather| (weather.dark, weather.reset) = (false, false));
        sleep(world.secs(4.0, 1.0));
        tally.add(&load.stop());
        tally.unserved += usize::from(!serves(&central, round));
        seen.push(Has::of(&central, clock::now().duration_since(began)));
        round = round.wrapping_add(1);
    }
    tally.judge(findings);
    judge(&central, &seen, world.soak, findings);
}

fn mixed(number: u64) -> Option<Ask> {
    Some(match number % 4 {
        0 => ask(EAST, (number / 4 % IN_USE) as u32, OTHERS),
        1 => outside(number / 4 % IN_USE, OTHERS),
        _ => ask(CENTRAL, number as u32, LOCAL),
    })
}

/// A Service that has another address each time.
fn changed(round: u8) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: churn, namespace: central}}\n\
         spec: {{clusterIP: 10.96.0.{round}, ports: [{{name: http, port: 80}}]}}\n"
    )
}

fn serves(central: &Server, round: u8) -> bool {
    let expect = Some([10, 96, 0, round].into());
    let next = move || Ask { name: "churn.central.svc.cluster.local".to_owned(), tag: LOCAL, expect };
    central.until_good(Duration::from_secs(5), next).is_some()
}

/// East's row stays; another one comes and goes.
fn table(central: &Server, east: SocketAddr, other: bool) {
    let mut rows = vec![("east".to_owned(), vec![east.to_string()])];
    if other {
        rows.push(("west".to_owned(), vec!["127.9.9.9:53".to_owned()]));
    }
    central.write("peers.yaml", &interlocal_files::table(CENTRAL, &rows));
}

impl Has {
    fn of(central: &Server, since: Duration) -> Self {
        let id = central.id();
        let hours = since.as_secs_f64() / 3_600.0;
        let tasks = central.sum("go_goroutines", "");
        Self { hours, memory: central.memory(), descriptors: process::descriptors(id), tasks }
    }
}

impl Tally {
    fn add(&mut self, samples: &Samples) {
        let wrong = samples.count(|outcome| matches!(outcome, Outcome::Wrong(_) | Outcome::NoName)) + samples.strange;
        self.asked += samples.len();
        self.lost += samples.lost();
        self.wrong += wrong;
        self.local += samples.tag(LOCAL).bad();
        self.failed += samples.bad().saturating_sub(wrong + samples.lost());
        if self.why.is_empty() {
            self.why = samples.why();
        }
    }

    fn judge(&self, findings: &mut Findings) {
        findings.none("lost", self.lost, self.asked);
        findings.none("wrong", self.wrong, self.asked);
        findings.none("failed", self.failed, self.asked);
        findings.none("local names not answered", self.local, self.asked);
        findings.none("changes of objects that were not served", self.unserved, self.asked);
        findings.told("what failed first", self.why.clone());
    }
}

/// The beginning is warming up: the first third counts for nothing.
fn judge(central: &Server, seen: &[Has], took: Duration, findings: &mut Findings) {
    let seen = &seen[seen.len() / 3..];
    let (early, late) = seen.split_at(seen.len() / 2);
    let median = |all: &[Has], of: fn(&Has) -> f64| {
        let mut values: Vec<f64> = all.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let added = |of: fn(&Has) -> f64| median(late, of) - median(early, of);
    // One megabyte an hour, and what the allocator does in a moment.
    let bound = 2.0 + took.as_secs_f64() / 3_600.0;
    findings.at_most("memory added by the second half", added(|has| has.memory), bound, "MB");
    findings.told("memory, slope", format!("{:.1} MB an hour", slope(seen)));
    findings.told("memory in the end", format!("{:.1} MB", median(late, |has| has.memory)));
    findings.at_most("descriptors added by the second half", added(|has| has.descriptors as f64), 4.0, "");
    findings.at_most("tasks and threads added by the second half", added(|has| has.tasks), 4.0, "");
    findings.at_most("panics", central.sum("interlocal_panics_total", ""), 0.0, "");
}

/// Of the line that lies nearest to all of them.
fn slope(seen: &[Has]) -> f64 {
    let count = seen.len() as f64;
    let mean = |of: fn(&Has) -> f64| seen.iter().map(of).sum::<f64>() / count;
    let (hours, memory) = (mean(|has| has.hours), mean(|has| has.memory));
    let above: f64 = seen.iter().map(|has| (has.hours - hours) * (has.memory - memory)).sum();
    above / seen.iter().map(|has| (has.hours - hours).powi(2)).sum::<f64>()
}
