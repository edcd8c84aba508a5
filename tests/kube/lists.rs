//! How the zone is read for the first time, and after that as a whole.

use std::time::Duration;

use interlocal::kube::Selection;
use interlocal::kube::api::Settings;

use crate::double::{Double, Fault, Wanted, status};
use crate::objects::{many, namespace, pod, service, slice};
use crate::support::wait::eventually;
use crate::zone::{LIMIT, Zone, ms, settings};

async fn filled(names: usize) -> Double {
    let double = Double::start().await;
    double.fill(many(names));
    double
}

#[tokio::test]
async fn a_streamed_list_is_all_that_is_asked_for() {
    let double = filled(25).await;
    let zone = Zone::start(&double, &settings());
    zone.is_like(&double).await;
    let asked = double.asked();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked.iter().all(|it| it.is_stream() && it.parameter("allowWatchBookmarks") == Some("true")));
    let match_of = |it: &crate::double::Asked| it.parameter("resourceVersionMatch").map(str::to_owned);
    assert!(asked.iter().all(|it| match_of(it).as_deref() == Some("NotOlderThan")));
    let seconds: Vec<u64> = asked.iter().map(|it| it.parameter("timeoutSeconds").unwrap().parse().unwrap()).collect();
    assert!(seconds.iter().all(|seconds| (50..=60).contains(seconds)), "{seconds:?}");
}

#[tokio::test]
async fn a_server_that_streams_no_lists_is_asked_for_pages() {
    let double = filled(25).await;
    double.change(|state| state.streams = false);
    let zone = Zone::start(&double, &settings());
    zone.is_like(&double).await;
    double.apply(service("shop/late", "10.96.0.9"));
    zone.is_like(&double).await;
    for resource in ["namespaces", "services", "endpointslices"] {
        assert_eq!(double.count(Wanted::Streams(resource)), 1, "{resource}");
        assert_eq!(double.count(Wanted::Watches(resource)), 1, "{resource}");
    }
    let pages: Vec<_> = double.asked().into_iter().filter(|it| Wanted::Lists("endpointslices").is(it)).collect();
    assert_eq!(pages.len(), 3, "25 slices in pages of 10");
    assert!(pages.iter().all(|page| page.parameter("limit") == Some("10")));
    // With resourceVersion=0 the server ignores the limit.
    assert!(pages.iter().all(|page| page.parameter("resourceVersion").is_none()), "{pages:?}");
}

#[test]
fn a_page_has_fifty_objects() {
    assert_eq!(Settings::default().page_size, 50);
}

#[tokio::test]
async fn a_streamed_list_that_never_ends_becomes_pages() {
    let double = filled(12).await;
    double.plan(Wanted::Streams("services"), Fault::NoEnd, 1);
    let zone = Zone::start(&double, &settings());
    zone.is_like(&double).await;
    assert_eq!(double.count(Wanted::Lists("services")), 2);
    assert_eq!(double.count(Wanted::Lists("endpointslices")), 0, "the others stream");
}

#[tokio::test]
async fn nothing_is_served_before_everything_was_read() {
    let double = filled(5).await;
    double.plan(Wanted::Of("endpointslices"), Fault::refuse(500, "InternalError"), usize::MAX);
    let zone = Zone::start(&double, &settings());
    zone.until_metric("interlocal_kube_lists_total{resource=\"services\",way=\"stream\"}", 1.0).await;
    zone.until_metric("interlocal_kube_failures_total{resource=\"endpointslices\",reason=\"server_error\"}", 3.0).await;
    assert!(!zone.is_synced() && !zone.snapshot().synced);
    let text = zone.health.waiting_for().unwrap();
    assert!(text.contains("endpointslices: the API server refused: 500") && !text.contains("services:"), "{text}");
    double.behave();
    zone.is_like(&double).await;
    assert_eq!(zone.health.waiting_for(), None);
}

#[tokio::test]
async fn an_empty_cluster_is_a_zone_too() {
    let double = Double::start().await;
    let zone = Zone::start(&double, &settings());
    zone.is_like(&double).await;
    double.fill([namespace("shop"), service("shop/web", "10.96.0.1")]);
    zone.is_like(&double).await;
}

#[tokio::test]
async fn a_page_that_fails_leaves_the_zone_whole() {
    for (round, fault) in [
        Fault::refuse(500, "InternalError"),
        Fault::Status(410, status(410, "Expired", "The provided continue parameter is too old").to_string(), None),
        Fault::Cut(150),
        Fault::Body("{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"7\"}}".into()),
        Fault::Body("<html>back soon</html>".into()),
        Fault::Hang,
        Fault::HangAfterHead,
    ]
    .into_iter()
    .enumerate()
    {
        let double = filled(45).await;
        double.change(|state| state.streams = false);
        let zone = Zone::start(&double, &settings());
        zone.is_like(&double).await;
        zone.fewest();
        // A new list of which a later page fails, twice.
        double.plan(Wanted::LaterPages("services"), fault.clone(), 2);
        double.change(|state| {
            state.apply(service("shop/new", "10.96.0.7"));
            state.compact();
        });
        double.close_connections();
        zone.is_like(&double).await;
        assert!(double.is_done(), "{round}: {fault:?} did not happen");
        assert_eq!(zone.fewest(), 45, "{round}: {fault:?}");
    }
}

