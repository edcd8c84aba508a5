//! The pods' door: everything is answered or forwarded, by the longest zone.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::setup::{both, ede, is_refused, objects, table, world, world_with};
use crate::support::client::Ask;
use crate::support::ip;
use crate::support::read::{addresses, aliases, extended_errors};
use crate::support::region::Region;
use crate::support::server::ScriptServer;

#[tokio::test]
async fn aa_is_for_local_answers_and_ra_for_all() {
    let world = world().await;
    drop(world.upstream.on("www.example.com", RecordType::A).aa().answer_a("192.0.2.1", 60));
    drop(world.west.on("app.west.svc.cluster.local", RecordType::A).aa().answer_a("192.0.2.2", 5));
    for (asked, aa) in [
        ("web.default.svc.cluster.local", true),
        ("app.east.svc.cluster.local", true),
        ("web.default.svc.east.mesh", true),
        ("nothing.default.svc.cluster.local", true),
        ("www.example.com", false),
        ("app.west.svc.cluster.local", false),
    ] {
        for _ in ["asked", "from memory"] {
            let reply = both(world.east.dns(), &Ask::new(asked, RecordType::A)).await;
            assert_eq!(reply.metadata.authoritative, aa, "{asked}");
            assert!(reply.metadata.recursion_available, "{asked}");
        }
    }
    assert_eq!(world.west.count("app.west.svc.cluster.local", RecordType::A), 1);
}

/// F7: a region that the table lacks, or that is mistyped, is no silent denial.
#[tokio::test]
async fn f7_a_name_that_is_nearly_a_regions_is_denied_with_a_hint() {
    let world = world().await;
    let reply = both(world.east.dns(), &Ask::new("app.wset.svc.cluster.local", RecordType::A)).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(ede(&reply), (0, "no such region `wset`; known: east, west".to_owned()));
    for plain in ["app.shop.svc.cluster.local", "nothing.default.svc.cluster.local", "app.wset.pod.cluster.local"] {
        let reply = both(world.east.dns(), &Ask::new(plain, RecordType::A)).await;
        assert_eq!(reply.metadata.response_code, ResponseCode::NXDomain, "{plain}");
        assert_eq!(extended_errors(&reply), [], "{plain}");
    }
}

