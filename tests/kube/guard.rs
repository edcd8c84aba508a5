//! Lists that take most of the zone away, by mistake and in earnest.

use interlocal::kube::api::Settings;

use crate::double::{Double, Wanted};
use crate::objects::{many, service};
use crate::support::secs;
use crate::support::wait::eventually;
use crate::zone::{LIMIT, Zone, ms, settings};

const HELD: &str = "interlocal_kube_list_held_back{resource=\"services\"}";

async fn watched(settings: &Settings) -> (Double, Zone) {
    let double = Double::start().await;
    double.fill(many(150));
    let zone = Zone::start(&double, settings);
    zone.is_like(&double).await;
    zone.fewest();
    (double, zone)
}

/// The server forgets everything but namespaces, without an event.
fn empty(double: &Double) {
    double.change(|state| {
        state.keep(|resource, _| resource == "namespaces");
        state.compact();
    });
    double.close_connections();
}

#[tokio::test]
async fn an_empty_list_is_held_back_and_a_whole_one_after_it_is_taken() {
    let (double, zone) = watched(&Settings { hold: secs(2), ..settings() }).await;
    empty(&double);
    zone.until_metric(HELD, 1.0).await;
    assert_eq!(zone.services(), 150);
    // While it is held, what happens is seen.
    double.apply(service("shop/new", "10.96.0.1"));
    assert!(eventually(LIMIT, || async { zone.services() == 151 }).await);
    double.fill(many(150));
    zone.is_like(&double).await;
    let ended = || async { zone.metric(HELD) == 0.0 };
    assert!(eventually(LIMIT, ended).await);
    assert_eq!(zone.fewest(), 150, "no name was ever missing");
    assert_eq!(zone.services(), 151);
}

#[tokio::test]
async fn two_empty_lists_are_believed() {
    let (double, zone) = watched(&settings()).await;
    let lists = double.count(Wanted::Streams("services"));
    empty(&double);
    zone.until_metric(HELD, 1.0).await;
    zone.is_like(&double).await;
    assert_eq!(zone.services(), 0);
    assert_eq!(double.count(Wanted::Streams("services")), lists + 2);
    assert!(eventually(LIMIT, || async { zone.metric(HELD) == 0.0 }).await);
}

#[tokio::test]
async fn many_deletions_one_by_one_are_what_they_are() {
    let (double, zone) = watched(&settings()).await;
    for number in 0..150 {
        double.delete("services", &format!("shop/web-{number}"));
    }
    zone.is_like(&double).await;
    assert_eq!((zone.services(), zone.metric(HELD)), (0, 0.0));
}

#[tokio::test]
async fn an_empty_server_behind_a_restart_is_held_back_until_its_objects_are_there() {
    let (mut double, zone) = watched(&Settings { hold: secs(2), ..settings() }).await;
    double.stop();
    let objects: Vec<_> = double.read(|state| state.objects().map(|(_, object)| object.clone()).collect());
    double.change(|state| {
        state.keep(|_, _| false);
        state.set_back(1);
    });
    double.start_again().await;
    zone.until_metric(HELD, 1.0).await;
    double.fill(objects);
    zone.is_like(&double).await;
    assert_eq!(zone.fewest(), 150);
}

#[tokio::test]
async fn lists_that_never_agree_are_believed_in_the_end() {
    let (double, zone) = watched(&Settings { hold: ms(300), hold_most: ms(1_500), ..settings() }).await;
    double.change(|state| {
        state.keep(|_, object| {
            let name = object["metadata"]["name"].as_str().unwrap();
            name.starts_with("web-1") || name == "shop" || name == "kube-system"
        });
        state.compact();
    });
    // What it has changes from list to list, without events.
    let all = many(150);
    double.close_connections();
    for round in 0..40 {
        if zone.services() < 150 {
            break;
        }
        double.change(|state| {
            state.keep(|_, object| object["kind"] == "Namespace");
            for object in all.iter().skip(2 + round % 2 * 120).take(120) {
                state.apply(object.clone());
            }
            state.compact();
        });
        tokio::time::sleep(ms(150)).await;
    }
    assert!(eventually(LIMIT, || async { zone.services() < 150 }).await);
    zone.is_like(&double).await;
}
