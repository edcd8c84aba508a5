//! What a region's names get while the region gives nothing, or nothing good: its last answers, with their age and the reason.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

use crate::support::client::{Ask, ask_tcp, ask_udp};
use crate::support::pair::{APP, FIRST, expired, in_place, pair, until_dark};
use crate::support::read::{addresses, aliases, extended_errors};
use crate::support::region::Region;
use crate::support::regions::{self, demo_region};
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{ip, ms, secs};

/// RFC 8914 4.4
const STALE: u16 = 3;
/// RFC 8914 4.23
const NO_REACHABLE_AUTHORITY: u16 = 22;

/// The cause of a stale answer; panics if it is none, or has another address than the first one.
#[track_caller]
fn cause(reply: &Message) -> String {
    assert_eq!(reply.metadata.response_code, ResponseCode::NoError, "{reply}");
    assert_eq!(addresses(reply), [ip(FIRST)], "{reply}");
    let errors = extended_errors(reply);
    let [(STALE, text)] = &errors[..] else { panic!("{errors:?}") };
    let (age, cause) = text.split_once(" s old: ").unwrap_or_else(|| panic!("{text}"));
    assert!(age.parse::<u32>().is_ok_and(|age| (1..100).contains(&age)), "{text}");
    cause.to_owned()
}

#[tokio::test]
async fn f28_a_dark_regions_names_are_answered_stale_at_once_and_fresh_when_it_is_back() {
    let (east, address) = expired(|region| region).await.darken().await;
    for reply in [ask_udp(east.dns(), APP, RecordType::A).await, ask_tcp(east.dns(), APP, RecordType::A).await] {
        assert_eq!(cause(&reply), "region west does not answer");
        assert_eq!(reply.answers[0].ttl, 1, "never more than it was");
    }
    let in_place = in_place(&east, &Ask::new(APP, RecordType::A)).expect("nobody has to be asked");
    assert_eq!(cause(&in_place), "region west does not answer");
    let far = ask_udp(east.dns(), "far.default.svc.cluster.local", RecordType::A).await;
    assert_eq!(
        (cause(&far).as_str(), aliases(&far).len()),
        ("region west does not answer", 1),
        "at the end of a chain"
    );
    let nothing = ask_udp(east.dns(), APP, RecordType::AAAA).await;
    let error = &extended_errors(&nothing)[0];
    assert_eq!((nothing.metadata.response_code, error.0), (ResponseCode::ServFail, NO_REACHABLE_AUTHORITY));
    assert!(error.1.starts_with("region west does not answer: "), "{}", error.1);

    assert_eq!(east.counter("interlocal_peer_stale_answers_total{region=\"west\"}").await, 4.0);
    let (_, page) = east.get("/metrics").await;
    let served = |line: &&str| line.starts_with("coredns_cache_served_stale_total{") && line.contains("zones=\".\"");
    let served: f64 =
        page.lines().filter(served).map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum();
    assert_eq!(served, 3.0, "those that were asked for at a socket:\n{page}");

    let west = ScriptServer::start_on(address);
    drop(west.on(APP, RecordType::A).answer_a("192.0.2.9", 30));
    let back = eventually(secs(20), || async {
        let reply = ask_udp(east.dns(), APP, RecordType::A).await;
        addresses(&reply) == [ip("192.0.2.9")] && extended_errors(&reply).is_empty()
    });
    assert!(back.await, "west is back, and its old answer is still given");
}

#[tokio::test]
async fn f28_a_slow_regions_names_are_answered_stale_after_a_while_and_the_answer_is_kept_when_it_comes() {
    let peers = "{file: peers.yaml, stale_after: 200ms, deadline: 10s}";
    let pair = expired(|region| region.key("peers", peers)).await;
    drop(pair.west.on(APP, RecordType::A).answer_a("192.0.2.9", 30).delay(secs(2)));
    assert_eq!(cause(&pair.ask(APP).await), "region west has not answered yet");
    let core = pair.east.app().core();
    assert_eq!(core.in_flight.taken(), 1, "the fetch goes on, and is counted");
    let filled = eventually(secs(20), || async { in_place(&pair.east, &Ask::new(APP, RecordType::A)).is_some() });
    assert!(filled.await, "the fetch goes on and fills the memory");
    assert_eq!(addresses(&pair.ask(APP).await), [ip("192.0.2.9")]);
    assert!(eventually(secs(20), || async { core.in_flight.taken() == 0 }).await);
}

#[tokio::test]
async fn f28_silence_is_answered_stale_and_then_at_once() {
    let peers = "{file: peers.yaml, stale_after: 100ms, deadline: 600ms, connections: 1}";
    let pair = expired(|region| region.key("peers", peers)).await;
    drop(pair.west.on_any().drop_query());
    assert_eq!(cause(&pair.ask(APP).await), "region west has not answered yet");
    let known = eventually(secs(20), || async {
        let reply = in_place(&pair.east, &Ask::new(APP, RecordType::A));
        reply.is_some_and(|reply| cause(&reply) == "region west does not answer: timed out")
    });
    assert!(known.await, "for a second after the deadline nobody is asked");
    until_dark(&pair.east).await;
    assert!(cause(&pair.ask(APP).await).starts_with("region west does not answer"));
}

