//! Self-probes: every address of every upstream, stub zone and peer is asked who it is, at the start and whenever the addresses change.
//! One that turns out to be ourselves is left out, is asked again every 30 s, and comes back by itself.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Transport;
use crate::forward::ForwardClient;
use crate::peer::RegionClient;
use crate::peer::dialer::Dialer;
use crate::peer::probe::{self, Change, LoopState};
use crate::publish::Published;
use crate::wire::Name;
use crate::zone::Snapshot;

/// Who we are; the cluster's part of it may become known later.
#[derive(Clone)]
pub(super) struct Own {
    pub zone: Arc<Published<Snapshot>>,
    pub instance: u64,
}

impl Own {
    fn now(&self) -> probe::Own {
        probe::Own { cluster: self.zone.load().cluster_id, instance: self.instance }
    }
}

/// How an address is reached.
enum Way {
    Clear(Transport),
    Over(Arc<Dialer>),
}

/// A client whose addresses are probed.
trait Probed: Send + Sync + 'static {
    fn how(&self) -> (Name, Way);
    /// Leaves an address out, or takes it in again.
    fn set_looping(&self, address: SocketAddr, looping: bool);
    fn is_looping(&self, address: SocketAddr) -> bool;
}

impl Probed for ForwardClient {
    fn how(&self) -> (Name, Way) {
        (self.zone().clone(), Way::Clear(self.transport()))
    }

    fn set_looping(&self, address: SocketAddr, looping: bool) {
        Self::set_looping(self, address, looping);
    }

    fn is_looping(&self, address: SocketAddr) -> bool {
        Self::is_looping(self, address)
    }
}

impl Probed for RegionClient {
    fn how(&self) -> (Name, Way) {
        (self.zone(), Way::Over(self.dialer()))
    }

    fn set_looping(&self, address: SocketAddr, looping: bool) {
        Self::set_looping(self, address, looping);
    }

    fn is_looping(&self, address: SocketAddr) -> bool {
        Self::is_looping(self, address)
    }
}

/// Probes an upstream's addresses for as long as the client lives.
pub(super) fn watch_upstream(client: &Arc<ForwardClient>, own: Own) {
    tokio::spawn(watch(Arc::downgrade(client), client.listed(), own));
}

/// The same for a region's.
pub(super) fn watch_region(client: &Arc<RegionClient>, own: Own) {
    tokio::spawn(watch(Arc::downgrade(client), client.listed(), own));
}

async fn watch<C: Probed>(client: Weak<C>, mut listed: watch::Receiver<Vec<SocketAddr>>, own: Own) {
    loop {
        let mut probes = JoinSet::new();
        for address in listed.borrow_and_update().iter() {
            probes.spawn(probe_address(client.clone(), *address, own.clone()));
        }
        // A change of the addresses ends these probes and starts new ones; the end of the client ends it all.
        if listed.changed().await.is_err() {
            return;
        }
    }
}

async fn probe_address<C: Probed>(client: Weak<C>, address: SocketAddr, own: Own) {
    // An address that was left out before the list changed is still left out.
    let out = client.upgrade().is_some_and(|client| client.is_looping(address));
    let mut state = LoopState::of(out);
    loop {
        let Some((zone, way)) = client.upgrade().map(|client| client.how()) else { return };
        let verdict = match &way {
            Way::Clear(transport) => probe::ask(address, *transport, &zone, own.now()).await,
            Way::Over(dialer) => probe::ask_over(dialer, address, &zone, own.now()).await,
        };
        let Some(client) = client.upgrade() else { return };
        match state.observe(verdict) {
            Some(Change::TakenOut) => {
                tracing::error!(%zone, %address, "loop: this address leads back to ourselves, leaving it out");
                client.set_looping(address, true);
            }
            Some(Change::Returned) => {
                tracing::info!(%zone, %address, "this address does not lead back to ourselves any more");
                client.set_looping(address, false);
            }
            None => {}
        }
        let Some(pause) = state.next() else { return };
        drop(client);
        tokio::time::sleep(pause).await;
    }
}
