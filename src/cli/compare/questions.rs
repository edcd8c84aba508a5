//! Which questions to ask: every name that the cluster's objects make (Kubernetes DNS specification 1.1.0, and the names that
//! clients rely on beyond it), a list, or the log of a server. It asks nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::cli::ask::whole::Asked;
use crate::config::PodMode;
use crate::wire::Name;
use crate::wire::reverse;
use crate::zone::object::{Object, Port, Protocol, Service, ServiceKind, Slice};

/// In no namespace.
const NOBODY: &str = "interlocal-compare-nobody";

/// What is to be asked, and what is known of it.
#[derive(Debug, Default)]
pub struct Questions {
    pub asked: BTreeSet<Asked>,
    /// Names of the cluster that exist, if its objects are known.
    pub exist: BTreeSet<String>,
    /// Lines of a file that are no questions.
    pub skipped: usize,
    pub known: bool,
    /// Services with a name of an endpoint that stands in several slices.
    pub shared: BTreeSet<String>,
}

impl Questions {
    fn ask(&mut self, name: &str, types: &[&str]) {
        for rtype in types {
            self.asked.extend(Asked::new(name, rtype).ok());
        }
    }

    fn there(&mut self, name: &str, types: &[&str]) {
        self.exist.insert(name.trim_end_matches('.').to_ascii_lowercase() + ".");
        self.ask(name, types);
    }

    /// Is it a name with something below it?
    pub fn is_between(&self, name: &str) -> bool {
        let below = format!(".{name}");
        self.exist.iter().any(|there| there.ends_with(&below))
    }

    /// The names of the objects become known, and are asked for if so told.
    pub fn objects(&mut self, objects: &[Object], domain: &Name, pods: PodMode, ask: bool) {
        let mut all = Self { known: true, ..Self::default() };
        all.add(objects, domain, pods);
        (self.exist, self.shared, self.known) = (all.exist, all.shared, true);
        if ask {
            self.asked.extend(all.asked);
        }
    }

    fn add(&mut self, objects: &[Object], domain: &Name, pods: PodMode) {
        let domain = domain.to_string();
        let domain = domain.trim_end_matches('.');
        self.there(domain, &["SOA", "NS", "A"]);
        self.there(&format!("dns-version.{domain}"), &["TXT"]);
        self.there(&format!("ns.dns.{domain}"), &["A"]);
        let mut services: BTreeMap<(&str, &str), (&Service, Vec<&Slice>)> = BTreeMap::new();
        let mut namespaces = BTreeSet::new();
        for object in objects {
            match object {
                Object::Namespace(namespace) => drop(namespaces.insert(&*namespace.name)),
                Object::Service(service) => {
                    namespaces.insert(&*service.name.namespace);
                    services.insert((&*service.name.namespace, &*service.name.name), (service, Vec::new()));
                }
                Object::Pod(pod) if pods != PodMode::Disabled => {
                    for address in &pod.addresses {
                        let name = format!("{}.{}.pod.{domain}", dashed(*address), pod.name.namespace);
                        self.there(&name, &["A", "AAAA"]);
                    }
                }
                Object::Pod(_) | Object::Slice(_) => {}
            }
        }
        for object in objects {
            if let Object::Slice(slice) = object
                && let Some((_, slices)) = services.get_mut(&(&*slice.name.namespace, &*slice.service))
            {
                slices.push(slice);
            }
        }
        for namespace in namespaces {
            self.there(&format!("{namespace}.svc.{domain}"), &["A"]);
            self.ask(&format!("{NOBODY}.{namespace}.svc.{domain}"), &["A"]);
        }
        self.ask(&format!("web.{NOBODY}.svc.{domain}"), &["A"]);
        for ((namespace, name), (service, slices)) in services {
            self.service(service, &slices, &format!("{name}.{namespace}.svc.{domain}"));
        }
    }