/// RFC 8767 4: an authority that answers with SERVFAIL or REFUSED has not answered.
#[tokio::test]
async fn f24_servfail_and_refused_are_no_reason_to_forget_an_answer() {
    for (rcode, text) in [(ResponseCode::ServFail, "SERVFAIL"), (ResponseCode::Refused, "REFUSED")] {
        let pair = expired(|region| region).await;
        drop(pair.west.on(APP, RecordType::A).rcode(rcode));
        assert_eq!(cause(&pair.ask(APP).await), format!("region west answered {text}"));
        let asked = pair.count();
        let again = in_place(&pair.east, &Ask::new(APP, RecordType::A)).expect("a failure is kept for a second");
        assert_eq!((cause(&again), pair.count()), (format!("region west answered {text}"), asked));
        let more = eventually(secs(20), || async {
            cause(&pair.ask(APP).await);
            pair.count() > asked
        });
        assert!(more.await, "and no longer");
        drop(pair.west.on(APP, RecordType::A).answer_a("192.0.2.9", 30));
        let mended = eventually(secs(20), || async { addresses(&pair.ask(APP).await) == [ip("192.0.2.9")] });
        assert!(mended.await);
    }
}

/// A region that starts and denies what it has not read yet.
#[tokio::test]
async fn f30_a_denial_counts_only_from_who_has_read_the_zone() {
    let pair = expired(|region| region).await;
    let zone = "west.svc.cluster.local";
    drop(pair.west.on(APP, RecordType::A).nxdomain(zone, 5));
    assert_eq!(cause(&pair.ask(APP).await), "region west denies it, but may not be synced");
    // "ilr1", id, label, not synced, the peers' door
    let reply_option = |synced| [b"ilr1\x02\x02\x02\x02\x02\x02\x02\x02\x04west".as_slice(), &[synced, 2]].concat();
    drop(pair.west.on(APP, RecordType::A).nxdomain(zone, 5).option(65_313, reply_option(0)));
    let asked = pair.count();
    let denied = eventually(secs(20), || async {
        assert_eq!(cause(&pair.ask(APP).await), "region west denies it, but may not be synced");
        pair.count() > asked
    });
    assert!(denied.await);
    // Where there is nothing to lose it is told as it is.
    let other = pair.ask("other.west.svc.cluster.local").await;
    assert_eq!((other.metadata.response_code, extended_errors(&other)), (ResponseCode::NXDomain, vec![]));

    drop(pair.west.on(APP, RecordType::A).nxdomain(zone, 5).option(65_313, reply_option(1)));
    let gone = eventually(secs(20), || async { pair.ask(APP).await.metadata.response_code == ResponseCode::NXDomain });
    assert!(gone.await, "the zone has been read, and the name is not in it");
    let (east, _) = pair.darken().await;
    tokio::time::sleep(secs(2)).await;
    let reply = ask_udp(east.dns(), APP, RecordType::A).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail, "what was denied is gone for good: {reply}");
}

#[tokio::test]
async fn f30_a_denial_of_the_connection_that_was_probed_counts() {
    let pair = expired(|region| region).await;
    drop(pair.west.on_zone("west.svc.cluster.local").nxdomain("west.svc.cluster.local", 5).aa());
    pair.west.refuse_connections(true);
    pair.west.hang_up();
    until_dark(&pair.east).await;
    assert_eq!(cause(&pair.ask(APP).await), "region west does not answer");
    pair.west.refuse_connections(false);
    let gone = eventually(secs(20), || async { pair.ask(APP).await.metadata.response_code == ResponseCode::NXDomain });
    assert!(gone.await, "its probe was denied with authority");
}

/// `limits.in_flight`: who waits for one name does not take another one's last answer away.
#[tokio::test]
async fn f29_when_nobody_more_can_be_asked_the_last_answer_is_given() {
    let change = |region: Region| {
        let region = region.key("peers", "{file: peers.yaml, stale_after: 8s, deadline: 8s}");
        region.key("limits", "{in_flight: 1}")
    };
    let pair = expired(change).await;
    drop(pair.west.on_any().drop_query());
    let (dns, slow) = (pair.east.dns(), "slow.west.svc.cluster.local");
    let waiting = tokio::spawn(async move { ask_udp(dns, slow, RecordType::A).await });
    assert!(eventually(secs(8), || async { pair.west.count(slow, RecordType::A) > 0 }).await);
    assert_eq!(cause(&pair.ask(APP).await), "too many questions in flight");
    let other = pair.ask("other.west.svc.cluster.local").await;
    assert_eq!(extended_errors(&other), [(0, "too many questions in flight".to_owned())]);
    waiting.abort();
}

