//! Every form of name of the Kubernetes DNS specification 1.1.0, and what CoreDNS adds to it, by examples.

use interlocal::wire::{Name, rtype};
use interlocal::zone::{ReverseView, Snapshot};

use crate::asking::{Reply, ask, ask_at, ask_reverse, type_named};
use crate::making::*;

/// A namespace with a Service of each kind.
fn zone() -> std::sync::Arc<Snapshot> {
    builder([
        namespace("shop"),
        namespace("empty"),
        cluster_ip("shop/web", &["10.96.0.10"], &["http:tcp:80", "https:tcp:443", "dns:udp:53", "dns-tcp:tcp:53"]),
        slice("shop/web-1", "web", &["http:tcp:8080"], &["10.1.0.1", "10.1.0.2=first", "10.1.0.3!"]),
        cluster_ip("shop/dual", &["10.96.0.11", "fd00::11"], &["http:tcp:80"]),
        cluster_ip("shop/six", &["fd00::12"], &[":tcp:80"]),
        cluster_ip("shop/pending", &[], &["http:tcp:80"]),
        headless("shop/db"),
        slice("shop/db-1", "db", &["sql:tcp:5432"], &["10.1.1.1=db-0", "10.1.1.2=db-1", "10.1.1.9=db-9!"]),
        slice("shop/db-2", "db", &["sql:tcp:5432", "stats:tcp:9"], &["fd00::1:1=db-0", "10.1.1.3"]),
        headless("shop/idle"),
        slice("shop/idle-1", "idle", &["sql:tcp:5432"], &["10.1.2.1!"]),
        external("shop/out", "example.com"),
        cluster_ip("kube-system/kube-dns", &["10.96.0.2"], &["dns:udp:53"]),
    ])
    .publish(1_700_000_000)
    .expect("something to publish")
}

fn check(zone: &Snapshot, question: &str, expected: &str) {
    let (name, qtype) = question.split_once(' ').unwrap();
    let full = if name == "@" { "cluster.local".into() } else { format!("{name}.cluster.local") };
    let reply = ask(zone, &full, type_named(qtype));
    let found = if reply.answers.is_empty() { reply.found.clone() } else { reply.answers.join("; ") };
    assert_eq!(found, expected, "{question}");
    let denied = matches!(reply.found.as_str(), "NODATA" | "NXDOMAIN");
    assert_eq!(reply.denials, if denied { vec!["cluster.local.".to_owned()] } else { vec![] }, "{question}");
}

#[test]
fn names_between_the_origin_and_a_service_exist_without_data() {
    let zone = zone();
    for name in ["svc", "pod", "dns", "shop.svc", "empty.svc", "shop.pod", "kube-system.svc", "_tcp.web.shop.svc"] {
        check(&zone, &format!("{name} A"), "NODATA");
        check(&zone, &format!("{name} TXT"), "NODATA");
    }
    for name in ["none.svc", "none.pod", "x", "x.dns", "x.dns-version", "x.svc.cluster", "none.shop.svc"] {
        check(&zone, &format!("{name} A"), "NXDOMAIN");
    }
    check(&zone, "_tcp.db.shop.svc A", "NODATA");
    check(&zone, "_udp.db.shop.svc A", "NXDOMAIN");
    check(&zone, "_tcp.six.shop.svc A", "NXDOMAIN");
    check(&zone, "_tcp.out.shop.svc A", "NXDOMAIN");
    check(&zone, "a.b.c.web.shop.svc A", "NXDOMAIN");
}

#[test]
fn search_path_names_are_denied() {
    let zone = zone();
    check(&zone, "web.shop.svc.cluster.local.shop.svc A", "NXDOMAIN");
    check(&zone, "example.com.shop.svc A", "NXDOMAIN");
    check(&zone, "example.com.svc A", "NXDOMAIN");
    check(&zone, "example.com A", "NXDOMAIN");
}

#[test]
fn cluster_ip_services() {
    let zone = zone();
    check(&zone, "web.shop.svc A", "A 5 10.96.0.10");
    check(&zone, "web.shop.svc AAAA", "NODATA");
    check(&zone, "web.shop.svc ANY", "A 5 10.96.0.10");
    check(&zone, "web.shop.svc MX", "NODATA");
    check(&zone, "web.shop.svc HTTPS", "NODATA");
    check(&zone, "dual.shop.svc A", "A 5 10.96.0.11");
    check(&zone, "dual.shop.svc AAAA", "AAAA 5 fd00::11");
    check(&zone, "six.shop.svc A", "NODATA");
    check(&zone, "six.shop.svc ANY", "AAAA 5 fd00::12");
    check(&zone, "pending.shop.svc A", "NODATA");
    check(&zone, "pending.shop.svc ANY", "NODATA");
}

