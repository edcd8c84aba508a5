//! Answers that are later than usual.

use std::sync::Arc;

use super::world::{DENY, Server, World, after, usual};
use super::{settled, timed};
use crate::support::ms;

/// One question in so many is answered late by this server, though it answers others meanwhile.
fn late_every(server: &Arc<Server>, every: usize) {
    server.say(move |label, _| {
        let number: usize = label.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(1);
        if number.is_multiple_of(every) { after(ms(400)) } else { DENY }
    });
}

/// What is late at the nearest address is asked at the next one, at the usual 95th percentile and not later.
#[tokio::test(start_paused = true)]
async fn a_late_answer_is_asked_for_at_another_address() {
    let (world, servers) = World::of(&[ms(20), ms(30)]);
    late_every(&servers[0], 40);
    let client = world.client(&servers, usual());
    settled().await;
    let (mut slow, mut all) = (0, 0);
    // Two at a time, so that the connection never looks stalled for the late one alone.
    for n in 1..=1_000 {
        let other = tokio::spawn({
            let client = client.clone();
            async move { timed(&client, &format!("even{}", 2 * n + 1)).await }
        });
        let (outcome, took) = timed(&client, &format!("n{n}")).await;
        assert!(outcome.is_ok());
        all += 2;
        slow += usize::from(took > ms(60));
        assert!(other.await.unwrap().0.is_ok());
    }
    let hedges: u64 = client.snapshot().iter().map(|address| address.hedges).sum();
    let asked = servers.iter().map(|server| server.questions()).sum::<usize>();
    assert!(hedges >= 15, "{hedges}");
    assert!(slow <= 8, "{slow} answers were waited for, of 25 late ones");
    let stalls: u64 = client.snapshot().iter().map(|address| address.stalls).sum();
    assert!(asked - stalls as usize <= all * 105 / 100, "{asked} sends for {all} questions, {stalls} for stalls");
}

/// F31: what is asked for elsewhere is never heard to its end, and tells all the same that the address has become slow.
#[tokio::test(start_paused = true)]
async fn an_address_that_becomes_slow_is_left() {
    let (world, servers) = World::of(&[ms(20), ms(30)]);
    let client = world.client(&servers, usual());
    settled().await;
    for n in 0..200 {
        timed(&client, &format!("warm{n}")).await.0.unwrap();
    }
    assert!(servers[0].questions() > servers[1].questions() * 5);
    servers[0].say(|_, _| after(ms(300)));
    let mut slow = 0;
    for n in 0..400 {
        let (outcome, took) = timed(&client, &format!("n{n}")).await;
        assert!(outcome.is_ok());
        slow += usize::from(took > ms(40));
        tokio::time::sleep(ms(10)).await;
    }
    // Those that found it out, and those that look whether it is still so.
    assert!(slow <= 30, "{slow} of 400 went there first");
}

/// With one address, another connection may be to another target.
#[tokio::test(start_paused = true)]
async fn a_late_answer_is_asked_for_on_another_connection_of_the_only_address() {
    let (world, servers) = World::of(&[ms(20)]);
    // Late on the connection that had it first.
    let first = parking_lot::Mutex::new(std::collections::HashMap::new());
    servers[0].say(move |label, connection| {
        let had = *first.lock().entry(label.to_owned()).or_insert(connection);
        let number: usize = label.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(1);
        if number.is_multiple_of(50) && had == connection { after(ms(400)) } else { DENY }
    });
    let client = world.client(&servers, usual());
    settled().await;
    let mut slow = 0;
    for n in 1..=1_000 {
        let other = tokio::spawn({
            let client = client.clone();
            async move { timed(&client, &format!("other{}", 50 * n + 1)).await }
        });
        let (outcome, took) = timed(&client, &format!("n{n}")).await;
        assert!(outcome.is_ok() && other.await.unwrap().0.is_ok());
        slow += usize::from(took > ms(100));
    }
    assert!(slow <= 5, "{slow} of 20 late ones were waited for");
}

/// A peer that becomes slow as a whole does not get twice the questions.
#[tokio::test(start_paused = true)]
async fn hedges_stay_within_their_share_when_everything_is_late() {
    let (world, servers) = World::of(&[ms(20), ms(20)]);
    let client = world.client(&servers, usual());
    settled().await;
    for n in 0..200 {
        timed(&client, &format!("warm{n}")).await.0.unwrap();
    }
    let before = servers.iter().map(|server| server.questions()).sum::<usize>();
    for server in &servers {
        // Later than usual, and sooner than a stall.
        server.say(|_, _| after(ms(15)));
    }
    for n in 0..1_000 {
        timed(&client, &format!("n{n}")).await.0.unwrap();
    }
    let asked = servers.iter().map(|server| server.questions()).sum::<usize>() - before;
    assert!(asked <= 1_000 + 50 + 10, "{asked} sends for 1000 questions");
}
