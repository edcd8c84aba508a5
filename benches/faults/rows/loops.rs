//! Servers that lead to each other, or to themselves.

use std::time::Duration;

use interlocal::clock;

use crate::load::{self, Ask};
use crate::options::Column;
use crate::report::Findings;
use crate::samples::{Outcome, Samples};
use crate::server::{Server, Spec};
use crate::world::{CENTRAL, EAST, UPSTREAMS, World, address, ask, sleep_ms};

const LOCAL: u8 = 0;

fn of_west() -> Ask {
    ask(crate::world::WEST, 1, 1)
}

/// The pods' door of a region, which nobody should put into a table.
fn wrong_door(region: u8) -> std::net::SocketAddr {
    (address(region, 1), 53).into()
}

/// Questions to the pods' door that both have counted.
fn asked(world: &World, servers: &[&Server]) -> f64 {
    let metric = if world.is_coredns() { "coredns_dns_requests_total" } else { "interlocal_dns_requests_total" };
    sleep_ms(300);
    servers.iter().map(|server| server.sum(metric, "west").max(server.sum(metric, "\".\""))).sum()
}

pub fn loops(world: &World, findings: &mut Findings) {
    pointing_at_each_other(world, findings);
    if !world.is_coredns() && world.coredns.is_file() {
        through_coredns(world, findings);
    }
    own_row_elsewhere(world, findings);
    upstream_is_ourselves(world, findings);
}

/// Central thinks that west is at east, and east thinks that it is at central.
fn pointing_at_each_other(world: &World, findings: &mut Findings) {
    let mut central = world.start(Spec::new(CENTRAL).row("west", &[wrong_door(EAST)]));
    let mut east = world.start(Spec::new(EAST).row("west", &[wrong_door(CENTRAL)]));
    sleep_ms(1_500);
    let local = load::start(central.dns(), 1_000.0, |number| Some(ask(CENTRAL, number as u32, LOCAL)));
    sleep_ms(2_000);
    let looped = clock::now();
    let before = asked(world, &[&central, &east]);
    let one = load::burst(central.dns(), vec![of_west()]);
    let seen = asked(world, &[&central, &east]) - before;
    sleep_ms(1_000);
    let local = local.stop();
    findings.at_most("pair: one question is asked so often", seen, 2.0, "times");
    reason(findings, "pair", &one);
    let (calm, during) = (local.between(looped - Duration::from_secs(2), looped), local.since(looped));
    findings.none("pair: local names failed", during.bad(), during.len());
    findings.at_most("pair: local p99 added", during.usual_p99() - calm.usual_p99(), 1.0, "ms");
    let alive = central.is_alive() && east.is_alive();
    findings.holds("pair: both processes live", if alive { "yes" } else { "no" }, alive);
}

/// West's row leads to a CoreDNS whose stanza for west leads back to us. It passes no stamp on.
fn through_coredns(world: &World, findings: &mut Findings) {
    let between = Spec::new(EAST).row("west", &[wrong_door(CENTRAL)]);
    let _between = Server::start_as(Column::CoreDns, world, between);
    let central = world.start(Spec::new(CENTRAL).row("west", &[wrong_door(EAST)]));
    let began = clock::now();
    let mut found = f64::INFINITY;
    while found.is_infinite() && clock::now() < began + Duration::from_secs(15) {
        if central.sum("interlocal_peer_loops", "west") >= 1.0 {
            found = clock::now().duration_since(began).as_secs_f64();
        }
        sleep_ms(20);
    }
    findings.at_most("through CoreDNS: found after", found, 5.0, "s");
    let before = asked(world, &[&central]);
    let one = load::burst(central.dns(), vec![of_west()]);
    let seen = asked(world, &[&central]) - before;
    findings.at_most("through CoreDNS: one question is asked so often", seen, 2.0, "times");
    reason(findings, "through CoreDNS", &one);
}

fn reason(findings: &mut Findings, what: &str, samples: &Samples) {
    let outcome = samples.all[0].outcome();
    let says = match &outcome {
        Outcome::Failed(rcode, errors) => {
            let texts: Vec<&str> = errors.iter().map(|(_, text)| text.as_str()).collect();
            format!("{rcode}: {}", texts.join("; "))
        }
        other => format!("{other:?}"),
    };
    let explained = matches!(&outcome, Outcome::Failed(_, errors) if !errors.is_empty());
    findings.holds(&format!("{what}: the answer says why"), says, explained);
    findings.told(&format!("{what}: the answer took"), format!("{:.1} ms", samples.max()));
}

/// The row of the own region leads to somebody else; with stanzas it is a stanza that should have been left out.
fn own_row_elsewhere(world: &World, findings: &mut Findings) {
    let _east = world.peer(EAST, 1);
    let central = world.start(Spec::new(CENTRAL).row("central", &[world.door(EAST, 1)]));
    sleep_ms(500);
    let own = load::one_by_one(central.dns(), Duration::ZERO, (0..200).map(|number| ask(CENTRAL, number, LOCAL)));
    findings.none("own row elsewhere: own names failed", own.bad(), own.len());
}

/// The upstream becomes our own pods' door while the server runs.
fn upstream_is_ourselves(world: &World, findings: &mut Findings) {
    let _upstream = crate::double::Double::plain(world, UPSTREAMS[0]);
    let mut central = world.start(Spec::new(CENTRAL).upstream(UPSTREAMS[0]));
    let local = load::start(central.dns(), 1_000.0, |number| Some(ask(CENTRAL, number as u32, LOCAL)));
    sleep_ms(2_500);
    let (file, text) = if world.is_coredns() {
        ("Corefile", crate::coredns::corefile(&central.spec))
    } else {
        ("interlocal.yaml", std::fs::read_to_string(central.folder.path().join("interlocal.yaml")).unwrap())
    };
    let looped = clock::now();
    central.write(file, &text.replace(UPSTREAMS[0], &central.dns().to_string()));
    if world.is_coredns() {
        central.signal("USR1");
    }
    let mut found = None;
    while found.is_none() && clock::now() < looped + Duration::from_secs(15) && !world.is_coredns() {
        sleep_ms(50);
        let seen = central.sum("interlocal_upstream_loops", "") >= 1.0;
        found = seen.then(|| clock::now().duration_since(looped).as_secs_f64());
    }
    if world.is_coredns() {
        sleep_ms(3_000);
        findings.told("upstream is ourselves: found", "never");
    } else {
        findings.at_most("upstream is ourselves: found after", found.unwrap_or(f64::INFINITY), 5.0, "s");
    }
    let before = asked(world, &[&central]);
    let name = Ask { name: "nobody.example.org".to_owned(), tag: 1, expect: None };
    let one = load::burst(central.dns(), vec![name]);
    let seen = asked(world, &[&central]) - before;
    findings.at_most("upstream is ourselves: one question is asked so often", seen, 2.0, "times");
    reason(findings, "upstream is ourselves", &one);
    let local = local.stop();
    let (calm, during) = (local.between(looped - Duration::from_secs(2), looped), local.since(looped));
    findings.none("upstream is ourselves: local names failed", during.bad(), during.len());
    findings.at_most("upstream is ourselves: local p99 added", during.usual_p99() - calm.usual_p99(), 1.0, "ms");
    let alive = central.is_alive();
    findings.holds("upstream is ourselves: the process lives", if alive { "yes" } else { "no" }, alive);
}
