//! `/peers`: the peer table in use, and how every region and each of its addresses stands. The same types write the page and
//! read it again for `interlocal peers`. It measures nothing itself.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering::Relaxed;

use serde::{Deserialize, Serialize};

use crate::peer::counters::AddressSnapshot;
use crate::peer::endpoints::EndpointSnapshot;
use crate::peer::health::Health;
use crate::server::core::Core;

/// The whole page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peers {
    /// Our own region; none if the configuration names none.
    pub region: Option<String>,
    pub table: Table,
    pub regions: Vec<Region>,
}

/// The peer table in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Equal in two instances that have equal tables, in 16 hex digits.
    pub hash: String,
    /// How many tables have been in use since the start, this one included.
    pub generation: u64,
    /// Whether the newest table is in use as it stands; false: it is a bad one, and an older one or a part of it is in use.
    pub ok: bool,
}

/// One row of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    pub label: String,
    pub zones: Vec<String>,
    /// Ours: it is never asked.
    pub own: bool,
    /// Why the row cannot be used.
    pub broken: Option<String>,
    pub endpoints: Vec<Endpoint>,
    pub addresses: Vec<Address>,
    /// Addresses that lead back to ourselves, and are left out.
    pub looping: Vec<SocketAddr>,
}

/// One endpoint of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub endpoint: String,
    pub addresses: Vec<IpAddr>,
    /// Why its name does not resolve now.
    pub error: Option<String>,
}

/// One address, its counters since it was first asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Address {
    pub address: SocketAddr,
    pub up: bool,
    /// `closed`: it is asked; `open`: it is not, but probed; `half-open`: a probe is out.
    pub breaker: String,
    /// Smoothed round-trip time in milliseconds.
    pub rtt_ms: Option<f64>,
    pub connections: usize,
    pub in_flight: u64,
    pub queries: u64,
    pub answers: u64,
    pub connects: u64,
    pub connect_failures: u64,
    pub resets: u64,
    pub timeouts: u64,
    pub mismatched: u64,
    pub probes: u64,
    pub probe_failures: u64,
}

impl Peers {
    /// As it is now.
    #[must_use]
    pub fn now(core: &Core) -> Self {
        let routing = core.routing.load();
        let own = routing.config.region.as_ref().map(|label| label.as_str());
        let rows = routing.table.regions.iter().zip(&routing.regions);
        let regions = rows.map(|(row, client)| {
            let snapshot = client.snapshot();
            Region {
                own: Some(row.label.as_str()) == own,
                zones: row.zones.iter().map(ToString::to_string).collect(),
                broken: row.broken.clone(),
                endpoints: snapshot.endpoints.into_iter().map(Endpoint::from).collect(),
                addresses: snapshot.addresses.iter().map(Address::from).collect(),
                looping: snapshot.looping,
                label: snapshot.label,
            }
        });
        let table = Table {
            hash: format!("{:016x}", routing.table.hash),
            generation: core.table.generation.load(Relaxed),
            ok: core.table.ok.load(Relaxed),
        };
        Self { region: own.map(str::to_owned), table, regions: regions.collect() }
    }

    /// The page's text.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Maps with other keys than text are all that JSON cannot hold, and there are no maps.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// # Errors
    /// If the text is no such page.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

impl From<EndpointSnapshot> for Endpoint {
    fn from(snapshot: EndpointSnapshot) -> Self {
        let EndpointSnapshot { endpoint, addresses, error } = snapshot;
        Self { endpoint: endpoint.to_string(), addresses, error }
    }
}

impl From<&AddressSnapshot> for Address {
    fn from(snapshot: &AddressSnapshot) -> Self {
        let breaker = match snapshot.health {
            Health::Closed => "closed",
            Health::Open => "open",
            Health::HalfOpen => "half-open",
        };
        Self {
            address: snapshot.address,
            up: snapshot.health == Health::Closed,
            breaker: breaker.to_owned(),
            rtt_ms: snapshot.rtt.map(|rtt| rtt.as_secs_f64() * 1e3),
            connections: snapshot.connections,
            in_flight: snapshot.in_flight,
            queries: snapshot.questions,
            answers: snapshot.answers,
            connects: snapshot.connects,
            connect_failures: snapshot.connect_failures,
            resets: snapshot.resets,
            timeouts: snapshot.timeouts,
            mismatched: snapshot.mismatched,
            probes: snapshot.probes,
            probe_failures: snapshot.probe_failures,
        }
    }
}
