//! The question that shows whether a server serves its region, and what its answer says.

use super::random;
use crate::wire::exchange::{Question, Received};
use crate::wire::{Name, Rcode, class, rtype};

/// What a server says of itself by how it answers a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// It knows its zone: it denies the name with authority.
    Synced,
    /// It is alive but has not read its zone.
    Unsynced,
    /// A wrong door, or a wrong region.
    Refused,
    /// Alive; some other server, or one that says no more.
    Unknown,
}

/// Which question shows that a server is back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// A peer: a name of this zone that does not exist.
    Region(Name),
    /// An upstream: `. NS`; any reply will do.
    Root,
}

impl Probe {
    /// The question, new each time: a fixed name would come out of the peer's cache.
    #[must_use]
    pub fn question(&self) -> Question {
        let (name, qtype) = match self {
            Self::Root => (Name::root(), rtype::NS),
            Self::Region(zone) => {
                let label = format!("_interlocal-{:08x}", random::nonce() as u32);
                // A zone that leaves no room for one more label is probed by its own name.
                (zone.prepend(&label).unwrap_or_else(|_| zone.clone()), rtype::A)
            }
        };
        Question { name, qtype, qclass: class::IN, dnssec_ok: false, checking_disabled: false, options: Box::default() }
    }

    /// Does the answer tell whether the server knows its zone?
    #[must_use]
    pub fn tells_sync(&self) -> bool {
        matches!(self, Self::Region(_))
    }

    /// What the answer says.
    #[must_use]
    pub fn judge(&self, answer: &Received) -> Sync {
        match (self, answer.body.rcode) {
            (Self::Root, _) => Sync::Unknown,
            (Self::Region(_), Rcode::SERVFAIL) => Sync::Unsynced,
            (Self::Region(_), Rcode::REFUSED) => Sync::Refused,
            (Self::Region(_), _) if answer.authoritative && answer.body.is_negative() => Sync::Synced,
            (Self::Region(_), _) => Sync::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ReplyBody;

    fn answer(rcode: Rcode, authoritative: bool) -> Received {
        let body = ReplyBody::failure(rcode, None);
        Received { body, truncated: false, authoritative, edns: false, stamp: None }
    }

    #[test]
    fn every_probe_asks_a_new_name_of_the_zone() {
        let zone: Name = "east.svc.cluster.local".parse().expect("a name");
        let probe = Probe::Region(zone.clone());
        let (one, two) = (probe.question(), probe.question());
        assert_ne!(one, two);
        assert!(one.name.as_ref().is_in(zone.as_ref()));
        assert!(one.name.to_string().starts_with("_interlocal-"));
        assert_eq!(Probe::Root.question().name, Name::root());
    }

    #[test]
    fn the_answer_tells_how_the_server_stands() {
        let region = Probe::Region(Name::root());
        assert_eq!(region.judge(&answer(Rcode::NXDOMAIN, true)), Sync::Synced);
        assert_eq!(region.judge(&answer(Rcode::NOERROR, true)), Sync::Synced);
        assert_eq!(region.judge(&answer(Rcode::NXDOMAIN, false)), Sync::Unknown);
        assert_eq!(region.judge(&answer(Rcode::SERVFAIL, false)), Sync::Unsynced);
        assert_eq!(region.judge(&answer(Rcode::REFUSED, false)), Sync::Refused);
        assert_eq!(Probe::Root.judge(&answer(Rcode::REFUSED, false)), Sync::Unknown);
    }
}
