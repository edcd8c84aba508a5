//! Rows with hosts: F2 and F3. Every address that the host has is asked, as the instance's own upstreams resolve it.

use hickory_proto::rr::RecordType::{A, AAAA};

use crate::support::server::ScriptServer;

use super::world::{Place, World, row};

fn upstream(names: &ScriptServer) -> String {
    format!("[{{zone: ., to: [\"{}\"]}}]", names.address())
}

/// F2: a load balancer has an address in each zone of the region, and one of them is dead.
#[tokio::test]
async fn f2_one_address_of_several_is_dead() {
    let names = ScriptServer::start();
    names.on("west.example", A).answer_a("127.0.0.1", 60).answer_a("127.0.0.9", 60);
    names.on("west.example", AAAA).nodata("example", 60);
    let (world, west) = (World::new(), Place::new("west"));
    let east = Place::new("east").key("forward", &upstream(&names));
    world.table(&[row("east", east.peers()), row("west", format!("west.example:{}", west.peers().port()))]);
    let _running = (world.serve_ready(&east).await, world.serve_ready(&west).await);
    let ended = world.check(&east, &[]).await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let port = west.peers().port();
    let dead = format!("✖ peers: west 127.0.0.9:{port} (west.example:{port}): connection refused");
    let alive = format!("✔ west 127.0.0.1:{port} (west.example:{port}) answers, synced");
    assert!(ended.stdout.contains(&dead) && ended.stdout.contains(&alive), "{}", ended.stdout);
}

/// F3: what DNS says counts, at once: an address that it has taken out is not asked, and a host that it has not is named.
#[tokio::test]
async fn f3_the_addresses_are_those_that_dns_has_now() {
    let names = ScriptServer::start();
    names.on("west.example", AAAA).nodata("example", 60);
    names.on("west.example", A).answer_a("127.0.0.9", 60);
    let (world, west) = (World::new(), Place::new("west"));
    let east = Place::new("east").key("forward", &upstream(&names));
    world.table(&[row("east", east.peers()), row("west", format!("west.example:{}", west.peers().port()))]);
    let _running = (world.serve_ready(&east).await, world.serve_ready(&west).await);
    assert_eq!(world.check(&east, &[]).await.code, Some(1));
    names.on("west.example", A).answer_a("127.0.0.1", 60);
    let ended = world.check(&east, &[]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    names.on("west.example", A).nxdomain("example", 60);
    names.on("west.example", AAAA).nxdomain("example", 60);
    let ended = world.check(&east, &["-o", "short"]).await;
    let line = format!("✖ peers: west: west.example:{} does not resolve", west.peers().port());
    assert!(ended.stdout.contains(&line), "{}", ended.stdout);
}
