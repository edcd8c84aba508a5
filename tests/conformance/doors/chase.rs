//! Chains of CNAMEs at the pods' door: through the whole resolver, but what a region says may not lead into the names that only that
//! region can resolve.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::setup::{NORTH, STAMP, World, both, ede, stamp, table, world, world_with};
use crate::support::client::Ask;
use crate::support::read::{addresses, aliases};
use crate::support::server::ScriptServer;
use crate::support::{ip, ms, yaml};

async fn ask(world: &World, asked: &str) -> hickory_proto::op::Message {
    both(world.east.dns(), &Ask::new(asked, RecordType::A)).await
}

#[tokio::test]
async fn from_the_cluster_to_another_region() {
    let world = world().await;
    drop(world.west.on("app.west.svc.cluster.local", RecordType::A).aa().answer_a("192.0.2.2", 5));
    let reply = ask(&world, "far.default.svc.cluster.local").await;
    assert_eq!(aliases(&reply), ["app.west.svc.cluster.local."]);
    assert_eq!(addresses(&reply), [ip("192.0.2.2")]);
    assert!(reply.metadata.authoritative, "its first name is ours (RFC 1035 4.1.1)");
}

#[tokio::test]
async fn from_another_region_back_to_our_own() {
    let world = world().await;
    drop(world.west.on("back.west.svc.cluster.local", RecordType::A).answer_cname("app.east.svc.cluster.local", 5));
    drop(world.west.on("mesh.west.svc.cluster.local", RecordType::A).answer_cname("web.default.svc.east.mesh", 5));
    for (asked, address) in [("back", "10.100.0.2"), ("mesh", "10.100.0.1")] {
        let reply = ask(&world, &format!("{asked}.west.svc.cluster.local")).await;
        assert_eq!((addresses(&reply), aliases(&reply).len()), (vec![ip(address)], 1), "{asked}");
    }
}

#[tokio::test]
async fn from_one_region_to_the_next_and_outside() {
    let north = ScriptServer::start();
    let rows = format!("  north: {{endpoints: [\"{}\"]}}\n", north.address());
    let world = world().await;
    world.east.rewrite_peers(&(table(world.west.address()) + &rows));
    world.east.until_metric("interlocal_config_reload_total{file=\"peers\",result=\"ok\"}", 1.0).await;
    drop(north.on("app.north.svc.cluster.local", RecordType::A).answer_a("192.0.2.3", 5));
    drop(world.upstream.on("www.example.com", RecordType::A).answer_a("192.0.2.9", 60));
    drop(world.west.on("on.west.svc.cluster.local", RecordType::A).answer_cname("app.north.svc.cluster.local", 5));
    drop(world.west.on("out.west.svc.cluster.local", RecordType::A).answer_cname("www.example.com", 5));
    assert_eq!(addresses(&ask(&world, "on.west.svc.cluster.local").await), [ip("192.0.2.3")]);
    assert_eq!(addresses(&ask(&world, "out.west.svc.cluster.local").await), [ip("192.0.2.9")]);
}

/// `db.default.svc.cluster.local` in west's mouth is west's, and here it is somebody else's: it is never looked up.
#[tokio::test]
async fn a_regions_private_target_is_not_mistaken_for_our_own() {
    let world = world().await;
    for (asked, target) in [
        ("one", "web.default.svc.cluster.local"),
        ("two", "10-0-96-21.default.pod.cluster.local"),
        ("three", "nothing.default.svc.cluster.local"),
    ] {
        let asked = format!("{asked}.west.svc.cluster.local");
        drop(world.west.on(&asked, RecordType::A).answer_cname(target, 5));
        for _ in ["asked", "from memory"] {
            let reply = ask(&world, &asked).await;
            assert_eq!((reply.metadata.response_code, reply.answers.len()), (ResponseCode::NoError, 1), "{asked}");
            assert_eq!(aliases(&reply), [format!("{target}.")]);
            assert_eq!(ede(&reply).1, "target private to west");
        }
    }
}

/// A chase that fails says so; it is never an empty NOERROR.
#[tokio::test]
async fn a_chase_that_fails_says_so() {
    let world = world_with(|region| {
        let more = yaml::join(&[
            yaml::external("default/dark", "dark.west.svc.cluster.local"),
            yaml::external("default/denied", "denied.west.svc.cluster.local"),
            yaml::external("default/refused", "refused.west.svc.cluster.local"),
        ]);
        region
            .file("manifests/more.yaml", &more)
            .key("peers", "{file: peers.yaml, deadline: 600ms, stale_after: 300ms}")
    })
    .await;
    drop(world.west.on_name("dark.west.svc.cluster.local").drop_query());
    drop(world.west.on_name("refused.west.svc.cluster.local").rcode(ResponseCode::Refused));
    for (asked, rcode) in
        [("dark", ResponseCode::ServFail), ("denied", ResponseCode::NXDomain), ("refused", ResponseCode::ServFail)]
    {
        let reply = ask(&world, &format!("{asked}.default.svc.cluster.local")).await;
        assert_eq!(reply.metadata.response_code, rcode, "{asked}");
        assert_eq!(aliases(&reply), [format!("{asked}.west.svc.cluster.local.")], "as far as it goes");
        if rcode == ResponseCode::ServFail {
            assert!(ede(&reply).1.contains("west"), "{asked}");
        }
    }
}

/// A chase inherits the stamp of its question: it cannot reach what the question could not.
#[tokio::test]
async fn a_stamped_chase_does_not_leave_for_a_region() {
    let world = world().await;
    let ask = Ask::new("far.default.svc.cluster.local", RecordType::A).option(STAMP, &stamp(&[NORTH]));
    let reply = both(world.east.dns(), &ask).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::Refused);
    assert_eq!((ede(&reply).1, aliases(&reply).len()), ("came from a cluster".to_owned(), 1));
    let back = Ask::new("far.default.svc.cluster.local", RecordType::A)
        .option(STAMP, &stamp(&[(world.east_id(), "east"), NORTH]));
    let reply = both(world.east.dns(), &back).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail);
    assert_eq!(ede(&reply).1, "loop: east > north > east");
    assert_eq!(world.west.count("app.west.svc.cluster.local", RecordType::A), 0);
}

/// Two regions that point at each other for ever: the links are counted, wherever they lead.
#[tokio::test]
async fn a_chain_between_two_regions_ends() {
    let more = yaml::external("east/ping", "pong.west.svc.cluster.local");
    let world = world_with(|region| region.file("manifests/more.yaml", &more)).await;
    let rule = world.west.on("pong.west.svc.cluster.local", RecordType::A);
    drop(rule.delay(ms(1)).answer_cname("ping.east.svc.cluster.local", 5));
    let reply = ask(&world, "ping.east.svc.cluster.local").await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail);
    assert_eq!(ede(&reply).1, "CNAME chain too long or a loop");
    assert!(world.west.count("pong.west.svc.cluster.local", RecordType::A) <= 22);
}
