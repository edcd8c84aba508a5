//! A cluster of which only a part is served: by namespace, by the labels of namespaces, by the labels of Services.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use interlocal::config::{Namespaces, Selector};
use interlocal::kube::Selection;
use serde_json::{Value, json};

use crate::double::{Double, Fault, Wanted};
use crate::objects::{namespace, pod, service, slice};
use crate::support::client::ask_udp;
use crate::support::ip;
use crate::support::read::addresses;
use crate::support::region::Region;
use crate::support::running::Running;
use crate::support::wait::eventually;
use crate::zone::{LIMIT, Zone, settings};

fn labelled(mut object: Value, key: &str, value: &str) -> Value {
    object["metadata"]["labels"][key] = json!(value);
    object
}

/// Two namespaces with a Service each, and where the cluster's identity is.
async fn cluster() -> Double {
    let double = Double::start().await;
    double.fill([
        namespace("kube-system"),
        labelled(namespace("shop"), "dns", "public"),
        namespace("back"),
        labelled(service("shop/web", "10.96.0.1"), "app", "web"),
        labelled(slice("shop/web", &["10.1.0.1"]), "app", "web"),
        service("back/db", "10.96.0.2"),
        slice("back/db", &["10.1.0.2"]),
    ]);
    double
}

fn named(names: &[&str]) -> Selection {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Selection { namespaces: Namespaces::Named(names), ..Selection::default() }
}

fn dns_public() -> Selection {
    let selector = Selector::parse("dns=public").unwrap();
    Selection { namespaces: Namespaces::Labelled(selector), ..Selection::default() }
}

#[tokio::test]
async fn only_named_namespaces_are_served_and_the_cluster_is_known_all_the_same() {
    let double = cluster().await;
    double.apply(pod("back/db-0", "10.1.0.2"));
    let zone = Zone::part(&double, &settings(), &Selection { pods: true, ..named(&["shop"]) });
    zone.is_like(&double).await;
    let now = zone.snapshot();
    assert_eq!(now.namespaces().collect::<Vec<_>>(), ["shop"]);
    assert_eq!((now.counts.services, now.counts.endpoints, now.counts.pod_addresses), (1, 1, 0));
    assert!(now.cluster_id.is_known());
    double.apply(service("back/new", "10.96.0.3"));
    double.apply(service("shop/new", "10.96.0.4"));
    zone.is_like(&double).await;
    assert_eq!(zone.services(), 2);
}

#[tokio::test]
async fn a_label_that_comes_or_goes_takes_a_namespace_in_or_out() {
    let double = cluster().await;
    let zone = Zone::part(&double, &settings(), &dns_public());
    zone.is_like(&double).await;
    assert_eq!(zone.snapshot().namespaces().collect::<Vec<_>>(), ["shop"]);
    double.apply(labelled(namespace("back"), "dns", "public"));
    assert!(eventually(LIMIT, || async { zone.services() == 2 }).await);
    zone.is_like(&double).await;
    double.apply(labelled(namespace("shop"), "dns", "private"));
    assert!(eventually(LIMIT, || async { zone.services() == 1 }).await);
    double.delete("namespaces", "back");
    assert!(eventually(LIMIT, || async { zone.services() == 0 }).await);
    zone.is_like(&double).await;
    assert!(zone.snapshot().cluster_id.is_known());
}

/// Nothing can be served that may not be: so nothing is, and it is said.
#[tokio::test]
async fn labels_of_namespaces_need_the_right_to_read_them() {
    let double = cluster().await;
    double.plan(Wanted::Of("namespaces"), Fault::refuse(403, "Forbidden"), usize::MAX);
    let zone = Zone::part(&double, &settings(), &dns_public());
    zone.until_metric("interlocal_kube_failures_total{resource=\"namespaces\",reason=\"forbidden\"}", 2.0).await;
    assert!(!zone.is_synced());
    assert!(zone.health.waiting_for().unwrap().contains("resources: [namespaces]"));
    double.behave();
    zone.is_like(&double).await;
}

