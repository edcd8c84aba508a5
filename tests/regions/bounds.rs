//! Limits of what regions bring along: a table that is too long, a host with too many addresses.

use hickory_proto::rr::RecordType;

use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{region::Region, secs};

const ROW: &str = "regions: {east: {}, west: {endpoints: [\"127.0.0.1:1\"]}}\n";

/// `limits.config_bytes`
#[tokio::test]
async fn a_table_that_is_too_long_is_wrong_and_the_old_one_stays() {
    let east = Region::new("east").key("limits", "{config_bytes: 1KiB}").table(ROW).start().await;
    let good = "interlocal_config_reload_total{file=\"peers\",result=\"success\"}";
    let wrong = "interlocal_config_reload_total{file=\"peers\",result=\"error\"}";
    let before = east.counter(good).await;
    // It would be good, if it were shorter.
    east.rewrite_peers(&format!("{ROW}# {}\n", "x".repeat(1_024)));
    east.until_metric(wrong, 1.0).await;
    assert_eq!(east.metric("interlocal_peers_table_ok").await, Some(0.0));
    assert_eq!(east.counter(good).await, before);
    east.rewrite_peers(&format!("{ROW}# {}\n", "x".repeat(900)));
    east.until_metric("interlocal_peers_table_ok", 1.0).await;
}

/// `limits.peer_addresses`: whoever answers for a host cannot have us connect to everybody.
#[tokio::test]
async fn of_a_host_with_very_many_addresses_some_are_asked() {
    let upstream = ScriptServer::start();
    let mut rule = upstream.on("many.example.com", RecordType::A);
    for last in 1..=20 {
        rule = rule.answer_a(&format!("127.30.0.{last}"), 300);
    }
    drop(rule);
    let table = "regions: {east: {}, west: {endpoints: [\"many.example.com:1\"]}}\n";
    let forward = format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address());
    let region = Region::new("east").key("limits", "{peer_addresses: 3}").table(table).forward(&forward);
    let east = region.start().await;
    let asked = async || {
        let text = east.get("/metrics").await.1;
        text.lines().filter(|line| line.starts_with("interlocal_peer_up{") && line.contains("west")).count()
    };
    assert!(eventually(secs(20), || async { asked().await == 3 }).await, "{} addresses", asked().await);
}
