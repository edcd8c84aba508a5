//! What a watch tells, how it ends, and that nothing is lost between one and the next.

use serde_json::json;

use crate::double::{Double, Fault, Wanted, status};
use crate::objects::{many, service, slice};
use crate::support::secs;
use crate::support::wait::eventually;
use crate::zone::{LIMIT, Zone, ms, settings};
use interlocal::kube::api::Settings;

async fn watched(names: usize, settings: &Settings) -> (Double, Zone) {
    let double = Double::start().await;
    double.fill(many(names));
    let zone = Zone::start(&double, settings);
    zone.is_like(&double).await;
    zone.fewest();
    (double, zone)
}

/// Watches of one second.
fn short() -> Settings {
    Settings { watch: secs(1), watch_grace: ms(300), ..settings() }
}

#[tokio::test]
async fn changes_are_seen_one_by_one() {
    let (double, zone) = watched(3, &settings()).await;
    double.apply(service("shop/new", "10.96.0.1"));
    zone.is_like(&double).await;
    double.apply(service("shop/new", "10.96.0.2"));
    zone.is_like(&double).await;
    double.apply(slice("shop/web-0", &["10.9.0.1", "10.9.0.2"]));
    zone.is_like(&double).await;
    double.delete("services", "shop/new");
    double.delete("endpointslices", "shop/web-0-1");
    zone.is_like(&double).await;
    assert_eq!(double.asked().len(), 3, "one question a resource");
}

#[tokio::test]
async fn a_service_deleted_and_made_again_is_there() {
    let (double, zone) = watched(3, &settings()).await;
    for round in 0..50 {
        double.delete("services", "shop/web-1");
        double.apply(service("shop/web-1", &format!("10.96.0.{round}")));
    }
    zone.is_like(&double).await;
    assert_eq!(zone.services(), 3);
}

#[tokio::test]
async fn a_watch_that_ends_in_time_is_followed_from_where_it_was() {
    let (double, zone) = watched(5, &short()).await;
    for round in 0..25 {
        double.apply(service("shop/new", &format!("10.96.0.{round}")));
        tokio::time::sleep(ms(100)).await;
    }
    zone.is_like(&double).await;
    assert!(double.count(Wanted::Watches("services")) >= 2);
    assert_eq!(double.count(Wanted::Streams("services")), 1, "never listed again");
    let told = || zone.metric("interlocal_kube_events_total{resource=\"services\"}");
    assert!(eventually(LIMIT, || async { told() >= 25.0 }).await);
    assert_eq!(told(), 25.0, "each event once, and 25 of them");
    assert!(double.asked().iter().all(|it| it.is_stream() || it.parameter("resourceVersion") != Some("0")));
}

/// Where nothing happens, bookmarks move the version on, so that a restart needs no list when old versions are forgotten.
#[tokio::test]
async fn bookmarks_carry_a_quiet_watch_past_a_compaction() {
    let (double, zone) = watched(5, &short()).await;
    let before = double.count(Wanted::Streams("endpointslices"));
    // Other resources change, and the version with them.
    for round in 0..5 {
        double.apply(service("shop/new", &format!("10.96.0.{round}")));
    }
    let asked = double.count(Wanted::Watches("endpointslices"));
    let bookmarked = || async { double.count(Wanted::Watches("endpointslices")) >= asked + 2 };
    assert!(eventually(LIMIT, bookmarked).await);
    let version = double.read(|state| state.version().to_string());
    let last = double.asked().into_iter().rfind(|it| Wanted::Watches("endpointslices").is(it)).unwrap();
    assert_eq!(last.parameter("resourceVersion"), Some(version.as_str()));
    assert_eq!(double.count(Wanted::Streams("endpointslices")), before);
    zone.is_like(&double).await;
}

