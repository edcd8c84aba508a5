//! What asking gives: the answer, and whether it came from a server that is known to have read its zone. A denial from one that
//! may not have is no proof. What is made of that is the cache's business.

use crate::wire::exchange::Received;

/// An answer of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub received: Received,
    /// The probe of this very connection was denied with authority, or the reply option says that the zone has been read.
    /// Otherwise nothing is known: the server is no interlocal, or has not answered the probe yet.
    pub synced: bool,
}

impl Answered {
    /// An answer that came over a connection whose probe said `synced`.
    #[must_use]
    pub fn over(received: Received, synced: bool) -> Self {
        let says_so = received.stamp.as_ref().is_some_and(|said| said.synced);
        Self { received, synced: synced || says_so }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::stamp::{ClusterId, DoorSaid, ReplyStamp};
    use crate::wire::{Rcode, ReplyBody};

    #[test]
    fn the_connection_or_the_reply_option_says_that_the_zone_was_read() {
        let said = |synced| ReplyStamp {
            id: ClusterId::default(),
            label: "east".into(),
            synced,
            door: DoorSaid::Peers,
            table: 0,
        };
        let answer = |stamp| {
            let body = ReplyBody::failure(Rcode::NXDOMAIN, None);
            Received { body, truncated: false, authoritative: false, edns: true, stamp }
        };
        assert!(!Answered::over(answer(None), false).synced);
        assert!(Answered::over(answer(None), true).synced);
        assert!(Answered::over(answer(Some(said(true))), false).synced);
        assert!(!Answered::over(answer(Some(said(false))), false).synced);
    }
}
