//! Random histories with random faults: in the end the zone is what the server has, and no name that was always there was
//! ever missing.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;

use crate::double::{Double, Fault, Wanted, status};
use crate::objects::{many, service, slice};
use crate::zone::{Zone, ms, settings};

/// Histories that run side by side.
const AT_ONCE: usize = 4;
const RESOURCES: [&str; 3] = ["namespaces", "services", "endpointslices"];

/// One history.
async fn history(seed: u64) {
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut double = Double::start().await;
    double.fill(many(20));
    double.change(|state| {
        state.streams = random.random_bool(0.7);
        state.bookmarks = random.random_bool(0.8);
    });
    let zone = Zone::start(&double, &settings());
    zone.is_like(&double).await;
    zone.fewest();
    for _ in 0..40 {
        step(&mut random, &mut double).await;
        if random.random_bool(0.3) {
            tokio::time::sleep(ms(random.random_range(0..20))).await;
        }
    }
    double.behave();
    zone.is_like(&double).await;
    assert!(zone.fewest() >= 20, "seed {seed}: a name was missing");
}

async fn step(random: &mut StdRng, double: &mut Double) {
    let name = format!("shop/more-{}", random.random_range(0..5));
    let exists = double.read(|state| state.objects().any(|(_, it)| it["kind"] == "Service" && full_name(it) == name));
    match random.random_range(0..12) {
        0..=3 => double.apply(service(&name, &format!("10.96.1.{}", random.random_range(1..250)))),
        4 | 5 if exists => double.delete("services", &name),
        4..=7 => double.apply(slice(&name, &[&format!("10.9.0.{}", random.random_range(1..250))])),
        8 => double.close_connections(),
        9 => double.change(crate::double::State::compact),
        10 => {
            let resource = RESOURCES[random.random_range(0..3)];
            let wanted = [Wanted::Lists(resource), Wanted::Streams(resource), Wanted::Watches(resource)];
            double.plan(wanted[random.random_range(0..3)], fault(random), random.random_range(1..3));
        }
        _ => {
            double.stop();
            double.start_again().await;
        }
    }
}

fn full_name(object: &serde_json::Value) -> String {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text("namespace"), text("name"))
}

fn fault(random: &mut StdRng) -> Fault {
    let gone = status(410, "Expired", "too old resource version");
    match random.random_range(0..8) {
        0 => Fault::refuse(500, "InternalError"),
        1 => Fault::Status(410, gone.to_string(), None),
        2 => Fault::Event(json!({"type": "ERROR", "object": gone})),
        3 => Fault::Cut(random.random_range(0..3_000)),
        4 => Fault::EndAtOnce,
        5 => Fault::Body("{\"items\":".into()),
        6 => Fault::NoEnd,
        _ => Fault::Slow(random.random_range(50..500), ms(1)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_the_zone_is_what_the_server_has() {
    let all = if std::env::var_os("INTERLOCAL_FULL").is_some() { 10_000 } else { 24 };
    let (mut seeds, mut running) = (0..all, tokio::task::JoinSet::new());
    let mut done = 0;
    loop {
        // They wait most of the time.
        while running.len() < AT_ONCE
            && let Some(seed) = seeds.next()
        {
            running.spawn(history(seed));
        }
        match running.join_next().await {
            None => break,
            Some(ended) => ended.unwrap(),
        }
        done += 1;
    }
    assert_eq!(done, all);
}
