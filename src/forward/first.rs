//! The first try of a question, for whoever sends many at a time.

use super::attempt::Attempt;
use super::client::ForwardClient;
use super::flights::Course;
use super::pool::Bounds;
use super::tries;
use crate::config::Transport;
use crate::peer::datagram::Posted;
use crate::wire::exchange::Question;

/// A try that is to be sent.
pub struct First {
    pub attempt: Attempt,
    bounds: Bounds,
    stamped: bool,
}

impl ForwardClient {
    /// None where there is more to asking this zone's servers than a datagram, or an answer may lead to others.
    #[must_use]
    pub fn first(&self) -> Option<First> {
        let (bounds, stamped) = {
            let how = self.how.read();
            let plain = how.config.transport == Transport::Udp && self.next.is_empty() && how.failover.is_empty();
            plain.then(|| (how.bounds, how.config.stamp && !self.zone.as_ref().is_root()))?
        };
        Some(First { attempt: tries::first(&self.servers.udp)?, bounds, stamped })
    }
}

impl First {
    /// How its datagram is sent.
    #[must_use]
    pub fn course(&self) -> Course {
        let (began, standing) = (self.attempt.began.into_std(), *self.attempt.server.standing.lock());
        Course {
            server: self.attempt.server.address,
            stamp_option: self.bounds.stamp_option,
            late_at: began + standing.patience().min(self.bounds.deadline),
            until: began + self.bounds.deadline,
        }
    }

    /// Its datagram. `stamp` is the path of clusters, as for [`ForwardClient::ask`].
    #[must_use]
    pub fn write(&self, question: &Question, stamp: &[u8]) -> (Posted, Vec<u8>) {
        let manner = self.attempt.manner(self.stamped.then_some((self.bounds.stamp_option, stamp)));
        Posted::write(question, manner, self.bounds.spelling)
    }
}
