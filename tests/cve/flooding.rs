//! Questions that cost more than they should, or too many of them: each is bounded, counted, and leaves the others alone.

use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;

use crate::support::client::{Conversation, Heard, PATIENCE};
use crate::support::lab::{Lab, SERVFAIL, WEB, ask, lab, lab_with, udp};
use crate::support::raw::{A, ANY, Raw};
use crate::support::wait::eventually;
use crate::support::{ms, secs};

const CLIENT: &str = "interlocal_client_refused_total{what=\"questions\"}";

/// An upstream that never answers.
async fn silent(limits: &str) -> Lab {
    let lab = lab_with(|region| region.key("limits", limits)).await;
    drop(lab.upstream.on_zone("silent.example").drop_query());
    lab
}

async fn in_flight(lab: &Lab) -> usize {
    lab.region.app().core().in_flight.taken()
}

/// DNSBomb: answers are gathered, by asking slowly for names that take long, and let go at one moment at a victim. One client's
/// questions that wait are bounded, and each ends within seconds whatever its server does.
#[tokio::test]
async fn cve_2024_33655_waiting_questions_of_one_client_are_bounded_in_number_and_time() {
    let lab = silent("{in_flight: 100, forward_deadline: 1s}").await;
    let socket = udp(lab.region.dns()).await;
    for number in 0..300 {
        socket.send(&Raw::new(&format!("n{number}.silent.example"), A).rd().bytes()).await.unwrap();
    }
    lab.region.until_metric(CLIENT, 249.0).await;
    assert_eq!(in_flight(&lab).await, 51);
    assert!(eventually(secs(20), || async { in_flight(&lab).await == 0 }).await, "they wait on");
}

/// A task for each question, without end (CoreDNS with millions of them): what waits is bounded, and what does not fit is refused at
/// once, while names from memory are answered.
#[tokio::test]
async fn coredns_shed_a_flood_of_misses_is_turned_away() {
    let lab = silent("{in_flight: 64, forward_deadline: 9s}").await;
    let flood = udp(lab.region.dns()).await;
    let mut refused = 0;
    let mut buffer = [0; 1_232];
    for number in 0..2_000 {
        flood.send(&Raw::new(&format!("n{number}.silent.example"), A).rd().bytes()).await.unwrap();
        if number % 100 == 0 {
            assert_eq!(ask(lab.udp(), &Raw::new(WEB, A)).await.answers(), 1);
        }
    }
    assert!(in_flight(&lab).await <= 64);
    // What the kernel's queues had no room for is lost, and no matter here.
    while let Ok(Ok(length)) = tokio::time::timeout(secs(1), flood.recv(&mut buffer)).await {
        let reply = Message::from_vec(&buffer[..length]).unwrap();
        refused += usize::from(u16::from(reply.metadata.response_code) == SERVFAIL);
    }
    assert!(refused > 100, "{refused} of 2,000");
    assert_eq!(lab.region.get("/health").await.0, 200);
    lab.region.shutdown().await;
}

/// Any number of questions on one connection, and answers that nobody reads (dnsdist, BIND): so many wait, and a client that does not
/// read is cut off.
#[tokio::test]
async fn cve_2025_30193_2022_0396_and_2024_0760_one_connection_takes_no_more_than_its_share() {
    let lab = lab_with(|region| region.key("limits", "{tcp_in_flight: 8, tcp_write: 500ms}")).await;
    drop(lab.upstream.on_zone("silent.example").drop_query());
    let queries: Vec<Vec<u8>> =
        (0..100).map(|number| Raw::new(&format!("n{number}.silent.example"), A).rd().bytes()).collect();
    let queries: Vec<&[u8]> = queries.iter().map(Vec::as_slice).collect();
    let mut asking = Conversation::open(lab.region.dns()).await.unwrap();
    asking.send_together(&queries).await;
    assert!(eventually(secs(10), || async { in_flight(&lab).await == 8 }).await, "{}", in_flight(&lab).await);
    drop(asking);

    // Large answers into a window that closes.
    let query = Raw::new("many.default.svc.cluster.local", A).bytes();
    let mut deaf = Conversation::open(lab.region.dns()).await.unwrap();
    let flood = async {
        for _ in 0..20_000 {
            deaf.send(&query).await;
        }
    };
    // It cannot send on once it is cut off; a send that fails panics in this helper, and one that blocks is as good.
    let _ = tokio::time::timeout(secs(3), std::panic::AssertUnwindSafe(flood)).await;
    assert_eq!(ask(lab.tcp(), &Raw::new(WEB, A)).await.answers(), 1);
}

