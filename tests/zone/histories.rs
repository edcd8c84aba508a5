//! What changes do to snapshots, old and new.

use interlocal::config::PodMode;
use interlocal::wire::rtype;
use interlocal::zone::object::{Kind, Namespace};
use interlocal::zone::{Builder, Event, Object, ZoneSettings};

use crate::asking::ask;
use crate::making::*;

fn answers(zone: &interlocal::zone::Snapshot, name: &str) -> Vec<String> {
    ask(zone, &format!("{name}.cluster.local"), rtype::A).answers
}

#[test]
fn a_snapshot_never_changes() {
    let mut builder = builder([headless("shop/db"), slice("shop/db-1", "db", &[], &["10.0.0.1"])]);
    let before = builder.publish(1).unwrap();
    builder.apply(Event::Apply(slice("shop/db-1", "db", &[], &["10.0.0.2"])));
    let after = builder.publish(2).unwrap();
    assert_eq!(answers(&before, "db.shop.svc"), ["A 5 10.0.0.1"]);
    assert_eq!(answers(&after, "db.shop.svc"), ["A 5 10.0.0.2"]);
    assert_eq!((before.serial, after.serial), (1, 2));
}

#[test]
fn nothing_new_is_not_published() {
    let objects =
        || [cluster_ip("shop/web", &["10.96.0.1"], &[]), slice("shop/web-1", "web", &[], &["10.0.0.1", "10.0.0.2"])];
    let mut builder = builder(objects());
    let zone = builder.publish(1).unwrap();
    objects().into_iter().for_each(|object| builder.apply(Event::Apply(object)));
    builder.apply(Event::Apply(slice("shop/web-1", "web", &[], &["10.0.0.2", "10.0.0.1", "10.0.0.1"])));
    builder.apply(Event::Apply(slice("shop/web-2", "web", &[], &["10.0.0.9!"])));
    builder.apply(delete(Kind::Service, "shop/none"));
    assert!(builder.publish(2).is_none());
    builder.apply(Event::Apply(slice("shop/web-2", "web", &[], &["10.0.0.9"])));
    let changed = builder.publish(3).unwrap();
    assert!(zone.hash != changed.hash && changed.serial == 3);
    builder.apply(delete(Kind::Slice, "shop/web-2"));
    let back = builder.publish(2).unwrap();
    assert_eq!(back.hash, zone.hash);
    assert_eq!(back.serial, 3, "a serial does not go back with the clock");
}

#[test]
fn slices_may_come_first_move_and_outlive_their_service() {
    let mut builder = builder([slice("shop/s", "db", &[], &["10.0.0.1"])]);
    assert_eq!(answers(&builder.publish(1).unwrap(), "db.shop.svc"), [""; 0]);
    builder.apply(Event::Apply(headless("shop/db")));
    builder.apply(Event::Apply(headless("shop/other")));
    assert_eq!(answers(&builder.publish(1).unwrap(), "db.shop.svc"), ["A 5 10.0.0.1"]);
    builder.apply(Event::Apply(slice("shop/s", "other", &[], &["10.0.0.1"])));
    let zone = builder.publish(1).unwrap();
    assert_eq!((answers(&zone, "db.shop.svc").len(), answers(&zone, "other.shop.svc").len()), (0, 1));
    builder.apply(delete(Kind::Service, "shop/other"));
    assert_eq!(answers(&builder.publish(1).unwrap(), "other.shop.svc").len(), 0);
    builder.apply(Event::Apply(headless("shop/other")));
    assert_eq!(answers(&builder.publish(1).unwrap(), "other.shop.svc").len(), 1);
}

#[test]
fn a_list_of_all_removes_what_is_not_in_it_in_one_step() {
    let mut builder = builder([headless("a/x"), headless("b/x"), slice("a/s", "x", &[], &["10.0.0.1"])]);
    builder.publish(1).unwrap();
    builder.apply(Event::Replace(Kind::Service, vec![headless("b/x"), headless("c/x")]));
    let zone = builder.publish(2).unwrap();
    let mut namespaces: Vec<_> = zone.namespaces().collect();
    namespaces.sort_unstable();
    assert_eq!(namespaces, ["b", "c"]);
    assert_eq!(zone.counts.services, 2);
}

#[test]
fn the_cluster_is_known_by_its_oldest_namespace() {
    let named = |uid: &str| {
        Event::Apply(Object::Namespace(Namespace { name: "kube-system".into(), uid: uid.into(), served: true }))
    };
    let mut builder = builder([cluster_ip("kube-system/kube-dns", &[], &[])]);
    assert!(!builder.publish(1).unwrap().cluster_id.is_known());
    builder.apply(named("0b7a9a2e"));
    let one = builder.publish(1).unwrap().cluster_id;
    assert!(one.is_known());
    builder.apply(named("77777777"));
    assert_ne!(builder.publish(1).unwrap().cluster_id, one);
}

#[test]
fn settings_apply_to_what_is_there() {
    let mut builder =
        builder([headless("a/x"), slice("a/s", "x", &[], &["10.0.0.1"]), pod("a/p", &["10.0.0.7", "fd00::7"])]);
    let zone = builder.publish(1).unwrap();
    assert_eq!(answers(&zone, "10-0-0-8.a.pod").len(), 1, "insecure: whatever address");
    builder.reconfigure(settings());
    assert!(builder.publish(1).is_none(), "the same settings");
    let origins = vec!["cluster.test".parse().unwrap()];
    builder.reconfigure(ZoneSettings { ttl: 30, pods: PodMode::Verified, origins, ..settings() });
    let zone = builder.publish(1).unwrap();
    let ask = |name: &str, qtype| ask(&zone, &format!("{name}.cluster.test"), qtype);
    assert_eq!(ask("x.a.svc", rtype::A).answers, ["A 30 10.0.0.1"]);
    assert_eq!(ask("10-0-0-8.a.pod", rtype::A).found, "NXDOMAIN");
    assert_eq!(ask("10-0-0-7.a.pod", rtype::A).answers, ["A 30 10.0.0.7"]);
    assert_eq!(ask("fd00-0-0-0-0-0-0-7.a.pod", rtype::AAAA).answers, ["AAAA 30 fd00::7"], "any spelling");
    assert_eq!(ask("10-0-0-7.b.pod", rtype::A).found, "NXDOMAIN");
    builder.reconfigure(ZoneSettings { pods: PodMode::Disabled, ..settings() });
    assert_eq!(answers(&builder.publish(1).unwrap(), "10-0-0-7.a.pod").len(), 0);
}

#[test]
fn an_unsynced_builder_publishes_nothing() {
    let mut builder = Builder::new(settings());
    builder.apply(Event::Apply(namespace("a")));
    assert!(builder.publish(1).is_none());
    builder.mark_synced();
    assert!(builder.publish(1).is_some_and(|zone| zone.synced && zone.namespace_exists("a")));
}