/// A peer's zone hides a namespace of the same name, at the start with a warning in the metrics.
#[tokio::test]
async fn a_region_hides_a_namespace_of_its_name() {
    let world = world().await;
    drop(world.west.on("app.west.svc.cluster.local", RecordType::A).answer_a("192.0.2.2", 5));
    let reply = both(world.east.dns(), &Ask::new("app.west.svc.cluster.local", RecordType::A)).await;
    assert_eq!(addresses(&reply), [ip("192.0.2.2")], "and not the address of our own namespace `west`");
    let hidden = both(world.east.dns(), &Ask::new("nothing.west.svc.cluster.local", RecordType::A)).await;
    assert_eq!(hidden.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(world.west.count("nothing.west.svc.cluster.local", RecordType::A), 1, "the region was asked");
    world.east.until_metric("interlocal_hidden_namespaces", 1.0).await;
}

/// Local, Peer and Forward side by side: the longest suffix wins, also below the cluster domain.
#[tokio::test]
async fn the_longest_zone_wins_whatever_its_kind() {
    let (stub, upstream, west) = (ScriptServer::start(), ScriptServer::start(), ScriptServer::start());
    let rows = format!(
        "[{{zone: ., to: [\"{0}\"]}}, {{zone: stub.svc.cluster.local, to: [\"{1}\"]}}, \
         {{zone: deep.west.mesh, to: [\"{1}\"]}}, {{zone: corp.example.com, to: [\"{1}\"]}}]",
        upstream.address(),
        stub.address()
    );
    drop(stub.on_any().answer_a("192.0.2.10", 5).edit(owned));
    drop(west.on_any().answer_a("192.0.2.20", 5).edit(owned));
    drop(upstream.on_any().answer_a("192.0.2.30", 5).edit(owned));
    let region = Region::new("east").manifests(&objects()).table(&table(west.address())).forward(&rows);
    let east = region.start().await;
    for (asked, address) in [
        ("web.default.svc.cluster.local", "10.100.0.1"),
        ("app.east.svc.cluster.local", "10.100.0.2"),
        ("x.stub.svc.cluster.local", "192.0.2.10"),
        ("x.corp.example.com", "192.0.2.10"),
        ("x.deep.west.mesh", "192.0.2.10"),
        ("x.west.svc.cluster.local", "192.0.2.20"),
        ("x.svc.west.mesh", "192.0.2.20"),
        ("x.example.com", "192.0.2.30"),
        ("xcorp.example.com", "192.0.2.30"),
        ("mesh", "192.0.2.30"),
    ] {
        let reply = both(east.dns(), &Ask::new(asked, RecordType::A)).await;
        assert_eq!(addresses(&reply), [ip(address)], "{asked}");
    }
}

/// The answer under the name that was asked.
fn owned(query: &hickory_proto::op::Message, reply: &mut hickory_proto::op::Message) {
    for record in &mut reply.answers {
        record.name = query.queries[0].name().clone();
    }
}

/// A region zone has no apex of its own: SOA and NS are no data, with the cluster domain's SOA.
#[tokio::test]
async fn a_region_zone_has_no_apex() {
    let world = world().await;
    for door in [world.east.dns(), world.east.peers_door()] {
        for rtype in [RecordType::SOA, RecordType::NS] {
            let reply = both(door, &Ask::new("east.svc.cluster.local", rtype)).await;
            assert_eq!((reply.metadata.response_code, reply.answers.len()), (ResponseCode::NoError, 0), "{rtype}");
            assert_eq!(reply.authorities[0].name.to_ascii(), "cluster.local.");
        }
    }
}

#[tokio::test]
async fn without_an_upstream_other_names_are_refused() {
    let world = world_with(|region| region.forward("[]")).await;
    let reply = both(world.east.dns(), &Ask::new("www.example.com", RecordType::A)).await;
    is_refused(&reply, 20, "no zone and no upstream for this name");
}

/// RD=0: Local and memory, nothing else; a chain ends where it would have to ask.
#[tokio::test]
async fn without_rd_neither_peers_nor_upstreams_are_asked() {
    let world = world().await;
    drop(world.west.on("app.west.svc.cluster.local", RecordType::A).answer_a("192.0.2.2", 30));
    let refused = "recursion not asked for, and not in memory";
    for asked in ["app.west.svc.cluster.local", "www.example.com"] {
        let reply = both(world.east.dns(), &Ask::new(asked, RecordType::A).no_rd()).await;
        is_refused(&reply, 20, refused);
    }
    let far = Ask::new("far.default.svc.cluster.local", RecordType::A);
    let reply = both(world.east.dns(), &far.clone().no_rd()).await;
    // The CNAME is an answer: nobody refused anything, the rest was not to be asked for.
    assert_eq!((reply.metadata.response_code, ede(&reply)), (ResponseCode::NoError, (20, refused.to_owned())));
    assert_eq!(aliases(&reply), ["app.west.svc.cluster.local."]);
    assert_eq!(world.west.count("app.west.svc.cluster.local", RecordType::A), 0, "nobody was asked");
    assert_eq!(addresses(&both(world.east.dns(), &far).await), [ip("192.0.2.2")]);
    for asked in ["far.default.svc.cluster.local", "app.west.svc.cluster.local"] {
        let reply = both(world.east.dns(), &Ask::new(asked, RecordType::A).no_rd()).await;
        assert_eq!(addresses(&reply), [ip("192.0.2.2")], "{asked}: from memory");
    }
    let local = both(world.east.dns(), &Ask::new("web.default.svc.cluster.local", RecordType::A).no_rd()).await;
    assert_eq!(addresses(&local), [ip("10.100.0.1")]);
    assert!(!local.metadata.recursion_desired);
}

/// The names of a region that cannot be asked say which region and why.
#[tokio::test]
async fn a_region_without_addresses_says_so() {
    let table = "regions:\n  east: {endpoints: [\"127.0.0.1:1\"]}\n  west: {endpoints: 7}\n";
    let world = world_with(|region| region.table(table)).await;
    let reply = both(world.east.dns(), &Ask::new("app.west.svc.cluster.local", RecordType::A)).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail);
    let (code, text) = ede(&reply);
    assert!(code == 22 && text.contains("west"), "{code} {text}");
    world.east.until_metric("interlocal_peers_table_ok", 0.0).await;
    let local = both(world.east.dns(), &Ask::new("web.default.svc.cluster.local", RecordType::A)).await;
    assert_eq!(addresses(&local), [ip("10.100.0.1")]);
}

/// REFUSED, NOTIMP and FORMERR of a peer are not the pod's business.
#[tokio::test]
async fn a_peers_refusal_is_a_failure_that_names_the_region() {
    let world = world().await;
    for (asked, rcode, text) in [
        ("refused.west.svc.cluster.local", ResponseCode::Refused, "REFUSED"),
        ("notimp.west.svc.cluster.local", ResponseCode::NotImp, "NOTIMP"),
        ("servfail.west.svc.cluster.local", ResponseCode::ServFail, "SERVFAIL"),
    ] {
        drop(world.west.on_name(asked).rcode(rcode));
        let reply = both(world.east.dns(), &Ask::new(asked, RecordType::A)).await;
        assert_eq!(reply.metadata.response_code, ResponseCode::ServFail, "{asked}");
        let (_, said) = ede(&reply);
        assert!(said.contains("west") && said.contains(text), "{asked}: {said}");
    }
}
