//! How conversations over TCP go and end, and how the server itself starts and stops.

use std::io::{ErrorKind, Read, Write};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType::A;

use crate::support::client::{Ask, Conversation, Heard, PATIENCE, ask_tcp, ask_udp};
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{ms, secs};

#[tokio::test]
async fn answers_overtake_a_slow_one() {
    let server = ScriptServer::start();
    server.on("slow.example", A).delay(ms(200));
    let mut conversation = Conversation::open(server.address()).await.unwrap();
    let (slow, fast) = (Ask::new("slow.example", A).id(1).bytes(), Ask::new("fast.example", A).id(2).bytes());
    conversation.send_together(&[&slow, &fast]).await;
    assert_eq!((conversation.reply().await.id, conversation.reply().await.id), (2, 1));
}

#[tokio::test]
async fn one_at_a_time_keeps_the_order() {
    let server = ScriptServer::start();
    server.one_at_a_time(true);
    server.on("slow.example", A).delay(ms(100));
    let mut conversation = Conversation::open(server.address()).await.unwrap();
    let (slow, fast) = (Ask::new("slow.example", A).id(1).bytes(), Ask::new("fast.example", A).id(2).bytes());
    conversation.send_together(&[&slow, &fast]).await;
    assert_eq!((conversation.reply().await.id, conversation.reply().await.id), (1, 2));
}

#[tokio::test]
async fn answers_still_go_out_to_a_client_that_has_said_all() {
    let server = ScriptServer::start();
    server.on_any().delay(ms(100));
    let mut conversation = Conversation::open(server.address()).await.unwrap();
    conversation.send(&Ask::new("a.example", A).id(5).bytes()).await;
    conversation.finish().await;
    assert_eq!(conversation.reply().await.id, 5);
    assert_eq!(conversation.receive(PATIENCE).await, Heard::End);
}

#[tokio::test]
async fn a_rule_closes_before_or_behind_the_answer() {
    let server = ScriptServer::start();
    server.on_name("close.example").close();
    server.on_name("after.example").close_after_answer();
    let mut conversation = Conversation::open(server.address()).await.unwrap();
    conversation.send(&Ask::new("close.example", A).bytes()).await;
    assert_eq!(conversation.receive(PATIENCE).await, Heard::End);
    let mut conversation = Conversation::open(server.address()).await.unwrap();
    conversation.send(&Ask::new("after.example", A).id(3).bytes()).await;
    assert_eq!(conversation.reply().await.id, 3);
    assert_eq!(conversation.receive(PATIENCE).await, Heard::End);
    // UDP knows no conversations: the one is silence, the other an answer.
    assert!(Ask::new("close.example", A).patience(ms(100)).try_udp(server.address()).await.is_none());
    ask_udp(server.address(), "after.example", A).await;
}

#[tokio::test]
async fn closing_takes_what_is_still_delayed_with_it() {
    let server = ScriptServer::start();
    server.on_name("slow.example").delay(secs(600));
    server.on_name("close.example").close();
    let mut conversation = Conversation::open(server.address()).await.unwrap();
    conversation.send(&Ask::new("slow.example", A).bytes()).await;
    conversation.send(&Ask::new("close.example", A).bytes()).await;
    assert_eq!(conversation.receive(PATIENCE).await, Heard::End);
}

/// Reads with the standard library, which tells a reset from an end.
#[test]
fn endings_are_told_apart_on_the_wire() {
    let server = ScriptServer::start();
    server.on_name("reset.example").reset();
    server.on_name("half.example").close_half_way().answer_a("192.0.2.1", 60);
    let ask = |asked: &str| {
        let message = Ask::new(asked, A).bytes();
        let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&u16::try_from(message.len()).unwrap().to_be_bytes()).unwrap();
        stream.write_all(&message).unwrap();
        let mut read = Vec::new();
        (stream.read_to_end(&mut read).map_err(|error| error.kind()), read)
    };
    assert_eq!(ask("reset.example"), (Err(ErrorKind::ConnectionReset), Vec::new()));
    let (ended, read) = ask("half.example");
    let promised = usize::from(u16::from_be_bytes([read[0], read[1]]));
    assert!(ended.is_ok() && read.len() == 2 + promised / 2, "{} of {promised}", read.len());
}

#[tokio::test]
async fn connections_are_counted_and_can_be_refused_or_hung_up() {
    let server = ScriptServer::start();
    let mut first = Conversation::open(server.address()).await.unwrap();
    first.send(&Ask::new("a.example", A).bytes()).await;
    first.reply().await;
    assert_eq!((server.connections(), server.open_connections()), (1, 1));
    server.refuse_connections(true);
    assert!(Ask::new("a.example", A).try_tcp(server.address()).await.is_none());
    assert_eq!((server.connections(), server.open_connections()), (2, 1));
    server.refuse_connections(false);
    assert_eq!(ask_tcp(server.address(), "a.example", A).await.response_code, ResponseCode::NXDomain);
    assert!(eventually(PATIENCE, async || server.open_connections() == 1).await, "a client that left is not counted");
    server.hang_up();
    assert_eq!(first.receive(PATIENCE).await, Heard::End);
    assert!(eventually(PATIENCE, async || server.open_connections() == 0).await);
}

#[tokio::test]
async fn it_stops_on_drop_and_can_come_back_on_its_port() {
    let server = ScriptServer::start();
    let address = server.address();
    let mut open = Conversation::open(address).await.unwrap();
    open.send(&Ask::new("a.example", A).bytes()).await;
    open.reply().await;
    drop(server);
    assert_eq!(open.receive(PATIENCE).await, Heard::End);
    assert!(Conversation::open(address).await.is_none(), "nobody listens");

    let again = ScriptServer::start_on(address);
    assert_eq!(again.address(), address);
    ask_udp(address, "a.example", A).await;
    ask_tcp(address, "a.example", A).await;
}

/// A test on paused time may ask a real server: its thread has a clock of its own.
#[test]
fn it_answers_a_test_that_blocks() {
    let server = ScriptServer::start();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(&Ask::new("a.example", A).id(77).bytes(), server.address()).unwrap();
    let mut reply = [0; 512];
    socket.recv(&mut reply).unwrap();
    assert_eq!(reply[..2], [0, 77]);
}
