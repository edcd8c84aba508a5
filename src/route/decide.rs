//! The decision for one question: the longest zone that it is in, the door that it came through, and the rule against loops.

use super::suffixes::Suffixes;
use super::table::{Range, Routes, Target};
use crate::answer::Failure;
use crate::wire::NameBuf;
use crate::wire::reverse::{self, Reverse};
use crate::wire::stamp::{ClusterId, Stamp};

/// The second label of a self-probe: `<nonce>._interlocal-loop.<zone>`.
const PROBE_LABEL: &[u8] = b"_interlocal-loop";

/// Which listener a question came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// For the cluster's own pods: this server of the configuration.
    Pods { server: usize },
    /// For other regions.
    Peers,
}

/// Where a question came from.
#[derive(Debug, Clone, Copy)]
pub struct Whence<'p> {
    pub door: Door,
    pub stamp: Option<Stamp<'p>>,
    /// Our own id, as the zone knows it now.
    pub own_id: ClusterId,
}

impl Whence<'_> {
    /// "It came from a cluster if it came through the peers' door or bears the stamp."
    #[must_use]
    pub fn came_from_a_cluster(&self) -> bool {
        self.door == Door::Peers || self.stamp.is_some()
    }
}

/// Who else is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Remote {
    /// The region with this number.
    Peer(usize),
    /// The upstream with this number.
    Forward(usize),
}

/// A question for a reverse name that may be our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReverseQuestion {
    pub reverse: Reverse,
    /// What happens to it if it is not.
    pub otherwise: Otherwise,
}

/// Where a reverse name goes that is not our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Otherwise {
    /// A region or a stub zone claims it.
    Claimed(Remote),
    /// Only the upstream for everything is left.
    Unclaimed(Remote),
    /// Inside our own ranges: it does not exist; its reverse zone has this many labels.
    Missing { zone_labels: usize },
    /// Nowhere, with a refusal that the path of the question explains.
    Refuse(Failure),
}

/// Where a question goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It asks whether we are who it is looking for.
    Probe,
    /// Our own zone, under this origin.
    Local {
        origin: usize,
    },
    /// Our own reverse names first.
    Reverse(ReverseQuestion),
    Remote(Remote),
    /// Nowhere, with a refusal that the path of the question explains.
    Refuse(Failure),
}

impl Routes {
    /// Where a question goes.
    #[inline]
    #[must_use]
    pub fn decide(&self, whence: &Whence<'_>, name: &NameBuf) -> Decision {
        if is_probe(name) {
            return Decision::Probe;
        }
        let found = self.zones(whence.door).longest(name);
        if let Some((_, Target::Local { origin })) = found {
            return Decision::Local { origin: *origin };
        }
        if let Some(reverse) = Reverse::parse(name) {
            return Decision::Reverse(self.decide_reverse(whence, reverse, found));
        }
        match found {
            Some((_, Target::Peer { region })) => self.guarded(whence, Remote::Peer(*region)),
            Some((_, Target::Forward { upstream })) => self.guarded(whence, Remote::Forward(*upstream)),
            _ => match self.region_zones.longest(name) {
                Some((_, Some(region))) => self.guarded(whence, Remote::Peer(*region)),
                _ => Decision::Refuse(nowhere(whence.door)),
            },
        }
    }

    /// The zones of a door.
    #[inline]
    pub(super) fn zones(&self, door: Door) -> &Suffixes<Target> {
        match door {
            Door::Pods { server } => &self.servers[server],
            Door::Peers => &self.peers_door,
        }
    }

    /// The longest range that an address, or the part of one that a reverse name gives, is in.
    pub(super) fn range(&self, reverse: Reverse) -> Option<&Range> {
        self.ranges.iter().find(|range| reverse.is_in(&range.net))
    }

    /// Who may know a name of ours that we have not, if the server says that somebody may.
    #[inline]
    #[must_use]
    pub fn fallthrough(&self, whence: &Whence<'_>, name: &NameBuf) -> Option<Remote> {
        let Door::Pods { server } = whence.door else { return None };
        let zones = &self.fallthrough[server];
        if zones.is_empty() {
            return None;
        }
        let (_, upstream) = zones.longest(name)?;
        match self.guarded(whence, Remote::Forward(*upstream)) {
            Decision::Remote(remote) => Some(remote),
            _ => None,
        }
    }

    /// **The rule against loops.** A question that came from a cluster is never sent to a peer, so between interlocals a
    /// question takes one hop at most. With our own id in its path it has been here before, and goes nowhere.
    #[inline]
    pub(super) fn guarded(&self, whence: &Whence<'_>, remote: Remote) -> Decision {
        if let Some(stamp) = &whence.stamp {
            let own = self.own.hop(whence.own_id);
            if stamp.passed(own) {
                let here = if own.label.is_empty() { own.id.to_string() } else { self.own_label() };
                return Decision::Refuse(Failure::Loop { path: format!("{} > {here}", stamp.path()) });
            }
        }
        match remote {
            Remote::Peer(_) if whence.came_from_a_cluster() => Decision::Refuse(Failure::FromCluster),
            _ => Decision::Remote(remote),
        }
    }

    fn own_label(&self) -> String {
        self.own.label.as_ref().map(|label| label.as_str().to_owned()).unwrap_or_default()
    }

    /// Reverse names: our own are Local when they exist. Otherwise the longest of a region's range, a stub zone and `.`.
    fn decide_reverse(&self, whence: &Whence<'_>, reverse: Reverse, zone: Option<(usize, &Target)>) -> ReverseQuestion {
        let range = self.range(reverse);
        let claimed = |remote| self.guarded_reverse(whence, remote, Otherwise::Claimed(remote));
        let otherwise = match (whence.door, range, zone) {
            (Door::Peers, Some(Range { net, region: None }), _) => {
                Otherwise::Missing { zone_labels: reverse::zone_labels(net) }
            }
            (Door::Peers, ..) => Otherwise::Refuse(Failure::NotHere),
            (_, Some(Range { net, region: Some(region) }), stub)
                if stub.is_none_or(|(labels, _)| labels <= reverse::zone_labels(net)) =>
            {
                claimed(Remote::Peer(*region))
            }
            (_, _, Some((0, Target::Forward { upstream }))) => {
                let remote = Remote::Forward(*upstream);
                self.guarded_reverse(whence, remote, Otherwise::Unclaimed(remote))
            }
            (_, _, Some((_, Target::Forward { upstream }))) => claimed(Remote::Forward(*upstream)),
            (_, _, Some((_, Target::Peer { region }))) => claimed(Remote::Peer(*region)),
            (_, _, Some((zone_labels, Target::Closed))) => Otherwise::Missing { zone_labels },
            _ => Otherwise::Refuse(nowhere(whence.door)),
        };
        ReverseQuestion { reverse, otherwise }
    }

    fn guarded_reverse(&self, whence: &Whence<'_>, remote: Remote, otherwise: Otherwise) -> Otherwise {
        match self.guarded(whence, remote) {
            Decision::Refuse(failure) => Otherwise::Refuse(failure),
            _ => otherwise,
        }
    }
}

/// The refusal of a name that no zone has.
fn nowhere(door: Door) -> Failure {
    match door {
        Door::Pods { .. } => Failure::NoRoute,
        Door::Peers => Failure::NotHere,
    }
}

/// Is it a self-probe, under whatever suffix?
#[inline]
fn is_probe(name: &NameBuf) -> bool {
    name.label_count() >= 2 && name.label(1) == PROBE_LABEL
}

#[cfg(test)]
mod tests;
