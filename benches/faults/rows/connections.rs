//! Addresses that are dead, connections that end, targets that are sick.

use std::time::Duration;

use interlocal::clock;

use crate::double::{Act, Double};
use crate::load::{self, Ask};
use crate::namespace;
use crate::relay::{Telling, Weather};
use crate::report::Findings;
use crate::samples::Samples;
use crate::server::{Server, Spec};
use crate::world::{CENTRAL, EAST, WEST, World, address, ask, pod, sleep, sleep_ms};

const RTT: Duration = Duration::from_millis(40);
const PROMPT: f64 = 2.0 * 40.0 + 50.0;

/// A load balancer with three addresses, of which the third dies; 40 ms away.
pub fn one_of_three(world: &World, findings: &mut Findings) {
    let _east = world.peer(EAST, 1);
    let weather = Weather { delay: RTT, ..Weather::default() };
    let port = world.door(EAST, 1).port();
    let balancer = [2, 3, 4].map(|place| (address(EAST, place), port).into());
    let _relays = balancer.map(|listen| world.relay_at(listen, vec![world.door(EAST, 1)], weather));
    let dead = address(EAST, 4).to_string();
    let central = world.start(Spec::new(CENTRAL).row("east", &balancer));
    let load = load::start(central.dns(), 100.0, |number| Some(ask(EAST, number as u32, 0)));
    sleep(world.secs(4.0, 3.0));
    let dark = clock::now();
    namespace::darken(&dead);
    sleep(world.secs(8.0, 5.0));
    let long = load.stop().since(dark);
    findings.none("long running: failed", long.bad(), long.len());
    findings.at_most("long running: p99", long.p99(), PROMPT, "ms");
    let fresh = world.start(Spec::new(WEST).row("east", &balancer));
    let load = load::start(fresh.dns(), 100.0, |number| Some(ask(EAST, 3_000 + number as u32, 0)));
    sleep(world.secs(5.0, 3.0));
    let started = load.stop();
    findings.none("just started: failed", started.bad(), started.len());
    findings.at_most("just started: p99", started.p99(), PROMPT, "ms");
    why(findings, &[&long, &started]);
}

fn why(findings: &mut Findings, all: &[&Samples]) {
    let said: Vec<String> = all.iter().map(|samples| samples.why()).filter(|why| !why.is_empty()).collect();
    if !said.is_empty() {
        findings.told("what failed", said.join("; "));
    }
}

/// Connections that ended while nobody used them, or that something in between forgot.
pub fn idle(world: &World, findings: &mut Findings) {
    let _east = world.peer(EAST, 1);
    let relay = world.relay(world.door(EAST, 1), Weather { delay: Duration::from_millis(10), ..Weather::default() });
    let central = world.start(Spec::new(CENTRAL).row("east", &[relay.address()]));
    let mut number = 0;
    let mut some = |count: u32| {
        number += count;
        (number - count..number).map(|number| ask(EAST, number, 0)).collect::<Vec<_>>()
    };
    load::burst(central.dns(), some(40));
    let ways = [
        ("reset", Telling::AtOnce),
        ("forgotten, reset at the next packet", Telling::WhenUsed),
        ("silently forgotten", Telling::Never),
    ];
    for (way, telling) in ways {
        // What is silent for long is found out after some seconds; nobody forgets all connections several times until then.
        let silent = telling == Telling::Never;
        let (rounds, pause) = if silent { (world.pick(3, 1), 3_500) } else { (world.pick(8, 3), 150) };
        let (mut bursts, mut singles) = (Samples::default(), Samples::default());
        for round in 0..2 * rounds {
            relay.change(|weather| (weather.forgets, weather.telling) = (weather.forgets + 1, telling));
            // Some are asked for before anybody can have connected again, and some after.
            sleep_ms(round / 2 % 4 * 10);
            let alone = round % 2 == 0;
            let samples = load::burst(central.dns(), some(if alone { 1 } else { 40 }));
            if alone {
                singles.extend(samples)
            } else {
                bursts.extend(samples)
            }
            sleep_ms(pause);
        }
        findings.none(&format!("{way}: failed of bursts of 40"), bursts.bad(), bursts.len());
        findings.none(&format!("{way}: failed of single questions"), singles.bad(), singles.len());
        findings.told(&format!("{way}: slowest"), format!("{:.0} ms", bursts.max().max(singles.max())));
        why(findings, &[&bursts, &singles]);
    }
}