#[tokio::test]
async fn the_server_is_asked_for_services_and_slices_with_the_labels() {
    let double = cluster().await;
    let labels = Selector::parse("app=web").unwrap();
    let zone = Zone::part(&double, &settings(), &Selection { labels, ..Selection::default() });
    zone.is_like(&double).await;
    assert_eq!((zone.services(), zone.snapshot().counts.endpoints), (1, 1));
    for asked in double.asked() {
        let expected = Some("app in (web)").filter(|_| asked.resource != "namespaces");
        assert_eq!(asked.parameter("labelSelector"), expected, "{asked:?}");
    }
    // Into the selection and out of it.
    double.apply(labelled(service("back/db", "10.96.0.2"), "app", "web"));
    zone.is_like(&double).await;
    assert_eq!(zone.services(), 2);
    double.apply(labelled(service("shop/web", "10.96.0.1"), "app", "other"));
    zone.is_like(&double).await;
    assert_eq!(zone.services(), 1);
    double.change(|state| state.streams = false);
    let pages = Zone::part(
        &double,
        &settings(),
        &Selection { labels: Selector::parse("app=web").unwrap(), ..Selection::default() },
    );
    pages.is_like(&double).await;
    assert_eq!(pages.services(), 1);
}

async fn rcode(east: &Running, name: &str, record_type: RecordType) -> ResponseCode {
    ask_udp(east.dns(), name, record_type).await.response_code
}

/// What pods see, and that a reload is enough. CoreDNS gives the names of addresses that `namespace_labels` hides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_served_has_no_name_and_no_reverse_name() {
    let double = cluster().await;
    let source = format!("source: \"{}\"", double.url());
    let east = Region::new("east").key("kubernetes", &format!("{{{source}, namespace_labels: dns=public}}"));
    let east = east.start().await;
    let reverse = |address: &'static str| ask_udp(east.dns(), address, RecordType::PTR);
    assert_eq!(rcode(&east, "web.shop.svc.cluster.local", RecordType::A).await, ResponseCode::NoError);
    assert_eq!(reverse("1.0.96.10.in-addr.arpa").await.answers.len(), 1);
    assert_eq!(reverse("1.0.1.10.in-addr.arpa").await.answers.len(), 1);
    for name in ["db.back.svc.cluster.local", "back.svc.cluster.local", "10-1-0-2.back.pod.cluster.local"] {
        assert_eq!(rcode(&east, name, RecordType::A).await, ResponseCode::NXDomain, "{name}");
    }
    for address in ["2.0.96.10.in-addr.arpa", "2.0.1.10.in-addr.arpa"] {
        assert_eq!(reverse(address).await.answers.len(), 0, "{address}");
    }
    east.rewrite_key("kubernetes", &format!("{{{source}, namespaces: [back]}}"));
    let turned = || async {
        rcode(&east, "db.back.svc.cluster.local", RecordType::A).await == ResponseCode::NoError
            && rcode(&east, "web.shop.svc.cluster.local", RecordType::A).await == ResponseCode::NXDomain
    };
    assert!(eventually(LIMIT, turned).await);
    east.rewrite_key("kubernetes", &format!("{{{source}}}"));
    east.until_metric("interlocal_zone_services", 2.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_are_called_by_their_pods_if_that_is_wanted() {
    let double = cluster().await;
    let mut called = slice("shop/web", &["10.1.0.1", "10.1.0.9"]);
    called["endpoints"][0]["targetRef"] = json!({"kind": "Pod", "name": "web-7d4b9c-x2x4z"});
    called["endpoints"][1]["targetRef"] = json!({"kind": "Node", "name": "node-1"});
    double.apply(called);
    let source = format!("source: \"{}\"", double.url());
    let key = |wanted: bool| format!("{{{source}, endpoint_pod_names: {wanted}}}");
    let east = Region::new("east").key("kubernetes", &key(true)).start().await;
    let dns = east.dns();
    let of = |name: &'static str| async move {
        addresses(&ask_udp(dns, &format!("{name}.web.shop.svc.cluster.local"), RecordType::A).await)
    };
    assert_eq!(of("web-7d4b9c-x2x4z").await, [ip("10.1.0.1")]);
    assert!(of("10-1-0-1").await.is_empty());
    assert_eq!(of("10-1-0-9").await, [ip("10.1.0.9")], "a node's name is no pod's");
    east.rewrite_key("kubernetes", &key(false));
    assert!(eventually(LIMIT, || async { of("10-1-0-1").await == [ip("10.1.0.1")] }).await);
}