#[tokio::test]
async fn what_changes_between_two_pages_is_not_lost() {
    let double = filled(25).await;
    double.change(|state| (state.streams, state.drift) = (false, true));
    double.plan(Wanted::Lists("services"), Fault::Slow(200, ms(10)), 1);
    let zone = Zone::start(&double, &settings());
    assert!(eventually(LIMIT, || async { double.count(Wanted::Lists("services")) == 1 }).await);
    // The first page is on its way, and the later ones will be of a newer version.
    double.apply(service("shop/web-0", "10.96.0.1"));
    double.delete("services", "shop/web-1");
    zone.is_like(&double).await;
    assert_eq!(double.count(Wanted::Lists("services")), 3);
}

#[tokio::test]
async fn a_streamed_list_that_breaks_off_leaves_the_zone_whole() {
    // A stream that hangs is not asked for a second time.
    let broken = Fault::Body("{\"type\":\"ADDED\"".into());
    for (fault, times) in [(Fault::Cut(700), 2), (Fault::HangAfterHead, 1), (broken, 2)] {
        let double = filled(45).await;
        let zone = Zone::start(&double, &settings());
        zone.is_like(&double).await;
        zone.fewest();
        double.plan(Wanted::Streams("services"), fault.clone(), times);
        double.change(|state| {
            state.apply(service("shop/new", "10.96.0.7"));
            state.compact();
        });
        double.close_connections();
        zone.is_like(&double).await;
        assert!(double.is_done(), "{fault:?} did not happen");
        assert_eq!(zone.fewest(), 45, "{fault:?}");
    }
}

#[tokio::test]
async fn a_slow_list_is_waited_for() {
    let double = filled(10).await;
    double.change(|state| state.streams = false);
    double.plan(Wanted::Lists("services"), Fault::Slow(500, ms(20)), 1);
    let slow = Double::start().await;
    slow.fill(many(3));
    slow.plan(Wanted::Streams("services"), Fault::Slow(97, ms(5)), 1);
    for double in [&double, &slow] {
        let zone = Zone::start(double, &settings());
        zone.is_like(double).await;
        let failures = "interlocal_kube_failures_total{resource=\"services\",reason=\"silent\"}";
        assert_eq!(zone.metric(failures), 0.0);
    }
}

#[tokio::test]
async fn pods_are_read_only_when_they_are_verified() {
    let double = filled(2).await;
    double.apply(pod("shop/web-0", "10.1.0.7"));
    let zone = Zone::start(&double, &settings());
    zone.is_like(&double).await;
    assert_eq!(double.count(Wanted::Of("pods")), 0);
    let verified = Zone::part(&double, &settings(), &Selection { pods: true, ..Selection::default() });
    verified.is_like(&double).await;
    assert_eq!(verified.snapshot().counts.pod_addresses, 1);
    let asked = double.asked().into_iter().find(|it| it.resource == "pods").unwrap();
    assert_eq!(asked.parameter("fieldSelector"), Some("status.phase!=Succeeded,status.phase!=Failed"));
    double.delete("pods", "shop/web-0");
    verified.is_like(&double).await;
}

#[tokio::test]
async fn odd_objects_cost_themselves_and_are_counted() {
    let double = filled(3).await;
    let mut odd = service("shop/Bad_Name", "10.96.0.1");
    double.apply(odd.clone());
    odd["metadata"]["name"] = "fine".into();
    odd["spec"]["ports"] = 7.into();
    double.apply(odd.clone());
    odd["metadata"] = "nothing to see".into();
    odd["metadata"] = serde_json::json!({"name": "later", "namespace": "shop"});
    odd["spec"]["type"] = "Magic".into();
    double.apply(odd);
    let zone = Zone::start(&double, &settings());
    zone.is_like(&double).await;
    assert!(zone.metric("interlocal_kube_objects_skipped_total{resource=\"services\"}") >= 2.0);
    double.apply(slice("shop/web-0", &["10.1.0.1", "not an address", "10.1.0.2"]));
    zone.is_like(&double).await;
    zone.until_metric("interlocal_kube_objects_skipped_total{resource=\"endpointslices\"}", 1.0).await;
}

#[tokio::test]
async fn two_thousand_names_are_read_in_one_go() {
    let double = filled(2_000).await;
    let zone = Zone::start(&double, &Settings { streamed_list: LIMIT, ..settings() });
    zone.is_like(&double).await;
    assert_eq!(zone.services(), 2_000);
    let like = eventually(Duration::ZERO, || async {
        zone.metric("interlocal_kube_objects{resource=\"services\"}") == 2_000.0
    });
    assert!(like.await);
}
