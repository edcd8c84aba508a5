//! The varied set: one Service for each thing that could be answered differently, by hand. Breadth comes from `random`.

use super::model::{Kind, Objects, Pod, Service, port, ready, slice, tcp, with_conditions};

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

pub fn all() -> Objects {
    let mut objects = Objects {
        namespaces: ["shop", "pay-1", "9lives", "empty", "svc", "pod"].map(str::to_owned).to_vec(),
        services: Vec::new(),
        pods: pods(),
    };
    objects.services.extend(cluster());
    objects.services.extend(headless());
    objects.services.extend(conditions());
    objects.services.extend(external());
    objects.services.extend(selected());
    objects.services.push(large());
    objects.services.push(many_in_one_slice());
    super::random::add(&mut objects);
    objects
}

fn ips(addresses: &[&str]) -> Kind {
    Kind::Cluster(addresses.iter().map(|&address| address.to_owned()).collect())
}

fn four() -> Kind {
    Kind::Headless(vec!["IPv4"])
}

fn dual() -> Kind {
    Kind::Headless(vec!["IPv4", "IPv6"])
}

fn external_name(target: &str) -> Kind {
    Kind::External(target.to_owned())
}

fn cluster() -> Vec<Service> {
    let dns = [port("dns", "UDP", 53), tcp("dns-tcp", 53), tcp("metrics", 9153)];
    let web = [tcp("http", 80)];
    vec![
        Service::new("kube-system", "kube-dns", ips(&["10.96.0.10"]), &dns),
        Service::new("shop", "web", ips(&["10.96.1.1"]), &web)
            .slices(&[slice(&web, &[ready(None, &["10.1.1.1"]), ready(Some("one"), &["10.1.1.2"])])]),
        Service::new("shop", "web6", ips(&["fd00:10:96::101"]), &web)
            .slices(&[slice(&web, &[ready(None, &["fd00:10:1::1"]), ready(None, &["fd00:10:1::"])])]),
        Service::new("shop", "both", ips(&["10.96.1.3", "fd00:10:96::103"]), &[tcp("http", 80), tcp("https", 443)]),
        Service::new("shop", "both64", ips(&["fd00:10:96::104", "10.96.1.4"]), &[tcp("", 80)]),
        Service::new("shop", "unnamed", ips(&["10.96.1.5"]), &[tcp("", 8080)]),
        Service::new("shop", "three", ips(&["10.96.1.6"]), &[tcp("a", 80), tcp("b", 81), tcp("c", 82)]),
        Service::new("shop", "sctp", ips(&["10.96.1.7"]), &[port("sig", "SCTP", 2905), tcp("9p", 564)]),
        // One number under two names and protocols.
        Service::new("shop", "twice", ips(&["10.96.1.8"]), &[tcp("x", 53), port("y", "UDP", 53), tcp("z", 54)]),
        Service::new("shop", "limit", ips(&["10.96.1.9"]), &[tcp("exactly-15-char", 1)]),
        Service::new("default", "3scale", ips(&["10.96.1.10"]), &[tcp("4http", 80)]),
        // Names that stand for something else elsewhere in the zone.
        Service::new("svc", "svc", ips(&["10.96.1.11"]), &web),
        Service::new("svc", "pod", ips(&["10.96.1.12"]), &web),
        Service::new("pod", "ns", ips(&["10.96.1.13"]), &web),
        Service::new("pod", "dns", four(), &[tcp("tcp", 53), tcp("udp", 54)]).slices(&[slice(
            &[tcp("tcp", 53), tcp("udp", 54)],
            &[ready(Some("tcp"), &["10.1.2.1"]), ready(Some("udp"), &["10.1.2.2"])],
        )]),
        Service::new("9lives", "cat", ips(&["10.96.1.14"]), &[tcp("http", 80), port("http-u", "UDP", 80)])
            .slices(&[slice(&web, &[ready(Some("tcp"), &["10.1.3.1"]), ready(Some("10-9-9-9"), &["10.1.3.2"])])]),
        // The endpoint's address is another Service's.
        Service::new("pay-1", "shares", ips(&["10.96.1.15"]), &web)
            .slices(&[slice(&web, &[ready(None, &["10.96.1.1"]), ready(None, &["10.1.1.1"])])]),
        Service::new("pay-1", "not-ready", ips(&["10.96.1.16"]), &web)
            .slices(&[slice(&web, &[with_conditions(Some("slow"), &["10.1.4.1"], [NO, NO, NO])])]),
    ]
}

