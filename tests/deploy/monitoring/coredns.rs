//! Our metrics under CoreDNS's names beside those of a real CoreDNS that was asked the same.

use std::collections::BTreeSet;

use super::world::World;

/// What newer CoreDNS has not, and dashboards ask for all the same; and what it shows only when it happens.
const OURS_ONLY: [&str; 9] = [
    "coredns_cache_drops_total",
    "coredns_cache_evictions_total",
    "coredns_cache_prefetch_total",
    "coredns_forward_healthcheck_failures_total",
    "coredns_forward_request_duration_seconds",
    "coredns_forward_requests_total",
    "coredns_forward_responses_total",
    // Its client measures lists, and streams them.
    "coredns_kubernetes_rest_client_request_duration_seconds",
    "coredns_proxy_healthcheck_failures_total",
];
/// What nothing here does.
const THEIRS_ONLY: [&str; 2] = ["coredns_hosts_reload_timestamp_seconds", "coredns_local_localhost_requests_total"];

#[tokio::test]
async fn what_both_have_has_the_same_type_labels_and_buckets() {
    let test = "what_both_have_has_the_same_type_labels_and_buckets";
    let Some(world) = World::start(test, "both", true).await else { return };
    world.traffic().await;
    let ((_, ours), theirs) = (world.scrape().await, world.scrape_theirs().await);
    let usual = |name: &&str| name.starts_with("coredns_") || name.starts_with("process_") || *name == "go_goroutines";
    let mut compared = 0;
    let mut ours_only = BTreeSet::new();
    for name in ours.names().filter(usual) {
        let (Some(mine), Some(yours)) = (ours.get(name), theirs.has(name)) else {
            ours_only.insert(name);
            continue;
        };
        assert_eq!(mine.kind, yours.kind, "{name}");
        assert_eq!(mine.labels(), yours.labels(), "{name}");
        assert_eq!(mine.buckets(), yours.buckets(), "{name}");
        compared += 1;
    }
    let theirs_only: BTreeSet<&str> = theirs.names().filter(usual).filter(|name| ours.get(name).is_none()).collect();
    assert!(ours_only.iter().all(|name| OURS_ONLY.contains(name)), "{ours_only:?}");
    assert!(theirs_only.iter().all(|name| THEIRS_ONLY.contains(name)), "{theirs_only:?}");
    assert!(compared >= 32, "{compared} metrics compared");
    println!("{compared} metrics compared; ours only: {ours_only:?}; theirs only: {theirs_only:?}");
    // The same questions make the same numbers, where it is not for each cache to decide.
    for (name, labels) in [
        ("coredns_dns_requests_total", &[("proto", "tcp"), ("type", "AAAA")][..]),
        ("coredns_dns_requests_total", &[("type", "MX"), ("family", "1")]),
        ("coredns_dns_do_requests_total", &[]),
    ] {
        let sums = [&ours, &theirs].map(|read| read.get(name).unwrap().sum(labels));
        assert!(sums[0] > 0.0 && sums[0] == sums[1], "{name} {labels:?}: {sums:?}");
    }
    for (name, labels) in [
        ("coredns_cache_entries", ("type", "denial")),
        ("coredns_cache_hits_total", ("type", "denial")),
        ("coredns_cache_hits_total", ("type", "success")),
    ] {
        let sums = [&ours, &theirs].map(|read| read.get(name).unwrap().sum(&[labels]));
        assert!(sums[0] > 0.0 && sums[1] > 0.0, "{name} {labels:?}: {sums:?}");
    }
}