    fn service(&mut self, service: &Service, slices: &[&Slice], name: &str) {
        let types = match service.kind {
            ServiceKind::ExternalName(_) => &["A", "AAAA", "CNAME"][..],
            _ => &["A", "AAAA", "SRV"],
        };
        let ready =
            |slice: &&&Slice| slice.endpoints.iter().any(|endpoint| endpoint.ready || service.publish_not_ready);
        // A headless Service without an endpoint does not exist.
        match service.kind == ServiceKind::Headless && !slices.iter().any(|slice| ready(&slice)) {
            true => self.ask(name, types),
            false => self.there(name, types),
        }
        let ports = service.ports.iter().chain(slices.iter().flat_map(|slice| slice.ports.iter()));
        for Port { name: port, protocol, number } in ports {
            if !port.is_empty() && *number > 0 {
                self.there(&format!("_{port}._{}.{name}", word(*protocol)), &["SRV"]);
            }
        }
        if let ServiceKind::ClusterIp(addresses) = &service.kind {
            addresses.iter().for_each(|address| self.pointer(*address));
        }
        let mut hosts = BTreeMap::new();
        for (at, slice) in slices.iter().enumerate() {
            for endpoint in slice.endpoints.iter().filter(|it| it.ready || service.publish_not_ready) {
                let host = endpoint.hostname.as_deref().map_or_else(|| dashed(endpoint.address), str::to_owned);
                self.there(&format!("{host}.{name}"), &["A", "AAAA"]);
                self.pointer(endpoint.address);
                if *hosts.entry(host).or_insert(at) != at {
                    self.shared.insert(format!("{name}."));
                }
            }
        }
    }

    fn pointer(&mut self, address: IpAddr) {
        self.there(&reverse::name_of(address).to_string(), &["PTR"]);
    }

    /// Lines of `name [type]`, or of CoreDNS's `log`: `… "A IN web.shop.svc.cluster.local. udp 54 false 1232" NOERROR …`.
    pub fn lines(&mut self, text: &str) {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let words: Vec<&str> = match line.split('"').nth(1) {
                Some(logged) => match logged.split_whitespace().collect::<Vec<_>>()[..] {
                    [rtype, "IN", name, ..] => vec![name, rtype],
                    _ => Vec::new(),
                },
                None => line.split_whitespace().collect(),
            };
            let asked = match words[..] {
                [name] => Asked::new(name, "A"),
                [name, rtype] => Asked::new(name, rtype),
                _ => Err(String::new()),
            };
            match asked {
                Ok(asked) => drop(self.asked.insert(asked)),
                Err(_) => self.skipped += 1,
            }
        }
    }
}

/// As in the names of endpoints and pods.
fn dashed(address: IpAddr) -> String {
    address.to_string().replace(['.', ':'], "-")
}

fn word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_logs_are_read() {
        let text = "# comment\nweb.shop.svc.cluster.local\nweb.shop.svc.cluster.local SRV\n\
                    [INFO] 10.0.1.2:4711 - 7 \"AAAA IN Example.com. udp 40 false 1232\" NOERROR qr,rd,ra 56 0.0002s\n\
                    [INFO] 10.0.1.2:4711 - 8 \"TXT CH version.bind. udp 40 false 512\" NOERROR qr 56 0.0002s\n\
                    one two three\n";
        let mut questions = Questions::default();
        questions.lines(text);
        let asked: Vec<String> = questions.asked.iter().map(|it| format!("{} {}", it.name, it.rtype)).collect();
        let expected = ["example.com. AAAA", "web.shop.svc.cluster.local. A", "web.shop.svc.cluster.local. SRV"];
        assert_eq!((asked, questions.skipped), (expected.map(str::to_owned).to_vec(), 2));
    }

    #[test]
    fn every_name_of_the_objects_is_asked_for() {
        let file = tempfile::NamedTempFile::with_suffix(".yaml").expect("a file");
        let text = "apiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: shop}\n\
                    spec: {clusterIP: None, ports: [{name: sql, port: 5432}]}\n---\n\
                    apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
                    metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}}\n\
                    addressType: IPv4\nports: [{name: sql, port: 5432, protocol: TCP}]\n\
                    endpoints:\n- {addresses: [10.1.2.3], hostname: one, conditions: {ready: true}}\n\
                    - {addresses: [10.1.2.4], conditions: {ready: true}}\n";
        std::fs::write(file.path(), text).expect("written");
        let loaded = crate::kube::manifests::load(file.path(), &Default::default(), &Default::default());
        let mut questions = Questions::default();
        questions.objects(&loaded.objects, &"cluster.local".parse().expect("a name"), PodMode::Disabled, true);
        for (name, rtype) in [
            ("db.shop.svc.cluster.local.", "A"),
            ("_sql._tcp.db.shop.svc.cluster.local.", "SRV"),
            ("one.db.shop.svc.cluster.local.", "AAAA"),
            ("10-1-2-4.db.shop.svc.cluster.local.", "A"),
            ("3.2.1.10.in-addr.arpa.", "PTR"),
        ] {
            assert!(questions.asked.contains(&Asked { name: name.into(), rtype: rtype.into() }), "{name} {rtype}");
            assert!(questions.exist.contains(name), "{name}");
        }
        assert!(questions.is_between("_tcp.db.shop.svc.cluster.local."));
        assert!(!questions.is_between("_udp.db.shop.svc.cluster.local."));
    }
}
