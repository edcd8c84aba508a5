//! `interlocal peers` and the page behind it: what an operator sees of the other regions.

use std::net::TcpListener;

use interlocal::server::admin::peers::Peers;

use crate::support::process::{self, Ended};
use crate::support::regions::{self, demo_region};
use crate::support::running::Running;
use crate::support::secs;
use crate::support::wait::eventually;

async fn peers(region: &Running, more: &[&str]) -> Ended {
    let admin = region.app().addresses().admin.unwrap().to_string();
    let mut args = vec!["peers", "--admin", &admin];
    args.extend(more);
    process::run(&std::env::temp_dir(), &args).await
}

#[tokio::test]
async fn each_address_has_its_line_and_a_dark_one_makes_the_exit_code() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rows = format!("  dark:\n    endpoints: [\"{closed}\"]\n");
    let regions = regions::together_with(["east", "west"].map(demo_region), &rows).await;
    let east = regions.of("east");
    let west = regions.of("west").peers_door().to_string();
    let shown = eventually(secs(20), || async {
        let Ended { stdout, .. } = peers(east, &[]).await;
        let line = |region: &str, words: &[&str]| {
            stdout.lines().any(|line| line.starts_with(region) && words.iter().all(|word| line.contains(word)))
        };
        let dark = line("dark", &[&closed.to_string(), "open"]) || line("dark", &[&closed.to_string(), "half-open"]);
        dark && line("west", &[&west, "up", " ms", "synced"]) && line("REGION", &["RTT", "PROBES", "SAYS"])
    });
    assert!(shown.await, "{:?}", peers(east, &[]).await);
    let ended = peers(east, &[]).await;
    assert_eq!(ended.code, Some(1), "a region is dark: {ended:?}");
    assert!(ended.stdout.contains("\nwe are east; table ") && ended.stdout.contains(", generation 1"), "{ended:?}");
}

#[tokio::test]
async fn the_page_is_read_by_programs_too_and_counts_the_tables() {
    let regions = regions::together(["east", "west"].map(demo_region)).await;
    let east = regions.of("east");
    east.peers_up().await;
    let ended = peers(east, &["-o", "json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let page = Peers::from_json(&ended.stdout).unwrap();
    assert_eq!((page.region.as_deref(), page.table.generation, page.table.ok), (Some("east"), 1, true));
    let west = page.regions.iter().find(|region| region.label == "west").unwrap();
    assert_eq!(west.addresses[0].address, regions.of("west").peers_door());
    assert!(west.zones.contains(&"west.svc.cluster.local".to_owned()), "{:?}", west.zones);

    let text = std::fs::read_to_string(east.path("peers.yaml")).unwrap();
    east.rewrite_peers(&format!("{text}  north:\n    endpoints: [\"127.0.0.1:9\"]\n"));
    east.until_metric("interlocal_peers_table_generation_total", 2.0).await;
    east.rewrite_peers("regions: 7\n");
    east.until_metric("interlocal_peers_table_ok", 0.0).await;
    let ended = peers(east, &[]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("generation 2; the newest table is bad and not in use, see the log"), "{ended:?}");
}

#[tokio::test]
async fn an_instance_that_is_not_there_is_a_clear_error() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let ended = process::run(&std::env::temp_dir(), &["peers", "--admin", &closed]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    let start = format!("error: cannot read http://{closed}/peers; `listen.admin` of the instance says where it is: ");
    assert!(ended.stderr.starts_with(&start) && ended.stderr.contains("refused"), "{}", ended.stderr);
}
