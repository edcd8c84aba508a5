//! Names that Services have for the outside, in zones of their own: `service.namespace.<zone>`, from the addresses and host names of load
//! balancers. They are looked up off the way of the cluster's own names, which pay nothing for them.

use std::net::IpAddr;

use super::digest::Digest;
use super::lookup::{Absent, Found};
use super::object::Service;
use super::origin::{Origin, soa_numbers};
use super::ports::{PortSet, Want, protocol_of};
use super::record::{ServiceAnswer, ServiceRecord, add_addresses};
use super::snapshot::Snapshot;
use super::srv::{MAX_POINTER, SRV_FIXED, fixed};
use crate::config::ExternalConfig;
use crate::wire::name::MAX_NAME;
use crate::wire::reply::{Owner, Section};
use crate::wire::{HEADER_LEN, Name, NameBuf, ReplyWriter, rtype};

/// The Service that fronts the cluster's name servers, and so those of the zone.
const NAME_SERVERS: [&[u8]; 2] = [b"kube-system", b"kube-dns"];
const NAME_SERVER: &[u8] = b"ns1";

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExternalZone {
    origin: Origin,
    apex: Box<[u8]>,
    ttl: u32,
    headless: bool,
}

/// What a Service has for the outside.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ExternalRecord {
    /// Each once.
    addresses: Box<[IpAddr]>,
    /// Of a load balancer that has no address to tell.
    host: Option<Name>,
    ports: PortSet,
}

impl ExternalZone {
    pub(super) fn new(config: &ExternalConfig) -> Self {
        Self {
            origin: Origin::new(config.zone.clone()),
            apex: config.apex.as_bytes().into(),
            ttl: u32::try_from(config.ttl.as_secs()).unwrap_or(u32::MAX),
            headless: config.headless,
        }
    }

    /// How many labels of a name stand in front of the zone, if it is in it.
    pub(super) fn labels_before(&self, name: &NameBuf) -> Option<usize> {
        self.origin.labels_before(name)
    }

    /// Is it the name below which the name servers' names are?
    pub(super) fn is_apex(&self, label: &[u8]) -> bool {
        *self.apex == *label
    }
}

impl ExternalRecord {
    pub(super) fn new(service: &Service) -> Option<Box<Self>> {
        let external = service.external.as_deref()?;
        let mut addresses = external.addresses.to_vec();
        addresses.sort_unstable();
        addresses.dedup();
        let (addresses, ports) = (addresses.into(), PortSet::new(&service.ports));
        Some(Box::new(Self { addresses, host: external.host.clone(), ports }))
    }

    pub(super) fn add_to(&self, digest: &mut Digest, ports: impl Fn(&PortSet) -> u64) {
        add_addresses(digest, self.addresses.iter().copied());
        digest.bytes(self.host.as_ref().map_or(&[], |host| host.as_ref().wire()));
        digest.number(ports(&self.ports));
    }
}

impl Snapshot {
    /// Looks up a name of the zone with this number, as [`Snapshot::lookup`] does in the cluster's.
    #[cold]
    pub(super) fn lookup_external<'s>(
        &'s self,
        number: usize,
        name: &NameBuf,
        owner: Owner<'_>,
        qtype: u16,
        writer: &mut ReplyWriter<'_>,
        rotation: usize,
    ) -> Found<'s> {
        let Some(external) = self.externals.get(number).filter(|_| self.synced) else { return Found::NotReady };
        let Some(labels) = external.labels_before(name) else { return Found::NotReady };
        let mut ask = Ask { zone: self, external, name, owner, qtype, writer, rotation };
        let found = ask.answer(labels);
        if matches!(found, Found::NoData(_) | Found::NxDomain(_)) {
            ask.push_soa(Section::Authority);
        }
        found
    }
}

struct Ask<'s, 'a, 'w, 'b> {
    zone: &'s Snapshot,
    external: &'s ExternalZone,
    name: &'a NameBuf,
    owner: Owner<'a>,
    qtype: u16,
    writer: &'w mut ReplyWriter<'b>,
    rotation: usize,
}

