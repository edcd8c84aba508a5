//! Many questions at one time.

use std::sync::atomic::Ordering::Relaxed;

use interlocal::peer::Settings;
use tokio::time::Instant;

use super::world::{DENY, World, after, usual};
use super::{labels, settled, timed, together};
use crate::support::{ms, secs};

/// A thousand askers of distinct names: limited by the way only, over few connections.
#[tokio::test(start_paused = true)]
async fn a_thousand_askers_are_limited_by_the_way_only() {
    for way in [ms(40), ms(150)] {
        let (world, servers) = World::of(&[way]);
        let client = world.client(&servers, usual());
        settled().await;
        for (outcome, took) in together(&client, labels("n", 1_000)).await {
            assert!(outcome.is_ok());
            assert!(took <= way * 2 + ms(5), "{took:?} for a way of {way:?}");
        }
        assert!(servers[0].accepted() <= 4, "{}", servers[0].accepted());
    }
}

/// A peer that answers in 300 ms, and 500 names each second.
#[tokio::test(start_paused = true)]
async fn a_slow_peer_does_not_bound_the_throughput() {
    let (world, servers) = World::of(&[ms(5)]);
    servers[0].say(|label, _| if label.starts_with("_interlocal-") { DENY } else { after(ms(295)) });
    let client = world.client(&servers, usual());
    settled().await;
    let mut asked = Vec::new();
    for n in 0..2_500 {
        let client = client.clone();
        asked.push(tokio::spawn(async move { timed(&client, &format!("n{n}")).await }));
        tokio::time::sleep(ms(2)).await;
    }
    for one in asked {
        let (outcome, took) = one.await.unwrap();
        assert!(outcome.is_ok() && took <= ms(400), "{took:?}");
    }
    assert!(servers[0].accepted() <= 8);
    assert!(servers[0].questions() <= 2_500 * 3 / 2, "{}", servers[0].questions());
}

/// F29: a peer comes back, and ten thousand questions wait for it. It gets what is configured, and no more.
#[tokio::test(start_paused = true)]
async fn a_thundering_return_is_no_more_than_is_configured() {
    let (world, servers) = World::of(&[ms(20)]);
    let settings = Settings { in_flight: 100, deadline: secs(30), ..usual() };
    let client = world.client(&servers, settings);
    settled().await;
    // It stands still for a second, and then answers all that it has got.
    let back = Instant::now() + secs(1);
    servers[0].say(move |_, _| after(back.saturating_duration_since(Instant::now()).max(ms(2))));
    let asked: Vec<_> = labels("n", 10_000)
        .map(|label| {
            let client = client.clone();
            tokio::spawn(async move { timed(&client, &label).await.0.is_ok() })
        })
        .collect();
    let mut answered = 0;
    for one in asked {
        answered += usize::from(one.await.unwrap());
    }
    assert_eq!(answered, 10_000, "{:?}", client.snapshot());
    let most = servers[0].most_out.load(Relaxed);
    assert!(most <= 8 * 100, "{most} at one time");
    assert!(servers[0].questions() <= 10_000 * 11 / 10, "{}", servers[0].questions());
    assert_eq!(client.snapshot()[0].in_flight, 0);
}