/// Behind one address every second connection leads to a pod that takes questions and never answers.
pub fn sick_pod(world: &World, findings: &mut Findings) {
    let _east = world.peer(EAST, 1);
    let silent = Double::start(world, "127.7.0.1:53", |_| Vec::new());
    let failing = Double::start(world, "127.7.0.2:53", |query| vec![Act::Send(query.empty(2, false))]);
    for (what, sick, place) in [("silent", "127.7.0.1:53", 5), ("answers SERVFAIL", "127.7.0.2:53", 6)] {
        let listen = (address(EAST, place), world.door(EAST, 1).port()).into();
        let targets = vec![sick.parse().unwrap(), world.door(EAST, 1)];
        let _balancer = world.relay_at(listen, targets, Weather::default());
        let central = world.start(Spec::new(CENTRAL).row("east", &[listen]));
        let load =
            load::start(central.dns(), 50.0, move |number| Some(ask(EAST, 100 * u32::from(place) + number as u32, 0)));
        sleep(world.secs(8.0, 5.0));
        let up = in_use(world, &central);
        let mut samples = load.stop();
        let first = samples.all.drain(..2).filter(|sample| !sample.good()).count();
        findings.told(&format!("{what}: failed of the first two"), first.to_string());
        findings.none(&format!("{what}: failed after that"), samples.bad(), samples.len());
        findings.told(&format!("{what}: p99"), format!("{:.0} ms", samples.p99()));
        if let Some(up) = up {
            findings.holds(&format!("{what}: the address stays in use"), if up { "yes" } else { "no" }, up);
        }
        why(findings, &[&samples]);
    }
    drop((silent, failing));
}

/// CoreDNS does not tell.
fn in_use(world: &World, server: &Server) -> Option<bool> {
    (!world.is_coredns()).then(|| server.sum("interlocal_peer_up", "region=\"east\"") == 1.0)
}

/// So many peers, each with an asker: an address is connected to only so often.
const RACERS: u8 = 40;

/// Peers reset each connection that has nothing to do, just when the next question comes.
pub fn races(world: &World, findings: &mut Findings) {
    let peers: Vec<Double> = (1..=RACERS)
        .map(|racer| {
            Double::start(world, &racer_at(racer), |query| {
                if query.is_probe() {
                    return vec![Act::Send(query.empty(3, true))];
                }
                // From at once to a little after the next question.
                let soon = Duration::from_micros(u64::from(query.number() % 8) * 100);
                let answer = query.answer(pod(EAST, query.number()), 30);
                vec![Act::Send(answer), Act::Wait(soon), Act::ResetIfIdle]
            })
        })
        .collect();
    let mut spec = Spec::new(CENTRAL);
    for racer in 1..=RACERS {
        spec = spec.row_text(&format!("race{racer}"), &racer_at(racer));
    }
    let central = world.start(spec);
    let sent = central.sum("interlocal_peer_queries_total", "race");
    let each = world.pick(250, 50);
    let dns = central.dns();
    let racing = (1..=RACERS).map(|racer| {
        std::thread::spawn(move || {
            let asks = (0..each).map(|number| Ask {
                name: format!("n{number}.many.race{racer}.svc.cluster.local"),
                tag: 0,
                expect: Some(pod(EAST, number)),
            });
            load::one_by_one(dns, Duration::from_micros(300), asks)
        })
    });
    let mut samples = Samples::default();
    racing.collect::<Vec<_>>().into_iter().for_each(|racer| samples.extend(racer.join().unwrap()));
    let sent = central.sum("interlocal_peer_queries_total", "race") - sent;
    findings.none("failed", samples.bad(), samples.len());
    let most = peers.iter().map(Double::most_for_one_name).max().unwrap_or(0);
    findings.at_most("a name was received at most so often", f64::from(most), 2.0, "times");
    if !world.is_coredns() {
        findings.at_most("sends for each question", sent / samples.len() as f64, 2.0, "");
    }
    findings.told("p99", format!("{:.0} ms", samples.p99()));
    findings.told("connections that peers took", peers.iter().map(Double::accepted).sum::<u64>().to_string());
    why(findings, &[&samples]);
}

fn racer_at(racer: u8) -> String {
    format!("127.7.1.{racer}:53")
}