#[test]
fn headless_services() {
    let zone = zone();
    check(&zone, "db.shop.svc A", "A 5 10.1.1.1; A 5 10.1.1.2; A 5 10.1.1.3");
    check(&zone, "db.shop.svc AAAA", "AAAA 5 fd00::1:1");
    check(&zone, "db.shop.svc TXT", "NODATA");
    check(&zone, "idle.shop.svc A", "NXDOMAIN");
    check(&zone, "_sql._tcp.idle.shop.svc SRV", "NXDOMAIN");
    check(&zone, "_stats._tcp.db.shop.svc A", "A 5 10.1.1.1; A 5 10.1.1.3");
    check(&zone, "_stats._tcp.db.shop.svc AAAA", "AAAA 5 fd00::1:1");
    check(&zone, "_none._tcp.db.shop.svc A", "NXDOMAIN");
}

#[test]
fn endpoints() {
    let zone = zone();
    check(&zone, "db-0.db.shop.svc A", "A 5 10.1.1.1");
    check(&zone, "db-0.db.shop.svc AAAA", "AAAA 5 fd00::1:1");
    check(&zone, "db-0.db.shop.svc ANY", "A 5 10.1.1.1");
    check(&zone, "db-1.db.shop.svc AAAA", "NODATA");
    check(&zone, "db-9.db.shop.svc A", "NXDOMAIN");
    check(&zone, "10-1-1-3.db.shop.svc A", "A 5 10.1.1.3");
    check(&zone, "10-1-1-2.db.shop.svc A", "NXDOMAIN");
    check(&zone, "10-1-0-1.web.shop.svc A", "A 5 10.1.0.1");
    check(&zone, "first.web.shop.svc A", "A 5 10.1.0.2");
    check(&zone, "10-1-0-3.web.shop.svc A", "NXDOMAIN");
    check(&zone, "10-1-2-1.idle.shop.svc A", "NXDOMAIN");
}

#[test]
fn srv_of_a_cluster_ip() {
    let zone = zone();
    check(&zone, "_http._tcp.web.shop.svc SRV", "SRV 5 0 100 80 web.shop.svc.cluster.local.");
    check(&zone, "http.tcp.web.shop.svc SRV", "SRV 5 0 100 80 web.shop.svc.cluster.local.");
    check(&zone, "_http._udp.web.shop.svc SRV", "NXDOMAIN");
    check(&zone, "_http._tcp.web.shop.svc A", "A 5 10.96.0.10");
    check(&zone, "_http._tcp.web.shop.svc ANY", "SRV 5 0 100 80 web.shop.svc.cluster.local.");
    let all = ["443", "53", "80"].map(|port| format!("SRV 5 0 33 {port} web.shop.svc.cluster.local."));
    check(&zone, "web.shop.svc SRV", &all.join("; "));
    check(&zone, "six.shop.svc SRV", "SRV 5 0 100 80 six.shop.svc.cluster.local.");
    let reply = ask(&zone, "_http._tcp.dual.shop.svc.cluster.local", rtype::SRV);
    let glue = ["dual.shop.svc.cluster.local. A 10.96.0.11", "dual.shop.svc.cluster.local. AAAA fd00::11"];
    assert_eq!(reply.additional, glue);
}

#[test]
fn srv_of_a_headless_service() {
    let zone = zone();
    let target =
        |weight: u16, port: u16, host: &str| format!("SRV 5 0 {weight} {port} {host}.db.shop.svc.cluster.local.");
    let expected = [target(33, 5432, "10-1-1-3"), target(33, 5432, "db-0"), target(33, 5432, "db-1")];
    check(&zone, "_sql._tcp.db.shop.svc SRV", &expected.join("; "));
    let expected = [target(50, 9, "10-1-1-3"), target(50, 9, "db-0")];
    check(&zone, "_stats._tcp.db.shop.svc SRV", &expected.join("; "));
    let expected = [target(50, 5432, "db-0"), target(50, 9, "db-0")];
    check(&zone, "db-0.db.shop.svc SRV", &expected.join("; "));
    let reply = ask(&zone, "db.shop.svc.cluster.local", rtype::SRV);
    assert_eq!(reply.answers.len(), 5);
    let glue = [("10-1-1-3", "A 10.1.1.3"), ("db-0", "A 10.1.1.1"), ("db-0", "AAAA fd00::1:1"), ("db-1", "A 10.1.1.2")];
    assert_eq!(reply.additional, glue.map(|(host, data)| format!("{host}.db.shop.svc.cluster.local. {data}")));
}

#[test]
fn external_names_are_aliases_for_every_type() {
    let zone = zone();
    for qtype in ["A", "AAAA", "TXT", "SRV", "CNAME", "ANY"] {
        check(&zone, &format!("out.shop.svc {qtype}"), "CNAME 5 example.com.");
    }
    let found = |qtype| ask(&zone, "out.shop.svc.cluster.local", qtype).found;
    assert_eq!(found(rtype::AAAA), "ALIAS example.com");
    assert_eq!(found(rtype::CNAME), "ANSWER");
    check(&zone, "x.out.shop.svc A", "NXDOMAIN");
    check(&zone, "_http._tcp.out.shop.svc SRV", "NXDOMAIN");
}

