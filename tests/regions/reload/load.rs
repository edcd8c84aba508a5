//! Questions from several tasks over UDP and TCP while table, configuration and manifests are rewritten: every one is
//! answered, and every answer is right.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

use super::making::answering;
use crate::support::client::{Ask, Conversation};
use crate::support::read::addresses;
use crate::support::region::{MANIFESTS, Region};
use crate::support::regions::demo_region;
use crate::support::secs;
use crate::support::wait::eventually;
use crate::support::yaml;

/// Rounds of rewriting; each changes all three files.
const ROUNDS: usize = 30;
/// Tasks that ask: half of them over UDP, a quarter over new TCP connections, a quarter over one that stays.
const ASKERS: usize = 8;
/// Questions at a time on a connection that stays.
const TOGETHER: usize = 20;
/// Each asks at least this often, and goes on until the last round, but not for ever.
const LEAST: usize = 400;
const MOST: usize = 20_000;

/// One question, and what is right for it.
struct Case {
    /// `*` is a number that is new each time, so that no memory has it.
    asked: &'static str,
    right: fn(&Message) -> bool,
}

fn is(reply: &Message, wanted: &str) -> bool {
    let found: Vec<String> = addresses(reply).iter().map(ToString::to_string).collect();
    reply.response_code == ResponseCode::NoError && found == [wanted]
}

const CASES: &[Case] = &[
    Case { asked: "still.shop.svc.cluster.local", right: |reply| is(reply, "10.96.0.1") && reply.authoritative },
    // Each round moves it from one address to the other.
    Case { asked: "moving.shop.svc.cluster.local", right: |reply| is(reply, "10.96.1.1") || is(reply, "10.96.1.2") },
    Case {
        asked: "gone*.shop.svc.cluster.local",
        right: |reply| reply.response_code == ResponseCode::NXDomain && reply.authoritative,
    },
    Case { asked: "busybox-0.busybox.west.svc.cluster.local", right: |reply| is(reply, "10.0.115.11") },
    Case {
        asked: "no*.busybox.west.svc.cluster.local",
        right: |reply| reply.response_code == ResponseCode::NXDomain && !reply.authoritative,
    },
    Case { asked: "out.shop.svc.cluster.local", right: |reply| is(reply, "10.0.115.11") },
    Case { asked: "www*.example", right: |reply| is(reply, "192.0.2.1") },
    Case { asked: "www.example", right: |reply| is(reply, "192.0.2.1") },
    // A region that comes and goes with the rounds: without its row it is a namespace that is not there.
    Case {
        asked: "n*.b.north.svc.cluster.local",
        right: |reply| is(reply, "192.0.2.2") || reply.response_code == ResponseCode::NXDomain && reply.authoritative,
    },
];

fn objects(round: usize) -> String {
    let moving = ["10.96.1.1", "10.96.1.2"][round % 2];
    yaml::join(&[
        yaml::namespace("shop"),
        yaml::service("shop/still", &["10.96.0.1"], &["http:80"]),
        yaml::service("shop/moving", &[moving], &["http:80"]),
        yaml::external("shop/out", "busybox-0.busybox.west.svc.cluster.local"),
    ])
}

/// Question `asked` of task `number`.
fn question(number: usize, asked: usize) -> (&'static Case, Ask) {
    let case = &CASES[(asked + number) % CASES.len()];
    let name = case.asked.replace('*', &format!("{number}-{asked}"));
    (case, Ask::new(&name, RecordType::A))
}

/// One question after the other, each over a socket of its own.
async fn ask_one_by_one(dns: SocketAddr, number: usize, tcp: bool, done: &AtomicBool) -> usize {
    for asked in 0..MOST {
        if asked >= LEAST && done.load(Ordering::Relaxed) {
            return asked;
        }
        let (case, ask) = question(number, asked);
        let reply = if tcp { ask.tcp(dns).await } else { ask.udp(dns).await };
        assert!((case.right)(&reply), "question {asked} of task {number}: {reply}");
    }
    MOST
}

