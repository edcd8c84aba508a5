//! Peers that are slow, far away, or away for a while, and many who wait for them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use interlocal::clock;

use crate::double::{Act, Double};
use crate::load;
use crate::namespace;
use crate::relay::Weather;
use crate::report::Findings;
use crate::samples::{Outcome, Samples};
use crate::server::Spec;
use crate::world::{CENTRAL, EAST, UPSTREAMS, World, ask, pod, sleep, sleep_ms};

const SLOW: u8 = 1;
const FAST: u8 = 2;

/// Behind it the peer has to ask an upstream that takes long.
const FAR: &str = "---\napiVersion: v1\nkind: Service\nmetadata: {name: far, namespace: east}\n\
                   spec: {type: ExternalName, externalName: slow.example.com}\n";

/// One question that takes 1.5 s, and fast ones behind it, while there is one connection.
pub fn slow_in_front(world: &World, findings: &mut Findings) {
    let _upstream = Double::start(world, UPSTREAMS[0], |query| {
        let answer = Act::Send(query.answer(crate::double::ADDRESS, 0));
        if query.name.starts_with("slow") {
            vec![Act::Wait(Duration::from_millis(1_500)), answer]
        } else {
            vec![answer]
        }
    });
    let one = "{file: peers.yaml, connections: 1}";
    let _east = world.start(Spec::new(EAST).upstream(UPSTREAMS[0]).objects(FAR));
    let central = world.start(Spec::new(CENTRAL).row("east", &[world.door(EAST, 1)]).key("peers", one));
    let fast = behind(world, &central, "far.east.svc.cluster.local");
    findings.none("peer answers in any order: fast ones failed", fast.bad(), fast.len());
    findings.at_most("peer answers in any order: fast ones, p99", fast.p99(), 5.0, "ms");
    findings.told("peer answers in any order: slowest", format!("{:.1} ms", fast.max()));
    drop(central);

    let serial = Double::serial(world, "127.7.0.1:53", |query| {
        if query.is_probe() {
            return vec![Act::Send(query.empty(3, true))];
        }
        if query.name.starts_with("far") {
            return vec![Act::Wait(Duration::from_millis(1_500)), Act::Send(query.answer(pod(EAST, 0), 5))];
        }
        vec![Act::Send(query.answer(pod(EAST, query.number()), 5))]
    });
    let row = ["127.7.0.1:53".parse().unwrap()];
    let central = world.start(Spec::new(CENTRAL).row("east", &row).key("peers", one));
    let fast = behind(world, &central, "far.east.svc.cluster.local");
    findings.none("peer answers one by one: fast ones failed", fast.bad(), fast.len());
    findings.at_most("peer answers one by one: fast ones, p99", fast.p99(), 100.0, "ms");
    findings.told("peer answers one by one: slowest", format!("{:.1} ms", fast.max()));
    drop(serial);
}

/// The fast ones, of some rounds.
fn behind(world: &World, central: &crate::server::Server, slow: &str) -> Samples {
    let mut number = 0;
    let mut all = Samples::default();
    // The peer is known by then.
    load::one_by_one(central.dns(), Duration::ZERO, (0..20).map(|number| ask(EAST, 11_000 + number, FAST)));
    for _ in 0..world.pick(4, 2) {
        let asking = load::start(central.dns(), 100.0, {
            let (slow, first) = (slow.to_owned(), number);
            move |nth| match nth {
                0 => Some(load::Ask { name: slow.clone(), tag: SLOW, expect: None }),
                1..140 => Some(ask(EAST, first + nth as u32, FAST)),
                _ => None,
            }
        });
        number += 140;
        all.extend(asking.end().tag(FAST));
        // What failed may be remembered for a second, and what came for five.
        sleep_ms(1_200);
    }
    all
}

/// A thousand at once, each with a name of its own.
pub fn askers(world: &World, findings: &mut Findings) {
    let _east = world.peer(EAST, 1);
    for rtt in [40, 150] {
        let delay = Duration::from_millis(rtt);
        let relay = world.relay(world.door(EAST, 1), Weather { delay, ..Weather::default() });
        let central = world.start(Spec::new(CENTRAL).row("east", &[relay.address()]));
        load::one_by_one(central.dns(), Duration::ZERO, (0..10).map(|number| ask(EAST, number, 0)));
        // The relay takes a connection at once, so that the first questions seem late and get some of their own, for ten seconds.
        let end = clock::now() + Duration::from_secs(15);
        while namespace::connections_to(relay.address()) > 2 && clock::now() < end {
            sleep_ms(100);
        }
        let mut all = Samples::default();
        let mut most = 0.0f64;
        for round in 1..=world.pick(3, 2) {
            let asks = (0..1_000).map(|number| ask(EAST, round * 1_000 + number, 0)).collect();
            all.extend(load::burst(central.dns(), asks));
            most = most.max(namespace::connections_to(relay.address()) as f64);
        }
        findings.none(&format!("{rtt} ms: failed"), all.bad(), all.len());
        findings.at_most(&format!("{rtt} ms: p99"), all.p99(), 2.0 * rtt as f64, "ms");
        findings.at_most(&format!("{rtt} ms: connections"), most, 4.0, "");
    }
}

