//! Answers that should not be believed.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use interlocal::clock;

use crate::double::{Act, Double, Query};
use crate::load::{self, Ask};
use crate::relay::Weather;
use crate::report::Findings;
use crate::samples::{Outcome, Samples};
use crate::server::Spec;
use crate::world::{CENTRAL, EAST, World, ask, sleep, sleep_ms};

/// A lie; no name has it.
const LIE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 66);
/// Messages of the peer for each question.
const MESSAGES: u64 = 6;

/// Any number of names, each with an address of its own.
fn one_of_many(number: u64) -> Ask {
    Ask { name: format!("n{number}.any.east.svc.cluster.local"), tag: 0, expect: Some(of_number(number as u32)) }
}

fn of_number(number: u32) -> Ipv4Addr {
    let [_, a, b, c] = number.to_be_bytes();
    Ipv4Addr::new(10, a, b, c)
}

/// The right answer among five that are late, wrong, or there twice; in an order that differs from that of the questions.
fn mischief(query: &Query, sent: &AtomicU64, last: &parking_lot::Mutex<Option<Vec<u8>>>) -> Vec<Act> {
    if query.is_probe() {
        return vec![Act::Send(query.empty(3, true))];
    }
    let right = query.answer(of_number(query.number()), 30);
    let lie = query.answer(LIE, 30);
    let mut wrong_id = lie.clone();
    wrong_id[1] ^= 0x55;
    let mut wrong_name = lie.clone();
    // The first digit of the number: another name of as many octets.
    wrong_name[14] = if wrong_name[14] == b'9' { b'1' } else { wrong_name[14] + 1 };
    let mut wrong_type = lie;
    let end = wrong_type.windows(5).position(|window| window == [0, 0, 1, 0, 1]).unwrap_or(12);
    wrong_type[end + 2] = 28;
    // The answer to the question before, long since answered.
    let late = last.lock().replace(right.clone()).unwrap_or_else(|| right.clone());
    sent.fetch_add(MESSAGES, Ordering::Relaxed);
    let mut acts = vec![Act::Send(late), Act::Send(wrong_id), Act::Send(wrong_name), Act::Send(wrong_type)];
    if query.number().is_multiple_of(4) {
        acts.push(Act::Wait(Duration::from_millis(u64::from(query.number() / 4 % 5))));
    }
    acts.push(Act::Send(right.clone()));
    acts.push(Act::Send(right));
    acts
}

pub fn wrong(world: &World, findings: &mut Findings) {
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    let last = parking_lot::Mutex::new(None);
    let _peer = Double::start(world, "127.7.0.1:53", move |query| mischief(query, &counted, &last));
    let spec = Spec::new(CENTRAL).row("east", &["127.7.0.1:53".parse().unwrap()]);
    let central = world.start(spec.key("cache", "{size: 64MiB, max_ttl: 1h}"));
    let questions = world.pick(170_000, 20_000);
    let rate = world.pick(8_000.0, 4_000.0);
    let asked = load::start(central.dns(), rate, move |number| (number < questions).then(|| one_of_many(number))).end();
    told(findings, "first", &asked);
    // The last ones again, which come from memory.
    let first = questions.saturating_sub(20_000);
    let again = load::start(central.dns(), 10_000.0, move |number| {
        (first + number < questions).then(|| one_of_many(first + number))
    });
    told(findings, "again", &again.end());
    findings.told("messages of the peer", sent.load(Ordering::Relaxed).to_string());
    if !world.is_coredns() {
        let mismatched = central.sum("interlocal_peer_mismatched_answers_total", "east");
        findings.told("mismatched answers in the metrics", format!("{mismatched:.0}"));
    }
}

fn told(findings: &mut Findings, when: &str, samples: &Samples) {
    let misled = samples.count(|outcome| matches!(outcome, Outcome::Wrong(_) | Outcome::NoName));
    findings.none(&format!("{when}: wrong answers"), misled + samples.strange, samples.len());
    findings.told(&format!("{when}: failed"), format!("{}: {}", samples.bad() - misled, samples.why()));
}

/// A peer that has just started, and says NXDOMAIN to everything because it has not read its cluster yet.
pub fn unsynced(world: &World, findings: &mut Findings) {
    for (what, probe_rcode, address) in
        [("probe answered SERVFAIL", 2, "127.7.0.1:53"), ("probe answered from a cache", 3, "127.7.0.2:53")]
    {
        let synced = Arc::new(AtomicBool::new(true));
        let state = Arc::clone(&synced);
        let peer = Double::start(world, address, move |query| {
            let is_synced = state.load(Ordering::Relaxed);
            vec![Act::Send(match (query.is_probe(), is_synced) {
                (true, true) => query.empty(3, true),
                (true, false) => query.empty(probe_rcode, false),
                (false, true) => query.answer(crate::world::pod(EAST, query.number()), 1),
                (false, false) => query.empty(3, false),
            })]
        });
        let relay = world.relay(address.parse().unwrap(), Weather::default());
        let central = world.start(Spec::new(CENTRAL).row("east", &[relay.address()]));
        let load = load::start(central.dns(), 100.0, |number| Some(ask(EAST, number as u32 % 20, 0)));
        sleep(world.secs(3.0, 3.0));
        // The restart.
        synced.store(false, Ordering::Relaxed);
        relay.change(|weather| weather.reset = true);
        sleep_ms(50);
        relay.change(|weather| weather.reset = false);
        let began = clock::now();
        sleep(world.secs(6.0, 5.0));
        synced.store(true, Ordering::Relaxed);
        let ended = clock::now();
        sleep(world.secs(5.0, 4.0));
        let samples = load.stop();
        let during = samples.between(began, ended);
        findings.none(&format!("{what}: good answers lost"), during.bad(), during.len());
        let stale = during.count(|outcome| *outcome == Outcome::Stale);
        findings.told(&format!("{what}: answered past the TTL meanwhile"), stale.to_string());
        let after = samples.since(ended + Duration::from_secs(3));
        let fresh = after.count(|outcome| *outcome == Outcome::Right);
        findings.none(&format!("{what}: not fresh 3 s after it is synced"), after.len() - fresh, after.len());
        findings.told(&format!("{what}: what was lost"), during.why());
        drop(peer);
    }
}
