//! What probes find, and what follows.

use interlocal::peer::Settings;
use interlocal::peer::group::Trouble;
use interlocal::peer::health::Health;

use super::world::{DENY, NXDOMAIN, REFUSED, React, SERVFAIL, World, after, rcode, usual};
use super::{ask, settled, timed};
use crate::support::{ms, secs};

/// The first question on a connection is a probe, and what comes behind it does not wait for its answer.
#[tokio::test(start_paused = true)]
async fn the_first_question_on_each_connection_is_a_probe_and_delays_nothing() {
    let (world, servers) = World::of(&[ms(10)]);
    servers[0].say(|label, _| if label.starts_with("_interlocal-") { after(ms(900)) } else { DENY });
    let client = world.client(&servers, usual());
    let (outcome, took) = timed(&client, "web").await;
    assert!(!outcome.unwrap().synced, "the probe has no answer yet");
    assert!(took <= ms(25), "{took:?}");
    let seen = servers[0].seen();
    assert!(seen[0].is_probe() && seen[1].label == "web");
    settled().await;
    assert!(ask(&client, "web").await.unwrap().synced);
}

/// Every ten seconds on a connection with traffic, never on an idle one.
#[tokio::test(start_paused = true)]
async fn connections_with_traffic_are_probed_every_ten_seconds_and_idle_ones_never() {
    let (world, servers) = World::of(&[ms(10)]);
    let client = world.client(&servers, Settings { connections: 1, max_age: secs(3_600), ..usual() });
    settled().await;
    assert_eq!((servers[0].accepted(), servers[0].probes()), (1, 1));
    tokio::time::sleep(secs(120)).await;
    assert_eq!(servers[0].probes(), 1, "idle");
    for n in 0..60 {
        assert!(ask(&client, &format!("n{n}")).await.is_ok());
        tokio::time::sleep(secs(1)).await;
    }
    let probes = servers[0].probes() - 1;
    assert!((5..=8).contains(&probes), "{probes} in a minute");
    tokio::time::sleep(secs(15)).await;
    let before = servers[0].probes();
    tokio::time::sleep(secs(60)).await;
    assert_eq!(servers[0].probes(), before, "idle again");
}

/// F30: a peer that has just started and has not read its zone is asked by nobody, however well it answers.
#[tokio::test(start_paused = true)]
async fn an_unsynced_peer_is_left_alone_until_it_is_synced() {
    let (world, servers) = World::of(&[ms(10), ms(30)]);
    servers[0].say(|label, _| if label.starts_with("_interlocal-") { rcode(SERVFAIL) } else { rcode(NXDOMAIN) });
    let client = world.client(&servers, usual());
    settled().await;
    assert_eq!(client.snapshot()[0].health, Health::Open);
    assert_eq!(servers[0].open(), 0, "what leads to an unsynced target is closed");
    for n in 0..20 {
        assert!(ask(&client, &format!("n{n}")).await.unwrap().synced, "the other one answers");
    }
    assert_eq!(servers[0].questions(), 0);
    servers[0].say(|_, _| DENY);
    tokio::time::sleep(secs(2)).await;
    assert_eq!(client.snapshot()[0].health, Health::Closed);
}

/// F4: an address of another region, or the wrong door.
#[tokio::test(start_paused = true)]
async fn a_wrong_region_is_found_by_its_refusal() {
    let (world, servers) = World::of(&[ms(10)]);
    servers[0].say(|_, _| rcode(REFUSED));
    let client = world.client(&servers, usual());
    settled().await;
    let (outcome, took) = timed(&client, "web").await;
    assert_eq!(outcome.map(drop), Err(Trouble::Dark("does not serve its region")));
    assert!(took <= ms(5));
    assert!(servers[0].attempts().len() <= 4, "{}", servers[0].attempts().len());
}

/// F30: what an operator reads is that it has not synced, and not that it were somebody else.
#[tokio::test(start_paused = true)]
async fn an_unsynced_region_is_called_so() {
    let (world, servers) = World::of(&[ms(10)]);
    servers[0].say(|_, _| rcode(SERVFAIL));
    let client = world.client(&servers, usual());
    settled().await;
    assert_eq!(ask(&client, "web").await.map(drop), Err(Trouble::Dark("not synced yet")));
    assert_eq!(client.snapshot()[0].cause, Some("not synced yet"));
    servers[0].say(|_, _| rcode(REFUSED));
    tokio::time::sleep(secs(2)).await;
    assert_eq!(client.snapshot()[0].cause, Some("does not serve its region"), "the last probe says it");
}

/// F30: one unsynced target of two behind an address costs its connection, and the address stays.
#[tokio::test(start_paused = true)]
async fn an_unsynced_target_costs_its_connection_only() {
    let (world, servers) = World::of(&[ms(10)]);
    servers[0].say(|label, connection| match connection {
        1 if label.starts_with("_interlocal-") => rcode(SERVFAIL),
        1 => React::Silence,
        _ => DENY,
    });
    let client = world.client(&servers, usual());
    settled().await;
    assert_eq!((client.snapshot()[0].health, servers[0].accepted()), (Health::Closed, 2));
    assert!(ask(&client, "web").await.unwrap().synced);
    assert!(servers[0].seen().iter().all(|seen| seen.is_probe() || seen.connection != 1));
}

/// F30: a target that loses its zone while it runs is found within ten seconds, and by its connection only.
#[tokio::test(start_paused = true)]
async fn a_connection_is_synced_only_while_its_own_probe_says_so() {
    let (world, servers) = World::of(&[ms(10)]);
    // A server that is alive and says no more: another resolver in between, which answers without authority.
    servers[0].say(|_, _| rcode(NXDOMAIN));
    let client = world.client(&servers, Settings { connections: 1, ..usual() });
    settled().await;
    assert!(!ask(&client, "before").await.unwrap().synced);
    servers[0].say(|_, _| DENY);
    let mut synced = false;
    for n in 0..25 {
        tokio::time::sleep(secs(1)).await;
        synced = ask(&client, &format!("n{n}")).await.unwrap().synced;
    }
    assert!(synced);
    assert_eq!(servers[0].accepted(), 1, "nothing was closed for it");
}
