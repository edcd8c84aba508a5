//! SRV records, their targets put together here, and the targets' addresses as glue.
//!
//! Weights are an equal share of 100 among the records of one answer, at least 1, as CoreDNS has them where a Service has
//! one address; the specification leaves them open.

use super::address_set::{AddressSet, Place};
use super::lookup::{Absent, Ask, Found};
use super::ports::{PortSet, Want};
use super::record::ServiceRecord;
use crate::wire::name::MAX_NAME;
use crate::wire::reply::{Owner, Section};
use crate::wire::{NameBuf, rtype};

/// The last place that a compression pointer can hold (RFC 1035 4.1.4).
pub(super) const MAX_POINTER: usize = 0x3fff;
/// Octets of the fixed part of an SRV record's data: priority, weight, port (RFC 2782).
pub(super) const SRV_FIXED: usize = 6;
/// Octets of a record between its owner and its data.
const RECORD_FIXED: usize = 10;

impl<'s> Ask<'s, '_, '_, '_> {
    /// The ports of a ClusterIP Service; the target is the Service.
    pub(super) fn cluster_srv(
        &mut self,
        record: &ServiceRecord,
        addresses: &AddressSet,
        ports: &PortSet,
        want: Want<'_>,
    ) -> Found<'s> {
        let Some(target) = self.service_name(record) else { return Found::NoData(Absent::Type) };
        let target = target.as_ref().wire();
        let count = ports.wanted(want).count();
        let mut first = None;
        for number in ports.wanted(want) {
            let data = fixed(count, number);
            let place = self.writer.push(Section::Answer, self.owner, rtype::SRV, self.zone.ttl, &[&data, target]);
            first = first.or(place);
        }
        if let Some(place) = first {
            self.push_glue(place + SRV_FIXED, addresses);
        }
        if count == 0 { Found::NoData(Absent::Type) } else { Found::Answer }
    }

    /// The ports of all endpoints of a headless Service, a different endpoint first each time.
    pub(super) fn endpoint_srv(&mut self, record: &ServiceRecord, want: Want<'_>) -> Found<'s> {
        let hosts = record.endpoints.hosts();
        let start = self.rotation % hosts.max(1);
        let count = record.endpoints.wanted(want);
        self.hosts_srv(record, (start..hosts).chain(0..start), want, count)
    }

    /// The ports of one endpoint; the target is the name itself.
    pub(super) fn host_srv(&mut self, record: &ServiceRecord, host: usize) -> Found<'s> {
        let count = record.endpoints.ports(host).wanted(Want::Every).count();
        self.hosts_srv(record, std::iter::once(host), Want::Every, count)
    }

    fn hosts_srv(
        &mut self,
        record: &ServiceRecord,
        hosts: impl Iterator<Item = usize> + Clone,
        want: Want<'_>,
        count: usize,
    ) -> Found<'s> {
        let Some(service) = self.service_name(record) else { return Found::NoData(Absent::Type) };
        let service = service.as_ref().wire();
        let endpoints = &record.endpoints;
        // A target that is longer than a name may be cannot be asked for either.
        let hosts = hosts.filter(|host| endpoints.label(*host).len() + service.len() <= MAX_NAME);
        let mut first = None;
        let mut written = 0;
        'hosts: for host in hosts.clone() {
            for number in endpoints.ports(host).wanted(want) {
                let data = [&fixed(count, number)[..], endpoints.label(host), service];
                let place = self.writer.push(Section::Answer, self.owner, rtype::SRV, self.zone.ttl, &data);
                let Some(place) = place else { break 'hosts };
                first.get_or_insert(place);
                written += 1;
            }
        }
        if let Some(place) = first {
            self.push_hosts_glue(record, hosts, want, place, written, service.len());
        }
        if count == 0 { Found::NoData(Absent::Type) } else { Found::Answer }
    }

    /// Walks the same hosts again, and with them the records as they were written, the first one's data at `place`.
    fn push_hosts_glue(
        &mut self,
        record: &ServiceRecord,
        hosts: impl Iterator<Item = usize>,
        want: Want<'_>,
        mut place: usize,
        mut written: usize,
        service: usize,
    ) {
        let owner = match self.owner {
            Owner::Name(name) => name.wire().len(),
            _ => 2,
        };
        let endpoints = &record.endpoints;
        for host in hosts {
            let records = endpoints.ports(host).wanted(want).count();
            if records == 0 {
                continue;
            }
            if written == 0 || !self.push_host_glue(place + SRV_FIXED, endpoints.addresses(), endpoints.places(host)) {
                return;
            }
            written = written.saturating_sub(records);
            place += records * (SRV_FIXED + endpoints.label(host).len() + service + owner + RECORD_FIXED);
        }
    }

    /// The addresses of one target that stands at `place`; says whether they fit.
    fn push_host_glue(&mut self, place: usize, addresses: &AddressSet, places: &[Place]) -> bool {
        let room: usize = places.iter().map(|it| addresses.record(*it).0.stride).sum();
        if place > MAX_POINTER || self.writer.room() < room {
            return false;
        }
        for it in places {
            let records = addresses.record(*it).0;
            self.writer.push_rotated(Section::Additional, Owner::At(place), records.bytes, records.stride, 0);
        }
        true
    }

    /// Both RRsets of one target that stands at `place`, each whole or not at all.
    pub(super) fn push_glue(&mut self, place: usize, addresses: &AddressSet) {
        for family in [rtype::A, rtype::AAAA] {
            let records = addresses.records(family);
            if place <= MAX_POINTER && self.writer.room() >= records.bytes.len() {
                let owner = Owner::At(place);
                self.writer.push_rotated(Section::Additional, owner, records.bytes, records.stride, self.rotation);
            }
        }
    }

    /// `service.namespace.svc.<origin>`, unless the origin leaves no room for it.
    fn service_name(&self, record: &ServiceRecord) -> Option<NameBuf> {
        let mut name = NameBuf::new();
        service_name(record, &mut name);
        name.extend(self.origin.name.as_ref()).ok().map(|()| name)
    }
}

/// Appends `service.namespace.svc`: at most 132 octets, which fit behind one more label.
pub(super) fn service_name(record: &ServiceRecord, into: &mut NameBuf) {
    for label in [record.name.name.as_bytes(), record.name.namespace.as_bytes(), b"svc"] {
        let fits = into.push(label);
        debug_assert!(fits.is_ok(), "names of objects are labels");
    }
}

/// Priority 0, weight, port.
pub(super) fn fixed(count: usize, port: u16) -> [u8; SRV_FIXED] {
    // A hundred by one or more fits.
    let weight = (100 / count.max(1)).max(1) as u16;
    let ([w0, w1], [p0, p1]) = (weight.to_be_bytes(), port.to_be_bytes());
    [0, 0, w0, w1, p0, p1]
}
