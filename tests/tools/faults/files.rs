//! Faults in files, and in what the files say of the cluster.

use crate::support::http;
use crate::support::secs;
use crate::support::wait::eventually;

use super::world::{Place, World, found, row};

#[tokio::test]
async fn all_is_well() {
    let (world, east, west) = (World::new(), Place::new("east"), Place::new("west"));
    world.table(&[row("east", east.peers()), row("west", west.peers())]);
    let _running = (world.serve_ready(&east).await, world.serve_ready(&west).await);
    let ended = world.check(&east, &[]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.starts_with("✔ 0 problems, 0 warnings,"), "{}", ended.stdout);
    let json = world.check(&east, &["-o", "json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (json["result"].as_str(), json["lines"].as_array().map(Vec::len)),
        (Some("fine"), json["fine"].as_u64().map(|it| it as usize))
    );
}

/// Planted fault 10. The old table stays in use, so nothing else shows it.
#[tokio::test]
async fn a_broken_reload() {
    let (world, east, west) = (World::new(), Place::new("east"), Place::new("west"));
    world.table(&[row("east", east.peers()), row("west", west.peers())]);
    let _running = (world.serve_ready(&east).await, world.serve_ready(&west).await);
    world.table(&[row("east", east.peers()), row("com", west.peers())]);
    let refused = eventually(secs(60), || async {
        let page = http::get(east.admin(), "/peers").await;
        page.is_some_and(|(_, page)| page.contains("\"ok\": false"))
    });
    assert!(refused.await, "the instance does not notice");
    found(&world.check(&east, &[]).await, "broken-reload", "peers.yaml:4:3: `com` is a top-level domain");
}

/// Planted fault 6, as a pod's resolv.conf shows it.
#[tokio::test]
async fn a_wrong_cluster_domain() {
    let (world, east) = (World::new(), Place::new("east"));
    world.table(&[row("east", east.peers())]);
    world.file("resolv.conf", "search shop.svc.prod.example svc.prod.example prod.example\nnameserver 10.96.0.10\n");
    let _running = world.serve_ready(&east).await;
    let cause = "the cluster's domain is prod.example, and not cluster.local";
    found(&world.check(&east, &[]).await, "wrong-cluster-domain", cause);
}

/// Planted fault 7.
#[tokio::test]
async fn a_namespace_named_like_a_region() {
    let (world, east, west) = (World::new(), Place::new("east"), Place::new("west"));
    world.table(&[row("east", east.peers()), row("west", west.peers())]);
    world.objects("east", &["west"]);
    let _running = (world.serve_ready(&east).await, world.serve_ready(&west).await);
    let cause = "namespace west of this cluster is hidden by the region of the same name";
    found(&world.check(&east, &[]).await, "namespace-named-like-a-region", cause);
}

#[tokio::test]
async fn a_configuration_that_cannot_be_read_is_exit_2() {
    let (world, east) = (World::new(), Place::new("east").key("workers", "many"));
    let ended = world.check(&east, &[]).await;
    assert_eq!(ended.code, Some(2), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("✖ configuration: east.yaml:"), "{}", ended.stdout);
}

/// Before installing there is nothing to ask, and every port has to be free.
#[tokio::test]
async fn before_installing_ports_have_to_be_free() {
    let (world, east) = (World::new(), Place::new("east"));
    world.table(&[row("east", east.peers())]);
    let ended = world.check(&east, &["--pre"]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let taken = std::net::TcpListener::bind(east.dns()).unwrap();
    let ended = world.check(&east, &["--pre", "-o", "short"]).await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("another process listens there"), "{}", ended.stdout);
    drop(taken);
    // Nothing runs, and that was not said to be so.
    let ended = world.check(&east, &["-o", "short"]).await;
    assert!(ended.stdout.contains("✖ doors: the pods' door"), "{}", ended.stdout);
}

#[tokio::test]
async fn it_waits_until_all_is_well() {
    let (world, east) = (World::new(), Place::new("east"));
    world.table(&[row("east", east.peers())]);
    let start = async {
        tokio::time::sleep(secs(1)).await;
        world.serve_ready(&east).await
    };
    let (ended, _running) = tokio::join!(world.check(&east, &["--wait", "60s"]), start);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("looking again"), "{}", ended.stderr);
}
