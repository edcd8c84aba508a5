//! What the zone should answer, the slow and obvious way: every record that the objects yield is written down, and a question
//! is looked up in that list. It shares no code with the zone but the types of the objects.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use interlocal::config::PodMode;
use interlocal::zone::object::{Kind, ObjectKey, Port, Protocol, Service, ServiceKind};
use interlocal::zone::{Event, Object, ZoneSettings};

/// The objects after a history of events.
#[derive(Debug, Clone, Default)]
pub(crate) struct World(BTreeMap<ObjectKey, Object>);

impl World {
    pub(crate) fn change(&mut self, event: Event) {
        match event {
            Event::Apply(object) => drop(self.0.insert(object.key(), object)),
            Event::Delete(key) => drop(self.0.remove(&key)),
            Event::Replace(kind, objects) => {
                self.0.retain(|key, _| key.kind != kind);
                self.0.extend(objects.into_iter().map(|object| (object.key(), object)));
            }
        }
    }

    pub(crate) fn objects(&self) -> impl Iterator<Item = &Object> {
        self.0.values()
    }

    /// Those in namespaces that are served, without those that are left out because they are empty.
    fn services(&self, settings: &ZoneSettings) -> impl Iterator<Item = &Service> {
        let namespaces = self.namespaces(settings);
        let taken = move |it: &&Service| {
            let with_address = matches!(it.kind, ServiceKind::ClusterIp(_)) && settings.ignore_empty_services;
            namespaces.contains(&*it.name.namespace) && !(with_address && self.hosts(it, settings).is_empty())
        };
        self.0.values().filter_map(move |object| match object {
            Object::Service(service) => Some(service).filter(&taken),
            _ => None,
        })
    }

    fn namespaces(&self, settings: &ZoneSettings) -> BTreeSet<String> {
        let said: BTreeMap<&str, bool> = self
            .0
            .values()
            .filter_map(|object| match object {
                Object::Namespace(namespace) => Some((&*namespace.name, namespace.served)),
                _ => None,
            })
            .collect();
        let all = self.0.keys().filter_map(|key| match key.kind {
            Kind::Namespace => Some(key.name.name.to_string()),
            Kind::Service => Some(key.name.namespace.to_string()),
            Kind::Slice | Kind::Pod => None,
        });
        let served = |name: &String| said.get(name.as_str()).copied().unwrap_or(!settings.only_known_namespaces);
        all.filter(served).collect()
    }

    /// A Service's endpoints by their names: addresses and ports.
    fn hosts(&self, service: &Service, settings: &ZoneSettings) -> BTreeMap<String, Host> {
        let mut hosts: BTreeMap<String, Host> = BTreeMap::new();
        if matches!(service.kind, ServiceKind::ExternalName(_)) {
            return hosts;
        }
        for object in self.0.values() {
            let Object::Slice(slice) = object else { continue };
            if slice.name.namespace != service.name.namespace || slice.service != service.name.name {
                continue;
            }
            for endpoint in slice.endpoints.iter().filter(|it| it.ready || service.publish_not_ready) {
                let pod = endpoint.pod.as_ref().filter(|_| settings.endpoint_pod_names);
                let name =
                    endpoint.hostname.as_ref().or(pod).map_or_else(|| dashed(endpoint.address), ToString::to_string);
                let host = hosts.entry(name).or_default();
                host.addresses.insert(endpoint.address);
                host.ports.extend(slice.ports.iter().cloned());
            }
        }
        hosts
    }
}

#[derive(Debug, Default)]
struct Host {
    addresses: BTreeSet<IpAddr>,
    ports: BTreeSet<Port>,
}

fn dashed(address: IpAddr) -> String {
    let text = address.to_string().replace(['.', ':'], "-");
    if text.ends_with('-') { text + "0" } else { text }
}

/// All records under one origin.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// By name, without the origin; a name without records may stand here too.
    by_name: BTreeMap<String, BTreeSet<(&'static str, String)>>,
    /// The names of each address.
    pub(crate) reverse: BTreeMap<IpAddr, BTreeSet<String>>,
    /// The empty names between a record and the origin.
    between: BTreeSet<String>,
}

impl Records {
    pub(crate) fn new(world: &World, settings: &ZoneSettings, serial: u32) -> Self {
        let mut records = Self::default();
        let origin = format!("{}.", settings.origins[0]);
        let soa = format!("ns.dns.{origin} hostmaster.{origin} {serial} 7200 1800 86400 {}", settings.ttl);
        records.add("", "SOA", soa);
        records.add("", "NS", format!("ns.dns.{origin}"));
        records.add("dns-version", "TXT", "1.1.0".into());
        ["svc", "pod", "ns.dns"].into_iter().for_each(|name| records.name(name));
        for namespace in world.namespaces(settings) {
            records.name(&format!("{namespace}.svc"));
            if settings.pods != PodMode::Disabled {
                records.name(&format!("{namespace}.pod"));
            }
        }
        let mut own = BTreeSet::new();
        for service in world.services(settings) {
            records.service(world, service, settings, &origin, &mut own);
        }
        // An address of a Service's own is not called by endpoints that happen to have it.
        for object in world.services(settings) {
            if let ServiceKind::ClusterIp(addresses) = &object.kind {
                for address in addresses.iter().filter(|address| own.contains(*address)) {
                    records.reverse.entry(*address).or_default().retain(|name| {
                        name.strip_suffix(&format!(".svc.{origin}")).is_some_and(|name| name.split('.').count() == 2)
                    });
                }
            }
        }
        for object in world.objects() {
            let Object::Pod(pod) = object else { continue };
            for address in pod.addresses.iter().filter(|_| settings.pods == PodMode::Verified) {
                let name = format!("{}.{}.pod", dashed(*address), pod.name.namespace);
                if world.namespaces(settings).contains(&*pod.name.namespace) {
                    records.addresses(&name, [address]);
                }
            }
        }
        for name in records.by_name.keys() {
            let mut rest = name.as_str();
            while let Some((_, above)) = rest.split_once('.') {
                records.between.insert(above.to_owned());
                rest = above;
            }
        }
        records
    }

