//! Faults of regions that are there and answer, but not as they should; and the matrix of real questions.

use crate::support::certificates::{Authority, Files};
use crate::support::wait::eventually;
use crate::support::{http, secs};

use super::world::{Place, World, found, redacted, row};

/// Planted fault 3.
#[tokio::test]
async fn two_regions_with_the_same_address() {
    let [central, east, west] = ["central", "east", "west"].map(Place::new);
    let world = World::new();
    world.table(&[row("central", central.peers()), row("east", west.peers()), row("west", west.peers())]);
    let _running = (world.serve_ready(&central).await, world.serve_ready(&east).await, world.serve_ready(&west).await);
    let cause = "regions east and west have the same address ADDRESS";
    found(&world.check(&central, &[]).await, "two-regions-with-one-address", cause);
}

/// F4: an address that was typed into the wrong row.
#[tokio::test]
async fn f4_an_address_of_another_region() {
    let [central, east, west] = ["central", "east", "west"].map(Place::new);
    let world = World::new();
    world.table(&[row("central", central.peers()), row("east", east.peers()), row("north", west.peers())]);
    let _running = (world.serve_ready(&central).await, world.serve_ready(&east).await, world.serve_ready(&west).await);
    let ended = world.check(&central, &["-o", "short"]).await;
    let line = format!("✖ peers: north {}: is region west, not north", west.peers());
    assert!(ended.stdout.contains(&line), "{}", ended.stdout);
}

/// Planted fault 4.
#[tokio::test]
async fn a_peer_that_has_not_read_its_zone() {
    let (world, east) = (World::new(), Place::new("east"));
    let west = Place::new("west").key("kubernetes", "{source: \"http://127.0.0.1:1\"}");
    world.table(&[row("east", east.peers()), row("west", west.peers())]);
    let _running = (world.serve_ready(&east).await, world.serve(&west).await);
    found(&world.check(&east, &[]).await, "unsynced-peer", "west ADDRESS: has not read its zone");
}

/// The load balancer's port leads to the door of the pods; and a row that leads to ourselves.
#[tokio::test]
async fn a_wrong_door_and_ones_own() {
    let [east, west, north] = ["east", "west", "north"].map(Place::new);
    let world = World::new();
    world.table(&[row("east", north.peers()), row("west", west.dns()), row("north", east.peers())]);
    let _running = (world.serve_ready(&east).await, world.serve_ready(&west).await);
    let ended = world.check(&east, &["-o", "short"]).await;
    for line in [
        format!("✖ peers: west {}: the pods' door answers, not the peers'", west.dns()),
        format!("✖ peers: north {}: leads back to ourselves", east.peers()),
    ] {
        assert!(ended.stdout.contains(&line), "no {line} in\n{}", ended.stdout);
    }
}

/// Planted fault 9; and the other ways in which a certificate is wrong.
#[tokio::test]
async fn a_certificate_that_has_expired() {
    let (world, east, west) = (World::new(), Place::new("east"), Place::new("west").tls());
    let authority = Authority::new("regions");
    let files = Files::in_folder(world.folder());
    files.ca(authority.pem());
    files.pair(&authority.sign_until(&["dns.west.example"], 2001));
    let tls = |name: &str| {
        let door = west.tls_door();
        let row = format!("  west: {{endpoints: [\"{door}\"], tls: {{ca: tls/ca.crt, server_name: {name}}}}}\n");
        world.table(&[row_of(&east), row]);
    };
    tls("dns.west.example");
    let _running = (world.serve_ready(&east).await, world.serve_ready(&west).await);
    found(&world.check(&east, &[]).await, "certificate-expired", "west ADDRESS: certificate expired");
    files.pair(&authority.sign(&["dns.west.example"]));
    let well = eventually(secs(60), || async { world.check(&east, &[]).await.code == Some(0) }).await;
    assert!(well, "{}", world.check(&east, &[]).await.stdout);
    tls("dns.north.example");
    let ended = world.check(&east, &["-o", "short"]).await;
    assert!(ended.stdout.contains("certificate is for another name"), "{}", ended.stdout);
    tls("dns.west.example");
    files.ca(Authority::new("others").pem());
    let ended = world.check(&east, &["-o", "short"]).await;
    assert!(ended.stdout.contains("certificate not trusted"), "{}", ended.stdout);
}

fn row_of(place: &Place) -> String {
    row(place.label, place.peers())
}

#[tokio::test]
async fn a_region_with_another_table_is_named() {
    let (world, other, east, west) = (World::new(), World::new(), Place::new("east"), Place::new("west"));
    world.table(&[row_of(&east), row_of(&west)]);
    other.table(&[row_of(&east), row_of(&west), row("north", "10.0.0.1")]);
    let _running = (world.serve_ready(&east).await, other.serve_ready(&west).await);
    let ended = world.check(&east, &["-o", "short"]).await;
    assert_eq!(ended.code, Some(0), "it works: {}", ended.stdout);
    assert!(ended.stdout.contains("‼ tables: west has another peer table than we"), "{}", ended.stdout);
}

/// F37: real questions, for every region, over every address, and as a pod asks.
#[tokio::test]
async fn f37_the_matrix_asks_every_region_for_real() {
    let (world, east, west) = (World::new(), Place::new("east"), Place::new("west"));
    world.table(&[row_of(&east), row_of(&west)]);
    let running = (world.serve_ready(&east).await, world.serve_ready(&west).await);
    let met = eventually(secs(60), || async {
        http::get(east.admin(), "/peers").await.is_some_and(|(_, page)| page.contains("\"synced\": true"))
    });
    assert!(met.await, "they do not meet");
    let names = ["web.east.svc.cluster.local", "web.west.svc.cluster.local"];
    let args = ["--matrix", "--name", names[0], "--name", names[1]];
    let ended = world.check(&east, &args).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let text = redacted(&ended.stdout);
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.ends_with("  TIME") && !line.contains("REGION"))
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    let expected = [
        ["✔ east", "pods' door", names[0], "10.96.0.7", "TIME"],
        ["✔ west", "ADDRESS", names[1], "10.96.0.7", "TIME"],
        ["✔ west", "pods' door", names[1], "10.96.0.7", "TIME"],
    ];
    assert_eq!(rows, expected.map(Vec::from), "{}", ended.stdout);
    drop(running.1);
    let ended = world.check(&east, &["--matrix"]).await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("connection refused  -"), "{}", ended.stdout);
}
