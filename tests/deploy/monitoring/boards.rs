//! The series and labels that the dashboards and alerts of the field ask for, after real traffic: coredns-mixin, and the boards
//! 14981, 15762 and 5926 of grafana.com.

use std::process::{Command, Stdio};

use super::world::World;

/// Series, the labels that are grouped by or selected, and who asks.
const ASKED: &[(&str, &[&str], &str)] = &[
    ("coredns_build_info", &[], "mixin: the list of instances"),
    ("coredns_panics_total", &[], "mixin, 14981"),
    ("coredns_dns_responses_total", &["rcode"], "mixin, 14981, 15762"),
    ("coredns_dns_responses_total", &["plugin"], "hits by plugin"),
    ("coredns_dns_request_duration_seconds_bucket", &["server", "zone", "le"], "mixin, 14981"),
    ("coredns_dns_requests_total", &["type", "zone", "proto", "family"], "mixin, 14981, 15762"),
    ("coredns_dns_do_requests_total", &[], "14981"),
    ("coredns_dns_request_size_bytes_bucket", &["server", "zone", "proto", "le"], "mixin, 14981, 5926"),
    ("coredns_dns_request_size_bytes_sum", &["proto"], "15762"),
    ("coredns_dns_response_size_bytes_bucket", &["server", "zone", "proto", "le"], "mixin, 14981, 5926"),
    ("coredns_cache_hits_total", &["type"], "mixin, 14981, 15762, 5926"),
    ("coredns_cache_misses_total", &[], "mixin, 14981, 15762, 5926"),
    ("coredns_cache_entries", &["type"], "mixin, 14981, 15762"),
    ("coredns_forward_requests_total", &["to"], "mixin, 15762"),
    ("coredns_forward_responses_total", &["rcode"], "mixin, 15762"),
    ("coredns_forward_request_duration_seconds_bucket", &["to", "le"], "mixin"),
    ("coredns_forward_healthcheck_failures_total", &["to"], "mixin"),
    ("coredns_forward_healthcheck_broken_total", &[], "mixin"),
    (
        "coredns_proxy_request_duration_seconds_bucket",
        &["to", "proxy_name", "rcode", "le"],
        "newer copies of the mixin",
    ),
    ("coredns_proxy_healthcheck_failures_total", &["to", "proxy_name"], "newer copies of the mixin"),
    ("coredns_kubernetes_dns_programming_duration_seconds_bucket", &["service_kind", "le"], "mixin"),
    ("coredns_plugin_enabled", &["name"], "mixin without the kubernetes plugin"),
    ("coredns_health_request_duration_seconds_bucket", &["le"], "overload alerts"),
    ("coredns_reload_failed_total", &[], "reload alerts"),
    ("process_resident_memory_bytes", &[], "mixin, 15762"),
    ("process_cpu_seconds_total", &[], "mixin, 15762"),
    ("go_goroutines", &[], "mixin"),
];

#[tokio::test]
async fn the_series_of_the_fields_boards_and_alerts_are_there() {
    let test = "the_series_of_the_fields_boards_and_alerts_are_there";
    let Some(world) = World::start(test, "boards", false).await else { return };
    world.traffic().await;
    let (text, ours) = world.scrape().await;
    for (series, labels, who) in ASKED {
        let family = ours.has(series).unwrap_or_else(|| panic!("{series}, for {who}, is not in\n{text}"));
        for label in *labels {
            let has = family.samples.iter().any(|sample| sample.labels.contains_key(*label));
            assert!(has, "{series} has no label {label}, for {who}");
        }
    }
    // What they draw is not a flat line at zero.
    for (name, labels) in [
        ("coredns_forward_responses_total", &[("rcode", "SERVFAIL")][..]),
        ("coredns_forward_requests_total", &[]),
        ("coredns_cache_hits_total", &[("type", "success")]),
        ("coredns_cache_hits_total", &[("type", "denial")]),
        ("coredns_dns_responses_total", &[("plugin", "kubernetes"), ("rcode", "NXDOMAIN")]),
        ("coredns_dns_responses_total", &[("plugin", "cache")]),
        ("coredns_dns_responses_total", &[("plugin", "forward")]),
        ("coredns_kubernetes_rest_client_requests_total", &[("code", "200"), ("method", "GET")]),
        ("process_resident_memory_bytes", &[]),
        ("go_goroutines", &[]),
    ] {
        assert!(ours.get(name).unwrap().sum(labels) > 0.0, "{name} {labels:?} in\n{text}");
    }
    check(test, &text);
}

/// `promtool check metrics`, which also has opinions about names.
fn check(test: &str, text: &str) {
    use std::io::Write;
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else { return crate::support::dig::skip(test, "promtool") };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && said.is_empty(), "{said}");
}
