//! A panic in a question, from the socket to the socket: nothing in the program can be told to panic, so these tests take away
//! what a route leads to, which no reload does. Only tests compile this.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::{App, BoundApp, Builder, FileKind, Input};
use crate::config::{Overrides, UnknownKeys, file};
use crate::server::core::Routing;
use crate::wire::exchange::{Manner, Question};

const LOCAL: &str = "web.default.svc.cluster.local";
/// Its route is looked at by who has the question.
const WEST: &str = "web.default.west.svc.cluster.local";
/// It is asked for by a task, for all who wait.
const OUTSIDE: &str = "www.example.com";
const SERVFAIL: u8 = 2;
/// Only a bound: nothing takes that long.
const LONG: Duration = Duration::from_secs(30);

/// Nobody listens where west and the upstream should be.
fn start(folder: &TempDir) -> App {
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write(
        "objects.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: default}\n\
         spec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]}\n",
    );
    write("peers.yaml", "regions: {east: {}, west: {endpoints: [\"127.0.0.1:1\"]}}\n");
    let text = "region: east\nlisten: {dns: [\"127.0.0.1:0\"], peers: [], health: \"\", ready: \"\", metrics: \"\", admin: \"\"}\n\
                kubernetes: {source: objects.yaml}\npeers: {file: peers.yaml}\nforward: [{zone: ., to: [\"127.0.0.1:1\"]}]\n\
                shutdown: {lameduck: 0s}\nworkers: 1\n";
    let path = folder.path().join("interlocal.yaml");
    let config = file::parse(text, &path, UnknownKeys::Refuse, &Overrides::default()).expect("a configuration").value;
    let input = Input {
        config,
        file: None,
        kind: FileKind::default(),
        overrides: Overrides::default(),
        log: None,
        adjust: None,
    };
    BoundApp::new(input).expect("sockets").start().expect("an instance")
}

/// The routing of the instance made anew, and changed like this.
fn routing(app: &App, change: impl FnOnce(&mut Routing)) -> Arc<Routing> {
    let now = app.core.routing.load();
    let builder = Builder::new(Arc::clone(&app.core.metrics), Arc::clone(&app.core.zone));
    let mut routing = builder.build(&now.config, &now.table, Some(&now));
    change(&mut routing);
    Arc::new(routing)
}

fn question(name: &str) -> Vec<u8> {
    let name = name.parse().expect("a name");
    let asked =
        Question { name, qtype: 1, qclass: 1, dnssec_ok: false, checking_disabled: false, options: Box::default() };
    asked.asked().write(7, Manner { edns: true, option: None })
}

async fn udp(server: SocketAddr, name: &str) -> u8 {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    socket.send_to(&question(name), server).await.expect("sent");
    let mut reply = [0; 1_232];
    let length = timeout(LONG, socket.recv(&mut reply)).await.expect("an answer").expect("a datagram");
    rcode(&reply[..length])
}

async fn tcp(stream: &mut TcpStream, name: &str) -> u8 {
    let question = question(name);
    stream.write_u16(question.len() as u16).await.expect("sent");
    stream.write_all(&question).await.expect("sent");
    let reply = async {
        let mut reply = vec![0; stream.read_u16().await?.into()];
        stream.read_exact(&mut reply).await?;
        std::io::Result::Ok(reply)
    };
    rcode(&timeout(LONG, reply).await.expect("an answer").expect("the connection is open"))
}

fn rcode(reply: &[u8]) -> u8 {
    assert_eq!(reply[..2], 7u16.to_be_bytes());
    reply[3] & 15
}

fn panics(app: &App) -> u32 {
    let text = app.core.metrics.encode();
    let line = text.lines().find_map(|line| line.strip_prefix("interlocal_panics_total ")).expect("the metric");
    line.parse().expect("a number")
}

async fn until_read(server: SocketAddr) {
    let read = async {
        while udp(server, LOCAL).await != 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, read).await.expect("the manifests are read");
}

/// Asks for it four times, over both transports, with a good name between; then everything is put right.
async fn a_panic_costs_its_question_only(name: &str, plant: impl FnOnce(&mut Routing)) {
    let folder = tempfile::tempdir().expect("a folder");
    let app = start(&folder);
    let server = app.addresses.dns[0];
    until_read(server).await;
    let whole = app.core.routing.load();
    app.core.routing.publish(routing(&app, plant));
    let mut stream = TcpStream::connect(server).await.expect("a connection");
    for round in 1..=2 {
        assert_eq!(udp(server, name).await, SERVFAIL);
        assert_eq!(tcp(&mut stream, name).await, SERVFAIL);
        assert_eq!(panics(&app), 2 * round, "each is counted");
        assert_eq!((udp(server, LOCAL).await, tcp(&mut stream, LOCAL).await), (0, 0), "others are answered");
    }
    assert_eq!(app.core.in_flight.taken(), 0, "nothing is left of them");
    // What it was is asked for again, and fails for its own reason.
    app.core.routing.publish(whole);
    assert_eq!((udp(server, name).await, tcp(&mut stream, name).await), (SERVFAIL, SERVFAIL));
    assert_eq!(panics(&app), 4);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_a_worker_costs_its_question_only() {
    a_panic_costs_its_question_only(WEST, |routing| routing.regions.clear()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_a_task_costs_its_question_only() {
    a_panic_costs_its_question_only(OUTSIDE, |routing| routing.upstreams.clear()).await;
}
