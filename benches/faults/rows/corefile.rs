//! A Corefile whose import changes again and again while questions come. Both servers run from the same text, but for where the
//! cluster's names come from.

use std::time::Duration;

use interlocal::clock;

use crate::double::{Act, Double};
use crate::load::{self, Ask};
use crate::report::Findings;
use crate::samples::Outcome;
use crate::server::{Server, Spec};
use crate::world::{self, CENTRAL, UPSTREAMS, World, ask, outside, sleep_ms};

const LOCAL: u8 = 0;
const KEPT: u8 = 1;
const NEW: u8 = 2;
/// Questions a second.
const RATE: f64 = 10_000.0;
/// Names outside that are asked for again and again.
const KNOWN: u64 = 500;

pub fn reloads(world: &World, findings: &mut Findings) {
    let upstream =
        Double::start(world, UPSTREAMS[0], |query| vec![Act::Send(query.answer(crate::double::ADDRESS, 3_600))]);
    let mut central = world.start(Spec::new(CENTRAL).upstream(UPSTREAMS[0]).corefile(corefile(world)));
    load::burst(central.dns(), (0..KNOWN).map(|number| outside(number, KEPT)).collect());
    sleep_ms(500);
    upstream.forget_names();

    // CoreDNS starts all its servers anew, which takes it longer.
    let changes = if world.is_coredns() { world.pick(40, 10) } else { world.pick(500, 100) };
    let load = load::start(central.dns(), world.pick(RATE, RATE / 4.0), |number| {
        Some(match number % 100 {
            0 => outside(KNOWN + number, NEW),
            1..50 => outside(number % KNOWN, KEPT),
            _ => ask(CENTRAL, number as u32, LOCAL),
        })
    });
    let (began, mut taken, mut slowest) = (clock::now(), 0, Duration::ZERO);
    for change in 1..=changes {
        let wanted = round(change);
        let written = clock::now();
        central.write("custom/round.override", &template(wanted));
        if world.is_coredns() {
            central.signal("USR1");
        }
        if is_taken(&central, wanted) {
            taken += 1;
            slowest = slowest.max(clock::now().duration_since(written));
        }
    }
    let took = clock::now().duration_since(began);
    sleep_ms(500);
    let samples = load.stop();
    findings.all_right(&samples);
    let rate = samples.len() as f64 / (took.as_secs_f64() + 0.5);
    findings.told("questions a second", format!("{rate:.0}"));
    findings.holds(
        "changes that were taken",
        format!("{taken} of {changes} in {:.0} s", took.as_secs_f64()),
        taken == changes,
    );
    findings.at_most("in effect after", slowest.as_secs_f64() * 1e3, 2_000.0, "ms");
    let again = upstream.most_for_one_name_below(KNOWN as u32);
    findings.at_most("a remembered name was asked for again", f64::from(again), 0.0, "times");
    let alive = central.is_alive();
    findings.holds("the process lives", if alive { "yes" } else { "no" }, alive);
}

fn corefile(world: &World) -> String {
    let own = world::address(CENTRAL, 1);
    // CoreDNS would need an API server.
    let cluster = match world.is_coredns() {
        true => "file zone cluster.local".to_owned(),
        false => format!("kubernetes cluster.local\n    health {own}:8080\n    ready {own}:8181"),
    };
    format!(
        ".:53 {{\n    bind {own}\n    errors\n    prometheus {own}:9153\n    {cluster}\n    forward . {}\n    cache 3600\n    \
         loadbalance\n    import custom/*.override\n}}\n",
        UPSTREAMS[0]
    )
}

/// What `round.example` is after this change.
fn round(change: u32) -> [u8; 4] {
    [10, 99, (change / 250) as u8, (change % 250 + 1) as u8]
}

fn template(address: [u8; 4]) -> String {
    let address = std::net::Ipv4Addr::from(address);
    format!("template IN A round.example {{\n    answer \"{{{{ .Name }}}} 0 IN A {address}\"\n}}\n")
}

/// Asks until the change is seen, for 5 s at most: one after the other, since changes within a moment are one.
fn is_taken(central: &Server, wanted: [u8; 4]) -> bool {
    let ask = Ask { name: "round.example".to_owned(), tag: NEW, expect: Some(wanted.into()) };
    let end = clock::now() + Duration::from_secs(5);
    while clock::now() < end {
        let samples = load::one_by_one(central.dns(), Duration::ZERO, [ask.clone()]);
        if samples.count(|outcome| *outcome == Outcome::Right) == 1 {
            return true;
        }
        sleep_ms(2);
    }
    false
}
