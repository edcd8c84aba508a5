//! A bad edit keeps what was there, says so in the log and in the metrics, and the next good one is taken.

use std::fs;

use super::making::{address, answering, until_address};
use crate::support::ports::free_block;
use crate::support::process::Process;
use crate::support::region::{CONFIG, MANIFESTS, PEERS, Region};
use crate::support::yaml;

const FAILED: &str = "interlocal_config_reload_total{file=\"peers\",result=\"error\"}";

#[tokio::test]
async fn a_bad_table_keeps_the_old_one_whole() {
    let west = answering("west.svc.cluster.local", "192.0.2.1", 0);
    let good = format!("regions:\n  west:\n    endpoints: [\"{}\"]\n", west.address());
    let region = Region::new("east").table(&good).start().await;
    until_address(&region, "*.a.west.svc.cluster.local", "192.0.2.1").await;
    let bad = [
        // No YAML, and half a file.
        "regions: [\n".to_owned(),
        good[..good.len() - 3].to_owned(),
        // A second row that is wrong, and one that takes what it may not: the first row is not even looked at.
        good.replace("west", "south") + "  north: {endpoints: [\"not an address\"]}\n",
        good.replace("west", "south") + "  kube-system: {endpoints: [10.0.0.1]}\n",
        good.replace("west", "south") + "  north: {endpoints: [10.0.0.1], zones: [south.svc.cluster.local]}\n",
    ];
    for (number, text) in bad.iter().enumerate() {
        let failed = region.counter(FAILED).await;
        region.rewrite_peers(text);
        region.until_metric("interlocal_peers_table_ok", 0.0).await;
        region.until_metric(FAILED, failed + 1.0).await;
        until_address(&region, &format!("*.b{number}.west.svc.cluster.local"), "192.0.2.1").await;
        assert_eq!(address(&region, "a.b.south.svc.cluster.local").await, None, "nothing of it is taken");
    }
    let failed = region.counter(FAILED).await;
    fs::remove_file(region.path(PEERS)).unwrap();
    region.until_metric(FAILED, failed + 1.0).await;
    until_address(&region, "*.c.west.svc.cluster.local", "192.0.2.1").await;
    region.rewrite_peers(&good);
    region.until_metric("interlocal_peers_table_ok", 1.0).await;
    assert_eq!(region.get("/ready").await.0, 200);
}

#[tokio::test]
async fn unknown_keys_are_a_warning_to_a_program_that_serves() {
    let west = answering("west.svc.cluster.local", "192.0.2.1", 0);
    let region = Region::new("east").start().await;
    let row = format!("regions: {{west: {{endpoints: [\"{}\"], flavour: new}}}}\n", west.address());
    region.rewrite_peers(&row);
    until_address(&region, "*.a.west.svc.cluster.local", "192.0.2.1").await;
    assert_eq!(region.metric("interlocal_peers_table_ok").await, Some(1.0));
}

#[tokio::test]
async fn a_bad_configuration_keeps_the_old_one() {
    const FAILED: &str = "interlocal_config_reload_total{file=\"config\",result=\"error\"}";
    let servers = ["192.0.2.1", "192.0.2.2"].map(|address| answering("example", address, 0));
    let rows = servers.each_ref().map(|server| format!("[{{zone: example, to: [\"{}\"]}}]", server.address()));
    let region = Region::new("east").forward(&rows[0]).start().await;
    until_address(&region, "*.a.example", "192.0.2.1").await;
    let good = fs::read_to_string(region.path(CONFIG)).unwrap();
    // The forward of the new text is never seen, since something else in it is wrong.
    let changed = good.replace(&servers[0].address().to_string(), &servers[1].address().to_string());
    for text in [format!("{changed}cache: {{size: lots}}\n"), format!("{changed}cache: {{\n"), "- a list\n".to_owned()]
    {
        let failed = region.counter(FAILED).await;
        region.write(CONFIG, &text);
        region.until_metric(FAILED, failed + 1.0).await;
        until_address(&region, "*.b.example", "192.0.2.1").await;
    }
    let failed = region.counter(FAILED).await;
    fs::remove_file(region.path(CONFIG)).unwrap();
    region.until_metric(FAILED, failed + 1.0).await;
    until_address(&region, "*.c.example", "192.0.2.1").await;
    region.write(CONFIG, &changed);
    until_address(&region, "*.d.example", "192.0.2.2").await;
}

#[tokio::test]
async fn a_broken_document_takes_its_objects_away_and_no_others() {
    let service = |name: &str, address: &str| yaml::service(&format!("shop/{name}"), &[address], &["http:80"]);
    let one = yaml::join(&[yaml::namespace("shop"), service("one", "10.96.0.1")]);
    let region = Region::new("east").manifests(&(one.clone() + "---\n" + &service("two", "10.96.0.2"))).start().await;
    assert_eq!(address(&region, "two.shop.svc.cluster.local").await.as_deref(), Some("10.96.0.2"));
    region.write(MANIFESTS, &(one.clone() + "---\nkind: Service\n broken: here\n"));
    region.until_metric("interlocal_zone_broken_documents", 1.0).await;
    assert_eq!(address(&region, "one.shop.svc.cluster.local").await.as_deref(), Some("10.96.0.1"));
    region.write(MANIFESTS, &(one + "---\n" + &service("two", "10.96.0.3")));
    until_address(&region, "two.shop.svc.cluster.local", "10.96.0.3").await;
    region.until_metric("interlocal_zone_broken_documents", 0.0).await;
    // Without the folder nothing is known, so nothing is forgotten.
    fs::rename(region.path("manifests"), region.path("elsewhere")).unwrap();
    region.until_metric("interlocal_zone_broken_documents", 1.0).await;
    assert_eq!(address(&region, "two.shop.svc.cluster.local").await.as_deref(), Some("10.96.0.3"));
}

#[tokio::test]
async fn the_log_has_place_snippet_and_mend() {
    let folder = tempfile::tempdir().unwrap();
    let place = format!("127.0.0.1:{}", free_block(1));
    let config = format!(
        "region: east\nlisten: {{dns: [\"{place}\"], peers: [], health: \"\", ready: \"\", metrics: \"\", admin: \"\"}}
kubernetes: {{source: objects.yaml}}\npeers: {{file: peers.yaml}}\nforward: []\nlog: {{format: text}}\n"
    );
    fs::write(folder.path().join("interlocal.yaml"), &config).unwrap();
    fs::write(folder.path().join("objects.yaml"), "").unwrap();
    fs::write(folder.path().join("peers.yaml"), "regions: {}\n").unwrap();
    let process = Process::start(folder.path(), &["serve", "--config", "interlocal.yaml"]);
    process.logged("serving").await;
    fs::write(folder.path().join("peers.yaml"), "regions:\n  west:\n    endpionts: [10.0.0.1]\n").unwrap();
    process.logged("peers.yaml:3:5: warning: unknown key `endpionts`").await;
    process.logged("   3 |     endpionts: [10.0.0.1]").await;
    process.logged("help: did you mean `endpoints`?").await;
    process.logged("peers.yaml:2:3: error: region `west` has no `endpoints`").await;
    process.logged("peer table not taken, the old one stays").await;
    fs::write(folder.path().join("interlocal.yaml"), config + "cache: {size: lots}\n").unwrap();
    process.logged("interlocal.yaml:7:15: error: `lots` is not a size").await;
    process.logged("configuration not taken, the old one stays").await;
}
