//! Every name that is worth asking for: those that the objects make, those beside, between and below them, and those that
//! resolvers make by search paths. What exists is said here, by the specification and by nobody's code.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::model::{Kind, Objects, Port, Service, ZONE};

/// A name stands once, under the form that named it first.
#[derive(Default)]
pub struct Names {
    forms: BTreeMap<String, Form>,
    exists: BTreeSet<String>,
    /// Services with an endpoint name that several slices share.
    shared: BTreeSet<String>,
    pods: bool,
}

/// Why a name is asked. Some forms are asked for every type over every transport, the others for some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    Zone,
    Service,
    Endpoint,
    Port,
    OddPort,
    Below,
    Missing,
    Search,
    Pod,
    Reverse,
    Outside,
}

/// Endpoints of one Service that are asked for.
const ENDPOINTS: usize = 28;

impl Names {
    /// With or without names for pods.
    pub fn of(objects: &Objects, pods: bool) -> Self {
        let mut names = Self { pods, ..Self::default() };
        names.zone(objects);
        for service in &objects.services {
            names.service(service);
        }
        names.pods(objects);
        names.reverse(objects);
        names.search();
        for outside in
            ["outside.example", "alias.example", "missing.example", "nodata.example", "back.example", "example"]
        {
            names.ask(Form::Outside, outside);
        }
        names
    }

    /// Asks for the names of others too, whether they exist or not.
    pub fn ask_also(mut self, others: &Self) -> Self {
        for (name, form) in others.iter() {
            self.ask(form, name);
        }
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, Form)> {
        self.forms.iter().map(|(name, form)| (name.as_str(), *form))
    }

    /// Does the name itself exist, in lower case?
    pub fn exists(&self, name: &str) -> bool {
        self.exists.contains(name)
    }

    /// Does a name below it exist? Then it exists as well, if only without records (RFC 8020 2).
    pub fn is_between(&self, name: &str) -> bool {
        let below = format!(".{name}");
        !self.exists(name) && self.exists.iter().any(|other| other.ends_with(&below))
    }

    /// Is it below a Service, some of whose slices share an endpoint name?
    pub fn shares_hosts(&self, name: &str) -> bool {
        self.shared.iter().any(|service| name.strip_suffix(service.as_str()).is_some_and(|front| front.ends_with('.')))
            || self.shared.contains(name)
    }

    fn ask(&mut self, form: Form, name: &str) {
        self.forms.entry(name.to_owned()).or_insert(form);
    }

    /// Asks for a name that exists.
    fn add(&mut self, form: Form, name: &str) {
        self.ask(form, name);
        self.exists.insert(name.to_ascii_lowercase());
    }

    fn zone(&mut self, objects: &Objects) {
        for there in ["", "ns.dns.", "dns-version."] {
            self.add(Form::Zone, &format!("{there}{ZONE}"));
        }
        // For A, CoreDNS says so too, whether pods have names or not.
        self.exists.insert(format!("pod.{ZONE}"));
        for asked in [
            "svc.",
            "pod.",
            "dns.",
            "tcp.",
            "_tcp.",
            "ns.",
            "x.",
            "svc.svc.",
            "x.dns-version.",
            "dns.dns.",
            "x.ns.dns.",
        ] {
            self.ask(Form::Zone, &format!("{asked}{ZONE}"));
        }
        for mixed in ["Cluster.Local", "dNs-VeRsIoN.cluster.local", "SVC.cluster.local", "NS.dns.CLUSTER.local"] {
            self.ask(Form::Zone, mixed);
        }
        let built_in = ["default", "kube-system", "missing", "SHOP", "*", "any"].map(str::to_owned);
        for namespace in objects.namespaces.iter().chain(&built_in) {
            for middle in ["svc", "pod"] {
                self.ask(Form::Zone, &format!("{namespace}.{middle}.{ZONE}"));
            }
            if !["missing", "SHOP", "*", "any"].contains(&namespace.as_str()) {
                self.exists.insert(format!("{namespace}.svc.{ZONE}"));
                if self.pods {
                    // Whichever they are.
                    self.exists.insert(format!("any-pod.{namespace}.pod.{ZONE}"));
                }
            }
            for label in ["*", "any", "web", "svc", "_tcp"] {
                self.ask(Form::Missing, &format!("{label}.{namespace}.svc.{ZONE}"));
            }
        }
        for name in ["kubernetes.default.svc", "_https._tcp.kubernetes.default.svc"] {
            self.add(Form::Service, &format!("{name}.{ZONE}"));
        }
    }

