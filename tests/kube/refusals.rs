//! The API server says no: for want of rights, for want of time, or for want of a token.

use interlocal::kube::api::Settings;
use interlocal::limits::Limits;

use crate::double::{Double, Fault, Wanted, status};
use crate::objects::{many, service};
use crate::support::secs;
use crate::support::wait::eventually;
use crate::zone::{LIMIT, Zone, settings};

async fn filled() -> Double {
    let double = Double::start().await;
    double.fill(many(5));
    double
}

fn failures(resource: &str, reason: &str) -> String {
    format!("interlocal_kube_failures_total{{resource=\"{resource}\",reason=\"{reason}\"}}")
}

#[tokio::test]
async fn a_missing_right_is_named_until_it_is_given() {
    let double = filled().await;
    double.plan(Wanted::Of("endpointslices"), Fault::refuse(403, "Forbidden"), usize::MAX);
    let zone = Zone::start(&double, &settings());
    zone.until_metric(&failures("endpointslices", "forbidden"), 2.0).await;
    assert!(!zone.is_synced());
    let text = zone.health.waiting_for().unwrap();
    let rule = "{apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}";
    assert!(text.contains(rule) && text.contains("ClusterRole"), "{text}");
    double.behave();
    zone.is_like(&double).await;
}

#[tokio::test]
async fn without_namespaces_the_rest_is_served() {
    let double = filled().await;
    double.plan(Wanted::Of("namespaces"), Fault::refuse(403, "Forbidden"), usize::MAX);
    let zone = Zone::start(&double, &settings());
    assert!(eventually(LIMIT, || async { zone.snapshot().synced && zone.services() == 5 }).await);
    assert!(zone.snapshot().namespace_exists("shop") && !zone.snapshot().namespace_exists("kube-system"));
    double.behave();
    zone.is_like(&double).await;
}

#[tokio::test]
async fn a_right_that_is_taken_away_leaves_the_zone_as_it_is() {
    let double = filled().await;
    let zone = Zone::start(&double, &settings());
    zone.is_like(&double).await;
    zone.fewest();
    double.plan(Wanted::Of("services"), Fault::refuse(403, "Forbidden"), usize::MAX);
    double.close_connections();
    zone.until_metric(&failures("services", "forbidden"), 3.0).await;
    double.apply(service("shop/new", "10.96.0.1"));
    assert_eq!((zone.fewest(), zone.services()), (5, 5));
    double.behave();
    zone.is_like(&double).await;
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    for (code, body) in [(429, "Too many requests, please try again later.".to_owned()), (503, String::new())] {
        let double = filled().await;
        double.plan(Wanted::Of("services"), Fault::Status(code, body, Some(1)), 2);
        let zone = Zone::start(&double, &settings());
        zone.is_like(&double).await;
        let asked: Vec<_> = double.asked().into_iter().filter(|it| it.resource == "services").map(|it| it.at).collect();
        assert_eq!(asked.len(), 3);
        assert!(asked.windows(2).all(|pair| pair[1] - pair[0] >= secs(1)), "{code}: {asked:?}");
    }
    // Said in the body only, and for one resource.
    let double = filled().await;
    let mut later = status(429, "TooManyRequests", "later");
    later["details"] = serde_json::json!({"retryAfterSeconds": 1});
    double.plan(Wanted::Of("services"), Fault::Status(429, later.to_string(), None), 1);
    let zone = Zone::start(&double, &settings());
    zone.is_like(&double).await;
    let asked: Vec<_> = double.asked().into_iter().filter(|it| it.resource == "services").map(|it| it.at).collect();
    assert!(asked[1] - asked[0] >= secs(1));
}

#[tokio::test]
async fn a_token_that_is_refused_is_read_again() {
    let double = filled().await;
    let zone = Zone::start(&double, &settings());
    zone.is_like(&double).await;
    zone.fewest();
    double.plan(Wanted::Any, Fault::refuse(401, "Unauthorized"), 6);
    double.close_connections();
    double.apply(service("shop/new", "10.96.0.1"));
    zone.is_like(&double).await;
    assert_eq!(zone.fewest(), 5);
}

/// `limits.watch_line_bytes` and `limits.list_page_bytes`: what is too large is not read, is counted, and costs nothing else.
#[tokio::test]
async fn objects_and_pages_that_are_too_large_are_not_read() {
    let limits = Limits { watch_line_bytes: 4_096, list_page_bytes: 8_192, ..Limits::default() };
    let narrow = Settings::of(&limits);
    let narrow = Settings { line: narrow.line, page: narrow.page, ..settings() };
    let double = filled().await;
    let zone = Zone::start(&double, &narrow);
    zone.is_like(&double).await;
    zone.fewest();
    let mut large = service("shop/large", "10.96.0.1");
    large["metadata"]["annotations"] = serde_json::json!({"note": "x".repeat(9_000)});
    double.apply(large.clone());
    zone.until_metric(&failures("services", "too_large"), 2.0).await;
    assert_eq!((zone.fewest(), zone.services()), (5, 5), "the zone stays as it is");
    large["metadata"]["annotations"]["note"] = "short".into();
    double.change(|state| {
        state.apply(large.clone());
        // Else the watch would meet the large one again.
        state.compact();
    });
    zone.is_like(&double).await;
    // In pages.
    large["metadata"]["annotations"]["note"] = "x".repeat(9_000).into();
    double.apply(large.clone());
    double.change(|state| state.streams = false);
    let pages = Zone::start(&double, &narrow);
    pages.until_metric(&failures("services", "too_large"), 2.0).await;
    assert!(!pages.is_synced());
    let text = pages.health.waiting_for().unwrap();
    assert!(text.contains("one page is longer than 8192 bytes (limits.list_page_bytes)"), "{text}");
    large["metadata"]["annotations"]["note"] = "short".into();
    double.apply(large);
    pages.is_like(&double).await;
}
