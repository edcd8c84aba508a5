//! Reverse names: whose address it is decides who answers, and a region sees only names that it can ask for.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::PTR;
use hickory_proto::rr::{RData, RecordType};

use super::setup::{NORTH, STAMP, both, ede, is_refused, stamp, world, world_with};
use crate::support::client::Ask;
use crate::support::name;

fn targets(message: &Message) -> Vec<String> {
    message.answers.iter().map(|record| record.data.to_string()).collect()
}

fn ptr(asked: &str) -> Ask {
    Ask::new(asked, RecordType::PTR)
}

/// 10.0.96.7 is a pod of the region zone, 10.0.96.22 one of another namespace.
#[tokio::test]
async fn pods_see_cluster_names_and_regions_see_names_that_they_can_ask_for() {
    let world = world().await;
    for (asked, pods, regions) in [
        ("7.96.0.10.in-addr.arpa", "db-0.db.east.svc.cluster.local.", "db-0.db.east.svc.cluster.local."),
        ("22.96.0.10.in-addr.arpa", "db-0.db.default.svc.cluster.local.", "db-0.db.default.svc.east.mesh."),
    ] {
        let reply = both(world.east.dns(), &ptr(asked)).await;
        assert_eq!((targets(&reply), reply.metadata.authoritative), (vec![pods.to_owned()], true), "{asked}");
        let reply = both(world.east.peers_door(), &ptr(asked)).await;
        assert_eq!((targets(&reply), reply.metadata.authoritative), (vec![regions.to_owned()], true), "{asked}");
        let none = both(world.east.peers_door(), &Ask::new(asked, RecordType::TXT)).await;
        assert_eq!((none.metadata.response_code, none.answers.len()), (ResponseCode::NoError, 0), "{asked}");
    }
}

/// RFC 2317: a zone of somebody else's leads to a reverse name that is ours.
#[tokio::test]
async fn a_chain_that_ends_at_an_own_reverse_name_is_answered() {
    let world = world().await;
    let chain = |asked: &str, to: &str| drop(world.upstream.on(asked, RecordType::PTR).answer_cname(to, 60));
    chain("7.example.com", "7.96.0.10.in-addr.arpa");
    chain("99.example.com", "99.96.0.10.in-addr.arpa");
    drop(world.upstream.on_zone("in-addr.arpa").nxdomain("in-addr.arpa", 60));
    let reply = both(world.east.dns(), &ptr("7.example.com")).await;
    assert_eq!(targets(&reply), ["7.96.0.10.in-addr.arpa.", "db-0.db.east.svc.cluster.local."]);
    assert_eq!(world.upstream.count("7.96.0.10.in-addr.arpa", RecordType::PTR), 0, "it is ours to answer");
    let none = both(world.east.dns(), &ptr("99.example.com")).await;
    assert_eq!((none.metadata.response_code, none.answers.len()), (ResponseCode::NXDomain, 1));
    assert!(world.upstream.count("99.96.0.10.in-addr.arpa", RecordType::PTR) > 0, "who else may know it");
}

#[tokio::test]
async fn without_a_mesh_zone_other_names_are_not_shown() {
    let table = "regions: {east: {endpoints: [\"127.0.0.1:1\"], cidrs: [10.0.96.0/20]}}\n";
    let world = world_with(|region| region.table(table)).await;
    let hidden = both(world.east.peers_door(), &ptr("22.96.0.10.in-addr.arpa")).await;
    assert_eq!((hidden.metadata.response_code, hidden.answers.len()), (ResponseCode::NXDomain, 0));
    let shown = both(world.east.peers_door(), &ptr("7.96.0.10.in-addr.arpa")).await;
    assert_eq!(targets(&shown), ["db-0.db.east.svc.cluster.local."]);
}

/// All else inside the own row's ranges: NXDOMAIN, with an SOA at the reverse zone; outside them REFUSED.
#[tokio::test]
async fn other_regions_get_a_denial_inside_the_ranges_and_a_refusal_outside() {
    let world = world().await;
    for (asked, zone) in [
        ("99.96.0.10.in-addr.arpa", "0.10.in-addr.arpa."),
        ("1.111.0.10.in-addr.arpa", "0.10.in-addr.arpa."),
        (
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
            "2.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.",
        ),
    ] {
        let reply = both(world.east.peers_door(), &ptr(asked)).await;
        assert_eq!((reply.metadata.response_code, reply.answers.len()), (ResponseCode::NXDomain, 0), "{asked}");
        assert!(reply.metadata.authoritative, "{asked}");
        assert_eq!(reply.authorities.len(), 1, "{asked}");
        assert_eq!(reply.authorities[0].record_type(), RecordType::SOA);
        assert_eq!(reply.authorities[0].name.to_ascii(), zone, "{asked}");
    }
    for asked in ["1.112.0.10.in-addr.arpa", "99.0.100.10.in-addr.arpa", "9.9.9.9.in-addr.arpa", "in-addr.arpa"] {
        is_refused(&both(world.east.peers_door(), &ptr(asked)).await, 18, "not a name of this region");
    }
}

/// Inside a peer's ranges the peer is asked, and what comes from a cluster is not.
#[tokio::test]
async fn a_peers_ranges_are_the_peers() {
    let world = world().await;
    let asked = "11.115.0.10.in-addr.arpa";
    let target = RData::PTR(PTR(name("busybox-0.busybox.west.svc.cluster.local")));
    drop(world.west.on(asked, RecordType::PTR).data(5, target));
    let reply = both(world.east.dns(), &ptr(asked)).await;
    assert_eq!(targets(&reply), ["busybox-0.busybox.west.svc.cluster.local."]);
    assert_eq!((world.west.count(asked, RecordType::PTR), world.upstream.count(asked, RecordType::PTR)), (1, 0));
    let stamped = ptr("12.115.0.10.in-addr.arpa").option(STAMP, &stamp(&[NORTH]));
    is_refused(&both(world.east.dns(), &stamped).await, 18, "came from a cluster");
    let looped = ptr("12.115.0.10.in-addr.arpa").option(STAMP, &stamp(&[(world.east_id(), "east"), NORTH]));
    let reply = both(world.east.dns(), &looped).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail);
    assert_eq!(ede(&reply).1, "loop: east > north > east");
}

/// Own reverse names that do not exist fall through to the upstream.
#[tokio::test]
async fn own_reverse_names_fall_through() {
    let world = world().await;
    let asked = "99.96.0.10.in-addr.arpa";
    let target = RData::PTR(PTR(name("node-99.example.com")));
    drop(world.upstream.on(asked, RecordType::PTR).data(60, target));
    let reply = both(world.east.dns(), &ptr(asked)).await;
    assert_eq!((targets(&reply), reply.metadata.authoritative), (vec!["node-99.example.com.".to_owned()], false));
}