/// Many questions at a time over one connection, which lives through all of it; answers come in any order.
async fn ask_together(dns: SocketAddr, number: usize, done: &AtomicBool) -> usize {
    let mut connection = Conversation::open(dns).await.expect("the door is open");
    let mut asked = 0;
    while asked < MOST && (asked < LEAST || !done.load(Ordering::Relaxed)) {
        let batch: Vec<(&Case, Ask)> = (0..TOGETHER).map(|more| question(number, asked + more)).collect();
        let ids = (0..TOGETHER).map(|more| u16::try_from(more).expect("few"));
        let messages: Vec<Vec<u8>> = batch.iter().zip(ids).map(|((_, ask), id)| ask.clone().id(id).bytes()).collect();
        connection.send_together(&messages.iter().map(Vec::as_slice).collect::<Vec<_>>()).await;
        let mut waiting: HashSet<usize> = (0..TOGETHER).collect();
        while !waiting.is_empty() {
            let reply = connection.reply().await;
            let at = usize::from(reply.id);
            assert!(waiting.remove(&at), "a second answer: {reply}");
            let (case, ask) = &batch[at];
            assert_eq!(reply.queries, ask.message().queries, "an answer to another question");
            assert!((case.right)(&reply), "question {} of task {number}: {reply}", asked + at);
        }
        asked += TOGETHER;
    }
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_is_wrong() {
    let north = answering("north.svc.cluster.local", "192.0.2.2", 1);
    let upstream = answering("example", "192.0.2.1", 1);
    let west = demo_region("west").bind();
    let table = |round: usize| {
        let west = west_row(&west.table_row(), round);
        let north = format!("  north: {{endpoints: [\"{}\"]}}\n", north.address());
        format!("regions:\n  east: {{}}\n{west}{}", if round.is_multiple_of(3) { "" } else { &north })
    };
    let tables: Vec<String> = (0..=ROUNDS).map(table).collect();
    west.table(&tables[0]);
    let west = west.start();
    west.ready().await;
    let rows = format!("{{zone: ., to: [\"{}\"]}}", upstream.address());
    let east = Region::new("east").table(&tables[0]).forward(&format!("[{rows}]")).manifests(&objects(0)).start().await;
    east.peers_up().await;

    let (dns, done) = (east.dns(), Arc::new(AtomicBool::new(false)));
    let askers: Vec<_> = (0..ASKERS)
        .map(|number| {
            let done = Arc::clone(&done);
            tokio::spawn(async move {
                match number % 4 {
                    0 => ask_together(dns, number, &done).await,
                    way => ask_one_by_one(dns, number, way == 1, &done).await,
                }
            })
        })
        .collect();
    let mut seen: HashMap<&str, f64> = HashMap::new();
    for (round, table) in tables.iter().enumerate().skip(1) {
        east.write(MANIFESTS, &objects(round));
        east.rewrite_peers(table);
        let stub = format!("{{zone: stub{round}.example, to: [\"127.0.0.1:9\"]}}");
        match round % 4 {
            0 => east.rewrite_key("cache", &format!("{{size: {}KiB}}", 256 + round)),
            1 => east.rewrite_key("forward", &format!("[{rows}, {stub}]")),
            2 => east.rewrite_key("peers", &format!("{{file: peers.yaml, deadline: {}ms}}", 4_000 + round)),
            _ => east.rewrite_key("kubernetes", &format!("{{source: manifests, ttl: {round}s}}")),
        }
        for file in ["config", "peers"] {
            let series = format!("interlocal_config_reload_total{{file=\"{file}\",result=\"ok\"}}");
            let before = seen.get(file).copied().unwrap_or(0.0);
            let read = eventually(secs(20), || async { east.counter(&series).await > before }).await;
            assert!(read, "round {round}: {file} is not read");
            seen.insert(file, east.counter(&series).await);
        }
    }
    done.store(true, Ordering::Relaxed);
    let mut asked = 0;
    for asker in askers {
        asked += asker.await.unwrap();
    }
    assert!(asked >= ASKERS * LEAST, "{asked} questions");
    assert!(seen["config"] >= ROUNDS as f64 && seen["peers"] >= ROUNDS as f64, "{seen:?}");
    for file in ["config", "peers"] {
        let failed = format!("interlocal_config_reload_total{{file=\"{file}\",result=\"error\"}}");
        assert_eq!(east.counter(&failed).await, 0.0);
    }
    assert_eq!(east.counter("interlocal_panics_total").await, 0.0);
    east.shutdown().await;
}

/// West's row, with pod ranges that each round changes.
fn west_row(row: &str, round: usize) -> String {
    row.replace("10.0.112.0/20", &format!("10.{}.0.0/16", 100 + round))
}
