//! One Service with its endpoints, as the zone keeps it: immutable, and relative to the origin.

use std::net::IpAddr;

use super::address_set::AddressSet;
use super::digest::Digest;
use super::endpoints::Endpoints;
use super::external::ExternalRecord;
use super::object::{ObjectName, Protocol, Service, ServiceKind, Slice};
use super::ports::PortSet;
use super::settings::ZoneSettings;
use crate::wire::Name;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServiceRecord {
    /// Of namespace and name, by the builder's seed: it chooses the shard, and the reverse index refers to it.
    pub(super) hash: u64,
    /// Of everything that answers depend on, the same on every replica.
    pub(super) digest: u64,
    pub(super) name: ObjectName,
    pub(super) answer: ServiceAnswer,
    /// Ready ones, under a ClusterIP Service too.
    pub(super) endpoints: Endpoints,
    /// For zones of load balancers, if there are some.
    pub(super) external: Option<Box<ExternalRecord>>,
}

/// What the Service's own name gives.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ServiceAnswer {
    ClusterIp {
        addresses: AddressSet,
        ports: PortSet,
    },
    /// The endpoints' addresses and ports.
    Headless,
    ExternalName(Name),
}

impl ServiceRecord {
    pub(super) fn new(hash: u64, service: &Service, slices: &[Slice], settings: &ZoneSettings) -> Self {
        let answer = match &service.kind {
            ServiceKind::ClusterIp(addresses) => {
                let mut addresses = addresses.to_vec();
                addresses.sort_unstable();
                addresses.dedup();
                let addresses = AddressSet::new(&addresses, settings.ttl);
                ServiceAnswer::ClusterIp { addresses, ports: PortSet::new(&service.ports) }
            }
            ServiceKind::Headless => ServiceAnswer::Headless,
            ServiceKind::ExternalName(target) => ServiceAnswer::ExternalName(target.clone()),
        };
        let endpoints = match &answer {
            // Nothing stands below a CNAME's owner that is of this Service.
            ServiceAnswer::ExternalName(_) => Endpoints::default(),
            _ => Endpoints::new(service, slices, settings),
        };
        let answer = match answer {
            // Without endpoints that is a name that does not exist, whatever is asked.
            ServiceAnswer::ClusterIp { .. } if settings.ignore_empty_services && endpoints.is_empty() => {
                ServiceAnswer::Headless
            }
            other => other,
        };
        let external = ExternalRecord::new(service);
        let digest = digest_of(&service.name, &answer, &endpoints, external.as_deref());
        Self { hash, digest, name: service.name.clone(), answer, endpoints, external }
    }

    #[inline]
    pub(super) fn is(&self, hash: u64, namespace: &[u8], name: &[u8]) -> bool {
        self.hash == hash && self.name.namespace.as_bytes() == namespace && self.name.name.as_bytes() == name
    }

    /// Has the Service itself this address?
    pub(super) fn has_cluster_ip(&self, address: IpAddr) -> bool {
        matches!(&self.answer, ServiceAnswer::ClusterIp { addresses, .. } if addresses.place(address).is_some())
    }

    /// Every address that has a reverse name because of this Service, sorted, each once.
    pub(super) fn reverse_addresses(&self) -> Vec<IpAddr> {
        let mut all: Vec<IpAddr> = self.endpoints.addresses().iter().collect();
        if let ServiceAnswer::ClusterIp { addresses, .. } = &self.answer {
            all.extend(addresses.iter());
            all.sort_unstable();
            all.dedup();
        }
        all
    }
}

fn digest_of(
    name: &ObjectName,
    answer: &ServiceAnswer,
    endpoints: &Endpoints,
    external: Option<&ExternalRecord>,
) -> u64 {
    let mut digest = Digest::new(2);
    digest.bytes(name.namespace.as_bytes());
    digest.bytes(name.name.as_bytes());
    match answer {
        ServiceAnswer::ClusterIp { addresses, ports } => {
            digest.number(1);
            add_addresses(&mut digest, addresses.iter());
            digest.number(ports_digest(ports));
        }
        ServiceAnswer::Headless => digest.number(2),
        ServiceAnswer::ExternalName(target) => {
            digest.number(3);
            digest.bytes(target.as_ref().wire());
        }
    }
    let sets: Vec<u64> = endpoints.sets().iter().map(|(ports, _)| ports_digest(ports)).collect();
    let addresses = endpoints.addresses();
    for host in 0..endpoints.hosts() {
        digest.bytes(endpoints.label(host));
        add_addresses(&mut digest, endpoints.places(host).iter().map(|place| addresses.address(*place)));
        digest.number(sets[endpoints.set(host)]);
    }
    if let Some(external) = external {
        external.add_to(&mut digest, ports_digest);
    }
    digest.finish()
}

pub(super) fn add_addresses(digest: &mut Digest, addresses: impl Iterator<Item = IpAddr>) {
    for address in addresses {
        match address {
            IpAddr::V4(address) => digest.bytes(&address.octets()),
            IpAddr::V6(address) => digest.bytes(&address.octets()),
        }
    }
    digest.number(0);
}

fn ports_digest(ports: &PortSet) -> u64 {
    let mut digest = Digest::new(4);
    for port in ports.ports() {
        digest.bytes(port.name.as_bytes());
        digest.number(u64::from(port.number));
        digest.number(match port.protocol {
            Protocol::Tcp => 1,
            Protocol::Udp => 2,
            Protocol::Sctp => 3,
        });
    }
    digest.finish()
}
