//! `10-1-2-3.namespace.pod`: not in the specification, but every mainstream Corefile switches it on.

use std::net::IpAddr;

use super::dashed;
use super::lookup::{Absent, Ask, Found};
use crate::config::PodMode;
use crate::wire::reply::Section;
use crate::wire::rtype;

impl<'s> Ask<'s, '_, '_, '_> {
    /// A namespace below `pod`, or a pod there.
    pub(super) fn pod(&mut self, namespace: &[u8], label: Option<&[u8]>) -> Found<'s> {
        if self.zone.pod_mode == PodMode::Disabled {
            return Found::NxDomain(Absent::Pods);
        }
        if !self.has_namespace(namespace) {
            return Found::NxDomain(Absent::Namespace);
        }
        let Some(label) = label else { return Found::NoData(Absent::Between) };
        match dashed::parse(label) {
            Some(address) if self.zone.pod_mode == PodMode::Insecure || self.is_pod(address, namespace) => {
                self.push_address(address)
            }
            _ => Found::NxDomain(Absent::Pod),
        }
    }

    fn is_pod(&self, address: IpAddr, namespace: &[u8]) -> bool {
        let tables = &self.zone.tables;
        let shard = tables.pods.of(tables.address_hash(address));
        std::str::from_utf8(namespace).is_ok_and(|namespace| shard.contains(address, namespace))
    }

    fn push_address(&mut self, address: IpAddr) -> Found<'s> {
        let ttl = self.zone.ttl;
        match (address, self.qtype) {
            (IpAddr::V4(address), rtype::A | rtype::ANY) => {
                self.writer.push(Section::Answer, self.owner, rtype::A, ttl, &[&address.octets()]);
            }
            (IpAddr::V6(address), rtype::AAAA | rtype::ANY) => {
                self.writer.push(Section::Answer, self.owner, rtype::AAAA, ttl, &[&address.octets()]);
            }
            _ => return Found::NoData(Absent::Type),
        }
        Found::Answer
    }
}
