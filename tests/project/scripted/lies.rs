//! Replies that are wrong on the wire, read as bytes: no decoder stands between the lie and the assertion.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType::A;

use crate::support::client::{Ask, Conversation, Heard, PATIENCE, raw_tcp, raw_udp};
use crate::support::server::ScriptServer;
use crate::support::{ms, name};

#[tokio::test]
async fn a_wrong_id_is_the_next_one() {
    let server = ScriptServer::start();
    server.on_any().wrong_id().answer_a("192.0.2.1", 60);
    let ask = Ask::new("a.example", A).id(0xffff).bytes();
    assert_eq!(raw_udp(server.address(), &ask, PATIENCE).await.unwrap()[..2], [0, 0]);
    assert_eq!(raw_tcp(server.address(), &ask, PATIENCE).await.unwrap()[..2], [0, 0]);
}

#[tokio::test]
async fn a_wrong_question_has_the_right_id() {
    let server = ScriptServer::start();
    server.on_name("a.example").wrong_question("b.example").answer_a("192.0.2.1", 60);
    server.on_name("c.example").no_question();
    let reply = raw_udp(server.address(), &Ask::new("a.example", A).id(9).bytes(), PATIENCE).await.unwrap();
    let reply = Message::from_vec(&reply).unwrap();
    assert_eq!((reply.id, reply.queries[0].name()), (9, &name("b.example")));
    let reply = raw_udp(server.address(), &Ask::new("c.example", A).id(9).bytes(), PATIENCE).await.unwrap();
    assert!(Message::from_vec(&reply).unwrap().queries.is_empty());
}

#[tokio::test]
async fn the_right_reply_may_follow_the_wrong_one() {
    let server = ScriptServer::start();
    server.on_any().wrong_id().then_right().answer_a("192.0.2.1", 60);
    let mut conversation = Conversation::open(server.address()).await.unwrap();
    conversation.send(&Ask::new("a.example", A).id(20).bytes()).await;
    assert_eq!((conversation.reply().await.id, conversation.reply().await.id), (21, 20));
}

#[tokio::test]
async fn garbage_is_sent_as_it_is() {
    let server = ScriptServer::start();
    server.on_any().garbage(b"\xff\x00garbage");
    let ask = Ask::new("a.example", A).bytes();
    assert_eq!(raw_udp(server.address(), &ask, PATIENCE).await.unwrap(), b"\xff\x00garbage");
    assert_eq!(raw_tcp(server.address(), &ask, PATIENCE).await.unwrap(), b"\xff\x00garbage");
}

#[tokio::test]
async fn silence_leaves_the_connection_open() {
    let server = ScriptServer::start();
    server.on_name("a.example").drop_query();
    let mut conversation = Conversation::open(server.address()).await.unwrap();
    conversation.send(&Ask::new("a.example", A).bytes()).await;
    assert_eq!(conversation.receive(ms(100)).await, Heard::Silence);
    conversation.send(&Ask::new("b.example", A).bytes()).await;
    assert_eq!(conversation.reply().await.response_code, ResponseCode::NXDomain);
}

#[tokio::test]
async fn a_reply_may_come_from_a_port_that_was_not_asked() {
    let server = ScriptServer::start();
    server.on_any().other_port().answer_a("192.0.2.1", 60);
    let ask = Ask::new("a.example", A).bytes();
    assert!(raw_udp(server.address(), &ask, ms(200)).await.is_none(), "a connected socket does not see it");
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&ask, server.address()).await.unwrap();
    let mut reply = [0; 512];
    let (_, source) = tokio::time::timeout(PATIENCE, socket.recv_from(&mut reply)).await.unwrap().unwrap();
    assert_ne!(source, server.address());
    assert_eq!(reply[..2], ask[..2]);
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_formerr_or_silence() {
    let server = ScriptServer::start();
    let header = [0x12, 0x34, 1, 0, 0, 5, 0, 0, 0, 0, 0, 0];
    let reply = raw_udp(server.address(), &header, PATIENCE).await.unwrap();
    assert_eq!(reply[..4], [0x12, 0x34, 0x80, 1]);
    assert!(raw_udp(server.address(), b"short", ms(100)).await.is_none());
    assert!(server.received().iter().all(|received| received.message.is_none()));
}
