//! What connections make the server hold: answers that are not read, messages that never become whole. It is bounded over all of them,
//! one client does not take it from the others, and all of it is free again when they are gone.

use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{RData, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::client::{Conversation, Heard, PATIENCE};
use crate::support::lab::{Lab, WEB, ask, lab_with};
use crate::support::raw::{A, Raw, TXT as TXT_TYPE};
use crate::support::wait::eventually;
use crate::support::{ms, name, secs, yaml};

const LIMIT: f64 = 512.0 * 1_024.0;
const LIMITS: &str = "{tcp_buffers: 512KiB, tcp_write: 1m, tcp_idle: 1m, tcp_in_flight: 64}";
const LARGE: &str = "large.default.svc.cluster.local";
const CLIENTS: usize = 20;

/// A client that takes as little as it can.
async fn open(lab: &Lab) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let _ = socket.set_recv_buffer_size(1);
    socket.connect(lab.region.dns()).await.unwrap()
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

/// With a name whose answer is large: the kernel takes one whole, and not a second one.
async fn lab() -> Lab {
    let addresses: Vec<String> = (0..3_000).map(|n| format!("10.9.{}.{}", n / 250, n % 250 + 1)).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let large = ("default/large", ["http:80"]);
    let objects = [yaml::headless(large.0, &large.1), yaml::slice(large.0, &addresses, &large.1)];
    lab_with(|region| region.file("manifests/large.yaml", &yaml::join(&objects)).key("limits", LIMITS)).await
}

async fn held(lab: &Lab) -> f64 {
    lab.region.counter("interlocal_tcp_buffers_bytes").await
}

/// The bound is reached, and holds; others are answered; everything is free when those are gone.
async fn is_bounded(lab: &Lab, clients: Vec<TcpStream>) {
    let refused = "interlocal_client_refused_total{what=\"buffers\"}";
    let some = eventually(secs(60), || async {
        assert!(held(lab).await <= LIMIT, "{}", held(lab).await);
        lab.region.counter(refused).await >= 1.0
    });
    assert!(some.await, "nobody is turned away; {} octets are held", held(lab).await);
    for way in [lab.udp(), lab.tcp()] {
        assert_eq!(ask(way, &Raw::new(WEB, A)).await.answers(), 1);
    }
    let mut ended = 0;
    for mut client in clients {
        let mut taken = vec![0; 1 << 16];
        let over = async { while client.read(&mut taken).await.is_ok_and(|read| read > 0) {} };
        ended += usize::from(timeout(secs(2), over).await.is_ok());
    }
    assert!(ended >= 1, "a connection that has no room is closed");
    assert!(eventually(secs(60), || async { held(lab).await == 0.0 }).await, "{}", held(lab).await);
}

#[tokio::test]
async fn answers_that_nobody_reads_are_bounded_over_all_connections() {
    let lab = lab().await;
    let flood = framed(&Raw::new(LARGE, A).bytes()).repeat(200);
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = open(&lab).await;
        // What the kernel does not take is not needed.
        let _ = timeout(ms(100), client.write_all(&flood)).await;
        clients.push(client);
    }
    is_bounded(&lab, clients).await;
}

#[tokio::test]
async fn messages_that_never_become_whole_are_bounded_over_all_connections() {
    let lab = lab().await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = open(&lab).await;
        let _ = client.write_all(&[255; 60_000]).await;
        clients.push(client);
    }
    is_bounded(&lab, clients).await;
}

/// Answers of others come when they come: those of a client that reads nothing are held too.
#[tokio::test]
async fn answers_of_upstreams_that_nobody_reads_are_bounded_over_all_connections() {
    let lab = lab().await;
    let text = "x".repeat(250);
    let records = (0..200).map(|number| {
        let text = TXT::new(vec![format!("{number} {text}")]);
        Record::from_rdata(name("all.example.com"), 0, RData::TXT(text))
    });
    let records: Vec<Record> = records.collect();
    drop(lab.upstream.on_zone("example.com").edit(move |query, reply| {
        let owner = query.queries[0].name();
        reply.answers = records.clone();
        reply.answers.iter_mut().for_each(|record| record.name = owner.clone());
    }));
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let questions =
            (0..60).map(|number| framed(&Raw::new(&format!("n{number}.c{client}.example.com"), TXT_TYPE).rd().bytes()));
        let mut stream = open(&lab).await;
        let _ = timeout(ms(100), stream.write_all(&questions.collect::<Vec<_>>().concat())).await;
        clients.push(stream);
    }
    is_bounded(&lab, clients).await;
}

/// Whoever reads, however slowly, gets all of it, and leaves nothing behind.
#[tokio::test]
async fn whoever_reads_gets_large_answers_whole() {
    let lab = lab().await;
    let query = Raw::new(LARGE, A).bytes();
    let mut conversation = Conversation::open(lab.region.dns()).await.unwrap();
    conversation.send_together(&[&query[..]; 20]).await;
    for _ in 0..20 {
        let Heard::Message(bytes) = conversation.receive(PATIENCE).await else { panic!("an answer each") };
        assert!(bytes.len() > 48_000, "{}", bytes.len());
        tokio::time::sleep(ms(20)).await;
    }
    assert!(eventually(secs(20), || async { held(&lab).await == 0.0 }).await);
    assert_eq!(lab.region.counter("interlocal_tcp_buffers_refused_total").await, 0.0);
}
