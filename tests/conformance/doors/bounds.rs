//! More questions than may wait at one time are refused at once, with the reason, and cost local names nothing.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use tokio::net::UdpSocket;

use super::setup::{World, ede, world_with};
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
    let mut clients = Vec::new();
    for number in 0..LIMIT {
        // Each has a share of its own.
        clients.push(wait_as(&format!("127.0.0.{}", 10 + number), &world, &[&format!("n{number}.example.com")]).await);
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

/// A client that asks ten times as much as all others has its share, and they notice nothing.
#[tokio::test]
async fn a_client_that_wants_all_places_leaves_half_of_them_to_the_others() {
    let world = world_with(|region| region.key("limits", "{in_flight: 100, forward_deadline: 10s}")).await;
    drop(world.upstream.on_zone("silent.example").drop_query());
    let asked: Vec<String> = (0..500).map(|number| format!("n{number}.silent.example")).collect();
    let greedy = wait_as("127.0.0.9", &world, &asked).await;
    let served = "interlocal_client_refused_total{what=\"questions\"}";
    world.east.until_metric(served, 449.0).await;
    let refusal = refusal_of(&greedy).await;
    assert_eq!(refusal.metadata.response_code, ResponseCode::ServFail);
    assert_eq!(ede(&refusal).1, "too many questions of this client in flight");

    let more = Ask::new("more.silent.example", RecordType::A);
    for number in 0..40 {
        let reply = Ask::new(&format!("m{number}.example.com"), RecordType::A).udp(world.east.dns()).await;
        assert_eq!(reply.metadata.response_code, ResponseCode::NXDomain, "{number}: {reply}");
    }
    greedy.send(&more.bytes()).await.unwrap();
    world.east.until_metric(served, 450.0).await;
    assert_eq!(world.east.counter("interlocal_fetches_refused_total").await, 0.0);
    assert_eq!(world.upstream.count("more.silent.example", RecordType::A), 0, "nor does it cost the upstream anything");
}

/// Asks from this address, and leaves the answers to be read.
async fn wait_as(client: &str, world: &World, asked: &[impl AsRef<str>]) -> UdpSocket {
    let socket = UdpSocket::bind((client, 0)).await.unwrap();
    socket.connect(world.east.dns()).await.unwrap();
    for name in asked {
        socket.send(&Ask::new(name.as_ref(), RecordType::A).bytes()).await.unwrap();
    }
    socket
}

/// The first answer, while all that wait have none.
async fn refusal_of(client: &UdpSocket) -> Message {
    let mut reply = vec![0; 65_535];
    let length = tokio::time::timeout(secs(10), client.recv(&mut reply)).await.unwrap().unwrap();
    Message::from_vec(&reply[..length]).unwrap()
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