/// ANY of a name with many records makes a large answer out of a small question: one RRset at most, and no more than 512 octets.
#[tokio::test]
async fn amplification_any_is_small() {
    let lab = lab().await;
    for asked in [WEB, "many.default.svc.cluster.local", "cluster.local"] {
        let reply = ask(lab.udp(), &Raw::new(asked, ANY).edns(4_096)).await;
        assert!(reply.message.to_vec().unwrap().len() <= 512, "{asked}");
    }
}

/// Equal questions made a slow one young again, so that it was never given up (Unbound, "jostle"): its age is that of the first.
#[tokio::test]
async fn cve_2026_42534_a_question_is_as_old_as_its_first_asker() {
    let lab = silent("{forward_deadline: 1500ms, forward_tries: 2}").await;
    let query = || Raw::new("old.silent.example", A).rd();
    let began = tokio::time::Instant::now();
    let socket = udp(lab.region.dns()).await;
    let first = tokio::spawn({
        let (way, query) = (lab.udp(), query());
        async move { ask(way, &query).await }
    });
    while !first.is_finished() && began.elapsed() < secs(20) {
        socket.send(&query().bytes()).await.unwrap();
        tokio::time::sleep(ms(20)).await;
    }
    assert_eq!(first.await.unwrap().rcode(), SERVFAIL);
    assert!(lab.upstream.count("old.silent.example", RecordType::A) <= 2);
    // Those who came last waited for the same end.
    assert!(eventually(secs(5), || async { in_flight(&lab).await == 0 }).await);
}

/// Connections without end (X41 on hickory; Unbound): so many are open, those of one client are fewer, and idle ones end.
#[tokio::test]
async fn x41_2024_open_connections_do_not_exhaust_the_server() {
    let lab = lab_with(|region| region.key("limits", "{tcp_connections: 20, tcp_idle: 1s}")).await;
    let mut open = Vec::new();
    for _ in 0..60 {
        open.push(Conversation::open(lab.region.dns()).await.unwrap());
    }
    lab.region.until_metric("interlocal_client_refused_total{what=\"connections\"}", 49.0).await;
    assert_eq!(ask(lab.udp(), &Raw::new(WEB, A)).await.answers(), 1);
    for mut conversation in open {
        assert_eq!(conversation.receive(PATIENCE).await, Heard::End);
    }
    assert_eq!(ask(lab.tcp(), &Raw::new(WEB, A)).await.answers(), 1);
}

/// Timeouts, stale answers and evictions that met in one entry ended the process, or starved somebody (Unbound, three times): many
/// clients ask for few names that are slow, fail, expire and are pushed out, in any order, and all get an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cve_2026_50046_2026_55717_and_2026_56444_an_entry_survives_any_order_of_events() {
    let lab = lab_with(|region| {
        region.key("cache", "{size: 4KiB, max_ttl: 1s}").key("limits", "{forward_deadline: 300ms, forward_tries: 2}")
    })
    .await;
    for name in 0..12u32 {
        let asked = format!("n{name}.example.com");
        drop(lab.upstream.on(&asked, RecordType::A).times(3).answer_a("192.0.2.1", name % 2));
        drop(lab.upstream.on(&asked, RecordType::A).times(2).drop_query());
        drop(lab.upstream.on(&asked, RecordType::A).times(2).delay(ms(u64::from(name) * 40)).answer_a("192.0.2.2", 1));
        drop(lab.upstream.on(&asked, RecordType::A).delay(ms(20)).answer_a("192.0.2.3", 0));
    }
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..8u32 {
        let way = lab.ways()[client as usize % 4];
        clients.spawn(async move {
            let mut answered = 0;
            for round in 0..40u32 {
                let query = Raw::new(&format!("n{}.example.com", (client * 7 + round * 5) % 12), A).rd();
                // Some go away before their answer comes.
                let patience = if round % 5 == 0 { Duration::from_millis(1) } else { secs(20) };
                answered += usize::from(tokio::time::timeout(patience, ask(way, &query)).await.is_ok());
            }
            answered
        });
    }
    let answered: usize = clients.join_all().await.into_iter().sum();
    assert!(answered >= 8 * 32, "{answered}: who waited was answered");
    assert_eq!(lab.region.counter("interlocal_panics_total").await, 0.0);
    assert!(eventually(secs(10), || async { in_flight(&lab).await == 0 }).await, "nothing is left behind");
}