impl<'s> Ask<'s, '_, '_, '_> {
    fn answer(&mut self, labels: usize) -> Found<'s> {
        let Some(last) = labels.checked_sub(1) else { return self.apex() };
        let namespace = self.name.label(last);
        if self.external.is_apex(namespace) {
            return self.name_server(labels);
        }
        if !std::str::from_utf8(namespace).is_ok_and(|name| self.zone.namespace_exists(name)) {
            return Found::NxDomain(Absent::Namespace);
        }
        let Some(below) = labels.checked_sub(2) else { return Found::NoData(Absent::Between) };
        let Some(record) = self.zone.service(namespace, self.name.label(below)) else {
            return Found::NxDomain(Absent::Service);
        };
        let want = match below {
            0 => Want::Every,
            1 => return self.below_service(record),
            2 => match Want::named(self.name.label(0), self.name.label(1)) {
                Some(want) => want,
                None => return Found::NxDomain(Absent::Form),
            },
            _ => return Found::NxDomain(Absent::Form),
        };
        match &record.external {
            Some(external) if below > 0 && external.ports.wanted(want).next().is_none() => {
                Found::NxDomain(Absent::Port)
            }
            Some(external) => self.service(record, external, want),
            None if self.external.headless && matches!(record.answer, ServiceAnswer::Headless) => {
                self.headless(record, want)
            }
            None => Found::NxDomain(Absent::External),
        }
    }

    /// One label before a Service: an endpoint, if those are here, or the empty `_protocol`.
    fn below_service(&mut self, record: &'s ServiceRecord) -> Found<'s> {
        let (label, endpoints) = (self.name.label(0), &record.endpoints);
        let protocol = protocol_of(label);
        let exists = match &record.external {
            Some(external) => protocol.is_some_and(|protocol| external.ports.names_protocol(protocol)),
            None if !self.external.headless => return Found::NxDomain(Absent::External),
            None => {
                if let Some(host) = endpoints.host(label) {
                    if self.qtype == rtype::SRV {
                        return self.endpoint_srv(record, host..host + 1, Want::Every);
                    }
                    let addresses = endpoints.places(host).iter().map(|place| endpoints.addresses().address(*place));
                    return self.push_addresses(addresses);
                }
                let headless = matches!(record.answer, ServiceAnswer::Headless);
                let named = |protocol| endpoints.sets().iter().any(|set| set.0.names_protocol(protocol));
                headless && protocol.is_some_and(named)
            }
        };
        if exists { Found::NoData(Absent::Between) } else { Found::NxDomain(Absent::Endpoint) }
    }

    /// A Service with load balancers: their addresses, or where they have none a CNAME to one's name.
    fn service(&mut self, record: &'s ServiceRecord, external: &'s ExternalRecord, want: Want<'_>) -> Found<'s> {
        let host = external.host.as_ref().filter(|_| external.addresses.is_empty());
        match (self.qtype, host) {
            (rtype::SRV, Some(host)) => {
                self.srv(external, host.as_ref().wire(), want);
            }
            (rtype::SRV, None) => {
                let Some(target) = self.service_name(record) else { return Found::NoData(Absent::Type) };
                if let Some(place) = self.srv(external, target.as_ref().wire(), want) {
                    let owner = Owner::At(place + SRV_FIXED);
                    let addresses = external.addresses.iter().filter(|_| place + SRV_FIXED <= MAX_POINTER);
                    addresses.for_each(|address| self.push_address(Section::Additional, owner, *address));
                }
            }
            (_, Some(host)) => {
                let data = host.as_ref().wire();
                let at = self.writer.push(Section::Answer, self.owner, rtype::CNAME, self.external.ttl, &[data]);
                return match self.qtype {
                    rtype::CNAME | rtype::ANY => Found::Answer,
                    _ => Found::Alias { target: host, at: at.unwrap_or(0) },
                };
            }
            (_, None) => return self.push_addresses(external.addresses.iter().copied()),
        }
        if external.ports.wanted(want).next().is_none() { Found::NoData(Absent::Type) } else { Found::Answer }
    }

    /// A headless Service: its endpoints.
    fn headless(&mut self, record: &'s ServiceRecord, want: Want<'_>) -> Found<'s> {
        let endpoints = &record.endpoints;
        match want {
            _ if endpoints.is_empty() => Found::NxDomain(Absent::ReadyEndpoint),
            Want::Named(..) if endpoints.wanted(want) == 0 => Found::NxDomain(Absent::Port),
            _ if self.qtype == rtype::SRV => self.endpoint_srv(record, 0..endpoints.hosts(), want),
            Want::Every => self.push_addresses(endpoints.addresses().iter()),
            Want::Named(..) => {
                let has_port = move |host: u32| endpoints.ports(host as usize).wanted(want).next().is_some();
                // Those who share an address stand side by side.
                let owners = endpoints.owners().chunk_by(|a, b| a.place == b.place);
                let with = owners.filter(move |owners| owners.iter().any(|owner| has_port(owner.host)));
                self.push_addresses(with.map(|owners| endpoints.addresses().address(owners[0].place)))
            }
        }
    }

    /// The wanted ports with one target; the place of the first one's data.
    fn srv(&mut self, external: &ExternalRecord, target: &[u8], want: Want<'_>) -> Option<usize> {
        let count = external.ports.wanted(want).count() * external.addresses.len().max(1);
        let mut first = None;
        for number in external.ports.wanted(want) {
            let data = [&fixed(count, number)[..], target];
            let place = self.writer.push(Section::Answer, self.owner, rtype::SRV, self.external.ttl, &data);
            first = first.or(place);
        }
        first
    }

    /// The wanted ports of endpoints, each with its own target and that one's addresses.
    fn endpoint_srv(&mut self, record: &ServiceRecord, hosts: std::ops::Range<usize>, want: Want<'_>) -> Found<'s> {
        let Some(service) = self.service_name(record) else { return Found::NoData(Absent::Type) };
        let endpoints = &record.endpoints;
        let service = service.as_ref();
        let start = hosts.start + self.rotation % hosts.len().max(1);
        let fits = |host: &usize| endpoints.label(*host).len() + service.wire().len() <= MAX_NAME;
        let turned = (start..hosts.end).chain(hosts.start..start).filter(fits);
        let of = |host: usize| endpoints.ports(host).wanted(want);
        let count: usize = turned.clone().map(|host| of(host).count()).sum();
        for host in turned.clone() {
            for number in of(host) {
                let data = [&fixed(count, number)[..], endpoints.label(host), service.wire()];
                self.writer.push(Section::Answer, self.owner, rtype::SRV, self.external.ttl, &data);
            }
        }
        for host in turned.filter(|host| of(*host).next().is_some()) {
            let mut target = NameBuf::new();
            let whole = target.push(&endpoints.label(host)[1..]).and_then(|()| target.extend(service));
            for place in endpoints.places(host).iter().filter(|_| whole.is_ok()) {
                let owner = Owner::Name(target.as_ref());
                self.push_address(Section::Additional, owner, endpoints.addresses().address(*place));
            }
        }
        if count == 0 { Found::NoData(Absent::Type) } else { Found::Answer }
    }

    /// Those of the asked family, another one first each time; ANY gets one RRset (RFC 8482 4.1).
    fn push_addresses(&mut self, addresses: impl Iterator<Item = IpAddr> + Clone) -> Found<'s> {
        let four = match self.qtype {
            rtype::A => true,
            rtype::AAAA => false,
            rtype::ANY => addresses.clone().any(|address| address.is_ipv4()),
            _ => return Found::NoData(Absent::Type),
        };
        let wanted = addresses.filter(|address| address.is_ipv4() == four);
        let count = wanted.clone().count();
        let start = self.rotation % count.max(1);
        for address in wanted.clone().skip(start).chain(wanted.take(start)) {
            self.push_address(Section::Answer, self.owner, address);
        }
        if count == 0 { Found::NoData(Absent::Type) } else { Found::Answer }
    }

    fn push_address(&mut self, section: Section, owner: Owner<'_>, address: IpAddr) {
        match address {
            IpAddr::V4(four) => self.writer.push(section, owner, rtype::A, self.external.ttl, &[&four.octets()]),
            IpAddr::V6(six) => self.writer.push(section, owner, rtype::AAAA, self.external.ttl, &[&six.octets()]),
        };
    }

    fn apex(&mut self) -> Found<'s> {
        match self.qtype {
            rtype::SOA | rtype::ANY => {
                self.push_soa(Section::Answer);
                Found::Answer
            }
            rtype::NS => {
                let target = self.own_name(NAME_SERVER);
                let data = target.as_ref().wire();
                let place = self.writer.push(Section::Answer, self.owner, rtype::NS, self.external.ttl, &[data]);
                let servers = self.name_servers();
                for address in servers.iter().filter(|_| place.is_some()) {
                    self.push_address(Section::Additional, Owner::Name(target.as_ref()), *address);
                }
                Found::Answer
            }
            _ => Found::NoData(Absent::Type),
        }
    }

    /// A name below the apex label, or that itself.
    fn name_server(&mut self, labels: usize) -> Found<'s> {
        match labels {
            1 => Found::NoData(Absent::Between),
            2 if self.name.label(0) == NAME_SERVER => self.push_addresses(self.name_servers().iter().copied()),
            _ => Found::NxDomain(Absent::Form),
        }
    }

    fn name_servers(&self) -> &'s [IpAddr] {
        let [namespace, name] = NAME_SERVERS;
        let external = self.zone.service(namespace, name).and_then(|record| record.external.as_deref());
        external.map_or(&[], |external| &external.addresses)
    }

    /// A name below the apex label; that it fits was checked when the zone was named.
    fn own_name(&self, label: &[u8]) -> NameBuf {
        let mut name = NameBuf::new();
        let fits = [label, &*self.external.apex].iter().try_for_each(|label| name.push(label));
        let fits = fits.and_then(|()| name.extend(self.external.origin.name.as_ref()));
        debug_assert!(fits.is_ok(), "a zone has room for its own names");
        name
    }

    /// `service.namespace.<zone>`, unless that is too long.
    fn service_name(&self, record: &ServiceRecord) -> Option<NameBuf> {
        let mut name = NameBuf::new();
        name.push(record.name.name.as_bytes()).ok()?;
        name.push(record.name.namespace.as_bytes()).ok()?;
        name.extend(self.external.origin.name.as_ref()).ok().map(|()| name)
    }

    fn push_soa(&mut self, section: Section) {
        let zone = self.external.origin.name.as_ref();
        let owner = match (section, self.owner) {
            (Section::Answer, owner) => owner,
            (_, Owner::Question) => Owner::At(HEADER_LEN + self.name.suffix_offset(self.external.origin.labels)),
            _ => Owner::Name(zone),
        };
        let numbers = soa_numbers(self.zone.serial, self.external.ttl);
        let (server, mailbox) = (self.own_name(NAME_SERVER), self.own_name(b"hostmaster"));
        let data = [server.as_ref().wire(), mailbox.as_ref().wire(), &numbers];
        self.writer.push(section, owner, rtype::SOA, self.external.ttl, &data);
    }
}
