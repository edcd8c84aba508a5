//! What the clients of one group of servers go by; replaced as a whole at a reload.

use std::time::Duration;

use crate::config::PeersConfig;
use crate::limits::Limits;

/// A connection that is not there after this long is a failure.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// See `peers` and `limits` in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// From a question to its failure.
    pub deadline: Duration,
    /// Connections to each address.
    pub connections: usize,
    /// When a connection is replaced.
    pub max_age: Duration,
    /// Questions on one connection that wait for their answer.
    pub in_flight: usize,
    /// Addresses of one region.
    pub addresses: usize,
    /// Code of the stamp and of the reply option.
    pub stamp_option: u16,
}

impl Settings {
    /// For peers.
    #[must_use]
    pub fn for_peers(peers: &PeersConfig, limits: &Limits, stamp_option: u16) -> Self {
        Self {
            deadline: peers.deadline,
            connections: peers.connections.max(1),
            max_age: peers.max_age,
            in_flight: limits.peer_in_flight.max(1),
            addresses: limits.peer_addresses.max(1),
            stamp_option,
        }
    }

    /// For upstreams that are asked over TCP. Their connections are as those of peers are unless configured.
    #[must_use]
    pub fn for_upstreams(limits: &Limits, stamp_option: u16) -> Self {
        Self {
            deadline: limits.forward_deadline,
            connections: 2,
            max_age: Duration::from_secs(300),
            in_flight: limits.peer_in_flight.max(1),
            addresses: limits.peer_addresses.max(1),
            stamp_option,
        }
    }
}
