//! The peers' door: the own region and mesh zones, and nothing that leads to a third party.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{DNSClass, RecordType};

use super::setup::{World, both, ede, is_refused, world, world_with};
use crate::support::client::{Ask, Conversation, Heard};
use crate::support::read::{addresses, has_soa};
use crate::support::region::Region;
use crate::support::{ip, secs};

const NOT_HERE: &str = "not a name of this region";
const FROM_CLUSTER: &str = "came from a cluster";

async fn ask(world: &World, asked: &str, rtype: RecordType) -> hickory_proto::op::Message {
    let reply = both(world.east.peers_door(), &Ask::new(asked, rtype)).await;
    assert!(!reply.metadata.recursion_available, "{asked}: RA=0");
    assert!(reply.metadata.recursion_desired, "{asked}: RD as it was");
    reply
}

#[tokio::test]
async fn own_region_and_mesh_zones_are_answered_for_all_types() {
    let world = world().await;
    for (asked, address) in [
        ("app.east.svc.cluster.local", "10.100.0.2"),
        ("db-0.db.east.svc.cluster.local", "10.0.96.7"),
        ("app.east.svc.east.mesh", "10.100.0.2"),
        ("web.default.svc.east.mesh", "10.100.0.1"),
        ("10-0-96-9.default.pod.east.mesh", "10.0.96.9"),
    ] {
        let reply = ask(&world, asked, RecordType::A).await;
        assert_eq!(addresses(&reply), [ip(address)], "{asked}");
        assert!(reply.metadata.authoritative, "{asked}");
        let none = ask(&world, asked, RecordType::AAAA).await;
        assert_eq!((none.metadata.response_code, none.answers.len()), (ResponseCode::NoError, 0), "{asked}");
        assert!(has_soa(&none) && none.metadata.authoritative, "{asked}");
    }
    let srv = ask(&world, "_sql._tcp.db.east.svc.cluster.local", RecordType::SRV).await;
    assert_eq!((srv.answers.len(), srv.additionals.len()), (1, 1));
    let mesh = ask(&world, "_http._tcp.web.default.svc.east.mesh", RecordType::SRV).await;
    assert_eq!(mesh.answers.len(), 1);
    for asked in ["nothing.east.svc.cluster.local", "nothing.default.svc.east.mesh"] {
        let denied = ask(&world, asked, RecordType::A).await;
        assert!(denied.metadata.response_code == ResponseCode::NXDomain && denied.metadata.authoritative, "{asked}");
        assert!(has_soa(&denied), "{asked}");
    }
}

#[tokio::test]
async fn everything_else_is_refused_and_nobody_is_asked() {
    let world = world().await;
    for (asked, rtype) in [
        ("web.default.svc.cluster.local", RecordType::A),
        ("cluster.local", RecordType::SOA),
        ("kubernetes.default.svc.cluster.local", RecordType::A),
        ("10-0-96-9.default.pod.cluster.local", RecordType::A),
        ("www.example.com", RecordType::A),
        (".", RecordType::NS),
        ("mesh", RecordType::A),
        ("9.9.9.9.in-addr.arpa", RecordType::PTR),
    ] {
        is_refused(&ask(&world, asked, rtype).await, 18, NOT_HERE);
    }
    for asked in ["app.west.svc.cluster.local", "app.west.svc.west.mesh", "west.svc.cluster.local"] {
        is_refused(&ask(&world, asked, RecordType::A).await, 18, FROM_CLUSTER);
    }
    for rtype in [RecordType::AXFR, RecordType::IXFR] {
        let reply = ask(&world, "east.svc.cluster.local", rtype).await;
        is_refused(&reply, 21, "a zone transfer is not answered");
    }
    let probes = |server: &crate::support::server::ScriptServer| {
        let named = |query: &crate::support::server::Received| {
            query.message.as_ref().unwrap().queries[0].name().to_ascii().contains("_interlocal")
        };
        server.received().iter().all(named)
    };
    assert!(probes(&world.upstream) && probes(&world.west), "nobody else was asked");
}

/// Without a row of its own a region has no own zones: nothing is exported by accident.
#[tokio::test]
async fn without_an_own_row_nothing_is_exported() {
    let world = world_with(|region| region.table("regions: {}\n")).await;
    for asked in ["app.east.svc.cluster.local", "web.default.svc.east.mesh"] {
        is_refused(&ask(&world, asked, RecordType::A).await, 18, NOT_HERE);
    }
    let local = both(world.east.dns(), &Ask::new("app.east.svc.cluster.local", RecordType::A)).await;
    assert_eq!(addresses(&local), [ip("10.100.0.2")], "for the own pods it is a namespace like others");
}

