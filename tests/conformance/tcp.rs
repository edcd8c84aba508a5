//! DNS over TCP (RFC 7766): many questions on one connection, in pieces, out of order.

use std::collections::HashMap;

use hickory_proto::rr::RecordType;

use crate::support::client::{Conversation, Heard, PATIENCE};
use crate::support::lab::{Lab, WEB, Way, lab, lab_with};
use crate::support::raw::{A, Raw, Reply};
use crate::support::read::options;
use crate::support::wait::eventually;
use crate::support::{ms, secs};

async fn reply(conversation: &mut Conversation) -> Reply {
    match conversation.receive(PATIENCE).await {
        Heard::Message(bytes) => Reply::read(&bytes),
        other => panic!("in place of a reply: {other:?}"),
    }
}

async fn conversations(lab: &Lab) -> Vec<Conversation> {
    let mut all = Vec::new();
    for address in &lab.region.app().addresses().dns {
        all.push(Conversation::open(*address).await.expect("somebody listens"));
    }
    all
}

/// RFC 7766 6.2.1.1 and 7
#[tokio::test]
async fn a_thousand_questions_in_one_write_get_a_thousand_answers() {
    let lab = lab().await;
    drop(lab.upstream.on_zone("example.com").nxdomain("example.com", 30));
    for mut conversation in conversations(&lab).await {
        let name = |id: u16| match id % 3 {
            0 => WEB.to_owned(),
            1 => format!("name-{id}.example.com"),
            _ => format!("pod-{}.pods.default.svc.cluster.local", id % 2),
        };
        let mut expected = HashMap::new();
        let queries: Vec<Vec<u8>> = (0..1_000)
            .map(|id| {
                let mut query = Raw::new(&name(id), A).rd();
                query.id = id;
                expected.insert(id, query.question());
                query.bytes()
            })
            .collect();
        let queries: Vec<&[u8]> = queries.iter().map(Vec::as_slice).collect();
        conversation.send_together(&queries).await;
        for _ in 0..1_000 {
            let reply = reply(&mut conversation).await;
            let question = expected.remove(&reply.id()).expect("each id once");
            assert_eq!(reply.question(), question);
        }
        assert!(expected.is_empty());
    }
}

/// A name that takes long does not stand in front of one that does not.
#[tokio::test]
async fn a_fast_answer_overtakes_a_slow_one() {
    let lab = lab().await;
    drop(lab.upstream.on_zone("example.com").delay(ms(700)).nxdomain("example.com", 30));
    for (number, mut conversation) in conversations(&lab).await.into_iter().enumerate() {
        let slow = Raw::new(&format!("slow-{number}.example.com"), A).rd();
        let fast = Raw::new(WEB, A);
        conversation.send_together(&[&slow.bytes(), &fast.bytes()]).await;
        assert_eq!(reply(&mut conversation).await.id(), fast.id);
        assert_eq!(reply(&mut conversation).await.id(), slow.id);
    }
}

/// RFC 7766 8: a message and its length may come in any number of pieces.
#[tokio::test]
async fn a_message_may_come_octet_by_octet() {
    let lab = lab().await;
    for mut conversation in conversations(&lab).await {
        let query = Raw::new(WEB, A);
        let bytes = query.bytes();
        let framed = [&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat();
        for octet in &framed {
            conversation.send_bytes(&[*octet]).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(reply(&mut conversation).await.id(), query.id);
        // And what follows at once is the beginning of the next one.
        let split = framed.len() / 2;
        conversation.send_bytes(&[&framed, &framed[..split]].concat()).await;
        assert_eq!(reply(&mut conversation).await.id(), query.id);
        conversation.send_bytes(&framed[split..]).await;
        assert_eq!(reply(&mut conversation).await.id(), query.id);
    }
}

#[tokio::test]
async fn a_message_without_octets_ends_the_connection() {
    let lab = lab().await;
    for mut conversation in conversations(&lab).await {
        conversation.send_bytes(&[0, 0]).await;
        assert_eq!(conversation.receive(PATIENCE).await, Heard::End);
    }
    for mut conversation in conversations(&lab).await {
        let query = Raw::new(WEB, A).bytes();
        conversation.send(&query).await;
        conversation.send_bytes(&[0, 0]).await;
        assert!(matches!(conversation.receive(PATIENCE).await, Heard::Message(_)), "what came before is answered");
        assert_eq!(conversation.receive(PATIENCE).await, Heard::End);
    }
}

/// A client may say that it has said all, and still wants its answers.
#[tokio::test]
async fn half_a_close_still_gets_the_answers() {
    let lab = lab().await;
    drop(lab.upstream.on_zone("example.com").delay(ms(200)).nxdomain("example.com", 0));
    for mut conversation in conversations(&lab).await {
        let (far, local) = (Raw::new("slow.example.com", A).rd(), Raw::new(WEB, A));
        conversation.send_together(&[&far.bytes(), &local.bytes()]).await;
        conversation.finish().await;
        let mut ids = [reply(&mut conversation).await.id(), reply(&mut conversation).await.id()];
        let mut asked = [far.id, local.id];
        ids.sort_unstable();
        asked.sort_unstable();
        assert_eq!(ids, asked);
        assert_eq!(conversation.receive(PATIENCE).await, Heard::End);
    }
}

/// Closed in the middle of a question, or with answers under way: nothing is left behind.
#[tokio::test]
async fn clients_that_go_away_leave_nothing_behind() {
    let lab = lab().await;
    drop(lab.upstream.on_zone("example.com").delay(ms(300)).nxdomain("example.com", 30));
    for number in 0..50 {
        for mut conversation in conversations(&lab).await {
            let query = Raw::new(&format!("gone-{number}.example.com"), A).rd().bytes();
            conversation.send(&query).await;
            conversation.send_bytes(&query[..7]).await;
        }
    }
    let idle = eventually(secs(20), || async { lab.region.app().core().in_flight.taken() == 0 });
    assert!(idle.await, "{} questions are still in flight", lab.region.app().core().in_flight.taken());
    assert_eq!(lab.ask(&Raw::new(WEB, A)).await.answers(), 1);
}

/// RFC 7828 3.1 and 3.2.1: said over TCP to who asks, for any answer, and never over UDP.
#[tokio::test]
async fn who_asks_learns_how_long_an_idle_connection_stays_open() {
    let lab = lab_with(|region| region.key("limits", "{tcp_idle: 12s}")).await;
    drop(lab.upstream.on("www.example.com", RecordType::A).answer_a("192.0.2.1", 60));
    for asked in [WEB, "www.example.com", "www.example.com", "nothing.default.svc.cluster.local"] {
        let question = Raw::new(asked, A).rd().edns(1_232);
        for (way, reply) in lab.everywhere(&question.clone().option(11, &[])).await {
            let said = options(&reply.message, 11);
            match way {
                Way::Tcp(_) => assert_eq!(said, [120u16.to_be_bytes()], "{asked} {way:?}"),
                Way::Udp(_) => assert!(said.is_empty(), "{asked} {way:?}"),
            }
        }
        for (way, reply) in lab.everywhere(&question).await {
            assert!(options(&reply.message, 11).is_empty(), "{asked} {way:?}: nobody asked");
        }
    }
}