    fn service(&mut self, service: &Service) {
        let whole = service.dns_name();
        let hosts = hosts(service);
        let there = match service.kind {
            Kind::Cluster(_) => true,
            // A CNAME leads to a name.
            Kind::External(ref target) => target.parse::<IpAddr>().is_err(),
            Kind::Headless(_) => hosts.values().any(|ready| *ready) || is_selected(service),
            Kind::Absent => false,
        };
        if there {
            self.add(Form::Service, &whole);
        } else {
            self.ask(Form::Service, &whole);
        }
        self.ask(Form::Service, &mixed(&whole));
        if shares_hosts(service) {
            self.shared.insert(whole.clone());
        }
        let with_endpoints = matches!(service.kind, Kind::Cluster(_) | Kind::Headless(_));
        for (place, (host, ready)) in hosts.iter().enumerate() {
            let name = format!("{host}.{whole}");
            if *ready && with_endpoints {
                self.exists.insert(name.clone());
            }
            if place < ENDPOINTS {
                self.ask(Form::Endpoint, &name);
            }
        }
        if let Some((host, _)) = hosts.first_key_value() {
            self.ask(Form::Endpoint, &mixed(&format!("{host}.{whole}")));
            self.ask(Form::Below, &format!("x.{host}.{whole}"));
            self.ask(Form::Below, &format!("_http._tcp.{host}.{whole}"));
        }
        for endpoint in service.slices.iter().flat_map(|slice| &slice.endpoints).take(4) {
            self.ask(Form::Missing, &format!("{}.{whole}", dashed(&endpoint.addresses[0])));
        }
        self.ports(service, &whole);
        for label in ["x", "_tcp", "_udp", "_sctp", "tcp", "UDP", "_", "*"] {
            self.ask(Form::Below, &format!("{label}.{whole}"));
        }
    }

    fn ports(&mut self, service: &Service, whole: &str) {
        let own = service.ports.iter().filter(|_| matches!(service.kind, Kind::Cluster(_)) || is_selected(service));
        let ready = |slice: &&super::model::Slice| slice.endpoints.iter().any(super::model::Endpoint::is_ready);
        let slices = service.slices.iter().filter(|_| matches!(service.kind, Kind::Headless(_)));
        let there: Vec<&Port> = own.chain(slices.filter(ready).flat_map(|slice| &slice.ports)).collect();
        for port in there.iter().filter(|port| !port.name.is_empty() && port.number > 0) {
            let lower = port.protocol.to_lowercase();
            self.add(Form::Port, &format!("_{}._{lower}.{whole}", port.name));
            self.add(Form::OddPort, &format!("{}.{lower}.{whole}", port.name));
        }
        let all = service.ports.iter().chain(service.slices.iter().flat_map(|slice| &slice.ports));
        for Port { name, protocol, number } in all {
            let lower = protocol.to_lowercase();
            let other = if lower == "udp" { "tcp" } else { "udp" };
            for front in [
                format!("_{name}._{lower}"),
                format!("_{name}._{other}"),
                format!("{name}.{lower}"),
                format!("_{name}.{lower}"),
                format!("{name}._{lower}"),
                format!("_{}._{protocol}", name.to_uppercase()),
                format!("__{name}._{lower}"),
                format!("_{number}._{lower}"),
            ] {
                // A port without a name leaves an empty label in some of these.
                if !front.starts_with('.') {
                    self.ask(Form::OddPort, &format!("{front}.{whole}"));
                }
            }
        }
        for front in ["_nope._tcp", "_http._quic", "nope.tcp", "a.b", "_tcp._http", "x._http._tcp", "a.b.c"] {
            self.ask(Form::OddPort, &format!("{front}.{whole}"));
        }
    }

    fn pods(&mut self, objects: &Objects) {
        let mut labels: Vec<String> = objects.pods.iter().flat_map(|pod| &pod.addresses).map(|it| dashed(it)).collect();
        let other = [
            "10-96-1-1",
            "192-0-2-1",
            "256-1-1-1",
            "1-2-3",
            "01-2-3-4",
            "1-2-3-4-5",
            "web",
            "sel-0",
            "0--1",
            "--1",
            "2001-db8--1",
            "2001-0db8-0-0-0-0-0-1",
            "2001-DB8--A",
            "fd00-10-5-0-0-0-0-1",
            "fd00-10-5--",
            "1--2--3",
            "--ffff-10-1-1-1",
            "1-2-3-4-5-6-7-8",
            "-1-2-3-4",
            "10.1.1.1",
            "*",
        ];
        labels.extend(other.map(str::to_owned));
        let mut namespaces: Vec<&str> = objects.pods.iter().map(|pod| pod.namespace).collect();
        namespaces.extend(["empty", "missing", "pod"]);
        namespaces.sort_unstable();
        namespaces.dedup();
        for label in &labels {
            for namespace in &namespaces {
                self.ask(Form::Pod, &format!("{label}.{namespace}.pod.{ZONE}"));
            }
            self.ask(Form::Missing, &format!("{label}.pod.{ZONE}"));
        }
        self.ask(Form::Pod, &mixed(&format!("10-5-1-1.default.pod.{ZONE}")));
        self.ask(Form::Missing, &format!("x.10-5-1-1.default.pod.{ZONE}"));
    }

