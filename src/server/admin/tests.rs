//! The pages as the kubelet and Prometheus ask for them: over real connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::listener::MAX_CONNECTIONS;
use super::*;
use crate::clock;

fn shown() -> Shown {
    Shown {
        heartbeats: Heartbeats::new(clock::now()),
        ready: Ready::new(),
        metrics: Registry::new("1.2.3", false),
        peers: Arc::new(|| None),
        config: Arc::new(|| Err(String::new())),
        core: Weak::new(),
    }
}

fn start(pages: &[Pages], shown: &Shown) -> Admin {
    let door = |pages: &Pages| AdminDoor {
        listener: AdminListener::Tcp(TcpListener::bind("127.0.0.1:0").expect("a port")),
        pages: *pages,
    };
    Admin::start(pages.iter().map(door).collect(), shown.clone()).expect("started")
}

/// Status and body.
fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a whole reply");
    let (head, body) = reply.split_once("\r\n\r\n").expect("head and body");
    (head[9..12].parse().expect("a status"), body.to_owned())
}

#[test]
fn health_names_the_worker_that_hangs() {
    let shown = shown();
    let admin = start(&[Pages::Health], &shown);
    let beat = shown.heartbeats.worker("udp-0", clock::now());
    assert_eq!(get(admin.addresses()[0], "/health"), (200, "OK".into()));
    let shown = Shown { heartbeats: old_heartbeats(), ..shown };
    let admin = start(&[Pages::Health], &shown);
    assert_eq!(get(admin.addresses()[0], "/health"), (503, "udp-1: no sign of life for 5 s\n".into()));
    drop(beat);
}

/// One worker that gave its last sign longer ago than is allowed.
fn old_heartbeats() -> Heartbeats {
    let start = clock::now().checked_sub(Duration::from_secs(6)).expect("the machine has been up for six seconds");
    let heartbeats = Heartbeats::new(start);
    std::mem::forget(heartbeats.worker("udp-1", start));
    heartbeats
}

#[test]
fn ready_says_how_things_stand_whether_it_is_or_not() {
    let shown = shown();
    shown.ready.note(|| vec!["services: 3 objects, watching".to_owned()]);
    let admin = start(&[Pages::Ready], &shown);
    assert_eq!(get(admin.addresses()[0], "/ready"), (200, "OK\nservices: 3 objects, watching\n".into()));
    let _zone = shown.ready.task("zone: not read yet");
    let expected = "zone: not read yet\nservices: 3 objects, watching\n";
    assert_eq!(get(admin.addresses()[0], "/ready"), (503, expected.into()));
}

#[test]
fn ready_lists_what_is_missing() {
    let shown = shown();
    let admin = start(&[Pages::Ready], &shown);
    let (zone, doors) = (shown.ready.task("zone: not read yet"), shown.ready.task("doors: not open yet"));
    assert_eq!(get(admin.addresses()[0], "/ready"), (503, "zone: not read yet\ndoors: not open yet\n".into()));
    drop((zone, doors));
    assert_eq!(get(admin.addresses()[0], "/ready"), (200, "OK".into()));
    shown.ready.set_shutting_down();
    assert_eq!(get(admin.addresses()[0], "/ready"), (503, "shutting down\n".into()));
}

#[test]
fn each_door_answers_what_it_was_made_for() {
    let pages = [Pages::Health, Pages::Ready, Pages::Metrics, Pages::Admin];
    let admin = start(&pages, &shown());
    let statuses =
        |at: usize| ["/", "/health", "/ready", "/metrics", "/other"].map(|path| get(admin.addresses()[at], path).0);
    assert_eq!(statuses(0), [404, 200, 404, 404, 404]);
    assert_eq!(statuses(1), [404, 404, 200, 404, 404]);
    assert_eq!(statuses(2), [404, 404, 404, 200, 404]);
    assert_eq!(statuses(3), [200, 200, 200, 200, 404]);
    assert!(get(admin.addresses()[2], "/metrics").1.contains("interlocal_build_info{version=\"1.2.3\"} 1\n"));
}

#[test]
fn idle_connections_do_not_keep_a_probe_out() {
    let admin = start(&[Pages::Health], &shown());
    let address = admin.addresses()[0];
    let mut idle: Vec<_> = (0..MAX_CONNECTIONS + 5).map(|_| TcpStream::connect(address).expect("connected")).collect();
    assert_eq!(get(address, "/health").0, 200);
    let oldest = &mut idle[0];
    oldest.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    assert!(matches!(oldest.read(&mut [0; 1]), Ok(0)), "the oldest made room");
}

#[test]
fn dropping_it_closes_the_doors() {
    let admin = start(&[Pages::Health], &shown());
    let address = admin.addresses()[0];
    drop(admin);
    assert!(TcpStream::connect(address).is_err());
}