#[tokio::test]
async fn only_listed_addresses_may_ask() {
    let any = "\"127.0.0.1:0\"";
    let listen = |allow: &str| {
        format!(
            "{{dns: [{any}], peers: [{any}], peers_allow: [{allow}], health: {any}, ready: {any}, metrics: {any}, admin: {any}}}"
        )
    };
    let ask = Ask::new("app.east.svc.cluster.local", RecordType::A);
    let start = |allow: &str| {
        let listen = listen(allow);
        world_with(move |region: Region| region.key("listen", &listen))
    };
    let closed = start("192.0.2.0/24, \"2001:db8::/32\"").await;
    is_refused(&both(closed.east.peers_door(), &ask).await, 18, "address not in listen.peers_allow");
    assert_eq!(addresses(&both(closed.east.dns(), &ask).await), [ip("10.100.0.2")], "the pods' door has no list");
    let open = start("192.0.2.0/24, 127.0.0.0/8").await;
    assert_eq!(addresses(&both(open.east.peers_door(), &ask).await), [ip("10.100.0.2")]);
}

#[tokio::test]
async fn other_classes_are_refused_at_both_doors() {
    let world = world().await;
    for door in [world.east.dns(), world.east.peers_door()] {
        for class in [DNSClass::CH, DNSClass::HS, DNSClass::ANY] {
            let ask = Ask::new("authors.bind", RecordType::TXT).class(class);
            is_refused(&both(door, &ask).await, 21, "a class other than IN is not answered");
        }
    }
}

/// While the zone has not been read, other regions learn that, and do not take it for a denial.
#[tokio::test]
async fn a_zone_that_was_not_read_is_not_denied() {
    let unread = Region::new("east").table(&super::setup::table("127.0.0.1:1".parse().unwrap()));
    let east = unread.key("kubernetes", "{source: no-such-folder}").bind().start();
    for asked in ["app.east.svc.cluster.local", "web.default.svc.east.mesh"] {
        let reply = both(east.peers_door(), &Ask::new(asked, RecordType::A)).await;
        assert_eq!((reply.metadata.response_code, ede(&reply).0), (ResponseCode::ServFail, 14), "{asked}");
        assert!(!reply.metadata.authoritative);
    }
}

/// The plain socket loop answers the same at both doors.
#[tokio::test]
async fn plain_sockets_keep_the_same_rules() {
    let world = world_with(|region| region.key("sockets", "plain")).await;
    drop(world.upstream.on("www.example.com", RecordType::A).answer_a("192.0.2.1", 60));
    let reply = ask(&world, "app.east.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply), [ip("10.100.0.2")]);
    is_refused(&ask(&world, "www.example.com", RecordType::A).await, 18, NOT_HERE);
    let far = both(world.east.dns(), &Ask::new("www.example.com", RecordType::A)).await;
    assert_eq!(addresses(&far), [ip("192.0.2.1")], "a miss too");
}

/// `limits.peers_idle`
#[tokio::test]
async fn a_connection_of_a_region_that_is_idle_for_very_long_is_closed() {
    let world = world_with(|region| region.key("limits", "{tcp_idle: 1h, peers_idle: 300ms}")).await;
    let mut peer = Conversation::open(world.east.peers_door()).await.unwrap();
    peer.send(&Ask::new("app.east.svc.cluster.local", RecordType::A).bytes()).await;
    assert_eq!(addresses(&peer.reply().await), [ip("10.100.0.2")]);
    assert_eq!(peer.receive(secs(20)).await, Heard::End);
}

/// Regions keep their connections; whoever has asked nothing takes a place for nothing.
#[tokio::test]
async fn a_connection_that_has_asked_is_kept_and_one_that_has_not_is_closed() {
    let world = world_with(|region| region.key("limits", "{tcp_idle: 200ms, peers_idle: 1h}")).await;
    let door = world.east.peers_door();
    let question = Ask::new("app.east.svc.cluster.local", RecordType::A).bytes();
    let mut peer = Conversation::open(door).await.unwrap();
    peer.send(&question).await;
    assert_eq!(addresses(&peer.reply().await), [ip("10.100.0.2")]);
    let mut silent = Conversation::open(door).await.unwrap();
    assert_eq!(silent.receive(secs(20)).await, Heard::End, "nothing was asked");
    peer.send(&question).await;
    assert_eq!(addresses(&peer.reply().await), [ip("10.100.0.2")], "it is still there");
    let mut pod = Conversation::open(world.east.dns()).await.unwrap();
    pod.send(&question).await;
    pod.reply().await;
    assert_eq!(pod.receive(secs(20)).await, Heard::End, "the pods' door keeps nobody");
}