fn headless() -> Vec<Service> {
    let db = [tcp("sql", 5432), tcp("admin", 8080)];
    let web = [tcp("http", 80)];
    let members = |from: u8| {
        let member = |n: u8| ready(Some(&format!("db-{n}")), &[&format!("10.2.{from}.{n}")]);
        [member(0), member(1), member(2)]
    };
    vec![
        Service::new("shop", "db", four(), &db).slices(&[slice(&db, &members(1))]),
        Service::new("shop", "db6", Kind::Headless(vec!["IPv6"]), &db)
            .slices(&[slice(&db, &[ready(Some("six"), &["fd00:10:2::1"]), ready(None, &["fd00:10:2::2"])])]),
        Service::new("shop", "db-both", dual(), &db).slices(&[
            slice(&db, &[ready(Some("m-0"), &["10.2.2.1"]), ready(Some("m-1"), &["10.2.2.2"])]),
            slice(&db, &[ready(Some("m-0"), &["fd00:10:2::11"]), ready(Some("m-1"), &["fd00:10:2::12"])]),
        ]),
        // No hostnames.
        Service::new("shop", "plain", dual(), &web).slices(&[
            slice(&web, &[ready(None, &["10.2.3.1"]), ready(None, &["10.2.3.2"])]),
            slice(&web, &[ready(None, &["fd00:10:2::21"]), ready(None, &["fd00:10:2::"])]),
        ]),
        // The same endpoints in two slices, and one hostname with two addresses.
        Service::new("shop", "overlap", four(), &web).slices(&[
            slice(&web, &[ready(Some("a"), &["10.2.4.1"]), ready(Some("b"), &["10.2.4.2"])]),
            slice(
                &web,
                &[ready(Some("b"), &["10.2.4.2"]), ready(Some("b"), &["10.2.4.3"]), ready(None, &["10.2.4.1"])],
            ),
        ]),
        // Slices with different ports.
        Service::new("shop", "uneven", four(), &db).slices(&[
            slice(&db[..1], &[ready(Some("old"), &["10.2.5.1"])]),
            slice(&db, &[ready(Some("new"), &["10.2.5.2"])]),
            slice(&[tcp("sql", 5433)], &[ready(Some("odd"), &["10.2.5.3"])]),
        ]),
        // One endpoint with two addresses, with and without a hostname.
        Service::new("shop", "pairs", four(), &web).slices(&[slice(
            &web,
            &[ready(Some("pair"), &["10.2.10.1", "10.2.10.2"]), ready(None, &["10.2.10.3", "10.2.10.4"])],
        )]),
        // A port without a number is every port.
        Service::new("shop", "all-ports", four(), &[])
            .slices(&[slice(&[tcp("every", 0), tcp("http", 80)], &[ready(Some("p"), &["10.2.11.1"])])]),
        Service::new("shop", "portless", four(), &[]).slices(&[slice(&[], &[ready(Some("p"), &["10.2.6.1"])])]),
        Service::new("shop", "nameless", four(), &[tcp("", 80)])
            .slices(&[slice(&[tcp("", 80)], &[ready(Some("p"), &["10.2.7.1"]), ready(None, &["10.2.7.2"])])]),
        Service::new("shop", "lonely", four(), &web),
        Service::new("shop", "hollow", four(), &web).slices(&[slice(&web, &[])]),
        Service::new("shop", "only6", dual(), &web).slices(&[slice(&web, &[ready(None, &["fd00:10:2::31"])])]),
        Service::new("pay-1", "mixed-proto", four(), &[tcp("dns", 53)]).slices(&[slice(
            &[port("dns", "UDP", 53), tcp("dns-tcp", 53), port("sig", "SCTP", 53)],
            &[ready(Some("r"), &["10.2.8.1"])],
        )]),
        Service::new("pay-1", "nobody", Kind::Absent, &[])
            .slices(&[slice(&web, &[ready(Some("ghost"), &["10.2.9.1"]), ready(None, &["10.2.9.2"])])]),
    ]
}

/// Endpoints in all conditions, under headless Services.
fn conditions() -> Vec<Service> {
    let web = [tcp("http", 80)];
    let states = [None, YES, NO];
    let mut endpoints = Vec::new();
    for (i, first) in states.iter().enumerate() {
        for (j, second) in states.iter().enumerate() {
            for (k, third) in states.iter().enumerate() {
                let (name, address) = (format!("c-{i}{j}{k}"), format!("10.3.{}.{}", i + 1, j * 3 + k + 1));
                endpoints.push(with_conditions(Some(&name), &[&address], [*first, *second, *third]));
            }
        }
    }
    let leaving = with_conditions(Some("leaving"), &["10.3.9.1"], [NO, YES, YES]);
    let starting = with_conditions(None, &["10.3.9.2"], [NO, NO, NO]);
    let published = with_conditions(Some("early"), &["10.3.9.3"], [YES, NO, NO]);
    let mut early = Service::new("pay-1", "published", four(), &web).slices(&[slice(&web, &[published])]);
    early.publish_not_ready = true;
    vec![
        Service::new("pay-1", "conditions", four(), &web).slices(&[slice(&web, &endpoints)]),
        Service::new("pay-1", "none-ready", four(), &web).slices(&[slice(&web, &[leaving, starting])]),
        early,
    ]
}

