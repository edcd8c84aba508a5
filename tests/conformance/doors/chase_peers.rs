//! Chains of CNAMEs at the peers' door: through what is Local to this cluster, and outside all clusters through Forward; what leads
//! to a region is left to who asked.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

use super::setup::{NORTH, STAMP, World, both, stamp, world, world_with};
use crate::support::client::Ask;
use crate::support::ip;
use crate::support::read::{addresses, aliases, has_soa};

async fn ask(world: &World, asked: &str) -> Message {
    let ask = Ask::new(&format!("{asked}.east.svc.cluster.local"), RecordType::A);
    let plain = both(world.east.peers_door(), &ask).await;
    let stamped = both(world.east.peers_door(), &ask.option(STAMP, &stamp(&[NORTH]))).await;
    assert_eq!(plain.answers, stamped.answers, "{asked}: with the stamp of another region as without");
    assert_eq!(plain.metadata.response_code, stamped.metadata.response_code);
    assert!(!plain.metadata.recursion_available);
    plain
}

#[tokio::test]
async fn what_is_local_to_the_cluster_is_followed() {
    let world = world().await;
    let near = ask(&world, "near").await;
    assert_eq!(aliases(&near), ["web.default.svc.cluster.local."]);
    assert_eq!(
        addresses(&near),
        [ip("10.100.0.1")],
        "a name that others could not ask for, at the end of one that they can"
    );
    assert_eq!(addresses(&ask(&world, "own").await), [ip("10.100.0.2")]);
    let gone = ask(&world, "gone").await;
    assert_eq!((gone.metadata.response_code, aliases(&gone).len()), (ResponseCode::NXDomain, 1));
    assert!(has_soa(&gone));
}

#[tokio::test]
async fn what_leads_to_a_region_is_left_to_the_asker() {
    let world = world().await;
    let far = ask(&world, "far").await;
    assert_eq!((far.metadata.response_code, aliases(&far).len()), (ResponseCode::NoError, 1));
    assert_eq!(far.answers.len(), 1);
    assert_eq!(world.west.count("app.west.svc.cluster.local", RecordType::A), 0, "never to a peer");
}

#[tokio::test]
async fn what_leads_outside_is_followed_unless_switched_off() {
    let world = world().await;
    drop(world.upstream.on("www.example.com", RecordType::A).answer_a("192.0.2.9", 60));
    let outside = ask(&world, "outside").await;
    assert_eq!((aliases(&outside).len(), addresses(&outside)), (1, vec![ip("192.0.2.9")]));

    let any = "\"127.0.0.1:0\"";
    let listen = format!(
        "{{dns: [{any}], peers: [{any}], peers_chase_outside: false, health: {any}, ready: {any}, metrics: {any}, admin: {any}}}"
    );
    let world = world_with(|region| region.key("listen", &listen)).await;
    let left = ask(&world, "outside").await;
    assert_eq!((aliases(&left).len(), left.answers.len()), (1, 1));
    assert_eq!(world.upstream.count("www.example.com", RecordType::A), 0);
}

/// The direct question for an outside name is refused, whatever chains may do.
#[tokio::test]
async fn the_way_outside_is_for_chains_only() {
    let world = world().await;
    drop(world.upstream.on("www.example.com", RecordType::A).answer_a("192.0.2.9", 60));
    assert_eq!(addresses(&ask(&world, "outside").await), [ip("192.0.2.9")]);
    let direct = both(world.east.peers_door(), &Ask::new("www.example.com", RecordType::A)).await;
    assert_eq!(direct.metadata.response_code, ResponseCode::Refused, "not even from memory");
}
