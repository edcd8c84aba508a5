//! `/status`: the instance on one page, as programs read it and `interlocal status` shows it. It measures nothing itself.

use std::sync::atomic::Ordering::Relaxed;

use serde::{Deserialize, Serialize};

use super::Shown;
use super::pages::stuck;
use super::peers::Table;
use crate::forward::client::ForwardSnapshot;
use crate::peer::health::Health;
use crate::server::core::Core;

/// The whole page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// `interlocal 0.1.0`.
    pub version: String,
    /// The pod, or the machine outside of one.
    pub host: String,
    pub region: Option<String>,
    pub cluster_domain: String,
    /// Why it is not ready, if it is not.
    pub missing: Vec<String>,
    /// How the source of the zone stands.
    pub notes: Vec<String>,
    /// Workers that do not turn.
    pub stuck: Vec<String>,
    pub zone: Zone,
    pub table: Table,
    pub regions: Vec<Region>,
    pub upstreams: Vec<Upstream>,
    pub cache: Cache,
    /// Questions that wait for others, and the most there may be.
    pub in_flight: usize,
    pub in_flight_limit: usize,
}

/// The page as it is written: with what an operator should look at, so that nobody has to judge once more.
#[derive(Debug, Serialize)]
pub struct Judged {
    /// [`Status::complaints`].
    pub complaints: Vec<String>,
    #[serde(flatten)]
    pub status: Status,
}

/// The cluster's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    pub synced: bool,
    pub serial: u32,
    pub hash: String,
    pub namespaces: usize,
    pub services: usize,
    pub endpoints: usize,
}

/// One row of the peer table; `/peers` has more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    pub label: String,
    pub own: bool,
    /// No address is worth asking.
    pub dark: bool,
    pub up: usize,
    pub addresses: usize,
    pub rtt_ms: Option<f64>,
    pub stale_answers: u64,
    /// Why one of its addresses is not asked.
    pub cause: Option<String>,
}

/// One row of `forward`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    pub zone: String,
    /// `udp`, `tcp` or `tls`; an instance of an older version does not say.
    #[serde(default)]
    pub transport: String,
    pub up: usize,
    pub servers: usize,
    /// Why a resolv.conf or a certificate is not in use as it stands.
    pub trouble: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    pub entries: usize,
    pub bytes: usize,
    pub hits: u64,
    pub misses: u64,
    pub stale: u64,
    pub evictions: u64,
}

impl Status {
    /// As it is now.
    #[must_use]
    pub fn now(core: &Core, shown: &Shown) -> Self {
        let (zone, routing, cache) = (core.zone.load(), core.routing.load(), core.cache.stats());
        let own = routing.config.region.as_ref().map(|label| label.as_str().to_owned());
        let regions = routing.regions.iter().map(|client| {
            let snapshot = client.snapshot();
            let up = || snapshot.addresses.iter().filter(|address| address.health == Health::Closed);
            let is_own = own.as_deref() == Some(client.label());
            Region {
                own: is_own,
                dark: !is_own && client.is_dark(),
                up: up().count(),
                addresses: snapshot.addresses.len(),
                rtt_ms: up().filter_map(|address| address.rtt).min().map(|rtt| rtt.as_secs_f64() * 1e3),
                stale_answers: snapshot.stale_answers,
                cause: snapshot.addresses.iter().find_map(|address| address.cause).map(str::to_owned),
                label: snapshot.label,
            }
        });
        let upstreams = routing.upstreams.iter().map(|client| {
            let all: Vec<_> = client.all().map(|client| client.snapshot()).collect();
            let udp = all.iter().flat_map(|one| &one.udp).filter(|server| server.up);
            let tcp = all.iter().flat_map(|one| &one.tcp).filter(|server| server.health == Health::Closed);
            let trouble = |one: &ForwardSnapshot| one.trouble.clone().or_else(|| one.tls.as_ref()?.error.clone());
            Upstream {
                zone: client.zone().to_string(),
                transport: client.transport_text().to_owned(),
                up: udp.count() + tcp.count(),
                servers: all.iter().map(|one| one.udp.len() + one.tcp.len()).sum(),
                trouble: all.iter().find_map(trouble),
            }
        });
        Self {
            version: core.identity.version.clone(),
            host: core.identity.host.clone(),
            cluster_domain: routing.config.cluster_domain.to_string(),
            missing: shown.ready.missing(),
            notes: shown.ready.notes(),
            stuck: stuck(shown),
            zone: Zone {
                synced: zone.synced,
                serial: zone.serial,
                hash: format!("{:016x}", zone.hash),
                namespaces: zone.counts.namespaces,
                services: zone.counts.services,
                endpoints: zone.counts.endpoints,
            },
            table: Table {
                hash: format!("{:016x}", routing.table.hash),
                generation: core.table.generation.load(Relaxed),
                ok: core.table.ok.load(Relaxed),
            },
            regions: regions.collect(),
            upstreams: upstreams.collect(),
            cache: Cache {
                entries: cache.entries,
                bytes: cache.bytes,
                hits: cache.hits,
                misses: cache.misses,
                stale: cache.stale,
                evictions: cache.evictions,
            },
            in_flight: core.in_flight.taken(),
            in_flight_limit: routing.config.limits.in_flight,
            region: own,
        }
    }

    /// What an operator should look at; nothing if all is well.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let mut all: Vec<String> = self.missing.iter().map(|what| format!("not ready: {what}")).collect();
        all.extend(self.stuck.clone());
        if !self.table.ok {
            all.push("the newest peer table is bad and not in use, see the log".to_owned());
        }
        let dark = self.regions.iter().filter(|region| region.dark);
        all.extend(dark.map(|region| {
            let cause = region.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("region {} is dark{cause}", region.label)
        }));
        let down = self.upstreams.iter().filter(|upstream| upstream.up == 0);
        all.extend(down.map(|upstream| format!("no upstream of {} answers", upstream.zone)));
        let trouble = self.upstreams.iter().filter_map(|upstream| Some((upstream, upstream.trouble.as_ref()?)));
        all.extend(trouble.map(|(upstream, trouble)| format!("upstreams of {}: {trouble}", upstream.zone)));
        all
    }
}
