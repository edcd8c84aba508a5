//! Which certificate files a configuration and a table name, the reading of those of our own door, and a word before any of them
//! ends. Those of regions and upstreams are read by their clients.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock;
use crate::config::{Config, ForwardConfig, PeerTable, RowTls};
use crate::forward::ForwardClient;
use crate::peer::RegionClient;
use crate::server::core::Core;
use crate::tls::{End, Outcome};

/// How often it is looked whether a certificate ends soon: it is said soon after one was read, too.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
/// A certificate that ends before that is complained of, once a day.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// Every file whose change means other certificates.
pub(super) fn paths<'f>(config: &'f Config, table: &'f PeerTable) -> impl Iterator<Item = &'f Path> {
    let own = config.region.as_ref();
    let rows = table.regions.iter().filter(move |row| Some(&row.label) != own).filter_map(|row| row.tls.as_ref());
    let upstreams = config.servers.iter().flat_map(|server| &server.forward).flat_map(ForwardConfig::all);
    let of_rows = rows.chain(upstreams.filter_map(|row| row.tls.as_ref())).flat_map(RowTls::files);
    let door = config.listen.peers_tls.iter().map(|tls| &tls.files);
    let of_door =
        door.flat_map(|files| [Some(&files.certificate), Some(&files.key), files.client_ca.as_ref()]).flatten();
    of_rows.chain(of_door.map(|path| path.as_path()))
}

/// Reads those of the peers' door over TLS. Without good ones it closes every connection, and everything else works.
pub(super) fn reload(core: &Core, config: &Config) {
    let Some((acceptor, tls)) = core.tls.as_ref().zip(config.listen.peers_tls.as_ref()) else { return };
    match acceptor.reload(&tls.files) {
        Outcome::Same => {}
        Outcome::Taken => tracing::info!("certificates of listen.peers_tls read"),
        Outcome::Refused(error) if acceptor.is_usable() => {
            tracing::error!(%error, "certificates of listen.peers_tls not taken, the old ones stay");
        }
        Outcome::Refused(error) => tracing::error!(%error, "listen.peers_tls has no certificate: nobody is let in"),
    }
}

/// When it was said that a certificate ends soon, by whose it is and which file.
#[derive(Default)]
pub(super) struct Ending(BTreeMap<(String, &'static str), Instant>);

impl Ending {
    /// Says so of all certificates that end soon.
    pub(super) fn complain(&mut self, core: &Core) {
        let (today, now) = (clock::unix_seconds(), clock::now());
        let door = core.tls.iter().flat_map(|tls| tls.ends()).map(|end| ("listen.peers_tls".to_owned(), end));
        let routing = core.routing.load();
        let of_row = |region: &Arc<RegionClient>| {
            let tls = region.snapshot().tls.map(|tls| tls.ends).unwrap_or_default();
            tls.into_iter().map(|end| (format!("region {}", region.label()), end)).collect::<Vec<_>>()
        };
        let of_upstream = |client: &Arc<ForwardClient>| {
            let ends = client.snapshot().tls.map(|tls| tls.ends).unwrap_or_default();
            ends.into_iter().map(|end| (format!("upstreams of {}", client.zone()), end)).collect::<Vec<_>>()
        };
        let upstreams = routing.upstreams.iter().flat_map(ForwardClient::all).flat_map(of_upstream);
        for (whose, end) in door.chain(routing.regions.iter().flat_map(of_row)).chain(upstreams) {
            match self.due(&whose, end, today, now) {
                Some(0) => tracing::error!(%whose, file = end.file, "certificate has ended"),
                Some(days) => tracing::warn!(%whose, file = end.file, days, "certificate ends soon"),
                None => {}
            }
        }
    }

    /// The days that are left, the last one begun included, if that is to be said now.
    fn due(&mut self, whose: &str, end: End, today: u64, now: Instant) -> Option<u64> {
        let left = end.not_after.saturating_sub(today);
        let key = (whose.to_owned(), end.file);
        if left > SOON.as_secs() {
            self.0.remove(&key);
            return None;
        }
        if self.0.get(&key).is_some_and(|said| now.saturating_duration_since(*said) < DAY) {
            return None;
        }
        self.0.insert(key, now);
        Some(left.div_ceil(DAY.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_ends_soon_is_complained_of_once_a_day() {
        let (mut ending, start) = (Ending::default(), clock::now());
        let day = DAY.as_secs();
        let end = End { file: "certificate", not_after: 100 * day };
        let mut due =
            |end, today, hours: u64| ending.due("region east", end, today, start + Duration::from_secs(hours * 3_600));
        assert_eq!(due(end, 85 * day, 0), None);
        assert_eq!(due(end, 86 * day, 24), Some(14));
        assert_eq!(due(end, 86 * day + day / 2, 36), None);
        assert_eq!(due(End { file: "ca", ..end }, 86 * day, 36), Some(14), "another file");
        assert_eq!(due(end, 99 * day + 1, 48), Some(1));
        assert_eq!(due(end, 101 * day, 72), Some(0));
        let new = End { not_after: 110 * day, ..end };
        assert_eq!((due(End { not_after: 200 * day, ..end }, 101 * day, 73), due(new, 101 * day, 74)), (None, Some(9)));
    }
}
