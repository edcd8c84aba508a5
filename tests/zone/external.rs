//! Zones of load balancers: what a Service has for the outside, apart from what the cluster sees of it.

use std::time::Duration;

use interlocal::config::ExternalConfig;
use interlocal::wire::rtype;
use interlocal::zone::object::External;
use interlocal::zone::{Builder, Event, Object, Snapshot, ZoneSettings};

use crate::asking::ask_at;
use crate::making::*;

fn balanced(object: Object, addresses: &[&str], host: Option<&str>) -> Object {
    let Object::Service(mut service) = object else { panic!("{object:?}") };
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    service.external = Some(Box::new(External { addresses, host: host.map(|host| host.parse().unwrap()) }));
    Object::Service(service)
}

fn objects() -> Vec<Object> {
    let ports = &["http:tcp:80", "dns:udp:53", "dns-tcp:tcp:53"];
    vec![
        balanced(cluster_ip("shop/web", &["10.96.0.1"], ports), &["192.0.2.2", "192.0.2.1", "2001:db8::1"], None),
        balanced(cluster_ip("shop/named", &["10.96.0.2"], &["http:tcp:80"]), &[], Some("lb.example.net")),
        balanced(cluster_ip("kube-system/kube-dns", &["10.96.0.10"], &["dns:udp:53"]), &["192.0.2.53"], None),
        cluster_ip("shop/inside", &["10.96.0.3"], &["http:tcp:80"]),
        slice("shop/inside", "inside", &["http:tcp:80"], &["10.1.0.3=a"]),
        headless("shop/db"),
        slice("shop/db", "db", &["sql:tcp:5432"], &["10.1.0.1=db-0", "10.1.0.2=db-1", "10.1.0.9!"]),
        slice("shop/db-2", "db", &["other:tcp:1"], &["10.1.0.7=db-7"]),
    ]
}

/// One zone without endpoints, and one with.
fn zone() -> std::sync::Arc<Snapshot> {
    let of = |zone: &str| ExternalConfig { ttl: Duration::from_secs(7), ..ExternalConfig::new(zone.parse().unwrap()) };
    let externals = vec![of("lb.example"), ExternalConfig { headless: true, ..of("all.example") }];
    let mut builder = Builder::new(ZoneSettings { externals, ..settings() });
    objects().into_iter().for_each(|object| builder.apply(Event::Apply(object)));
    builder.mark_synced();
    builder.publish(1).unwrap()
}

/// The answers, or what there is in place of them.
fn ask(zone: &Snapshot, name: &str, qtype: u16) -> Vec<String> {
    let origins = settings().origins.len();
    let reply = ask_at(zone, origins + usize::from(name.ends_with("all.example")), name, qtype, 65_535, 0);
    if reply.answers.is_empty() {
        let owner = if name.ends_with("all.example") { "all.example" } else { "lb.example" };
        assert_eq!(reply.denials, [format!("{owner}.")], "a denial has an SOA record");
        return vec![reply.found];
    }
    reply.answers
}