#[tokio::test]
async fn gone_as_an_event_or_as_a_status_is_a_new_list_that_nobody_sees() {
    let gone = status(410, "Expired", "too old resource version: 1 (2)");
    let (double, zone) = watched(150, &short()).await;
    for fault in
        [Fault::Event(json!({"type": "ERROR", "object": gone.clone()})), Fault::Status(410, gone.to_string(), None)]
    {
        let lists = double.count(Wanted::Streams("services"));
        double.plan(Wanted::Watches("services"), fault, 1);
        double.close_connections();
        assert!(eventually(LIMIT, || async { double.count(Wanted::Streams("services")) > lists }).await);
        double.apply(service("shop/new", "10.96.0.1"));
        zone.is_like(&double).await;
        double.delete("services", "shop/new");
        zone.is_like(&double).await;
        assert_eq!(zone.fewest(), 150);
        assert_eq!(zone.metric("interlocal_kube_list_held_back{resource=\"services\"}"), 0.0);
    }
    assert!(zone.metric("interlocal_kube_failures_total{resource=\"services\",reason=\"gone\"}") >= 2.0);
}

#[tokio::test]
async fn events_that_were_missed_before_a_compaction_are_seen_by_the_list() {
    let (double, zone) = watched(10, &settings()).await;
    double.change(|state| {
        state.apply(service("shop/new", "10.96.0.1"));
        state.delete("services", "shop/web-3");
        state.compact();
    });
    double.close_connections();
    zone.is_like(&double).await;
    zone.until_metric("interlocal_kube_relist_removed_total{resource=\"services\"}", 1.0).await;
}

#[tokio::test]
async fn a_watch_that_breaks_off_or_talks_nonsense_is_made_anew() {
    let (double, zone) = watched(10, &short()).await;
    for fault in [
        Fault::EndAtOnce,
        Fault::Cut(0),
        Fault::Body("{\"type\":\"ADDED\",\"object\":{\"metadata\":".into()),
        Fault::Body("what?\n".into()),
        Fault::Event(json!({"type": "NEW", "object": {"metadata": {}}})),
        Fault::Event(json!({"type": "ERROR", "object": status(500, "InternalError", "etcd is unwell")})),
        Fault::Event(json!({"type": "ERROR", "object": "no status"})),
        Fault::Event(json!({"type": "DELETED", "object": {"metadata": {"name": "stranger", "namespace": "shop"}}})),
        Fault::Event(json!({"type": "MODIFIED", "object": {"metadata": [1, 2]}})),
        Fault::Hang,
    ] {
        double.plan(Wanted::Watches("services"), fault.clone(), 3);
        double.close_connections();
        double.apply(service("shop/new", "10.96.0.1"));
        zone.is_like(&double).await;
        assert!(eventually(LIMIT, || async { double.is_done() }).await, "{fault:?} did not happen");
        double.delete("services", "shop/new");
        zone.is_like(&double).await;
        assert_eq!(zone.fewest(), 10, "{fault:?}");
    }
    assert_eq!(double.count(Wanted::Streams("services")), 1, "none of that is a reason to list");
}

/// The connection is there, and nobody is at the other end: no FIN, no RST.
#[tokio::test]
async fn a_half_dead_connection_is_noticed_when_its_time_is_over() {
    let (double, zone) = watched(10, &short()).await;
    double.freeze_connections();
    double.apply(service("shop/new", "10.96.0.1"));
    zone.is_like(&double).await;
    zone.until_metric("interlocal_kube_failures_total{resource=\"services\",reason=\"silent\"}", 1.0).await;
    assert_eq!(double.count(Wanted::Streams("services")), 1);
}

/// With the program's own patience; the time is not real.
#[tokio::test]
async fn a_dead_watch_is_noticed_within_65_seconds() {
    let (double, zone) = watched(10, &Settings::default()).await;
    double.freeze_connections();
    let begun = tokio::time::Instant::now();
    tokio::time::pause();
    let silent = || zone.metric("interlocal_kube_failures_total{resource=\"services\",reason=\"silent\"}");
    while silent() == 0.0 {
        assert!(begun.elapsed() <= secs(65), "{:?}", begun.elapsed());
        tokio::time::sleep(ms(100)).await;
    }
    assert!(begun.elapsed() >= secs(50), "{:?}", begun.elapsed());
    tokio::time::resume();
    double.apply(service("shop/new", "10.96.0.1"));
    zone.is_like(&double).await;
}

