//! What bounds a TCP connection, and all of them: idle ones, ones that do not read, too many.

use hickory_proto::rr::RecordType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::client::{Conversation, Heard, PATIENCE};
use crate::support::lab::{WEB, lab_with};
use crate::support::raw::{A, Raw};
use crate::support::wait::eventually;
use crate::support::{ms, secs};

/// RFC 7766 6.2.3
#[tokio::test]
async fn an_idle_connection_is_closed_and_one_in_use_is_not() {
    let lab = lab_with(|region| region.key("limits", "{tcp_idle: 1s}")).await;
    let mut idle = Conversation::open(lab.region.dns()).await.unwrap();
    let mut used = Conversation::open(lab.region.dns()).await.unwrap();
    let query = Raw::new(WEB, A).bytes();
    idle.send(&query).await;
    assert!(matches!(idle.receive(PATIENCE).await, Heard::Message(_)));
    loop {
        used.send(&query).await;
        assert!(matches!(used.receive(PATIENCE).await, Heard::Message(_)), "in use all the time");
        match idle.receive(ms(100)).await {
            Heard::Silence => {}
            heard => {
                assert_eq!(heard, Heard::End);
                break;
            }
        }
    }
}

/// Half a message is no question: whoever drips octets is idle all the same.
#[tokio::test]
async fn a_drip_of_octets_keeps_no_connection_open() {
    let lab = lab_with(|region| region.key("limits", "{tcp_idle: 1s}")).await;
    let mut conversation = Conversation::open(lab.region.dns()).await.unwrap();
    conversation.send_bytes(&[0xff, 0xff]).await;
    let mut octets = 0;
    while conversation.receive(ms(50)).await == Heard::Silence {
        conversation.send_bytes(&[0]).await;
        octets += 1;
        assert!(octets < 400, "still open");
    }
}

/// A question that waits for an upstream keeps its connection open, however short the idle time.
#[tokio::test]
async fn a_connection_that_waits_for_an_answer_is_not_idle() {
    let lab = lab_with(|region| region.key("limits", "{tcp_idle: 200ms}")).await;
    drop(lab.upstream.on("slow.example.com", RecordType::A).delay(ms(700)).answer_a("192.0.2.1", 30));
    let mut conversation = Conversation::open(lab.region.dns()).await.unwrap();
    conversation.send(&Raw::new("slow.example.com", A).rd().bytes()).await;
    assert!(matches!(conversation.receive(PATIENCE).await, Heard::Message(_)));
    assert_eq!(conversation.receive(PATIENCE).await, Heard::End, "and then it is");
}

/// Answers that nobody reads: the connection is cut, and meanwhile others are answered.
#[tokio::test]
async fn a_client_that_never_reads_is_cut() {
    let lab = lab_with(|region| region.key("limits", "{tcp_write: 500ms, tcp_idle: 60s}")).await;
    let mut stream = TcpStream::connect(lab.region.dns()).await.unwrap();
    // 1,612 octets each: more than all buffers of the kernel hold.
    let query = Raw::new("many.default.svc.cluster.local", A).bytes();
    let framed = [&(query.len() as u16).to_be_bytes()[..], &query].concat();
    let flood: Vec<u8> = framed.iter().copied().cycle().take(framed.len() * 10_000).collect();
    let cut = tokio::time::timeout(secs(60), async {
        // The kernel takes some of it; then nobody does, until the server hangs up.
        for _ in 0..20 {
            if stream.write_all(&flood).await.is_err() {
                return;
            }
        }
        let mut answers = vec![0; 1 << 20];
        while stream.read(&mut answers).await.is_ok_and(|read| read > 0) {}
    });
    let other = async {
        for _ in 0..20 {
            assert_eq!(lab.ask(&Raw::new(WEB, A)).await.answers(), 1);
            tokio::time::sleep(ms(20)).await;
        }
    };
    let (cut, ()) = tokio::join!(cut, other);
    cut.expect("the server hangs up");
}

/// Over its share a client's new one is closed, and those that are there go on; a place that becomes free is there for the next.
#[tokio::test]
async fn connections_have_a_limit() {
    // As many as there is room left: three, and two.
    let lab = lab_with(|region| region.key("limits", "{tcp_connections: 5, tcp_idle: 60s}")).await;
    let query = Raw::new(WEB, A).bytes();
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut conversation = Conversation::open(lab.region.dns()).await.unwrap();
        conversation.send(&query).await;
        assert!(matches!(conversation.receive(PATIENCE).await, Heard::Message(_)));
        held.push(conversation);
    }
    for _ in 0..5 {
        let mut refused = Conversation::open(lab.region.dns()).await.unwrap();
        refused.send(&query).await;
        assert_eq!(refused.receive(PATIENCE).await, Heard::End);
    }
    lab.region.until_metric("interlocal_client_refused_total{what=\"connections\"}", 5.0).await;
    for conversation in &mut held {
        conversation.send(&query).await;
        assert!(matches!(conversation.receive(PATIENCE).await, Heard::Message(_)), "those that were there stay");
    }
    held.pop();
    let again = eventually(secs(10), || async {
        let mut conversation = Conversation::open(lab.region.dns()).await.unwrap();
        conversation.send(&query).await;
        matches!(conversation.receive(PATIENCE).await, Heard::Message(_))
    });
    assert!(again.await, "the place of the one that went is free");
}

/// One connection cannot have more questions waiting than its share; the others of it wait in the kernel, and are answered.
#[tokio::test]
async fn questions_that_wait_on_one_connection_have_a_limit() {
    let lab = lab_with(|region| region.key("limits", "{tcp_in_flight: 8}")).await;
    drop(lab.upstream.on_zone("example.com").delay(ms(100)).nxdomain("example.com", 30));
    let queries: Vec<Vec<u8>> = (0..40).map(|n| Raw::new(&format!("n{n}.example.com"), A).rd().bytes()).collect();
    let queries: Vec<&[u8]> = queries.iter().map(Vec::as_slice).collect();
    let mut conversation = Conversation::open(lab.region.dns()).await.unwrap();
    conversation.send_together(&queries).await;
    let mut most = 0;
    for _ in 0..40 {
        most = most.max(lab.region.app().core().in_flight.taken());
        assert!(matches!(conversation.receive(PATIENCE).await, Heard::Message(_)));
    }
    assert!((1..=8).contains(&most), "{most} in flight at once");
}