/// What is not yet there at a region's start: short lives for no and for failures.
#[tokio::test]
async fn f24_what_a_region_denies_or_fails_at_its_start_is_soon_forgotten() {
    let pair = pair(|region| region).await;
    for (asked, rcode) in [("denied", ResponseCode::NXDomain), ("failing", ResponseCode::ServFail)] {
        let asked = format!("{asked}.west.svc.cluster.local");
        let rule = pair.west.on(&asked, RecordType::A);
        drop(if rcode == ResponseCode::NXDomain {
            rule.nxdomain("west.svc.cluster.local", 300)
        } else {
            rule.rcode(rcode)
        });
        let reply = pair.ask(&asked).await;
        assert_eq!(reply.metadata.response_code, rcode);
        assert!(reply.authorities.iter().all(|soa| soa.ttl <= 2), "nor is anybody else to keep it: {reply}");
        drop(pair.west.on(&asked, RecordType::A).answer_a(FIRST, 30));
        assert!(eventually(secs(10), || async { addresses(&pair.ask(&asked).await) == [ip(FIRST)] }).await);
    }
}

/// The real thing: before it has read its zone a region says SERVFAIL to everything, and that it is not synced.
#[tokio::test]
async fn f30_a_region_that_restarts_unsynced_loses_nobody_an_answer() {
    let config = |source: &str| format!("{{source: {source}, ttl: 1s}}");
    let mut regions =
        regions::together(["east", "west"].map(|label| demo_region(label).key("kubernetes", &config("manifests"))))
            .await;
    let asked = "dual.west.svc.cluster.local";
    let right = [ip("172.20.3.20")];
    let east = regions.of("east").dns();
    let met = || async { addresses(&ask_udp(east, asked, RecordType::A).await) == right };
    assert!(eventually(secs(20), met).await);
    let west = regions.take("west").stop().key("kubernetes", &config("later.yaml")).start_again_unready().await;
    let unsynced = eventually(secs(20), || async {
        let reply = ask_udp(east, asked, RecordType::A).await;
        assert_eq!(addresses(&reply), right, "{reply}");
        let (_, page) = west.get("/metrics").await;
        page.lines().any(|line| line.starts_with("interlocal_dns_responses_total") && line.contains("SERVFAIL"))
    });
    assert!(unsynced.await, "east has not met the new west");
    for _ in 0..30 {
        let reply = ask_udp(east, asked, RecordType::A).await;
        assert_eq!(addresses(&reply), right, "{reply}");
        tokio::time::sleep(ms(100)).await;
    }
    let objects = std::fs::read_to_string(west.path("manifests/services.yaml")).unwrap();
    west.write("later.yaml", &objects);
    let fresh = eventually(secs(20), || async {
        let reply = ask_udp(east, asked, RecordType::A).await;
        assert_eq!(addresses(&reply), right, "{reply}");
        extended_errors(&reply).is_empty()
    });
    assert!(fresh.await);
}

/// A Service that is deleted while its region is dark is answered for so long, and no longer.
#[tokio::test]
async fn stale_ends() {
    let (east, _) = expired(|region| region.key("peers", "{file: peers.yaml, stale: 3s}")).await.darken().await;
    assert_eq!(cause(&ask_udp(east.dns(), APP, RecordType::A).await), "region west does not answer");
    let over = eventually(secs(20), || async {
        let reply = ask_udp(east.dns(), APP, RecordType::A).await;
        reply.metadata.response_code == ResponseCode::ServFail
    });
    assert!(over.await);
}

#[tokio::test]
async fn stale_zero_is_never() {
    let (east, _) = expired(|region| region.key("peers", "{file: peers.yaml, stale: 0s}")).await.darken().await;
    let reply = ask_udp(east.dns(), APP, RecordType::A).await;
    assert_eq!(
        (reply.metadata.response_code, extended_errors(&reply)[0].0),
        (ResponseCode::ServFail, NO_REACHABLE_AUTHORITY)
    );
}

/// CVE-2026-42534: who comes later waits no longer than who came first, and does not make anybody else wait either.
#[tokio::test]
async fn patience_counts_from_the_first_asker() {
    let peers = "{file: peers.yaml, stale_after: 2s, deadline: 3s}";
    let pair = expired(|region| region.key("peers", peers)).await;
    drop(pair.west.on(APP, RecordType::A).drop_query());
    let dns = pair.east.dns();
    let first = tokio::spawn(async move { ask_udp(dns, APP, RecordType::A).await });
    tokio::time::sleep(ms(1_500)).await;
    // Counted from this question the deadline would come before its patience ends, and the cause would be another.
    assert_eq!(cause(&pair.ask(APP).await), "region west has not answered yet");
    assert_eq!(cause(&first.await.unwrap()), "region west has not answered yet");
}
