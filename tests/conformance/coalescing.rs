//! However many ask the same at once, the upstream is asked once; and each asker gets a reply of their own.

use std::collections::HashSet;

use hickory_proto::rr::RecordType;

use crate::support::client::{Conversation, Heard, PATIENCE};
use crate::support::lab::{Lab, lab_with, udp};
use crate::support::raw::{A, Raw, Reply};
use crate::support::{ms, secs};

const SLOW: &str = "slow.example.com";
const ASKERS: u16 = 1_000;

async fn slow(ttl: u32) -> Lab {
    // One try for each fetch: what is counted is fetches.
    let lab = lab_with(|region| region.key("limits", "{forward_tries: 1}")).await;
    drop(lab.upstream.on(SLOW, RecordType::A).delay(ms(300)).answer_a("192.0.2.1", ttl));
    lab
}

#[tokio::test]
async fn a_thousand_equal_questions_are_one_upstream() {
    let lab = slow(300).await;
    let mut asking = tokio::task::JoinSet::new();
    for door in lab.region.app().addresses().dns.clone() {
        asking.spawn(async move {
            let mut conversation = Conversation::open(door).await.expect("somebody listens");
            let queries: Vec<Vec<u8>> = (0..ASKERS / 4).map(query).collect();
            conversation.send_together(&queries.iter().map(Vec::as_slice).collect::<Vec<_>>()).await;
            let mut replies = Vec::new();
            for _ in 0..queries.len() {
                let Heard::Message(bytes) = conversation.receive(PATIENCE).await else { panic!("a reply each") };
                replies.push(Reply::read(&bytes));
            }
            replies
        });
        asking.spawn(async move {
            let socket = udp(door).await;
            for id in 0..ASKERS / 4 {
                socket.send(&query(id)).await.unwrap();
            }
            let mut replies = Vec::new();
            for _ in 0..ASKERS / 4 {
                let mut buffer = vec![0; 1_232];
                let received = tokio::time::timeout(secs(20), socket.recv(&mut buffer)).await;
                let length = received.expect("a reply each").unwrap();
                replies.push(Reply::read(&buffer[..length]));
            }
            replies
        });
    }
    while let Some(replies) = asking.join_next().await {
        let replies = replies.unwrap();
        let ids: HashSet<u16> = replies.iter().map(Reply::id).collect();
        assert_eq!(ids.len(), usize::from(ASKERS / 4), "each id once");
        assert!(replies.iter().all(|reply| reply.answers() == 1 && reply.rcode() == 0));
    }
    assert_eq!(lab.upstream.count(SLOW, RecordType::A), 1);
}

fn query(id: u16) -> Vec<u8> {
    let mut query = Raw::new(SLOW, A).rd();
    query.id = id;
    query.bytes()
}

/// Not even a TTL of zero, or no way to keep the answer at all, makes two of those that wait together.
#[tokio::test]
async fn questions_that_wait_together_share_an_answer_that_is_not_kept() {
    let lab = slow(0).await;
    let socket = udp(lab.region.dns()).await;
    for id in 0..100 {
        socket.send(&query(id)).await.unwrap();
    }
    for _ in 0..100 {
        let reply = crate::support::lab::receive(&socket).await;
        assert_eq!(reply.answers(), 1);
    }
    // Some may come after the first answer on a machine that is busy; they are another round, and not one each.
    let count = lab.upstream.count(SLOW, RecordType::A);
    assert!(count <= 10, "{count} of 100");
}

/// The variants that a client can make of one question are few: DO and CD (CVE-2025-5994 made them of ECS).
#[tokio::test]
async fn variants_of_a_question_are_bounded() {
    let lab = slow(300).await;
    let socket = udp(lab.region.dns()).await;
    for subnet in 0..200u8 {
        let mut query = Raw::new(SLOW, A).rd().edns(1_232).option(8, &[0, 1, 24, 0, 10, 0, subnet]);
        query.id = u16::from(subnet);
        socket.send(&query.bytes()).await.unwrap();
    }
    for _ in 0..200 {
        assert_eq!(crate::support::lab::receive(&socket).await.answers(), 1);
    }
    assert_eq!(lab.upstream.count(SLOW, RecordType::A), 1);
}
