//! The peer table changes again and again while questions come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use interlocal::clock;

use crate::double::{Act, Double};
use crate::load::{self, Ask};
use crate::report::Findings;
use crate::server::{Server, Spec};
use crate::world::{CENTRAL, EAST, UPSTREAMS, World, ask, pod, sleep, sleep_ms};
use crate::{coredns, interlocal_files};

const LOCAL: u8 = 0;
const KNOWN: u8 = 1;
const NEW: u8 = 2;
/// The double that is east.
const EAST_AT: &str = "127.7.0.1:53";
/// A region that comes and goes.
const OTHER_AT: &str = "127.7.0.2:53";

pub fn reloads(world: &World, findings: &mut Findings) {
    let resolves = Arc::new(AtomicBool::new(false));
    let state = Arc::clone(&resolves);
    let _upstream = Double::start(world, UPSTREAMS[0], move |query| {
        let known = query.name == "late.example.com" && state.load(Ordering::Relaxed) && query.asks_a();
        vec![Act::Send(if known { query.answer([127, 7, 0, 2].into(), 5) } else { query.empty(3, false) })]
    });
    let peer = |at: &str| {
        Double::start(world, at, |query| {
            let number = query.number();
            vec![Act::Send(if query.is_probe() {
                query.empty(3, true)
            } else {
                query.answer(pod(EAST, number), 3_600)
            })]
        })
    };
    let (east, other) = (peer(EAST_AT), peer(OTHER_AT));
    let spec = Spec::new(CENTRAL).row("east", &[EAST_AT.parse().unwrap()]).upstream(UPSTREAMS[0]);
    let mut central = world.start(spec.key("cache", "{max_ttl: 1h}"));
    load::burst(central.dns(), (0..500).map(|number| ask(EAST, number, KNOWN)).collect());
    sleep_ms(500);
    let (connected, asked) = (east.accepted(), east.asked());
    east.forget_names();
    let done = reloads_done(world, &central);

    // CoreDNS starts all its servers anew, which takes it longer.
    let changes = if world.is_coredns() { world.pick(40, 10) } else { world.pick(1_000, 200) };
    let rate = world.pick(20_000.0, 5_000.0);
    let load = load::start(central.dns(), rate, |number| {
        Some(match number % 100 {
            0 => ask(EAST, 1_000 + (number / 100) as u32 % 10_000, NEW),
            1..50 => ask(EAST, number as u32 % 500, KNOWN),
            _ => ask(CENTRAL, number as u32, LOCAL),
        })
    });
    let began = clock::now();
    for change in 0..changes {
        let before = reloads_done(world, &central);
        table(world, &central, &[("other", OTHER_AT, change % 2 == 0)]);
        // One after the other: changes within a moment are one.
        let end = clock::now() + Duration::from_millis(500);
        while reloads_done(world, &central) == before && clock::now() < end {
            sleep_ms(5);
        }
    }
    let took = clock::now().duration_since(began).as_secs_f64();
    sleep_ms(500);
    let samples = load.stop();
    findings.all_right(&samples);
    let done = reloads_done(world, &central) - done;
    let times = format!("{changes} changes in {took:.0} s, {done:.0} reloads");
    findings.told("reloads under load", times);
    // One may be added because something took long; a reload that closed them would have made many.
    findings.at_most("new connections to the peer that did not change", (east.accepted() - connected) as f64, 2.0, "");
    let again = east.most_for_one_name_below(500);
    findings.at_most("a remembered name was asked for again", f64::from(again), 0.0, "times");
    findings.told("questions to the peer", (east.asked() - asked).to_string());

    in_effect(world, &central, findings);
    late_host(world, &mut central, &resolves, findings);
    drop(other);
}

/// From the file to the answer, some times.
fn in_effect(world: &World, central: &Server, findings: &mut Findings) {
    let mut slowest = Duration::ZERO;
    for round in 0..world.pick(10, 5) {
        table(world, central, &[("other", OTHER_AT, false)]);
        sleep_ms(700);
        table(world, central, &[("other", OTHER_AT, true)]);
        let mut number = 10_000 * (round + 1);
        let good = central.until_good(Duration::from_secs(5), move || {
            number += 1;
            of_other("other", number)
        });
        slowest = slowest.max(good.unwrap_or(Duration::MAX));
    }
    findings.at_most("in effect after", slowest.as_secs_f64() * 1e3, 200.0, "ms");
}

fn of_other(label: &str, number: u32) -> Ask {
    Ask { name: format!("n{number}.many.{label}.svc.cluster.local"), tag: NEW, expect: None }
}

/// A row whose host nobody knows yet.
fn late_host(world: &World, central: &mut Server, resolves: &AtomicBool, findings: &mut Findings) {
    table(world, central, &[("late", "late.example.com:53", true)]);
    sleep(Duration::from_secs(2));
    resolves.store(true, Ordering::Relaxed);
    let mut number = 0;
    let good = central.until_good(Duration::from_secs(15), move || {
        number += 1;
        of_other("late", number)
    });
    let took = good.map_or(f64::INFINITY, |good| good.as_secs_f64());
    findings.at_most("a host that resolves later works after", took, 5.0, "s");
    let alive = central.is_alive();
    findings.holds("the process lives", if alive { "yes" } else { "no" }, alive);
}

/// East's row stays as it is.
fn table(world: &World, central: &Server, rows: &[(&str, &str, bool)]) {
    let mut all = vec![("east".to_owned(), vec![EAST_AT.to_owned()])];
    let present = rows.iter().filter(|(_, _, present)| *present);
    all.extend(present.map(|(label, at, _)| ((*label).to_owned(), vec![(*at).to_owned()])));
    if world.is_coredns() {
        let mut spec = Spec::new(CENTRAL).upstream(UPSTREAMS[0]);
        spec.rows = all;
        central.write("Corefile", &coredns::corefile(&spec));
        central.signal("USR1");
    } else {
        central.write("peers.yaml", &interlocal_files::table(CENTRAL, &all));
    }
}

fn reloads_done(world: &World, central: &Server) -> f64 {
    if world.is_coredns() {
        central.log().matches("Reloading complete").count() as f64
    } else {
        central.sum("interlocal_config_reload_total", "peers")
    }
}
