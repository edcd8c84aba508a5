//! A region that does not answer: its names fail within the deadline and say why, nobody else waits for them, and it is
//! found again when it comes back. What is fast is shown by the order in which answers come, never by a clock.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use parking_lot::Mutex;

use crate::support::client::{ask_tcp, ask_udp};
use crate::support::read::{addresses, extended_errors};
use crate::support::region::Region;
use crate::support::regions::{self, Regions, demo_region};
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{ip, ms, secs};

/// No Reachable Authority (RFC 8914 4.23).
const NO_REACHABLE_AUTHORITY: u16 = 22;

/// Far longer than an answer that does not wait for the dark region takes, on any machine.
const DEADLINE: &str = "{file: peers.yaml, deadline: 3s}";

fn assert_dark(reply: &Message, region: &str) -> String {
    assert_eq!(reply.response_code, ResponseCode::ServFail, "{reply}");
    let errors = extended_errors(reply);
    let [(code, text)] = &errors[..] else { panic!("{reply}") };
    assert_eq!(*code, NO_REACHABLE_AUTHORITY, "{text}");
    let cause = text.strip_prefix(&format!("region {region} does not answer: "));
    cause.unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// East and west, and a third row `dark` that leads to this address; they have met.
async fn with_dark(dark: SocketAddr) -> Regions {
    let rows = format!("  dark:\n    endpoints: [\"{dark}\"]\n");
    let both = ["east", "west"].map(|label| demo_region(label).key("peers", DEADLINE));
    let regions = regions::together_with(both, &rows).await;
    let east = regions.of("east");
    let met = eventually(secs(20), || async {
        let reply = ask_udp(east.dns(), "busybox-0.busybox.west.svc.cluster.local", RecordType::A).await;
        reply.response_code == ResponseCode::NoError
    });
    assert!(met.await);
    regions
}

/// Nobody listens there.
fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_closed_port_is_connection_refused() {
    let regions = with_dark(closed_port()).await;
    let east = regions.of("east").dns();
    for asked in ["a.b.dark.svc.cluster.local", "c.d.dark.svc.cluster.local"] {
        assert_eq!(assert_dark(&ask_udp(east, asked, RecordType::A).await, "dark"), "connection refused");
        assert_eq!(assert_dark(&ask_tcp(east, asked, RecordType::A).await, "dark"), "connection refused");
    }
    let up = regions.of("east").get("/metrics").await.1;
    assert!(
        up.lines()
            .any(|line| line.starts_with("interlocal_peer_up{") && line.contains("\"dark\"") && line.ends_with(" 0")),
        "{up}"
    );
}

#[tokio::test]
async fn a_black_hole_delays_nobody_else() {
    // Connections are made by the kernel, and nobody ever reads them.
    let hole = TcpListener::bind("127.0.0.1:0").unwrap();
    let regions = with_dark(hole.local_addr().unwrap()).await;
    let east = regions.of("east").dns();
    let order: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    let mut asking = Vec::new();
    let ask = |what: &'static str, asked: String, rtype: RecordType, tcp: bool| {
        let order = Arc::clone(&order);
        tokio::spawn(async move {
            let reply = if tcp { ask_tcp(east, &asked, rtype).await } else { ask_udp(east, &asked, rtype).await };
            order.lock().push(what);
            (what, reply)
        })
    };
    // Many askers wait for the dark region: more than there are workers or runtime threads.
    for number in 0..40 {
        asking.push(ask("dark", format!("n{number}.b.dark.svc.cluster.local"), RecordType::A, number % 2 == 0));
    }
    for number in 0..20 {
        let tcp = number % 2 == 0;
        asking.push(ask("local", "web.default.svc.cluster.local".into(), RecordType::A, tcp));
        asking.push(ask("west", "_http._tcp.busybox.west.svc.cluster.local".into(), RecordType::SRV, tcp));
        asking.push(ask("west", format!("n{number}.b.west.svc.cluster.local"), RecordType::A, tcp));
    }
    for asked in asking {
        let (what, reply) = asked.await.unwrap();
        match what {
            "dark" => {
                assert_dark(&reply, "dark");
            }
            "local" => assert_eq!(addresses(&reply), [ip("172.20.2.10")]),
            _ => assert_ne!(reply.response_code, ResponseCode::ServFail, "{reply}"),
        }
    }
    let order = order.lock().clone();
    let first_dark = order.iter().position(|what| *what == "dark").expect("asked");
    assert!(order[first_dark..].iter().all(|what| *what == "dark"), "somebody waited for the dark region: {order:?}");
}

#[tokio::test]
async fn once_it_is_known_to_be_dark_its_names_fail_at_once() {
    let upstream = ScriptServer::start();
    upstream.on_name("slow.example").delay(ms(2_000)).answer_a("192.0.2.1", 5);
    let rows = format!("  dark:\n    endpoints: [\"{}\"]\n", closed_port());
    let east = Region::new("east").forward(&format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address()));
    let regions = regions::together_with([east], &rows).await;
    let east = regions.of("east").dns();
    assert_dark(&ask_udp(east, "first.b.dark.svc.cluster.local", RecordType::A).await, "dark");
    let slow = tokio::spawn(async move { ask_udp(east, "slow.example", RecordType::A).await });
    for number in 0..20 {
        let asked = format!("n{number}.b.dark.svc.cluster.local");
        assert_dark(&ask_udp(east, &asked, RecordType::A).await, "dark");
    }
    assert!(!slow.is_finished(), "twenty known failures took longer than one slow answer");
    assert_eq!(addresses(&slow.await.unwrap()), [ip("192.0.2.1")]);
}

#[tokio::test]
async fn a_region_that_comes_back_is_found_again() {
    let mut regions = regions::three().await;
    let west = regions.take("west").stop();
    let east = regions.of("east").dns();
    // A name that nobody has asked for yet, so that no memory answers it.
    let gone = eventually(secs(20), || async {
        let reply = ask_udp(east, "dual.west.svc.cluster.local", RecordType::A).await;
        reply.response_code == ResponseCode::ServFail
    });
    assert!(gone.await);
    assert_dark(&ask_udp(east, "dual.west.svc.cluster.local", RecordType::A).await, "west");
    let reply = ask_udp(east, "dual.central.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply), [ip("172.20.1.20")], "the others are as they were");
    let _west = west.start_again().await;
    let back = eventually(secs(30), || async {
        let reply = ask_udp(east, "dual.west.svc.cluster.local", RecordType::A).await;
        addresses(&reply) == [ip("172.20.3.20")]
    });
    assert!(back.await, "west is up, and east does not find it");
}
