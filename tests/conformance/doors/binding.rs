//! A socket on all addresses answers from the one that was asked: a client that is connected hears nobody else.

use std::net::SocketAddr;

use hickory_proto::rr::RecordType;

use super::setup::{World, world_with};
use crate::support::client::Ask;
use crate::support::ip;
use crate::support::read::addresses;

async fn wildcard() -> World {
    let any = "\"127.0.0.1:0\"";
    let wild = "\"0.0.0.0:0\", \"[::]:0\"";
    let listen =
        format!("{{dns: [{wild}], peers: [{wild}], health: {any}, ready: {any}, metrics: {any}, admin: {any}}}");
    world_with(|region| region.key("listen", &listen)).await
}

/// Every address of loopback that the listener has.
fn places(door: SocketAddr) -> Vec<SocketAddr> {
    let hosts: &[&str] = if door.is_ipv4() { &["127.0.0.1", "127.0.0.2", "127.9.8.7"] } else { &["::1"] };
    hosts.iter().map(|host| SocketAddr::new(ip(host), door.port())).collect()
}

/// In place, later, and over TCP; at both doors. `Ask` connects its sockets.
#[tokio::test]
async fn a_wildcard_answers_from_the_address_that_was_asked() {
    let world = wildcard().await;
    drop(world.upstream.on_zone("example.com").answer_a("192.0.2.1", 0).edit(|query, reply| {
        reply.answers[0].name = query.queries[0].name().clone();
    }));
    let listening = world.east.app().addresses().clone();
    assert_eq!((listening.dns.len(), listening.peers.len()), (2, 2), "both families");
    for door in listening.dns.iter().chain(&listening.peers) {
        for place in places(*door) {
            let local = Ask::new("app.east.svc.cluster.local", RecordType::A);
            assert_eq!(addresses(&local.udp(place).await), [ip("10.100.0.2")], "{place}");
            assert_eq!(addresses(&local.tcp(place).await), [ip("10.100.0.2")], "{place}");
        }
    }
    for place in listening.dns.iter().flat_map(|door| places(*door)) {
        let far = Ask::new("www.example.com", RecordType::A);
        assert_eq!(addresses(&far.udp(place).await), [ip("192.0.2.1")], "{place}: a miss");
    }
    for place in listening.peers.iter().flat_map(|door| places(*door)) {
        let outside = Ask::new("outside.east.svc.cluster.local", RecordType::A);
        assert_eq!(addresses(&outside.udp(place).await), [ip("192.0.2.1")], "{place}: a miss at the peers' door");
    }
}
