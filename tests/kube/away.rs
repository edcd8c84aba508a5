//! The API server goes away and comes back, in the state in which it was or in another one.

use crate::double::{Double, Fault, Wanted};
use crate::objects::{many, service};
use crate::support::secs;
use crate::support::wait::eventually;
use crate::zone::{LIMIT, Zone, ms, settings};
use interlocal::kube::api::Settings;

#[tokio::test]
async fn a_server_that_is_away_at_the_start_is_waited_for() {
    let mut double = Double::stopped().await;
    double.fill(many(5));
    let zone = Zone::start(&double, &settings());
    zone.until_metric("interlocal_kube_failures_total{resource=\"services\",reason=\"unreachable\"}", 3.0).await;
    let text = zone.health.waiting_for().unwrap();
    assert!(text.contains("services: cannot reach the API server") && text.contains("refused"), "{text}");
    double.start_again().await;
    zone.is_like(&double).await;
}

#[tokio::test]
async fn a_server_that_goes_away_leaves_the_zone_as_it_is() {
    let (mut double, zone) = (Double::start().await, settings());
    double.fill(many(150));
    let zone = Zone::start(&double, &zone);
    zone.is_like(&double).await;
    zone.fewest();
    let changes = zone.changes();
    double.stop();
    zone.until_metric("interlocal_kube_failures_total{resource=\"services\",reason=\"unreachable\"}", 5.0).await;
    zone.until_metric("interlocal_zone_staleness_seconds", 0.2).await;
    assert_eq!(zone.metric("interlocal_kube_watching{resource=\"services\"}"), 0.0);
    assert_eq!((zone.fewest(), zone.changes()), (150, changes));
    double.apply(service("shop/new", "10.96.0.1"));
    double.start_again().await;
    zone.is_like(&double).await;
    assert_eq!(double.count(Wanted::Streams("services")), 1, "a watch goes on where it was");
    zone.until_metric("interlocal_kube_watching{resource=\"endpointslices\"}", 1.0).await;
    zone.until_metric("interlocal_kube_watching{resource=\"namespaces\"}", 1.0).await;
    assert_eq!(zone.metric("interlocal_zone_staleness_seconds"), 0.0);
}

/// However long it was away: the pause never grows beyond what 5 seconds allow, the time to connect included.
#[test]
fn a_server_that_is_back_is_seen_within_five_seconds() {
    let settings = Settings::default();
    assert!(settings.backoff_most + settings.connect <= secs(5));
}

/// However often it was asked in vain meanwhile: the pause before a list grows with lists, and with nothing else.
#[tokio::test]
async fn a_server_that_is_back_without_its_history_is_listed_at_once() {
    let mut double = Double::start().await;
    double.fill(many(5));
    // Were the tries counted, the list would be half an hour away.
    let zone = Zone::start(&double, &Settings { relist_most: secs(3_600), backoff_most: ms(20), ..settings() });
    zone.is_like(&double).await;
    double.stop();
    for resource in ["services", "endpointslices", "namespaces"] {
        let refused = format!("interlocal_kube_failures_total{{resource=\"{resource}\",reason=\"unreachable\"}}");
        zone.until_metric(&refused, 20.0).await;
    }
    double.change(|state| {
        state.apply(service("shop/new", "10.96.0.1"));
        state.compact();
    });
    double.start_again().await;
    zone.is_like(&double).await;
    zone.until_metric("interlocal_kube_failures_total{resource=\"services\",reason=\"gone\"}", 1.0).await;
}

#[tokio::test]
async fn a_server_that_is_away_is_not_stormed() {
    let mut double = Double::start().await;
    double.fill(many(5));
    let zone = Zone::start(&double, &settings());
    zone.is_like(&double).await;
    double.plan(Wanted::Any, Fault::refuse(500, "InternalError"), usize::MAX);
    double.close_connections();
    tokio::time::sleep(ms(2_000)).await;
    // Pauses of 50 to 100 ms, after a few shorter ones: 25 to 45 in two seconds, and fewer on a slow machine.
    let asked = double.count(Wanted::Of("services"));
    assert!((2..=60).contains(&asked), "{asked}");
    double.stop();
}

#[tokio::test]
async fn a_server_that_is_back_with_an_older_state_is_believed_without_a_gap() {
    let mut double = Double::start().await;
    double.fill(many(150));
    let zone = Zone::start(&double, &settings());
    zone.is_like(&double).await;
    zone.fewest();
    double.stop();
    double.change(|state| {
        // A backup from before these, with a version from before them.
        state.keep(|_, object| object["metadata"]["name"] != "web-149");
        state.set_back(150);
    });
    double.start_again().await;
    zone.is_like(&double).await;
    assert_eq!(zone.fewest(), 149);
    zone.until_metric("interlocal_kube_failures_total{resource=\"services\",reason=\"set_back\"}", 1.0).await;
    double.apply(service("shop/new", "10.96.0.1"));
    zone.is_like(&double).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_and_asked_again() {
    let double = Double::start().await;
    double.fill(many(5));
    double.plan(Wanted::Any, Fault::Hang, 4);
    double.plan(Wanted::Any, Fault::HangAfterHead, 4);
    let zone = Zone::start(&double, &settings());
    zone.is_like(&double).await;
    zone.until_metric("interlocal_kube_failures_total{resource=\"services\",reason=\"silent\"}", 1.0).await;
}

#[tokio::test]
async fn a_server_that_closes_every_connection_now_and_then_loses_nothing() {
    let double = Double::start().await;
    double.fill(many(30));
    let zone = Zone::start(&double, &settings());
    zone.is_like(&double).await;
    zone.fewest();
    for round in 0..40 {
        double.apply(service("shop/new", &format!("10.96.0.{round}")));
        if round % 4 == 0 {
            double.close_connections();
        }
        tokio::time::sleep(ms(15)).await;
    }
    zone.is_like(&double).await;
    assert_eq!(zone.fewest(), 30);
    let watches = || async { double.count(Wanted::Watches("services")) >= 2 };
    assert!(eventually(LIMIT, watches).await);
}