/// A watch that is made anew may be told again what it was told before.
#[tokio::test]
async fn events_that_come_twice_and_late_are_as_good_as_once() {
    let (double, zone) = watched(10, &short()).await;
    let objects = double.read(|state| state.objects().map(|(_, object)| object.clone()).collect::<Vec<_>>());
    let changes = zone.changes();
    for object in objects.iter().filter(|object| object["kind"] == "Service") {
        double.change(|state| state.note("services", "MODIFIED", object));
        double.change(|state| state.note("services", "ADDED", object));
    }
    // Something that is seen last.
    double.apply(service("shop/new", "10.96.0.1"));
    zone.is_like(&double).await;
    assert_eq!(zone.changes(), changes + 1, "what says nothing new is no change");
    assert_eq!(zone.fewest(), 10);
}

/// A list that says what we know: the zone is not touched, however large it is.
#[tokio::test]
async fn a_list_of_equal_objects_changes_nothing() {
    let (double, zone) = watched(300, &short()).await;
    let (before, changes) = (zone.snapshot(), zone.changes());
    for round in 0..3 {
        let lists = double.count(Wanted::Streams("services"));
        double.change(crate::double::State::compact);
        double.close_connections();
        assert!(eventually(LIMIT, || async { double.count(Wanted::Streams("services")) > lists }).await, "{round}");
    }
    double.apply(service("shop/new", "10.96.0.1"));
    zone.is_like(&double).await;
    assert_eq!(zone.changes(), changes + 1);
    assert!(!std::sync::Arc::ptr_eq(&before, &zone.snapshot()));
}

/// CoreDNS 3587: the watch is open, is ended and made anew in time, and never tells anything.
#[tokio::test]
async fn a_watch_that_silently_stopped_is_noticed() {
    let settings = Settings { quiet_watches: 2, ..short() };
    let (double, zone) = watched(10, &settings).await;
    double.plan(Wanted::Watches("services"), Fault::Mute, usize::MAX);
    // The first one was opened before.
    double.close_connections();
    assert!(eventually(LIMIT, || async { double.count(Wanted::Watches("services")) > 0 }).await);
    double.apply(service("shop/new", "10.96.0.1"));
    zone.is_like(&double).await;
    assert!(zone.metric("interlocal_kube_failures_total{resource=\"services\",reason=\"quiet\"}") >= 1.0);
}

#[tokio::test]
async fn a_thousand_changes_of_slices_a_second_are_kept_up_with() {
    let (double, zone) = watched(20, &settings()).await;
    for round in 0..3_000_usize {
        let addresses = [format!("10.9.{}.{}", round / 250, round % 250), "10.8.0.1".into()];
        double.apply(slice(&format!("shop/web-{}", round % 20), &[&addresses[0], &addresses[1]]));
        if round % 10 == 9 {
            tokio::time::sleep(ms(10)).await;
        }
    }
    zone.is_like(&double).await;
    assert_eq!(double.asked().len(), 3);
    assert!(zone.metric("interlocal_kube_events_total{resource=\"endpointslices\"}") >= 3_000.0);
}

#[tokio::test]
async fn the_time_that_a_change_took_is_measured() {
    let (double, zone) = watched(3, &settings()).await;
    let mut changed = slice("shop/web-0", &["10.9.0.1"]);
    changed["metadata"]["annotations"] =
        json!({"endpoints.kubernetes.io/last-change-trigger-time": "2020-01-01T00:00:00Z"});
    double.apply(changed.clone());
    zone.is_like(&double).await;
    let count = "coredns_kubernetes_dns_programming_duration_seconds_count{service_kind=\"headless_with_selector\"}";
    zone.until_metric(count, 1.0).await;
    double.apply(service("shop/web-1", "10.96.0.1"));
    zone.is_like(&double).await;
    changed["metadata"]["name"] = "web-1-1".into();
    changed["metadata"]["labels"]["kubernetes.io/service-name"] = "web-1".into();
    double.apply(changed);
    zone.is_like(&double).await;
    assert_eq!(zone.metric(count), 1.0, "only headless Services are measured");
}
