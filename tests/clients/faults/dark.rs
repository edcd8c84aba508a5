//! Addresses and whole regions that are dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use interlocal::peer::group::Trouble;
use interlocal::peer::health::Health;

use super::world::{DENY, Door, React, World, usual};
use super::{ask, settled, timed};
use crate::support::{ms, secs};

/// F28: a region that is black-holed while it runs. Its connections stay, and say nothing.
#[tokio::test(start_paused = true)]
async fn a_black_hole_fails_by_the_deadline_then_at_once_and_is_found_again() {
    let (world, servers) = World::of(&[ms(40)]);
    let dark = Arc::new(AtomicBool::new(false));
    let is_dark = dark.clone();
    servers[0].say(move |_, _| if is_dark.load(Relaxed) { React::Silence } else { DENY });
    let client = world.client(&servers, usual());
    settled().await;
    for n in 0..50 {
        assert!(ask(&client, &format!("warm{n}")).await.is_ok());
    }
    dark.store(true, Relaxed);
    servers[0].door(Door::BlackHole);
    let began = tokio::time::Instant::now();
    let mut asked = Vec::new();
    for n in 0..400 {
        let client = client.clone();
        asked.push(tokio::spawn(async move { timed(&client, &format!("n{n}")).await }));
        tokio::time::sleep(ms(10)).await;
    }
    for (at, one) in asked.into_iter().enumerate() {
        let (outcome, took) = one.await.unwrap();
        assert!(matches!(outcome, Err(Trouble::Dark(_))), "{outcome:?}");
        let limit = if at < 300 { ms(1_500) } else { ms(5) };
        assert!(took <= limit, "asked after {} ms, failed after {took:?}", at * 10);
    }
    assert!(client.is_dark());
    let tries = servers[0].attempts().into_iter().filter(|at| *at > began + secs(3)).count();
    tokio::time::sleep(secs(20)).await;
    let tries = servers[0].attempts().into_iter().filter(|at| *at > began + secs(3)).count() - tries;
    assert!((16..=25).contains(&tries), "{tries} probes in 20 s");
    dark.store(false, Relaxed);
    servers[0].door(Door::Open);
    tokio::time::sleep(secs(2)).await;
    assert!(ask(&client, "back").await.is_ok() && !client.is_dark());
}

/// F28 on a server that has just started.
#[tokio::test(start_paused = true)]
async fn a_dead_address_at_the_start_is_tried_twice_a_second_at_most() {
    for door in [Door::BlackHole, Door::Refuses] {
        let (world, servers) = World::of(&[ms(40)]);
        servers[0].door(door);
        let client = world.client(&servers, usual());
        for n in 0..100 {
            let (outcome, took) = timed(&client, &format!("n{n}")).await;
            assert!(outcome.is_err() && took <= ms(1_500), "{took:?}");
            tokio::time::sleep(ms(100)).await;
        }
        let attempts = servers[0].attempts();
        for at in &attempts {
            let within = attempts.iter().filter(|other| **other >= *at && **other < *at + secs(1)).count();
            assert!(within <= 2, "{door:?}: {within} within a second");
        }
        assert!(attempts.len() >= 8, "{door:?}: and it is tried: {}", attempts.len());
    }
}

/// The same where connections are made, and cut before a word was said: a load balancer without a target.
#[tokio::test(start_paused = true)]
async fn connections_that_are_cut_at_once_make_it_dark() {
    let (world, servers) = World::of(&[ms(10)]);
    servers[0].say(|_, _| React::Cut);
    let client = world.client(&servers, usual());
    settled().await;
    assert_eq!(client.snapshot()[0].health, Health::Open);
    let (outcome, took) = timed(&client, "web").await;
    assert_eq!(outcome.map(drop), Err(Trouble::Dark("connection closed")));
    assert!(took <= ms(5));
    servers[0].say(|_, _| DENY);
    tokio::time::sleep(secs(2)).await;
    assert!(ask(&client, "web").await.is_ok());
}

/// F2: one of three addresses of a load balancer is dead, long running and just started.
#[tokio::test(start_paused = true)]
async fn one_dead_address_of_three_costs_no_question() {
    for (door, running) in
        [(Door::BlackHole, true), (Door::BlackHole, false), (Door::Refuses, true), (Door::Refuses, false)]
    {
        let ways = [ms(20), ms(21), ms(22)];
        let (world, servers) = World::of(&ways);
        let dead = Arc::new(AtomicBool::new(!running));
        let is_dead = dead.clone();
        servers[0].say(move |_, _| if is_dead.load(Relaxed) { React::Silence } else { DENY });
        servers[0].door(if running { Door::Open } else { door });
        let client = world.client(&servers, usual());
        if running {
            settled().await;
            for n in 0..50 {
                assert!(ask(&client, &format!("warm{n}")).await.is_ok());
            }
            dead.store(true, Relaxed);
            servers[0].door(door);
        }
        let mut times = Vec::new();
        for n in 0..600 {
            let (outcome, took) = timed(&client, &format!("n{n}")).await;
            assert!(outcome.is_ok(), "{outcome:?}");
            times.push(took);
            tokio::time::sleep(ms(10)).await;
        }
        times.sort_unstable();
        let p99 = times[times.len() * 99 / 100];
        assert!(p99 <= ms(2 * 22 + 50), "{door:?}, long running: {running}: {p99:?}");
    }
}

/// F18: one sick pod behind a healthy address.
#[tokio::test(start_paused = true)]
async fn a_sick_target_behind_an_address_does_not_condemn_it() {
    let (world, servers) = World::of(&[ms(10)]);
    // Every third connection is to the sick one.
    servers[0].say(|_, connection| if connection % 3 == 1 { React::Silence } else { DENY });
    let client = world.client(&servers, usual());
    let mut failed = 0;
    for n in 0..2_000 {
        failed += usize::from(ask(&client, &format!("n{n}")).await.is_err());
        assert_eq!(client.snapshot()[0].health, Health::Closed, "it stays in use");
        tokio::time::sleep(ms(10)).await;
    }
    assert!(failed <= 2, "{failed}");
}
