//! A peer table that is wrong never stops local DNS: what is valid of it works, what is not says so, and the last good
//! one is kept for the next start.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

use crate::support::client::{ask_tcp, ask_udp};
use crate::support::ip;
use crate::support::read::{addresses, extended_errors};
use crate::support::region::PEERS;
use crate::support::regions::demo_region;
use crate::support::running::Running;

/// No Reachable Authority (RFC 8914 4.23).
const NO_REACHABLE_AUTHORITY: u16 = 22;

const LOCAL: &str = "web.default.svc.cluster.local";
const WEST: &str = "busybox-0.busybox.west.svc.cluster.local";

async fn ask(region: &Running, asked: &str) -> Message {
    ask_udp(region.dns(), asked, RecordType::A).await
}

async fn assert_local_dns_works(region: &Running) {
    assert_eq!(addresses(&ask(region, LOCAL).await), [ip("172.20.2.10")]);
    assert_eq!(addresses(&ask_tcp(region.dns(), LOCAL, RecordType::A).await), [ip("172.20.2.10")]);
    assert_eq!(region.get("/ready").await.0, 200);
}

/// West, which knows itself, and the row that others have for it.
async fn west() -> (Running, String) {
    let west = demo_region("west").bind();
    let row = west.table_row();
    west.table(&format!("regions:\n{row}"));
    let west = west.start();
    west.ready().await;
    (west, row)
}

#[tokio::test]
async fn a_broken_row_at_the_start_costs_that_row() {
    let (_west, row) = west().await;
    let table = format!("regions:\n  east: {{}}\n{row}  north:\n    endpoints: [\"not an address\"]\n");
    let east = demo_region("east").table(&table).start().await;
    assert_local_dns_works(&east).await;
    assert_eq!(east.metric("interlocal_peers_table_ok").await, Some(0.0));
    assert_eq!(addresses(&ask(&east, WEST).await), [ip("10.0.115.11")], "a valid row works");
    for asked in ["a.b.north.svc.cluster.local", "north.svc.cluster.local"] {
        let reply = ask(&east, asked).await;
        assert_eq!(reply.response_code, ResponseCode::ServFail, "{asked}");
        let errors = extended_errors(&reply);
        let [(code, text)] = &errors[..] else { panic!("{reply}") };
        assert_eq!(*code, NO_REACHABLE_AUTHORITY);
        assert!(text.starts_with("region north has no address: "), "{text}");
    }
}

#[tokio::test]
async fn a_table_that_is_no_yaml_is_no_table() {
    let east = demo_region("east").table("regions: [\n").start().await;
    assert_local_dns_works(&east).await;
    assert_eq!(east.metric("interlocal_peers_table_ok").await, Some(0.0));
    // Without a table there are no regions: that name is the local zone's, and not there.
    assert_eq!(ask(&east, WEST).await.response_code, ResponseCode::NXDomain);
    // Mended in place, it is taken.
    let (_west, row) = west().await;
    east.rewrite_peers(&format!("regions:\n  east: {{}}\n{row}"));
    east.until_metric("interlocal_peers_table_ok", 1.0).await;
    assert_eq!(addresses(&ask(&east, WEST).await), [ip("10.0.115.11")]);
}

#[tokio::test]
async fn a_table_that_was_named_and_is_not_there_is_a_bad_one() {
    let east = demo_region("east").key("peers", "{file: elsewhere.yaml}").start().await;
    assert_local_dns_works(&east).await;
    assert_eq!(east.metric("interlocal_peers_table_ok").await, Some(0.0));
    east.write("elsewhere.yaml", "regions: {east: {}}\n");
    east.until_metric("interlocal_peers_table_ok", 1.0).await;
}

#[tokio::test]
async fn without_the_own_row_there_is_no_own_region_zone() {
    let west = demo_region("west").table("regions: {east: {endpoints: [\"127.0.0.1:1\"]}}\n").start().await;
    let reply = ask_udp(west.peers_door(), WEST, RecordType::A).await;
    assert_eq!(reply.response_code, ResponseCode::Refused, "nobody may ask for it");
    assert_eq!(addresses(&ask(&west, WEST).await), [ip("10.0.115.11")], "but the pods: it is a namespace");
}

#[tokio::test]
async fn the_last_good_table_outlives_a_restart() {
    let (_west, row) = west().await;
    let table = format!("regions:\n  east: {{}}\n{row}");
    let east = demo_region("east").key("state_dir", "state").file("state/.keep", "").table(&table).start().await;
    assert_eq!(addresses(&ask(&east, WEST).await), [ip("10.0.115.11")]);
    let east = east.stop().file(PEERS, "regions: {west: {endpoints: []}}\n");
    let east = east.start_again().await;
    assert_local_dns_works(&east).await;
    assert_eq!(east.metric("interlocal_peers_table_ok").await, Some(0.0));
    assert_eq!(addresses(&ask(&east, WEST).await), [ip("10.0.115.11")], "as the table before said");
}