/// Everything takes 300 ms.
pub fn slow_peer(world: &World, findings: &mut Findings) {
    let slow = Duration::from_millis(300);
    let _peer = Double::start(world, "127.7.0.1:53", move |query| {
        let answer = if query.is_probe() { query.empty(3, true) } else { query.answer(pod(EAST, query.number()), 5) };
        vec![Act::Wait(slow), Act::Send(answer)]
    });
    let central = world.start(Spec::new(CENTRAL).row("east", &["127.7.0.1:53".parse().unwrap()]));
    load::one_by_one(central.dns(), Duration::ZERO, (0..5).map(|number| ask(EAST, 11_000 + number, 0)));
    let before = central.memory();
    let load = load::start(central.dns(), 500.0, |number| Some(ask(EAST, number as u32, 0)));
    sleep(world.secs(12.0, 6.0));
    let memory = central.memory() - before;
    let samples = load.stop();
    findings.none("failed", samples.bad(), samples.len());
    findings.at_most("p99", samples.p99(), 400.0, "ms");
    findings.at_most("memory added", memory, 16.0, "MB");
}

/// The peer is away for a second while 10,000 ask for names of their own, and comes back.
pub fn thundering(world: &World, findings: &mut Findings) {
    let peer = Double::start(world, "127.7.0.1:53", |query| {
        let answer = if query.is_probe() { query.empty(3, true) } else { query.answer(pod(EAST, query.number()), 5) };
        vec![Act::Wait(Duration::from_millis(20)), Act::Send(answer)]
    });
    let relay = world.relay("127.7.0.1:53".parse().unwrap(), Weather::default());
    let central = world.start(Spec::new(CENTRAL).row("east", &[relay.address()]).upstream(UPSTREAMS[0]));
    load::one_by_one(central.dns(), Duration::ZERO, (0..20).map(|number| ask(EAST, 11_000 + number, FAST)));
    let local = load::start(central.dns(), 1_000.0, |number| Some(ask(CENTRAL, number as u32, SLOW)));
    sleep_ms(1_000);
    let dark = clock::now();
    relay.change(|weather| weather.dark = true);
    let crowd =
        load::start(central.dns(), 12_000.0, |number| (number < 10_000).then(|| ask(EAST, number as u32, FAST)));
    let mut most = 0.0f64;
    let end = dark + Duration::from_millis(1_000);
    while clock::now() < end {
        most = most.max(central.sum("interlocal_fetches_in_flight", ""));
        sleep_ms(50);
    }
    relay.change(|weather| weather.dark = false);
    let light = clock::now();
    let mut fresh = 10_500;
    let back = central.until_good(Duration::from_secs(20), move || {
        fresh += 1;
        ask(EAST, fresh, FAST)
    });
    let (crowd, local) = (crowd.end(), local.stop());
    if !world.is_coredns() {
        findings.at_most("waiting in the server", most, 4_096.0, "");
    }
    let most = peer.counts.most_waiting.load(Ordering::Relaxed) as f64;
    findings.at_most("waiting at the peer", most, 4_096.0, "");
    findings.none("questions without any answer", crowd.lost(), crowd.len());
    let answered = crowd.count(|outcome| matches!(outcome, Outcome::Right));
    findings.told("of 10,000 answered with an address", answered.to_string());
    findings.at_most("back after", back.map_or(f64::INFINITY, |back| back.as_secs_f64()), 2.0, "s");
    let (before, during) = (local.between(dark - Duration::from_secs(1), dark), local.since(dark));
    findings.none("local names: failed", during.bad(), during.len());
    let added = during.usual_p99() - before.usual_p99();
    findings.told("local names: p99 added", format!("{added:.2} ms"));
    let seconds = clock::now().duration_since(light).as_secs_f64();
    findings.told("the row went on for", format!("{seconds:.1} s"));
}