    fn reverse(&mut self, objects: &Objects) {
        self.own_addresses(objects);
        let mut addresses: BTreeSet<&str> = BTreeSet::new();
        for service in &objects.services {
            if let Kind::Cluster(own) = &service.kind {
                addresses.extend(own.iter().map(String::as_str));
            }
            let endpoints = service.slices.iter().flat_map(|slice| &slice.endpoints);
            addresses.extend(endpoints.flat_map(|endpoint| &endpoint.addresses).map(String::as_str));
        }
        addresses.extend(objects.pods.iter().flat_map(|pod| pod.addresses.iter().copied()));
        addresses.extend(["10.96.0.1", "192.0.2.99", "10.255.255.255", "2001:db8::99", "::"]);
        for address in addresses {
            self.ask(Form::Reverse, &reverse(address));
        }
        for odd in [
            "1.96.10.in-addr.arpa",
            "96.10.in-addr.arpa",
            "10.in-addr.arpa",
            "in-addr.arpa",
            "arpa",
            "ip6.arpa",
            "x.1.1.96.10.in-addr.arpa",
            "1.1.1.96.10.in-addr.arpa",
            "01.1.96.10.in-addr.arpa",
            "256.1.96.10.in-addr.arpa",
            "x.1.96.10.in-addr.arpa",
            "1.1.96.10.IN-ADDR.Arpa",
            "0.1.0.0.0.0.d.f.ip6.arpa",
            "d.f.ip6.arpa",
            "g.f.ip6.arpa",
        ] {
            self.ask(Form::Reverse, odd);
        }
        self.ask(Form::Reverse, &mixed(&reverse("fd00:10:96::101")));
    }

    /// Addresses of Services and of their ready endpoints have names.
    fn own_addresses(&mut self, objects: &Objects) {
        self.exists.insert(reverse("10.96.0.1"));
        for service in &objects.services {
            match &service.kind {
                Kind::Cluster(own) => self.exists.extend(own.iter().map(|address| reverse(address))),
                Kind::Headless(_) => {}
                Kind::External(_) | Kind::Absent => continue,
            }
            let endpoints = service.slices.iter().flat_map(|slice| &slice.endpoints).filter(|it| it.is_ready());
            self.exists.extend(endpoints.flat_map(|endpoint| &endpoint.addresses).map(|address| reverse(address)));
        }
        for service in objects.services.iter().filter(|service| is_selected(service)) {
            let six = match &service.kind {
                Kind::Cluster(own) => own.iter().any(|address| address.contains(':')),
                Kind::Headless(families) => families.contains(&"IPv6"),
                Kind::External(_) | Kind::Absent => continue,
            };
            let pods = objects.pods.iter().filter(|pod| pod.app == "sel" && pod.ready).flat_map(|pod| &pod.addresses);
            self.exists.extend(pods.filter(|it| six || !it.contains(':')).map(|address| reverse(address)));
        }
    }

    /// What resolvers make of names with the search list of a pod and `ndots: 5`.
    fn search(&mut self) {
        let ends = [format!("shop.svc.{ZONE}"), format!("svc.{ZONE}"), ZONE.to_owned()];
        for name in [
            "web",
            "web.shop",
            "web.shop.svc",
            "web.shop.svc.cluster.local",
            "db-0.db",
            "db-0.db.shop",
            "_http._tcp.web",
            "_http._tcp.web.shop",
            "outside.example",
            "www.outside.example",
            "x-out",
            "localhost",
            "single",
        ] {
            for end in &ends {
                self.ask(Form::Search, &format!("{name}.{end}"));
            }
        }
    }
}

/// Does it have ready pods?
fn is_selected(service: &Service) -> bool {
    service.selector == Some("sel")
}

fn shares_hosts(service: &Service) -> bool {
    let mut seen = BTreeSet::new();
    service.slices.iter().any(|slice| {
        let hosts: BTreeSet<_> = slice.endpoints.iter().filter_map(|endpoint| endpoint.hostname.clone()).collect();
        let shared = hosts.iter().any(|host| seen.contains(host));
        seen.extend(hosts);
        shared
    })
}

/// The labels of a Service's endpoints: is any endpoint of that name ready?
fn hosts(service: &Service) -> BTreeMap<String, bool> {
    let mut hosts = BTreeMap::new();
    for endpoint in service.slices.iter().flat_map(|slice| &slice.endpoints) {
        for address in &endpoint.addresses {
            let host = endpoint.hostname.clone().unwrap_or_else(|| dashed(address));
            *hosts.entry(host).or_insert(false) |= endpoint.is_ready();
        }
    }
    hosts
}

/// An address as a label, as CoreDNS and the field write it.
fn dashed(address: &str) -> String {
    let label = address.replace([':', '.'], "-");
    if label.ends_with('-') { format!("{label}0") } else { label }
}

fn reverse(address: &str) -> String {
    match address.parse().unwrap() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}.")).collect::<String>() + "ip6.arpa"
        }
    }
}

/// Every third letter in upper case.
fn mixed(name: &str) -> String {
    let change = |(place, letter): (usize, char)| if place % 3 == 0 { letter.to_ascii_uppercase() } else { letter };
    name.chars().enumerate().map(change).collect()
}
