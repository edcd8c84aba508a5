//! The origin itself: SOA, NS, the name server's name, and the version of the specification.

use super::lookup::{Absent, Ask, Found, push_soa};
use super::origin::NS_LABELS;
use crate::wire::name::MAX_NAME;
use crate::wire::reply::Section;
use crate::wire::rtype;

/// The specification that the zone follows, as TXT data, and the TTL that it shows for it (2.2).
const VERSION: &[u8] = b"\x051.1.0";
const VERSION_TTL: u32 = 28_800;

impl<'s> Ask<'s, '_, '_, '_> {
    pub(super) fn apex(&mut self) -> Found<'s> {
        let origin = self.origin.name.as_ref();
        match self.qtype {
            rtype::SOA | rtype::ANY => {
                push_soa(self.zone, origin, origin.wire(), self.owner, Section::Answer, self.writer);
                Found::Answer
            }
            rtype::NS if NS_LABELS.len() + origin.wire().len() <= MAX_NAME => {
                let data = [NS_LABELS, origin.wire()];
                let place = self.writer.push(Section::Answer, self.owner, rtype::NS, self.zone.ttl, &data);
                if let (Some(place), Some(addresses)) = (place, self.zone.dns_service()) {
                    self.push_glue(place, addresses);
                }
                Found::Answer
            }
            _ => Found::NoData(Absent::Type),
        }
    }

    /// `ns.dns`: the addresses of the Service that pods ask.
    pub(super) fn name_server(&mut self) -> Found<'s> {
        match self.zone.dns_service() {
            Some(addresses) => self.push_addresses(addresses),
            None => Found::NoData(Absent::Service),
        }
    }

    pub(super) fn version(&mut self) -> Found<'s> {
        if !matches!(self.qtype, rtype::TXT | rtype::ANY) {
            return Found::NoData(Absent::Type);
        }
        self.writer.push(Section::Answer, self.owner, rtype::TXT, VERSION_TTL, &[VERSION]);
        Found::Answer
    }
}