fn external() -> Vec<Service> {
    let to = |name: &str, target: &str| Service::new("shop", name, external_name(target), &[]);
    vec![
        to("x-web", "web.shop.svc.cluster.local"),
        to("x-web6", "web6.shop.svc.cluster.local"),
        to("x-dot", "web.shop.svc.cluster.local."),
        to("x-db", "db.shop.svc.cluster.local"),
        to("x-member", "db-1.db.shop.svc.cluster.local"),
        to("x-srv", "both.shop.svc.cluster.local"),
        to("x-missing", "missing.shop.svc.cluster.local"),
        to("x-none-ready", "none-ready.pay-1.svc.cluster.local"),
        to("x-namespace", "shop.svc.cluster.local"),
        to("x-apex", "cluster.local"),
        to("x-pod", "10-1-1-1.shop.pod.cluster.local"),
        to("x-chain", "x-web.shop.svc.cluster.local"),
        to("x-chain-out", "x-out.shop.svc.cluster.local"),
        to("x-loop-a", "x-loop-b.shop.svc.cluster.local"),
        to("x-loop-b", "x-loop-a.shop.svc.cluster.local"),
        to("x-self", "x-self.shop.svc.cluster.local"),
        to("x-out", "outside.example"),
        to("x-out-alias", "alias.example"),
        to("x-out-missing", "missing.example"),
        to("x-out-nodata", "nodata.example"),
        to("x-out-broken", "broken.example"),
        to("x-out-back", "back.example"),
        to("x-single", "single"),
        to("x-ip", "192.0.2.7"),
        to("x-reverse", "1.1.96.10.in-addr.arpa"),
        Service::new("shop", "x-ports", external_name("outside.example"), &[tcp("http", 80)]),
        // Slices under an ExternalName.
        Service::new("shop", "x-slices", external_name("outside.example"), &[])
            .slices(&[slice(&[tcp("http", 80)], &[ready(Some("e"), &["10.4.1.1"])])]),
    ]
}

/// By selector: the slices are the controller's.
fn selected() -> Vec<Service> {
    let web = [tcp("http", 80)];
    vec![
        Service::new("default", "sel", ips(&["10.96.2.1"]), &web).selector("sel"),
        Service::new("default", "sel-headless", dual(), &web).selector("sel"),
        Service::new("default", "sel-nobody", ips(&["10.96.2.2"]), &web).selector("nobody"),
        Service::new("default", "sel-nobody-headless", dual(), &web).selector("nobody"),
    ]
}

fn pods() -> Vec<Pod> {
    let pod = |name, addresses: &[&'static str], phase, ready| Pod {
        namespace: "default",
        name,
        app: "sel",
        hostname: None,
        phase,
        addresses: addresses.to_vec(),
        ready,
    };
    vec![
        Pod {
            hostname: Some(("sel-0", "sel-headless")),
            ..pod("sel-0", &["10.5.1.1", "fd00:10:5::1"], "Running", true)
        },
        pod("sel-1", &["10.5.1.2", "fd00:10:5::"], "Running", true),
        pod("sel-2", &["10.5.1.3"], "Running", false),
        pod("sel-done", &["10.5.1.4"], "Succeeded", false),
        pod("sel-failed", &["10.5.1.5"], "Failed", false),
        pod("sel-pending", &["10.5.1.6"], "Pending", false),
        Pod { namespace: "shop", app: "other", ..pod("solo", &["fd00:10:5::7"], "Running", true) },
        Pod { namespace: "pay-1", app: "other", ..pod("shared", &["10.5.1.1"], "Running", true) },
    ]
}

/// More endpoints than fit into any datagram.
fn large() -> Service {
    let ports = [tcp("kafka", 9092)];
    let slices: Vec<_> = (0..3)
        .map(|part| {
            let endpoint = |n: u8| ready(Some(&format!("broker-{part}-{n}")), &[&format!("10.6.{part}.{n}")]);
            slice(&ports, &(1..=60).map(endpoint).collect::<Vec<_>>())
        })
        .collect();
    Service::new("pay-1", "kafka", four(), &ports).slices(&slices)
}

/// Nearly as much as fits into 512 and 1232 octets.
fn many_in_one_slice() -> Service {
    let ports = [tcp("http", 80), tcp("grpc", 81)];
    let endpoints: Vec<_> = (1..=14u8).map(|n| ready(None, &[&format!("10.7.1.{n}")])).collect();
    Service::new("pay-1", "crowd", four(), &ports).slices(&[slice(&ports, &endpoints)])
}
