//! One client asks ten times as much as all others together, and what it asks for takes long: the others notice nothing.

use std::net::Ipv4Addr;
use std::time::Duration;

use interlocal::clock;

use crate::double::{ADDRESS, Act, Double};
use crate::load::{self, Ask, Load};
use crate::report::Findings;
use crate::server::Spec;
use crate::world::{CENTRAL, UPSTREAMS, World, ask, outside, sleep};

const NOISY: Ipv4Addr = Ipv4Addr::new(127, 21, 0, 1);
const OTHERS: [Ipv4Addr; 4] = [
    Ipv4Addr::new(127, 21, 0, 2),
    Ipv4Addr::new(127, 21, 0, 3),
    Ipv4Addr::new(127, 21, 0, 4),
    Ipv4Addr::new(127, 21, 0, 5),
];
/// Questions a second of each of the others; every second one is for a name that nobody asked for before.
const EACH: f64 = 40.0;
const TIMES: f64 = 10.0;
/// How long the names of the noisy one take, so that twice of what all clients may have waits for them.
const SLOW: Duration = Duration::from_secs(3);

pub fn noisy(world: &World, findings: &mut Findings) {
    let _upstream = Double::start(world, UPSTREAMS[0], |query| {
        let wait = if query.name.starts_with("slow") { SLOW } else { Duration::from_millis(5) };
        vec![Act::Wait(wait), Act::Send(query.answer(ADDRESS, 60))]
    });
    let central = world.start(Spec::new(CENTRAL).upstream(UPSTREAMS[0]));
    let others: Vec<Load> = OTHERS
        .into_iter()
        .zip(0u64..)
        .map(|(client, nth)| {
            load::start_from(client, central.dns(), EACH, move |number| {
                Some(if number % 2 == 0 {
                    ask(CENTRAL, number as u32, 0)
                } else {
                    outside(1_000_000 * nth + number, 0)
                })
            })
        })
        .collect();
    sleep(world.secs(6.0, 3.0));
    let began = clock::now();
    let rate = TIMES * EACH * OTHERS.len() as f64;
    let noise = load::start_from(NOISY, central.dns(), rate, |number| {
        Some(Ask { name: format!("slow{number}.example.com"), tag: 0, expect: None })
    });
    // Until what it may have is full.
    sleep(SLOW);
    let full = clock::now();
    sleep(world.secs(10.0, 4.0));
    let until = clock::now();
    let noise = noise.stop();
    let mut samples = crate::samples::Samples::default();
    others.into_iter().for_each(|load| samples.extend(load.stop()));

    let (before, during) = (samples.between(began - Duration::from_secs(3), began), samples.between(full, until));
    let failed = 100.0 * during.bad() as f64 / during.len() as f64;
    findings.at_most("others: failed", failed, 0.1, "%");
    findings.at_most("others: p99, times that without", during.usual_p99() / before.usual_p99(), 2.0, "");
    findings.told("others: p99 without", format!("{:.2} ms", before.usual_p99()));
    let noise = noise.between(full, until);
    findings.told("the noisy one: turned away", format!("{} of {}", noise.bad(), noise.len()));
    let refused = central.sum("interlocal_client_refused_total", "");
    findings.holds("its questions were more than its share", format!("{refused:.0} refused"), refused > 0.0);
    findings.told("what failed", during.why());
}