    fn service(
        &mut self,
        world: &World,
        service: &Service,
        settings: &ZoneSettings,
        origin: &str,
        own: &mut BTreeSet<IpAddr>,
    ) {
        let name = format!("{}.{}.svc", service.name.name, service.name.namespace);
        let full = |name: &str| format!("{name}.{origin}");
        let hosts = world.hosts(service, settings);
        for (label, host) in &hosts {
            let below = format!("{label}.{name}");
            self.addresses(&below, &host.addresses);
            self.srv(&below, host.ports.iter().map(|port| (port.number, full(&below))));
            for address in &host.addresses {
                self.reverse.entry(*address).or_default().insert(full(&below));
            }
        }
        match &service.kind {
            ServiceKind::ExternalName(target) => self.add(&name, "CNAME", format!("{target}.")),
            ServiceKind::ClusterIp(addresses) => {
                self.addresses(&name, addresses);
                self.srv(&name, service.ports.iter().map(|port| (port.number, full(&name))));
                for port in service.ports.iter().filter(|port| !port.name.is_empty()) {
                    let same = service.ports.iter().filter(|it| (&it.name, it.protocol) == (&port.name, port.protocol));
                    for below in port_names(port, &name) {
                        self.addresses(&below, addresses);
                        self.srv(&below, same.clone().map(|port| (port.number, full(&name))));
                    }
                }
                for address in addresses {
                    own.insert(*address);
                    self.reverse.entry(*address).or_default().insert(full(&name));
                }
                if name == "kube-dns.kube-system.svc" {
                    self.addresses("ns.dns", addresses);
                }
            }
            ServiceKind::Headless if hosts.is_empty() => {}
            ServiceKind::Headless => {
                self.addresses(&name, hosts.values().flat_map(|host| &host.addresses));
                let of = |host: &str, port: &Port| (port.number, full(&format!("{host}.{name}")));
                let all = hosts.iter().flat_map(|(label, host)| host.ports.iter().map(move |port| (label, host, port)));
                self.srv(&name, all.clone().map(|(label, _, port)| of(label, port)));
                for (_, _, port) in all.clone().filter(|(_, _, port)| !port.name.is_empty()) {
                    let same = all.clone().filter(|it| (&it.2.name, it.2.protocol) == (&port.name, port.protocol));
                    for below in port_names(port, &name) {
                        self.addresses(&below, same.clone().flat_map(|(_, host, _)| &host.addresses));
                        self.srv(&below, same.clone().map(|(label, _, port)| of(label, port)));
                    }
                }
            }
        }
    }

    fn name(&mut self, name: &str) {
        self.by_name.entry(name.into()).or_default();
    }

    fn add(&mut self, name: &str, record_type: &'static str, data: String) {
        self.by_name.entry(name.into()).or_default().insert((record_type, data));
    }

    fn addresses<'a>(&mut self, name: &str, addresses: impl IntoIterator<Item = &'a IpAddr>) {
        self.name(name);
        for address in addresses {
            self.add(name, if address.is_ipv4() { "A" } else { "AAAA" }, address.to_string());
        }
    }

    fn srv(&mut self, name: &str, targets: impl Iterator<Item = (u16, String)>) {
        let targets: BTreeSet<_> = targets.collect();
        let weight = (100 / targets.len().max(1)).max(1);
        for (port, target) in targets {
            self.add(name, "SRV", format!("0 {weight} {port} {target}"));
        }
    }

    /// What a question gets: `TYPE data` sorted, or the kind of denial.
    pub(crate) fn ask(&self, name: &str, record_type: &str) -> Result<Vec<String>, &'static str> {
        let wanted = |it: &&(&str, String)| it.0 == record_type || it.0 == "CNAME";
        match self.by_name.get(name) {
            Some(records) if records.iter().any(|it| wanted(&it)) => {
                Ok(records.iter().filter(wanted).map(|(record_type, data)| format!("{record_type} {data}")).collect())
            }
            Some(_) => Err("NODATA"),
            None if self.between.contains(name) => Err("NODATA"),
            None => Err("NXDOMAIN"),
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.by_name.keys()
    }
}

/// With and without underscores.
fn port_names(port: &Port, service: &str) -> Vec<String> {
    let protocol = match port.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    };
    let spelled = [("_", "_"), ("", ""), ("_", ""), ("", "_")];
    spelled.map(|(a, b)| format!("{a}{}.{b}{protocol}.{service}", port.name)).into()
}
