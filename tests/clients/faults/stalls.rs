//! A slow question in front of fast ones.

use std::sync::atomic::Ordering::Relaxed;

use interlocal::peer::Settings;

use super::world::{DENY, React, World, after, usual};
use super::{ask, labels, settled, timed, together};
use crate::support::{ms, secs};

/// F18, and a peer that answers a connection strictly one by one, as CoreDNS does: what waits behind the slow question is asked
/// elsewhere.
#[tokio::test(start_paused = true)]
async fn a_slow_question_in_front_of_fast_ones_at_a_serial_peer() {
    for connections in [1, 2] {
        let (world, servers) = World::of(&[ms(1)]);
        servers[0].serial();
        servers[0].say(|label, _| if label == "slow" { after(ms(1_400)) } else { DENY });
        let client = world.client(&servers, Settings { connections, ..usual() });
        settled().await;
        let slow = tokio::spawn({
            let client = client.clone();
            async move { timed(&client, "slow").await }
        });
        tokio::time::sleep(ms(1)).await;
        for round in 0..10 {
            for (outcome, took) in together(&client, labels(&format!("r{round}n"), 40)).await {
                assert!(outcome.is_ok() && took < ms(100), "{connections} connections: {took:?}");
            }
        }
        assert!(slow.await.unwrap().0.is_ok(), "and the slow one is answered");
        assert!(servers[0].accepted() <= 8, "{} connections", servers[0].accepted());
        let copies = servers[0].seen().iter().filter(|seen| seen.label == "slow").count();
        assert!(copies <= 3, "sent {copies} times");
    }
}

/// An interlocal answers as it can: nothing waits behind anything.
#[tokio::test(start_paused = true)]
async fn a_slow_question_in_front_of_fast_ones_at_an_interlocal() {
    let (world, servers) = World::of(&[ms(1)]);
    servers[0].say(|label, _| if label == "slow" { after(ms(1_400)) } else { DENY });
    let client = world.client(&servers, Settings { connections: 1, ..usual() });
    settled().await;
    let slow = tokio::spawn({
        let client = client.clone();
        async move { ask(&client, "slow").await }
    });
    let mut round = 0;
    while !slow.is_finished() {
        let (outcome, took) = timed(&client, &format!("fast{round}")).await;
        assert!(outcome.is_ok() && took < ms(5), "{took:?}");
        tokio::time::sleep(ms(5)).await;
        round += 1;
    }
    assert!(slow.await.unwrap().is_ok());
    assert_eq!(servers[0].accepted(), 1, "no connection was opened for it");
}

/// More connections are opened while all have stalled, eight at most, and closed when they were not used for ten seconds.
#[tokio::test(start_paused = true)]
async fn connections_beyond_the_usual_ones_are_few_and_go_away() {
    let (world, servers) = World::of(&[ms(1)]);
    servers[0].serial();
    servers[0].say(|label, _| if label.starts_with("slow") { after(secs(1)) } else { DENY });
    let client = world.client(&servers, usual());
    settled().await;
    let asked: Vec<_> = (0..40)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move {
                tokio::time::sleep(ms(30) * n).await;
                ask(&client, &format!("slow{n}")).await
            })
        })
        .collect();
    let mut most = 0;
    while asked.iter().any(|one| !one.is_finished()) {
        most = most.max(servers[0].open());
        tokio::time::sleep(ms(5)).await;
    }
    assert!((3..=8).contains(&most), "{most}");
    tokio::time::sleep(secs(15)).await;
    assert!(client.snapshot()[0].connections <= 2);
    assert_eq!(client.snapshot()[0].in_flight, 0);
}

/// A connection that reads nothing gets no new question; the others do.
#[tokio::test(start_paused = true)]
async fn a_stalled_connection_gets_no_new_question() {
    let (world, servers) = World::of(&[ms(1)]);
    // The first connection is to a target that has stopped.
    let stopped = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stops = stopped.clone();
    servers[0].say(move |_, connection| if connection == 1 && stops.load(Relaxed) { React::Silence } else { DENY });
    let client = world.client(&servers, usual());
    settled().await;
    together(&client, labels("warm", 10)).await;
    stopped.store(true, Relaxed);
    // Many at a time, so that the silent one is the one with the fewest questions.
    for n in 0..200 {
        for (outcome, took) in together(&client, labels(&format!("n{n}x"), 10)).await {
            // In front of the others on the silent connection, and so asked again after them.
            let limit = if n == 0 { ms(110) } else { ms(10) };
            assert!(outcome.is_ok() && took <= limit, "{n}: {took:?}");
        }
        tokio::time::sleep(ms(10)).await;
    }
    let silent = |seen: &&super::world::Seen| seen.connection == 1 && seen.label.contains('x');
    let late = servers[0].seen().iter().filter(silent).count();
    assert!(late <= 15, "{late} questions went to the silent connection and had to be asked again");
}

/// F17, by a load balancer that forgets all connections again and again, faster than a question times out: all places are taken
/// by silent ones soon, and a new one takes the place of the one that has been silent longest.
#[tokio::test(start_paused = true)]
async fn connections_that_are_forgotten_again_and_again_make_room_for_new_ones() {
    let (world, servers) = World::of(&[ms(1)]);
    let forgotten = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let upto = forgotten.clone();
    servers[0].say(move |_, connection| if connection <= upto.load(Relaxed) { React::Silence } else { DENY });
    let client = world.client(&servers, usual());
    settled().await;
    let mut late = 0;
    for round in 0..60 {
        forgotten.store(servers[0].accepted(), Relaxed);
        for n in 0..10 {
            let (outcome, took) = timed(&client, &format!("r{round}n{n}")).await;
            assert!(outcome.is_ok(), "round {round}, question {n}: {outcome:?} after {took:?}");
            late += usize::from(took > ms(300));
            tokio::time::sleep(ms(30)).await;
        }
    }
    assert!(late <= 6, "{late} of 600 questions took long");
    assert!(servers[0].open() <= 30, "{} connections are open", servers[0].open());
}
