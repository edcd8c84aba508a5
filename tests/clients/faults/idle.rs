//! Connections while nobody asks, and what the network does to them meanwhile.

use interlocal::peer::Settings;

use super::world::{DENY, React, World, usual};
use super::{ask, labels, settled, timed, together};
use crate::support::{ms, secs};

/// F17: idle connections are cut, then bursts and single questions come.
#[tokio::test(start_paused = true)]
async fn idle_connections_that_were_cut_cost_no_question() {
    let (world, servers) = World::of(&[ms(10)]);
    let client = world.client(&servers, usual());
    settled().await;
    for round in 0..50 {
        together(&client, labels("warm", 10)).await;
        tokio::time::sleep(secs(if round % 3 == 0 { 60 } else { 1 })).await;
        servers[0].cut_all();
        let size = if round % 2 == 0 { 40 } else { 1 };
        for (outcome, took) in together(&client, labels(&format!("r{round}n"), size)).await {
            assert!(outcome.is_ok(), "{outcome:?}");
            assert!(took <= ms(250), "{took:?}");
        }
    }
    assert_eq!(client.snapshot()[0].timeouts, 0);
}

/// F17: idle connections are forgotten silently: nothing comes back, not even a reset.
#[tokio::test(start_paused = true)]
async fn idle_connections_that_were_forgotten_cost_no_question() {
    let (world, servers) = World::of(&[ms(10)]);
    let client = world.client(&servers, usual());
    settled().await;
    for round in 0..30usize {
        together(&client, labels("warm", 10)).await;
        let gone = servers[0].accepted();
        servers[0].say(move |_, connection| if connection <= gone { React::Silence } else { DENY });
        tokio::time::sleep(secs(400)).await;
        let size = if round.is_multiple_of(2) { 40 } else { 1 };
        for (outcome, took) in together(&client, labels(&format!("r{round}n"), size)).await {
            assert!(outcome.is_ok(), "{outcome:?}");
            assert!(took <= ms(300), "{took:?}");
        }
        servers[0].say(|_, _| DENY);
    }
}

/// A peer that resets whatever is idle, at any moment: no question is lost, and none is sent more than twice.
#[tokio::test(start_paused = true)]
async fn a_peer_that_resets_every_idle_connection_loses_no_question() {
    let (world, servers) = World::of(&[ms(1)]);
    let client = world.client(&servers, usual());
    settled().await;
    for n in 0..10_000u32 {
        servers[0].cut_all();
        // Now before the client has noticed, now after it has opened another one.
        if n % 4 != 0 {
            tokio::time::sleep(std::time::Duration::from_micros(u64::from(n % 7) * 400)).await;
        }
        let (outcome, _) = timed(&client, &format!("n{n}")).await;
        assert!(outcome.is_ok(), "question {n}: {outcome:?}");
    }
    let mut copies = std::collections::HashMap::<String, usize>::new();
    servers[0]
        .seen()
        .iter()
        .filter(|seen| !seen.is_probe())
        .for_each(|seen| *copies.entry(seen.label.clone()).or_default() += 1);
    assert!(copies.values().all(|count| *count <= 2));
}

/// Connections to peers in use are there before the question, and come back when a peer restarts.
#[tokio::test(start_paused = true)]
async fn a_connection_is_there_before_the_question_and_again_after_a_restart() {
    let (world, servers) = World::of(&[ms(100), ms(120)]);
    let client = world.client(&servers, usual());
    settled().await;
    assert!(servers.iter().all(|server| server.open() == 1), "before the first question");
    let (outcome, took) = timed(&client, "first").await;
    assert!(outcome.is_ok() && took == ms(100), "one way there and back: {took:?}");
    servers[0].cut_all();
    settled().await;
    assert_eq!(servers[0].open(), 1, "open again without a question");
    let (outcome, took) = timed(&client, "second").await;
    assert!(outcome.is_ok() && took == ms(100), "{took:?}");
}

/// A connection near its greatest age is replaced before a question has to wait for it.
#[tokio::test(start_paused = true)]
async fn an_old_connection_is_replaced_before_its_end() {
    let (world, servers) = World::of(&[ms(100)]);
    let client = world.client(&servers, Settings { max_age: secs(60), ..usual() });
    settled().await;
    for n in 0..40 {
        let (outcome, took) = timed(&client, &format!("n{n}")).await;
        assert!(outcome.is_ok() && took == ms(100), "{took:?}");
        tokio::time::sleep(secs(10)).await;
    }
    assert!(servers[0].accepted() >= 7, "{}", servers[0].accepted());
}

/// F16: a peer that closes what is idle, as CoreDNS does after 10 s, is not connected to again and again.
#[tokio::test(start_paused = true)]
async fn what_the_peer_closes_when_idle_stays_closed_until_a_question_comes() {
    let (world, servers) = World::of(&[ms(10)]);
    servers[0].closes_idle(secs(10));
    let client = world.client(&servers, usual());
    tokio::time::sleep(secs(300)).await;
    assert_eq!((servers[0].accepted(), servers[0].open()), (1, 0));
    for n in 0..5 {
        let (outcome, took) = timed(&client, &format!("n{n}")).await;
        assert!(outcome.is_ok() && took <= ms(25), "{took:?}");
        tokio::time::sleep(secs(60)).await;
    }
    assert_eq!((servers[0].accepted(), servers[0].open()), (6, 0));
}

/// Forty peers of three addresses each: what is idle stays bounded, and what nobody asks keeps one connection.
#[tokio::test(start_paused = true)]
async fn idle_connections_of_many_peers_are_few() {
    let (world, servers) = World::of(&[ms(20); 120]);
    let clients: Vec<_> = servers.chunks(3).map(|three| world.client(three, usual())).collect();
    settled().await;
    let open = || servers.iter().map(|server| server.open()).sum::<usize>();
    assert_eq!(open(), 120, "one to each address at the start");
    for client in &clients {
        together(client, labels("burst", 50)).await;
    }
    assert!(open() <= 240, "{}", open());
    // Only the first peer is still asked.
    for n in 0..70 {
        assert!(ask(&clients[0], &format!("n{n}")).await.is_ok());
        tokio::time::sleep(secs(10)).await;
    }
    let others: usize = servers[3..].iter().map(|server| server.open()).sum();
    assert!(others <= 39, "one for each of the other peers at most: {others}");
    assert!(servers[..3].iter().any(|server| server.open() > 0));
    let (outcome, took) = timed(&clients[39], "again").await;
    assert!(outcome.is_ok() && took <= ms(45), "{took:?}");
}