#[test]
fn the_origin_itself() {
    let zone = zone();
    let soa = "ns.dns.cluster.local. hostmaster.cluster.local. 1700000000 7200 1800 86400 5";
    check(&zone, "@ SOA", &format!("SOA 5 {soa}"));
    check(&zone, "@ NS", "NS 5 ns.dns.cluster.local.");
    check(&zone, "@ A", "NODATA");
    check(&zone, "ns.dns A", "A 5 10.96.0.2");
    check(&zone, "ns.dns AAAA", "NODATA");
    check(&zone, "dns-version TXT", "TXT 28800 1.1.0");
    check(&zone, "dns-version A", "NODATA");
    let reply = ask(&zone, "cluster.local", rtype::NS);
    assert_eq!(reply.additional, ["ns.dns.cluster.local. A 10.96.0.2"]);
}

#[test]
fn pod_names_spell_their_address() {
    let zone = zone();
    check(&zone, "10-1-2-3.shop.pod A", "A 5 10.1.2.3");
    check(&zone, "10-1-2-3.shop.pod AAAA", "NODATA");
    check(&zone, "fd00--7.shop.pod AAAA", "AAAA 5 fd00::7");
    check(&zone, "web.shop.pod A", "NXDOMAIN");
    check(&zone, "10-1-2-3.none.pod A", "NXDOMAIN");
    check(&zone, "x.10-1-2-3.shop.pod A", "NXDOMAIN");
}

#[test]
fn every_origin_serves_the_same() {
    let zone = zone();
    let under = |origin: usize, name: &str, qtype| ask_at(&zone, origin, name, qtype, 512, 0);
    assert_eq!(under(1, "web.shop.svc.east.mesh", rtype::A).answers, ["A 5 10.96.0.10"]);
    let srv = under(1, "_http._tcp.web.shop.svc.east.mesh", rtype::SRV);
    assert_eq!(srv.answers, ["SRV 5 0 100 80 web.shop.svc.east.mesh."]);
    assert_eq!(under(1, "none.shop.svc.east.mesh", rtype::A).denials, ["east.mesh."]);
    assert_eq!(under(0, "web.shop.svc.east.mesh", rtype::A).found, "NOT READY", "asked under the wrong origin");
    assert_eq!(under(2, "web.shop.svc.east.mesh", rtype::A).found, "NOT READY", "an origin that is not known yet");
}

fn names(reply: &Reply) -> String {
    if reply.answers.is_empty() { reply.found.clone() } else { reply.answers.join("; ") }
}

#[test]
fn addresses_have_names() {
    let zone = zone();
    let ptr = |address: &str| names(&ask_reverse(&zone, address, ReverseView::Cluster, rtype::PTR));
    assert_eq!(ptr("10.96.0.10"), "PTR 5 web.shop.svc.cluster.local.");
    assert_eq!(ptr("fd00::11"), "PTR 5 dual.shop.svc.cluster.local.");
    assert_eq!(ptr("10.1.1.1"), "PTR 5 db-0.db.shop.svc.cluster.local.");
    assert_eq!(ptr("fd00::1:1"), "PTR 5 db-0.db.shop.svc.cluster.local.");
    assert_eq!(ptr("10.1.0.1"), "PTR 5 10-1-0-1.web.shop.svc.cluster.local.");
    assert_eq!(ptr("10.1.0.3"), "NOT OWN", "not ready");
    assert_eq!(ptr("10.9.9.9"), "NOT OWN");
    let other = ask_reverse(&zone, "10.96.0.10", ReverseView::Cluster, rtype::TXT);
    assert_eq!((other.found.as_str(), other.denials.len()), ("NODATA", 0));
}

#[test]
fn other_regions_see_names_of_the_region_zone_or_the_mesh_zone() {
    let zone = zone();
    let zones: [Name; 1] = ["shop.svc.cluster.local".parse().unwrap()];
    let mesh: Name = "east.mesh".parse().unwrap();
    let ptr = |address: &str, mesh| {
        names(&ask_reverse(&zone, address, ReverseView::Region { zones: &zones, mesh }, rtype::PTR))
    };
    assert_eq!(ptr("10.1.1.1", None), "PTR 5 db-0.db.shop.svc.cluster.local.");
    assert_eq!(ptr("10.96.0.2", None), "NOT OWN");
    assert_eq!(ptr("10.96.0.2", Some(&mesh)), "PTR 5 kube-dns.kube-system.svc.east.mesh.");
}

#[test]
fn namespaces_with_ready_endpoints_are_known() {
    let zone = zone();
    assert!(zone.has_ready_endpoints("shop"));
    assert!(!zone.has_ready_endpoints("empty") && !zone.has_ready_endpoints("kube-system"));
    assert!(zone.namespace_exists("empty") && zone.namespace_exists("kube-system"));
    assert!(!zone.namespace_exists("none"));
    assert_eq!((zone.counts.namespaces, zone.counts.services, zone.counts.endpoints), (3, 8, 5));
}

#[test]
fn nothing_is_answered_before_the_first_sync() {
    let empty = Snapshot::empty(&settings());
    assert_eq!(ask(&empty, "cluster.local", rtype::SOA).found, "NOT READY");
    assert_eq!(ask_reverse(&empty, "10.0.0.1", ReverseView::Cluster, rtype::PTR).found, "NOT READY");
}
