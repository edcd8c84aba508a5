//! Which certificate files a configuration and a table name, and the reading of those of our own door. Those of regions are read by
//! their clients.

use std::path::Path;

use crate::config::{Config, PeerTable};
use crate::server::core::Core;
use crate::tls::Outcome;

/// Every file whose change means other certificates.
pub(super) fn paths<'f>(config: &'f Config, table: &'f PeerTable) -> impl Iterator<Item = &'f Path> {
    let own = config.region.as_ref();
    let rows = table.regions.iter().filter(move |row| Some(&row.label) != own).filter_map(|row| row.tls.as_ref());
    let of_rows = rows.flat_map(|tls| {
        let identity = tls.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
        tls.ca.iter().chain(identity).map(|file| file.path.as_path())
    });
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
