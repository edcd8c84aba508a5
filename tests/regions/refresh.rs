//! A name in use is asked for before it expires, so that nobody waits for its region; a name that is not, is not.

use hickory_proto::rr::RecordType;

use crate::support::client::{Ask, ask_udp};
use crate::support::pair::{APP, FIRST, Pair, in_place, pair, until_dark};
use crate::support::read::addresses;
use crate::support::region::Region;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{ip, ms, secs};

const STARTED: &str = "interlocal_cache_refreshes_total{zone=\"west\"}";
const REFUSED: &str = "interlocal_cache_refreshes_refused_total{zone=\"west\"}";

fn prefetch(region: Region) -> Region {
    region.key("cache", "{prefetch: true}")
}

/// [`APP`] lives for this long.
async fn living(change: impl FnOnce(Region) -> Region, ttl: u32) -> Pair {
    let pair = pair(|region| change(prefetch(region))).await;
    drop(pair.west.on(APP, RecordType::A).answer_a(FIRST, ttl));
    pair
}

/// Asked by one who waits, and by so many who find it in memory.
async fn used(pair: &Pair, asked: &str, hits: usize) {
    pair.ask(asked).await;
    for _ in 0..hits {
        in_place(&pair.east, &Ask::new(asked, RecordType::A)).expect("it is in memory");
    }
}

#[tokio::test]
async fn f23_a_name_in_use_is_asked_for_before_it_expires_and_once_more_only() {
    let pair = living(|region| region, 3).await;
    used(&pair, APP, 5).await;
    drop(pair.west.on(APP, RecordType::A).answer_a("192.0.2.9", 3));
    let moved = eventually(secs(20), || async {
        let reply = in_place(&pair.east, &Ask::new(APP, RecordType::A));
        reply.is_none_or(|reply| addresses(&reply) == [ip("192.0.2.9")])
    });
    assert!(moved.await);
    let reply = in_place(&pair.east, &Ask::new(APP, RecordType::A)).expect("nobody waits");
    assert_eq!(addresses(&reply), [ip("192.0.2.9")]);
    assert_eq!(pair.east.counter(STARTED).await, 1.0);
    assert_eq!(pair.count(), 2, "however often it was asked for");
}

#[tokio::test]
async fn f23_a_denial_in_use_is_asked_for_too_and_a_failure_is_not() {
    let pair = living(|region| region, 300).await;
    drop(
        pair.west.on("failing.west.svc.cluster.local", RecordType::A).rcode(hickory_proto::op::ResponseCode::ServFail),
    );
    used(&pair, "failing.west.svc.cluster.local", 3).await;
    used(&pair, "gone.west.svc.cluster.local", 3).await;
    let again = || async { pair.west.count("gone.west.svc.cluster.local", RecordType::A) >= 2 };
    assert!(eventually(secs(20), again).await);
    assert_eq!(pair.east.counter(STARTED).await, 1.0);
}

#[tokio::test]
async fn f23_a_name_that_is_not_in_use_is_left_alone() {
    let pair = living(|region| region, 2).await;
    for _ in 0..2 {
        used(&pair, APP, 1).await;
        tokio::time::sleep(ms(2_050)).await;
    }
    assert_eq!((pair.count(), pair.east.counter(STARTED).await), (2, 0.0));
}

/// `limits.refreshes`
#[tokio::test]
async fn f23_refreshes_are_bounded() {
    let pair = living(|region| region.key("limits", "{refreshes: 1}"), 2).await;
    drop(pair.west.on("b.west.svc.cluster.local", RecordType::A).answer_a(FIRST, 2));
    used(&pair, APP, 3).await;
    used(&pair, "b.west.svc.cluster.local", 3).await;
    assert_eq!(pair.east.counter(REFUSED).await, 1.0);
    assert!(eventually(secs(20), || async { pair.count() >= 2 }).await);
    assert_eq!(pair.west.count("b.west.svc.cluster.local", RecordType::A), 1);
    // Its place is free again.
    let free = eventually(secs(20), || async {
        used(&pair, "b.west.svc.cluster.local", 2).await;
        pair.east.counter(STARTED).await >= 2.0
    });
    assert!(free.await);
}

#[tokio::test]
async fn f23_a_dark_region_is_not_asked_ahead() {
    let pair = living(|region| region, 5).await;
    used(&pair, APP, 3).await;
    let Pair { east, west } = pair;
    let address = west.address();
    drop(west);
    until_dark(&east).await;
    // Until the answer has expired, when it is answered from what was.
    let expired = eventually(secs(20), || async {
        let reply = in_place(&east, &Ask::new(APP, RecordType::A)).expect("fresh or stale");
        !crate::support::read::extended_errors(&reply).is_empty()
    });
    assert!(expired.await);
    assert_eq!(east.counter(STARTED).await, 0.0);
    drop(ScriptServer::start_on(address));
}

#[tokio::test]
async fn f23_without_prefetch_names_expire() {
    let pair = living(|region| region.key("cache", "{prefetch: false}"), 2).await;
    used(&pair, APP, 3).await;
    tokio::time::sleep(ms(2_500)).await;
    assert_eq!((pair.count(), pair.east.counter(STARTED).await), (1, 0.0));
}

#[tokio::test]
async fn f23_upstreams_are_asked_ahead_too() {
    let upstream = ScriptServer::start();
    drop(upstream.on("www.example", RecordType::A).answer_a(FIRST, 2));
    let region = prefetch(Region::new("east")).forward(&format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address()));
    let east = region.start().await;
    for _ in 0..3 {
        ask_udp(east.dns(), "www.example", RecordType::A).await;
    }
    east.until_metric("interlocal_cache_refreshes_total{zone=\".\"}", 1.0).await;
}

/// The parts of a chain are in use when the chain is.
#[tokio::test]
async fn f23_what_a_chain_leads_to_is_asked_ahead() {
    let pair = living(|region| region, 2).await;
    for _ in 0..3 {
        let reply = pair.ask("far.default.svc.cluster.local").await;
        assert_eq!(addresses(&reply), [ip(FIRST)]);
    }
    pair.east.until_metric(STARTED, 1.0).await;
}
