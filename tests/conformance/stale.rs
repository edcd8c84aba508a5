//! Answers past their TTL by RFC 8767, and by what went wrong with them elsewhere. Why and when a region's are given is shown with
//! the regions; here is what such an answer is.

use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use interlocal::config::Config;

use crate::support::client::{Ask, ask_udp};
use crate::support::pair::{APP, FIRST, Pair, expired, in_place, in_place_after, pair, until_dark};
use crate::support::read::{addresses, extended_errors};
use crate::support::region::Region;
use crate::support::running::Running;
use crate::support::server::ScriptServer;
use crate::support::{ip, ms, secs};

fn ask(asked: &str) -> Ask {
    Ask::new(asked, RecordType::A)
}

fn is_stale(reply: &Message) -> bool {
    extended_errors(reply).iter().any(|(code, _)| *code == 3)
}

/// East, after it asked for these names of west, which is dark now.
async fn dark(change: impl FnOnce(Region) -> Region, rules: impl FnOnce(&ScriptServer), asked: &[&str]) -> Running {
    let pair = pair(change).await;
    rules(&pair.west);
    for asked in asked {
        pair.ask(asked).await;
    }
    let Pair { east, west } = pair;
    drop(west);
    until_dark(&east).await;
    east
}

/// RFC 8767 5: 1.8 s is what clients are known to wait for.
#[test]
fn patience_ends_before_a_clients() {
    let peers = Config::default().peers;
    assert!(peers.stale_after <= ms(1_800) && peers.stale_after < peers.deadline);
    assert!(peers.stale >= secs(3_600) && peers.stale <= secs(3 * 86_400), "RFC 8767 5: 1 to 3 days at most");
}

/// RFC 8767 4: "a TTL of 30 seconds is RECOMMENDED"; and never more than it was.
#[tokio::test]
async fn a_stale_answer_lives_for_30_seconds_at_most() {
    let rules = |west: &ScriptServer| {
        drop(west.on("long.west.svc.cluster.local", RecordType::A).answer_a(FIRST, 600));
        drop(west.on("short.west.svc.cluster.local", RecordType::A).answer_a(FIRST, 7));
    };
    let names = ["long.west.svc.cluster.local", "short.west.svc.cluster.local"];
    let east = dark(|region| region.key("cache", "{max_ttl: 60s, prefetch: false}"), rules, &names).await;
    for (asked, ttl) in [(names[0], 30), (names[1], 7)] {
        for seconds in [61, 3_000] {
            let reply = in_place_after(&east, &ask(asked), secs(seconds)).expect("it is there");
            assert!(is_stale(&reply));
            assert_eq!((reply.answers[0].ttl, addresses(&reply)), (ttl, vec![ip(FIRST)]), "{asked}");
            assert!(extended_errors(&reply)[0].1.starts_with(&format!("{seconds} s old: ")), "{reply}");
        }
        assert!(in_place_after(&east, &ask(asked), secs(3_700)).is_none(), "an hour is over");
    }
}

/// RFC 8767 5: a question without RD is answered "without consulting the cache for expired records".
#[tokio::test]
async fn without_rd_nothing_is_stale() {
    let (east, _) = expired(|region| region).await.darken().await;
    let reply = ask(APP).no_rd().udp(east.dns()).await;
    assert_eq!((reply.metadata.response_code, extended_errors(&reply)[0].0), (ResponseCode::Refused, 20));
    assert!(is_stale(&ask(APP).udp(east.dns()).await));
}

/// CVE-2026-46582: what is given past its TTL is the entry of this very question, and of no other.
#[tokio::test]
async fn stale_answers_are_told_apart_like_fresh_ones() {
    let (east, _) = expired(|region| region).await.darken().await;
    assert!(is_stale(&ask(APP).udp(east.dns()).await));
    for (what, other) in [
        ("DO", ask(APP).dnssec_ok()),
        ("CD", ask(APP).cd()),
        ("type", Ask::new(APP, RecordType::TXT)),
        ("name", ask("b.app.west.svc.cluster.local")),
    ] {
        let reply = other.udp(east.dns()).await;
        assert_eq!((reply.metadata.response_code, reply.answers.len()), (ResponseCode::ServFail, 0), "{what}");
    }
}

/// A name may have come up meanwhile: a denial past its TTL says nothing.
#[tokio::test]
async fn denials_are_never_stale() {
    let gone = "gone.west.svc.cluster.local";
    let east = dark(|region| region, |_| {}, &[gone]).await;
    tokio::time::sleep(ms(2_050)).await;
    let reply = ask_udp(east.dns(), gone, RecordType::A).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail, "{reply}");
}

/// Nor are the answers of upstreams: whoever wants that has a resolver there that knows better.
#[tokio::test]
async fn upstreams_are_never_stale() {
    let upstream = ScriptServer::start();
    drop(upstream.on("www.example", RecordType::A).answer_a(FIRST, 1));
    let forward = format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address());
    let limits = "{forward_deadline: 300ms}";
    let region = Region::new("east").forward(&forward).key("limits", limits).key("cache", "{prefetch: false}");
    let east = region.start().await;
    assert_eq!(addresses(&ask_udp(east.dns(), "www.example", RecordType::A).await), [ip(FIRST)]);
    tokio::time::sleep(ms(1_050)).await;
    drop(upstream.on_any().drop_query());
    let reply = ask_udp(east.dns(), "www.example", RecordType::A).await;
    assert_eq!((reply.metadata.response_code, reply.answers.len()), (ResponseCode::ServFail, 0), "{reply}");
}

/// Each asker's size holds for stale answers too, and what is cut keeps its OPT record.
#[tokio::test]
async fn a_stale_answer_is_cut_to_the_asker() {
    let large = "large.west.svc.cluster.local";
    let rules = |west: &ScriptServer| {
        let rule = west.on(large, RecordType::A);
        drop((0..60).fold(rule, |rule, number| rule.answer_a(&format!("192.0.2.{number}"), 1)));
    };
    let east = dark(|region| region, rules, &[large]).await;
    let later = Duration::from_secs(5);
    let cut = in_place_after(&east, &ask(large).edns(600), later).expect("it is there");
    assert!(cut.metadata.truncation && cut.edns.is_some() && cut.answers.len() < 60, "{cut}");
    let whole = in_place_after(&east, &ask(large).edns(1_232), later).expect("it is there");
    assert_eq!((whole.metadata.truncation, whole.answers.len(), is_stale(&whole)), (false, 60, true));
    assert!(in_place(&east, &ask(large).no_edns()).is_some_and(|reply| reply.edns.is_none()));
}