#[test]
fn services_have_the_addresses_and_names_of_their_load_balancers() {
    let zone = zone();
    let (a, aaaa, srv) = (rtype::A, rtype::AAAA, rtype::SRV);
    let web = "web.shop.lb.example";
    assert_eq!(ask(&zone, web, a), ["A 7 192.0.2.1", "A 7 192.0.2.2"]);
    assert_eq!(ask(&zone, web, aaaa), ["AAAA 7 2001:db8::1"]);
    assert_eq!(ask(&zone, "_http._tcp.web.shop.lb.example", a).len(), 2);
    assert_eq!(ask(&zone, "_http._tcp.web.shop.lb.example", srv), ["SRV 7 0 33 80 web.shop.lb.example."]);
    assert_eq!(ask(&zone, web, srv).len(), 2, "each number once");
    assert_eq!(ask(&zone, "named.shop.lb.example", a), ["CNAME 7 lb.example.net."]);
    assert_eq!(ask(&zone, "named.shop.lb.example", srv), ["SRV 7 0 100 80 lb.example.net."]);
    assert_eq!(ask(&zone, web, rtype::TXT), ["NODATA"]);
    for (name, denied) in [
        ("x.web.shop.lb.example", "NXDOMAIN"),
        ("_none._tcp.web.shop.lb.example", "NXDOMAIN"),
        ("a.b.c.web.shop.lb.example", "NXDOMAIN"),
        ("_tcp.web.shop.lb.example", "NODATA"),
        ("inside.shop.lb.example", "NXDOMAIN"),
        ("a.inside.shop.lb.example", "NXDOMAIN"),
        ("db.shop.lb.example", "NXDOMAIN"),
        ("none.shop.lb.example", "NXDOMAIN"),
        ("none.lb.example", "NXDOMAIN"),
        ("shop.lb.example", "NODATA"),
        ("lb.example", "NODATA"),
    ] {
        assert_eq!(ask(&zone, name, a), [denied], "{name}");
    }
    // The cluster's own names are what they were.
    assert_eq!(ask_at(&zone, 0, "web.shop.svc.cluster.local", a, 512, 0).answers.len(), 1);
    assert!(ask_at(&zone, 9, web, a, 512, 0).answers.is_empty(), "a zone that is not there");
}

#[test]
fn endpoints_are_there_if_wanted() {
    let zone = zone();
    let (a, srv) = (rtype::A, rtype::SRV);
    assert_eq!(ask(&zone, "db.shop.all.example", a).len(), 3);
    assert_eq!(ask(&zone, "db-0.db.shop.all.example", a), ["A 7 10.1.0.1"]);
    assert_eq!(ask(&zone, "a.inside.shop.all.example", a), ["A 7 10.1.0.3"]);
    assert_eq!(ask(&zone, "_sql._tcp.db.shop.all.example", a).len(), 2);
    let named = ask_at(&zone, 3, "_sql._tcp.db.shop.all.example", srv, 65_535, 1);
    assert_eq!(named.answers.len(), 2);
    assert_eq!(named.answers[1], "SRV 7 0 50 5432 db-1.db.shop.all.example.");
    assert!(named.additional.iter().any(|glue| glue == "db-0.db.shop.all.example. A 10.1.0.1"));
    assert_eq!(ask(&zone, "db-0.db.shop.all.example", srv).len(), 1);
    for name in ["none.db.shop.all.example", "_none._tcp.db.shop.all.example", "inside.shop.all.example"] {
        assert_eq!(ask(&zone, name, a), ["NXDOMAIN"], "{name}");
    }
    assert_eq!(ask(&zone, "_tcp.db.shop.all.example", a), ["NODATA"]);
}

#[test]
fn the_zone_has_an_apex_and_a_name_server() {
    let zone = zone();
    assert_eq!(
        ask(&zone, "lb.example", rtype::SOA),
        ["SOA 7 ns1.dns.lb.example. hostmaster.dns.lb.example. 1 7200 1800 86400 7"]
    );
    let ns = ask_at(&zone, 2, "lb.example", rtype::NS, 512, 0);
    assert_eq!(ns.answers, ["NS 7 ns1.dns.lb.example."]);
    assert_eq!(ns.additional, ["ns1.dns.lb.example. A 192.0.2.53"]);
    assert_eq!(ask(&zone, "ns1.dns.lb.example", rtype::A), ["A 7 192.0.2.53"]);
    assert_eq!(ask(&zone, "dns.lb.example", rtype::A), ["NODATA"]);
    assert_eq!(ask(&zone, "x.dns.lb.example", rtype::A), ["NXDOMAIN"]);
}

/// Replicas are compared by it.
#[test]
fn what_load_balancers_have_is_part_of_the_hash() {
    let hash = |objects: Vec<Object>| builder(objects).publish(1).unwrap().hash;
    let plain = || cluster_ip("shop/web", &["10.96.0.1"], &["http:tcp:80"]);
    let all = [
        hash(vec![plain()]),
        hash(vec![balanced(plain(), &["192.0.2.1"], None)]),
        hash(vec![balanced(plain(), &[], Some("a.example"))]),
    ];
    assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2], "{all:?}");
}
