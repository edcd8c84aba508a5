//! PTR: the names of an address, under the origin that the asker may see.

use std::net::IpAddr;

use super::lookup::{Absent, Found};
use super::record::ServiceRecord;
use super::snapshot::Snapshot;
use super::srv::service_name;
use crate::wire::reply::{Owner, Section};
use crate::wire::{Name, NameBuf, ReplyWriter, rtype};

/// Names for one address in one answer: more would make an answer that nobody reads.
const MAX_NAMES: usize = 256;

/// Which names an asker may see.
#[derive(Debug, Clone, Copy)]
pub enum ReverseView<'v> {
    /// All, under the first origin: the cluster's own pods.
    Cluster,
    /// Other regions: a name in one of the zones under the first origin, others under the mesh zone if there is one.
    Region { zones: &'v [Name], mesh: Option<&'v Name> },
}

impl Snapshot {
    /// Writes the names of an address: of the Services whose own it is, else of the endpoints that have it. A type other than
    /// PTR gets [`Found::NoData`] without an SOA record, which is the caller's: it knows the reverse zone.
    pub fn reverse(
        &self,
        address: IpAddr,
        view: ReverseView<'_>,
        owner: Owner<'_>,
        qtype: u16,
        writer: &mut ReplyWriter<'_>,
    ) -> Found<'static> {
        if !self.synced {
            return Found::NotReady;
        }
        let mut found = Found::NotOwn;
        for name in self.names_of(address, view) {
            if !matches!(qtype, rtype::PTR | rtype::ANY) {
                return Found::NoData(Absent::Type);
            }
            found = Found::Answer;
            if writer.push(Section::Answer, owner, rtype::PTR, self.ttl, &[name.as_ref().wire()]).is_none() {
                break;
            }
        }
        found
    }

    fn names_of<'s>(&'s self, address: IpAddr, view: ReverseView<'s>) -> impl Iterator<Item = NameBuf> + 's {
        let names = self.services_of(address).flat_map(move |(record, own)| {
            let owners = if own { &[][..] } else { record.endpoints.owners_of(address) };
            let hosts = owners.iter().map(|owner| Some(owner.host as usize));
            std::iter::once(None).filter(move |_| own).chain(hosts).map(move |host| (record, host))
        });
        names.filter_map(move |(record, host)| self.visible_name(record, host, view)).take(MAX_NAMES)
    }

    fn visible_name(&self, record: &ServiceRecord, host: Option<usize>, view: ReverseView<'_>) -> Option<NameBuf> {
        let under = |origin: &Name| {
            let mut name = NameBuf::new();
            if let Some(host) = host {
                // The first octet is the label's length.
                name.push(&record.endpoints.label(host)[1..]).ok()?;
            }
            service_name(record, &mut name);
            name.extend(origin.as_ref()).ok().map(|()| name)
        };
        let name = under(&self.origins.first()?.name);
        match view {
            ReverseView::Cluster => name,
            ReverseView::Region { zones, mesh } => {
                let in_zone = |name: &NameBuf| zones.iter().any(|zone| name.as_ref().is_in(zone.as_ref()));
                name.filter(in_zone).or_else(|| under(mesh?))
            }
        }
    }
}
