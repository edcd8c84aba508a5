//! A region that has the name of a local namespace takes its names away from the pods. A reload does that only if the
//! row says so, or nobody would notice.

use super::making::{address, answering, until_address};
use crate::support::region::{MANIFESTS, Region};
use crate::support::server::ScriptServer;
use crate::support::yaml;

const LOCAL: &str = "db.payments.svc.cluster.local";

/// A headless Service in the namespace `payments`, with this endpoint.
fn payments(endpoint: &str) -> String {
    yaml::join(&[
        yaml::namespace("payments"),
        yaml::headless("payments/db", &["sql:5432"]),
        yaml::slice("payments/db", &[endpoint], &["sql:5432"]),
    ])
}

fn table(server: &ScriptServer, more: &str) -> String {
    format!("regions: {{payments: {{endpoints: [\"{}\"]{more}}}}}\n", server.address())
}

#[tokio::test]
async fn a_reload_that_would_hide_ready_endpoints_is_refused_unless_it_says_so() {
    let peer = answering("payments.svc.cluster.local", "192.0.2.1", 0);
    let region = Region::new("east").manifests(&payments("10.1.0.1")).start().await;
    assert_eq!(address(&region, LOCAL).await.as_deref(), Some("10.1.0.1"));
    region.rewrite_peers(&table(&peer, ""));
    region.until_metric("interlocal_peers_table_ok", 0.0).await;
    assert_eq!(address(&region, LOCAL).await.as_deref(), Some("10.1.0.1"), "still ours");
    assert_eq!(region.metric("interlocal_hidden_namespaces").await, Some(0.0));

    region.rewrite_peers(&table(&peer, ", override_local: true"));
    until_address(&region, "*.db.payments.svc.cluster.local", "192.0.2.1").await;
    assert_eq!(region.metric("interlocal_peers_table_ok").await, Some(1.0));
    assert_eq!(address(&region, LOCAL).await.as_deref(), Some("192.0.2.1"));
}

#[tokio::test]
async fn a_table_that_was_refused_is_not_the_last_good_one() {
    let peer = answering("payments.svc.cluster.local", "192.0.2.1", 0);
    let region = Region::new("east").key("state_dir", "state").file("state/.keep", "").manifests(&payments("10.1.0.1"));
    let region = region.start().await;
    region.rewrite_peers(&table(&peer, ""));
    region.until_metric("interlocal_peers_table_ok", 0.0).await;
    // What the file says at the next start is bad in itself, so the copy is used.
    let region = region.stop().table("regions: [\n").start_again().await;
    assert_eq!(region.metric("interlocal_peers_table_ok").await, Some(0.0));
    assert_eq!(address(&region, LOCAL).await.as_deref(), Some("10.1.0.1"));
}

#[tokio::test]
async fn a_namespace_without_ready_endpoints_has_nothing_to_hide() {
    let peer = answering("payments.svc.cluster.local", "192.0.2.1", 0);
    let region = Region::new("east").manifests(&payments("10.1.0.1!")).start().await;
    region.rewrite_peers(&table(&peer, ""));
    until_address(&region, "*.db.payments.svc.cluster.local", "192.0.2.1").await;
    // What becomes ready later is hidden, and counted: the row was there first.
    region.write(MANIFESTS, &payments("10.1.0.1"));
    region.until_metric("interlocal_hidden_namespaces", 1.0).await;
    assert_eq!(address(&region, LOCAL).await.as_deref(), Some("192.0.2.1"));
    // And a later edit of the table is not about that row.
    region.rewrite_peers(
        &(table(&peer, "").trim_end().trim_end_matches('}').to_owned() + "}, north: {endpoints: [10.0.0.1]}}\n"),
    );
    region.until_metric("interlocal_config_reload_total{file=\"peers\",result=\"ok\"}", 2.0).await;
    assert_eq!(region.metric("interlocal_peers_table_ok").await, Some(1.0));
}

#[tokio::test]
async fn at_the_start_the_region_wins_and_it_is_counted() {
    let peer = answering("payments.svc.cluster.local", "192.0.2.1", 0);
    let region = Region::new("east").manifests(&payments("10.1.0.1")).table(&table(&peer, "")).start().await;
    until_address(&region, "*.db.payments.svc.cluster.local", "192.0.2.1").await;
    assert_eq!(region.metric("interlocal_hidden_namespaces").await, Some(1.0));
    assert_eq!(region.metric("interlocal_peers_table_ok").await, Some(1.0));
    // Away with the row, and the namespace is there again.
    region.rewrite_peers("regions: {}\n");
    until_address(&region, LOCAL, "10.1.0.1").await;
    region.until_metric("interlocal_hidden_namespaces", 0.0).await;
}
