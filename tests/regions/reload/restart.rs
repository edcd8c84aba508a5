//! What only a restart applies: sockets, workers and the region. The old ones stay, and a metric asks for the restart.

use super::making::address;
use crate::support::region::listen;
use crate::support::regions::demo_region;
use crate::support::running::Running;
use crate::support::secs;
use crate::support::wait::eventually;

const REQUIRED: &str = "interlocal_restart_required";

async fn still_answers(region: &Running) {
    assert_eq!(address(region, "web.default.svc.cluster.local").await.as_deref(), Some("172.20.2.10"));
}

#[tokio::test]
async fn sockets_workers_and_the_region_need_a_restart() {
    let region = demo_region("east").table("regions: {east: {}}\n").start().await;
    let elsewhere =
        listen(["\"127.0.0.1:1\"", "\"127.0.0.1:0\"", "\"127.0.0.1:0\"", "\"127.0.0.1:0\"", "\"127.0.0.1:0\"", "\"\""]);
    for (key, value) in [("listen", elsewhere.as_str()), ("workers", "1"), ("region", "west"), ("sockets", "plain")] {
        region.rewrite_key(key, value);
        region.until_metric(REQUIRED, 1.0).await;
        still_answers(&region).await;
        assert_eq!(region.metric("interlocal_config_reload_total{file=\"config\",result=\"error\"}").await, None);
        // Taken back, none is needed.
        region.rewrite_key("workers", "2");
        region.until_metric(REQUIRED, 0.0).await;
    }
    // Of a changed region nothing was applied: east's row is still our own.
    let own = region.app().core().routing.load().config.region.clone();
    assert_eq!(own.expect("a region").as_str(), "east");
}

#[tokio::test]
async fn what_stands_beside_a_change_of_sockets_is_applied() {
    let region = demo_region("east").start().await;
    let elsewhere =
        listen(["\"127.0.0.1:0\"", "\"\"", "\"127.0.0.1:0\"", "\"127.0.0.1:0\"", "\"127.0.0.1:0\"", "\"\""]);
    region.rewrite_key("listen", &elsewhere);
    region.until_metric(REQUIRED, 1.0).await;
    still_answers(&region).await;
    // Counted behind the gauge, and the table with it.
    let ok = "interlocal_config_reload_total{file=\"config\",result=\"ok\"}";
    assert!(eventually(secs(20), || async { region.counter(ok).await >= 1.0 }).await);
    let tables = "interlocal_peers_table_generation_total";
    let before = region.counter(tables).await;
    region.rewrite_peers("regions: {west: {endpoints: [10.0.0.1]}}\n");
    region.until_metric(tables, before + 1.0).await;
    assert_eq!(region.metric(REQUIRED).await, Some(1.0), "a table does not take it back");
}
