//! More questions than may wait at one time are refused at once, with the reason, and cost local names nothing.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use tokio::net::UdpSocket;

use super::setup::{ede, world_with};
use crate::support::client::{Ask, Conversation};
use crate::support::read::addresses;
use crate::support::wait::eventually;
use crate::support::{ip, secs};

const LIMIT: usize = 4;

#[tokio::test]
async fn beyond_the_limit_of_questions_in_flight_the_answer_comes_at_once() {
    let limits = format!("{{in_flight: {LIMIT}, forward_deadline: 10s}}");
    let world = world_with(|region| region.key("limits", &limits)).await;
    drop(world.upstream.on_zone("example.com").drop_query());
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(world.east.dns()).await.unwrap();
    for number in 0..LIMIT {
        socket.send(&Ask::new(&format!("n{number}.example.com"), RecordType::A).bytes()).await.unwrap();
    }
    let full = eventually(secs(10), || async { world.east.app().core().in_flight.taken() == LIMIT });
    assert!(full.await, "{} in flight", world.east.app().core().in_flight.taken());

    let more = Ask::new("more.example.com", RecordType::A);
    for reply in [more.udp(world.east.dns()).await, more.tcp(world.east.dns()).await] {
        assert_eq!(reply.metadata.response_code, ResponseCode::ServFail);
        assert_eq!(ede(&reply).1, "too many questions in flight");
        assert!(reply.metadata.recursion_available);
    }
    let mut conversation = Conversation::open(world.east.dns()).await.unwrap();
    let local = Ask::new("web.default.svc.cluster.local", RecordType::A);
    conversation.send_together(&[&more.bytes(), &local.bytes()]).await;
    let replies: [Message; 2] = [conversation.reply().await, conversation.reply().await];
    assert!(replies.iter().any(|reply| addresses(reply) == [ip("10.100.0.1")]), "{replies:?}");
    assert_eq!(addresses(&local.udp(world.east.dns()).await), [ip("10.100.0.1")], "local names go on");
    world.east.until_metric("interlocal_fetches_refused_total", 3.0).await;
    assert_eq!(world.upstream.count("more.example.com", RecordType::A), 0);
}

/// The place of a question is free again when it is answered.
#[tokio::test]
async fn places_come_back() {
    let world = world_with(|region| region.key("limits", "{in_flight: 2}")).await;
    for number in 0..20 {
        let reply = Ask::new(&format!("n{number}.example.com"), RecordType::A).udp(world.east.dns()).await;
        assert_eq!(reply.metadata.response_code, ResponseCode::NXDomain, "{number}");
    }
}
