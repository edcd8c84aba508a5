//! Self-probes: every address of every upstream, stub zone and peer is asked who it is, at the start, whenever the addresses
//! change, and every few seconds while it is asked at all. One that turns out to be ourselves is left out, is asked again every
//! 30 s, and comes back by itself.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::config::Transport;
use crate::forward::ForwardClient;
use crate::peer::RegionClient;
use crate::peer::dialer::Dialer;
use crate::peer::health::vary;
use crate::peer::probe::{self, Change, LoopState, Verdict};
use crate::publish::Published;
use crate::wire::Name;
use crate::wire::exchange::{Question, Received};
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
    /// Questions that it has sent to the address so far.
    fn questions_to(&self, address: SocketAddr) -> u64;
    /// Asks over a connection that is there, for an address that was found good. None: it is to be asked as at first.
    fn ask_again(&self, address: SocketAddr, question: Question) -> Asking<'_>;
}

type Asking<'a> = Pin<Box<dyn Future<Output = Option<Received>> + Send + 'a>>;

impl Probed for ForwardClient {
    fn how(&self) -> (Name, Way) {
        let dialer = self.dialer();
        let way = if dialer.is_tls() { Way::Over(dialer) } else { Way::Clear(self.transport()) };
        (self.zone().clone(), way)
    }

    fn set_looping(&self, address: SocketAddr, looping: bool) {
        Self::set_looping(self, address, looping);
    }

    fn is_looping(&self, address: SocketAddr) -> bool {
        Self::is_looping(self, address)
    }

    fn questions_to(&self, address: SocketAddr) -> u64 {
        Self::questions_to(self, address)
    }

    fn ask_again(&self, _: SocketAddr, _: Question) -> Asking<'_> {
        Box::pin(std::future::ready(None))
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

    fn questions_to(&self, address: SocketAddr) -> u64 {
        Self::questions_to(self, address)
    }

    fn ask_again(&self, address: SocketAddr, question: Question) -> Asking<'_> {
        Box::pin(async move { self.ask_address(address, &question, Instant::now() + probe::PATIENCE).await })
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
        let Some((verdict, asked)) = probe_once(&client, address, state, &own).await else { return };
        let Some(client) = client.upgrade() else { return };
        let zone = client.how().0;
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
        let weak = Arc::downgrade(&client);
        drop(client);
        loop {
            tokio::time::sleep(vary(state.next())).await;
            // What nobody asks makes no loop; the first question after that is found within one more pause.
            let Some(client) = weak.upgrade() else { return };
            if !state.is_good() || client.questions_to(address) != asked {
                break;
            }
        }
    }
}

/// One probe, and how many questions the address had been sent before it. None when the client is gone.
async fn probe_once<C: Probed>(
    client: &Weak<C>,
    address: SocketAddr,
    state: LoopState,
    own: &Own,
) -> Option<(Verdict, u64)> {
    let held = client.upgrade()?;
    let ((zone, way), asked) = (held.how(), held.questions_to(address));
    if state.is_in_use()
        && let Some(question) = probe::question(&zone)
        && let Some(answer) = held.ask_again(address, question.clone()).await
    {
        return Some((probe::judge(&question, &answer, own.now()), asked));
    }
    drop(held);
    let verdict = match &way {
        Way::Clear(transport) => probe::ask(address, *transport, &zone, own.now()).await,
        Way::Over(dialer) => probe::ask_over(dialer, address, &zone, own.now()).await,
    };
    Some((verdict, asked))
}
