//! A and AAAA: of Services, of endpoints, and of the endpoints that have a port.

use super::address_set::AddressSet;
use super::lookup::{Absent, Ask, Found};
use super::ports::Want;
use super::record::ServiceRecord;
use crate::wire::reply::Section;
use crate::wire::rtype;

impl<'s> Ask<'s, '_, '_, '_> {
    /// The addresses of the asked type, rotated; a name that has none of it exists all the same.
    #[inline]
    pub(super) fn push_addresses(&mut self, addresses: &AddressSet) -> Found<'s> {
        let records = addresses.records(self.qtype);
        if records.is_empty() {
            return Found::NoData(Absent::Type);
        }
        self.writer.push_rotated(Section::Answer, self.owner, records.bytes, records.stride, self.rotation);
        Found::Answer
    }

    /// The addresses of one endpoint name.
    pub(super) fn push_host(&mut self, record: &ServiceRecord, host: usize) -> Found<'s> {
        let addresses = record.endpoints.addresses();
        let mut found = Found::NoData(Absent::Type);
        let mut only = None;
        for place in record.endpoints.places(host) {
            let (bytes, record_type) = addresses.record(*place);
            // ANY gets one RRset (RFC 8482 4.1).
            let wanted = if self.qtype == rtype::ANY { *only.get_or_insert(record_type) } else { self.qtype };
            if record_type == wanted {
                self.writer.push_rotated(Section::Answer, self.owner, bytes.bytes, bytes.stride, 0);
                found = Found::Answer;
            }
        }
        found
    }

    /// The addresses of the endpoints that have a port, rotated.
    pub(super) fn push_hosts_with(&mut self, record: &ServiceRecord, want: Want<'_>) -> Found<'s> {
        let endpoints = &record.endpoints;
        let has_port = |host: u32| endpoints.ports(host as usize).wanted(want).next().is_some();
        if endpoints.sets().iter().all(|(ports, _)| ports.wanted(want).next().is_some()) {
            return self.push_addresses(endpoints.addresses());
        }
        let owners = endpoints.owners();
        let mut start = self.rotation % owners.len().max(1);
        // Those who share an address stand side by side, and it is written once.
        while start > 0 && owners[start].place == owners[start - 1].place {
            start -= 1;
        }
        let (head, tail) = owners.split_at(start);
        let mut found = Found::NoData(Absent::Type);
        for part in [tail, head] {
            for owners in part.chunk_by(|a, b| a.place == b.place) {
                let (bytes, record_type) = endpoints.addresses().record(owners[0].place);
                if record_type == self.qtype && owners.iter().any(|owner| has_port(owner.host)) {
                    self.writer.push_rotated(Section::Answer, self.owner, bytes.bytes, bytes.stride, 0);
                    found = Found::Answer;
                }
            }
        }
        found
    }
}
