//! What we want to reach, and whether it is: ratios of one session.

use crate::measure::coalescing::ASKERS;
use crate::results::Results;
use crate::rounds::SHAPES;
use crate::stats::Spread;
use crate::support::world::Work;

pub struct Goal {
    pub what: &'static str,
    pub wanted: String,
    /// None: not measured.
    pub measured: Option<String>,
    /// What the echo server would have: nobody can be better with these sockets. None where there is none to ask.
    pub echo: Option<String>,
    pub holds: Option<bool>,
}

pub fn of(results: &Results) -> Vec<Goal> {
    let hits =
        results.udp.iter().filter(|row| row.peer == "interlocal").filter_map(|row| Some(row.over_echo()?.median));
    let ip = |peer: &str| results.udp_ratio(peer, Work::ClusterIp);
    let best = |peers: &[&str]| peers.iter().filter_map(|peer| ip(peer)).reduce(f64::min);
    let tcp = |peer: &str, at: usize| Results::ratio(&results.tcp, peer, &SHAPES[at], |it| it.cpu);
    let best_tcp = ["knot", "nsd", "unbound", "dnsdist", "coredns-cached", "hickory"];
    let best_tcp = best_tcp.iter().filter_map(|peer| tcp(peer, 1)).reduce(f64::min);
    let paced = |number: fn(&crate::measure::paced::Paced) -> f64| {
        Some(1.0 / Results::ratio(&results.paced, "coredns-cached", &(), number)?)
    };
    let misses = |peer: &str| results.miss_ratio(peer);
    let echo_ip = |peer: &str| Some(results.udp(peer, Work::ClusterIp)?.over_echo()?.median);
    let echo_paced = |number: fn(&crate::measure::paced::Paced) -> f64| {
        Results::ratio_of(&results.paced, "echo", "coredns-cached", &(), number)
    };
    // Two datagrams in and two out are two echoes.
    let echo_miss = |peer: &str| Some(results.misses.iter().find(|row| row.peer == peer)?.over_echo()?.median / 2.0);
    let added = Spread::of(results.region.iter().map(|it| it.p99() / 1e3)).map(|it| it.median);
    let memory = results.memory.iter().find(|row| row.peer == "interlocal");
    let memory = memory.and_then(|row| row.median(|octets| *octets as f64 / f64::from(1 << 20)));
    vec![
        at_most("UDP, memory's answers: CPU of the dearest, in echoes", 1.15, hits.reduce(f64::max)),
        at_least("answers per CPU-second over CoreDNS with the usual Corefile", 4.4, ip("coredns-cached"))
            .beside(echo_ip("coredns-cached")),
        at_least("over CoreDNS without cache", 5.3, ip("coredns")).beside(echo_ip("coredns")),
        at_least("over Unbound", 1.4, ip("unbound")).beside(echo_ip("unbound")),
        at_least("over Knot", 1.15, ip("knot")).beside(echo_ip("knot")),
        at_least("over the best of NSD and dnsdist", 1.0, best(&["nsd", "dnsdist"])),
        at_most("at 20,000 q/s: p99 over CoreDNS's", 0.06, paced(|it| it.p99)).beside(echo_paced(|it| it.p99)),
        at_most("at 20,000 q/s: CPU over CoreDNS's", 0.3, paced(|it| it.cpu)).beside(echo_paced(|it| it.cpu)),
        at_least("TCP, 16 connections with 32 in flight: over Knot", 10.0, tcp("knot", 0)),
        at_least("TCP, 16 connections with 32 in flight: over CoreDNS", 40.0, tcp("coredns-cached", 0)),
        at_least("TCP, 64 connections with one in flight: over the best", 1.2, best_tcp),
        at_most("another region: p99 of what is added to a bare round trip, ms", 1.0, added),
        coalescing(results),
        at_least("forwarded misses per CPU-second over CoreDNS", 3.0, misses("coredns")).beside(echo_miss("coredns")),
        at_least("forwarded misses per CPU-second over dnsdist without cache", 1.0, misses("dnsdist-bare"))
            .beside(echo_miss("dnsdist-bare")),
        at_most("MiB with 10,000 Services, 150,000 endpoints and 10,000 cached answers", 64.0, memory),
    ]
}

fn coalescing(results: &Results) -> Goal {
    let row = results.coalesced.iter().find(|row| row.peer == "interlocal").filter(|row| !row.samples.is_empty());
    let asked = |row: &crate::results::Row<(), _>| {
        row.samples.iter().map(|it: &crate::measure::coalescing::Coalesced| it.upstream).max()
    };
    let answered = row.and_then(|row| row.samples.iter().map(|it| it.answered).min());
    let asked = row.and_then(asked);
    Goal {
        what: "10,000 equal questions at once: answered, and questions to the upstream",
        wanted: "10000, 1".into(),
        measured: answered.zip(asked).map(|(answered, asked)| format!("{answered}, {asked}")),
        echo: None,
        holds: answered.zip(asked).map(|(answered, asked)| answered == ASKERS && asked == 1),
    }
}

fn at_least(what: &'static str, wanted: f64, measured: Option<f64>) -> Goal {
    goal(what, format!("≥ {wanted}"), measured, |it| it >= wanted)
}

fn at_most(what: &'static str, wanted: f64, measured: Option<f64>) -> Goal {
    goal(what, format!("≤ {wanted}"), measured, |it| it <= wanted)
}

fn goal(what: &'static str, wanted: String, measured: Option<f64>, holds: impl Fn(f64) -> bool) -> Goal {
    Goal { what, wanted, measured: measured.map(text), echo: None, holds: measured.map(holds) }
}

fn text(number: f64) -> String {
    if number < 0.1 { format!("{number:.3}") } else { format!("{number:.2}") }
}

impl Goal {
    fn beside(self, echo: Option<f64>) -> Self {
        Self { echo: echo.map(text), ..self }
    }
}
