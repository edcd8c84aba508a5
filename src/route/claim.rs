//! Which row of the table a decision rests on, for people who ask why: the longest zone, found as `decide` finds it.

use super::decide::Door;
use super::table::{Range, Routes, Target};
use crate::wire::reverse::Reverse;
use crate::wire::{Name, NameBuf};

/// The zone or range that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The zone, or the range of addresses.
    pub what: String,
    pub kind: ClaimKind,
}

/// How it came into the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimKind {
    /// A name that the cluster's records are served under.
    Origin,
    /// A zone of our own row.
    OwnRegion,
    /// A zone of another row.
    Region,
    /// The `mesh` of a row.
    Mesh,
    /// A row of `forward`.
    Forward,
    /// The addresses of a row's `cidrs`.
    Range,
    /// A zone that the server leaves to nobody.
    Refused,
    /// A region's zone that this door does not serve.
    Elsewhere,
}

impl Routes {
    /// The longest zone that a door has for a name, and for a reverse name the range if that is longer.
    #[must_use]
    pub fn claim(&self, door: Door, name: &NameBuf) -> Option<Claim> {
        let found = self.zones(door).longest(name);
        let local = matches!(found, Some((_, Target::Local { .. })));
        // Our own range is a claim for other regions only: what pods ask there goes on if it is not there.
        let range = Reverse::parse(name).filter(|_| !local).and_then(|it| self.range(it));
        if let Some(Range { net, region }) = range
            && (region.is_some() || door == Door::Peers)
            && found.is_none_or(|(labels, _)| labels <= crate::wire::reverse::zone_labels(net))
        {
            return Some(Claim { what: net.to_string(), kind: ClaimKind::Range });
        }
        let (labels, kind) = match found {
            Some((labels, target)) => (labels, self.kind(&name.suffix(labels).to_name(), *target)),
            None => (self.region_zones.longest(name)?.0, ClaimKind::Elsewhere),
        };
        Some(Claim { what: name.suffix(labels).to_string(), kind })
    }

    fn kind(&self, zone: &Name, target: Target) -> ClaimKind {
        match target {
            _ if Some(zone) == self.own_mesh() => ClaimKind::Mesh,
            Target::Local { .. } if self.own_zones().contains(zone) => ClaimKind::OwnRegion,
            Target::Local { .. } => ClaimKind::Origin,
            Target::Peer { .. } if zone.as_ref().is_in(self.domain.as_ref()) => ClaimKind::Region,
            Target::Peer { .. } => ClaimKind::Mesh,
            Target::Forward { .. } => ClaimKind::Forward,
            Target::Nobody | Target::Closed => ClaimKind::Refused,
        }
    }
}
