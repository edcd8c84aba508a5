//! Questions that come back to us.

use std::net::{TcpStream, UdpSocket};

use crate::support::coredns::CoreDns;
use crate::support::dig::skip;
use crate::support::ports::free_block;
use crate::support::secs;
use crate::support::wait::eventually;

use super::world::{Place, World, found, row};

/// Planted fault 5: CoreDNS beside us forwards to us what we forward to it.
#[tokio::test]
async fn a_loop_through_coredns() {
    let port = free_block(1);
    let east = Place::new("east").key("forward", &format!("[{{zone: ., to: [\"127.0.0.1:{port}\"]}}]"));
    let corefile = format!(".:{port} {{\n    bind 127.0.0.1\n    forward . {}\n}}\n", east.dns());
    let Some(coredns) = CoreDns::start_with("a_loop_through_coredns", port, &corefile) else { return };
    let up = eventually(secs(60), || async { TcpStream::connect(("127.0.0.1", port)).is_ok() }).await;
    assert!(up, "{}", coredns.log());
    let world = World::new();
    world.table(&[row("east", east.peers())]);
    let _running = world.serve_ready(&east).await;
    let cause = "`.` goes round in a circle: ADDRESS forwards it back to us";
    found(&world.check(&east, &[]).await, "loop-through-coredns", cause);
}

/// The loop is what status says, and not only that nobody answers.
#[tokio::test]
async fn status_names_the_loop() {
    let place = format!("127.0.0.1:{}", free_block(1));
    let east = Place::new("east").dns_at(&place).key("forward", &format!("[{{zone: ., to: [\"{place}\"]}}]"));
    let world = World::new();
    world.table(&[row("east", east.peers())]);
    let _running = world.serve_ready(&east).await;
    let admin = east.admin().to_string();
    let status = async || world.run(&["status", "--admin", &admin]).await;
    let first = format!("! loop: {place} of upstreams of . leads back to us, and is left out\n");
    let named = eventually(secs(60), || async { status().await.stdout.starts_with(&first) }).await;
    let ended = status().await;
    assert!(named && ended.code == Some(1) && !ended.stdout.contains("no upstream of"), "{ended:?}");
}

/// Planted fault 8. resolv.conf knows no other port than 53.
#[tokio::test]
async fn a_resolv_conf_that_points_at_itself() {
    let place = "127.0.0.77:53";
    if UdpSocket::bind(place).is_err() {
        skip("a_resolv_conf_that_points_at_itself", "the right to listen on port 53");
        return;
    }
    let world = World::new();
    let path = world.folder().join("upstreams.conf");
    let east = Place::new("east").dns_at(place).key("forward", &format!("[{{zone: ., to: [{}]}}]", path.display()));
    world.file("upstreams.conf", "nameserver 127.0.0.77\n");
    world.table(&[row("east", east.peers())]);
    let _running = world.serve_ready(&east).await;
    let mut ended = world.check(&east, &[]).await;
    ended.stdout = ended.stdout.replace(&*world.folder().to_string_lossy(), "/etc");
    let cause = "/etc/upstreams.conf leads to ourselves: ADDRESS is our own door";
    found(&ended, "resolv-conf-pointing-at-itself", cause);
}
