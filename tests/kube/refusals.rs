//! The API server says no: for want of rights, for want of time, or for want of a token.

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
