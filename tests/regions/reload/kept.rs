//! What a reload does not change it does not touch: connections of a peer whose row is the same, and answers in memory.

use std::net::SocketAddr;

use hickory_proto::rr::RecordType;

use super::making::{address, answering, until_address};
use crate::support::client::ask_udp;
use crate::support::region::Region;
use crate::support::running::Running;
use crate::support::secs;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;

/// Connections that were made to this address of the region so far.
fn connects(region: &Running, label: &str, server: SocketAddr) -> Option<u64> {
    let routing = region.app().core().routing.load();
    let client = routing.regions.iter().find(|client| client.label() == label)?;
    client.snapshot().addresses.iter().find(|address| address.address == server).map(|address| address.connects)
}

async fn reloaded(region: &Running, file: &str, change: impl FnOnce()) {
    let series = format!("interlocal_config_reload_total{{file=\"{file}\",result=\"ok\"}}");
    let before = region.counter(&series).await;
    change();
    let done = eventually(secs(20), || async { region.counter(&series).await > before }).await;
    assert!(done, "{file} is not reloaded");
}

fn table(west: &ScriptServer, more: &str) -> String {
    format!("regions:\n  west:\n    endpoints: [\"{}\"]\n{more}", west.address())
}

#[tokio::test]
async fn a_peer_whose_row_is_the_same_keeps_its_connections() {
    let west = answering("west.svc.cluster.local", "192.0.2.1", 0);
    let north = answering("north.svc.cluster.local", "192.0.2.2", 0);
    let region = Region::new("east").table(&table(&west, "")).start().await;
    let server = west.address();
    // Every connection that there will be is open now: each takes a question.
    until_address(&region, "*.a.west.svc.cluster.local", "192.0.2.1").await;
    let settled = eventually(secs(20), || async {
        let asking = (0..64).map(|number| {
            let (dns, asked) = (region.dns(), format!("n{number}.b.west.svc.cluster.local"));
            tokio::spawn(async move { ask_udp(dns, &asked, RecordType::A).await })
        });
        let before = connects(&region, "west", server);
        for asked in asking.collect::<Vec<_>>() {
            asked.await.unwrap();
        }
        before == connects(&region, "west", server)
    });
    assert!(settled.await);
    let (made, accepted) = (connects(&region, "west", server), west.connections());

    let row = format!("  north:\n    endpoints: [\"{}\"]\n", north.address());
    reloaded(&region, "peers", || region.rewrite_peers(&table(&west, &row))).await;
    until_address(&region, "*.a.north.svc.cluster.local", "192.0.2.2").await;
    reloaded(&region, "peers", || {
        region.rewrite_peers(&table(&west, "    cidrs: [10.9.0.0/16]\n    mesh: west.mesh\n"))
    })
    .await;
    reloaded(&region, "config", || region.rewrite_key("cache", "{size: 1MiB}")).await;
    reloaded(&region, "config", || region.rewrite_key("peers", "{file: peers.yaml, deadline: 2s}")).await;
    reloaded(&region, "config", || region.app().reload()).await;
    for number in 0..20 {
        let asked = format!("n{number}.c.west.svc.cluster.local");
        assert_eq!(address(&region, &asked).await.as_deref(), Some("192.0.2.1"));
    }
    assert_eq!(connects(&region, "west", server), made, "the counters went on, and no connection was made");
    // The self-probe asks over connections of its own when the addresses change; they did not.
    assert_eq!(west.connections(), accepted, "and west saw none");
    assert!(west.open_connections() > 0);
}

#[tokio::test]
async fn an_address_that_stays_keeps_its_connections_when_another_one_comes() {
    let west = answering("west.svc.cluster.local", "192.0.2.1", 0);
    let other = answering("west.svc.cluster.local", "192.0.2.1", 0);
    let region = Region::new("east").table(&table(&west, "")).start().await;
    until_address(&region, "*.a.west.svc.cluster.local", "192.0.2.1").await;
    let before = connects(&region, "west", west.address()).expect("it is asked");
    let two = format!("regions: {{west: {{endpoints: [\"{}\", \"{}\"]}}}}\n", west.address(), other.address());
    reloaded(&region, "peers", || region.rewrite_peers(&two)).await;
    let listed =
        eventually(secs(20), || async { connects(&region, "west", other.address()).is_some_and(|made| made > 0) });
    assert!(listed.await, "the new address is not connected to");
    // The counter would start anew with a new client.
    assert!(connects(&region, "west", west.address()).is_some_and(|made| made >= before));
    until_address(&region, "*.b.west.svc.cluster.local", "192.0.2.1").await;
    // The one that goes is closed, the other one is not.
    reloaded(&region, "peers", || {
        region.rewrite_peers(&format!("regions: {{west: {{endpoints: [\"{}\"]}}}}\n", other.address()));
    })
    .await;
    assert!(eventually(secs(20), || async { west.open_connections() == 0 }).await, "its connections stay open");
    until_address(&region, "*.c.west.svc.cluster.local", "192.0.2.1").await;
}

#[tokio::test]
async fn answers_stay_in_memory() {
    let west = answering("west.svc.cluster.local", "192.0.2.1", 300);
    let upstream = answering("example", "192.0.2.3", 300);
    let forward = format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address());
    let region = Region::new("east").table(&table(&west, "")).forward(&forward).start().await;
    let names = ["a.b.west.svc.cluster.local", "www.example"];
    for name in names {
        until_address(&region, name, if name == "www.example" { "192.0.2.3" } else { "192.0.2.1" }).await;
    }
    reloaded(&region, "peers", || region.rewrite_peers(&table(&west, "    cidrs: [10.9.0.0/16]\n"))).await;
    reloaded(&region, "peers", || region.rewrite_peers(&table(&west, "  north: {endpoints: [\"127.0.0.1:9\"]}\n")))
        .await;
    let more = forward.replace("[{", "[{zone: corp.example, to: [\"127.0.0.1:9\"]}, {");
    reloaded(&region, "config", || region.rewrite_key("forward", &more)).await;
    reloaded(&region, "config", || region.rewrite_key("cache", "{size: 8MiB}")).await;
    for name in names {
        let hits = region.counter("interlocal_cache_hits_total").await;
        assert!(address(&region, name).await.is_some());
        assert!(region.counter("interlocal_cache_hits_total").await > hits, "{name} came from memory");
    }
    assert_eq!((west.count(names[0], RecordType::A), upstream.count(names[1], RecordType::A)), (1, 1));
}
