//! Some addresses that are as good as each other: the addresses of one region, or the upstreams of a zone that are asked over TCP.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

use parking_lot::RwLock;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::address::{Address, Common, Plan};

use super::answered::Answered;
use super::asking;
use super::choice::{Candidate, Turns, nearest};
use super::counters::AddressSnapshot;
use super::dial::{Dial, Tcp};
use super::hedge::Budget;
use super::sends::SendLog;
use super::warm::{UNUSED, Use};
use crate::wire::exchange::{Manner, Question, Received};

/// Why a group gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// There is no address.
    NoAddress,
    /// No address answered, or none is worth asking; the cause in words.
    Dark(&'static str),
    /// An answer, but one that says that the server will not answer such questions.
    Refused(Box<Received>),
}

/// The addresses.
pub struct Group {
    common: Arc<Common>,
    addresses: Arc<Addresses>,
    keeper: AbortHandle,
}

type Addresses = RwLock<Arc<Vec<Arc<Address>>>>;

impl Group {
    /// Without addresses yet. Call it inside a tokio runtime: that is where its tasks will run.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self::dialling(plan, Arc::new(Tcp))
    }

    /// With another way to connect.
    #[must_use]
    pub fn dialling(plan: Plan, dial: Arc<dyn Dial>) -> Self {
        let plan = RwLock::new(Arc::new(plan));
        let common = Common {
            plan,
            bells: Arc::default(),
            turns: Turns::default(),
            hedges: Budget::default(),
            used: Use::new(Instant::now()),
            dial,
            runtime: Handle::current(),
        };
        let (common, addresses) = (Arc::new(common), Arc::<Addresses>::default());
        let keeping = keep_warm(Arc::downgrade(&common), Arc::downgrade(&addresses));
        let keeper = common.runtime.spawn(keeping).abort_handle();
        Self { common, addresses, keeper }
    }

    #[must_use]
    pub fn plan(&self) -> Arc<Plan> {
        self.common.plan()
    }

    /// Takes effect with the next question; open connections stay.
    pub fn set_plan(&self, plan: Plan) {
        *self.common.plan.write() = Arc::new(plan);
    }

    /// Addresses that stay keep their connections; those that are gone answer what they were asked, and end; new ones are
    /// connected to at once, side by side.
    pub fn set_addresses(&self, servers: &[SocketAddr]) {
        let most = self.common.plan().settings.addresses;
        {
            let mut addresses = self.addresses.write();
            let mut next: Vec<Arc<Address>> = Vec::with_capacity(servers.len());
            for server in servers.iter().take(most) {
                if next.iter().any(|one| one.server() == *server) {
                    continue;
                }
                let kept = addresses.iter().find(|one| one.server() == *server).map(Arc::clone);
                next.push(kept.unwrap_or_else(|| {
                    let address = Address::new(*server, Arc::clone(&self.common));
                    address.wake();
                    address
                }));
            }
            *addresses = Arc::new(next);
        }
        self.common.bells.changed();
    }

    #[must_use]
    pub fn addresses(&self) -> Arc<Vec<Arc<Address>>> {
        Arc::clone(&self.addresses.read())
    }

    /// Those that are not these.
    pub(super) fn addresses_but(&self, without: &[SocketAddr]) -> Arc<Vec<Arc<Address>>> {
        let all = self.addresses();
        if without.is_empty() {
            return all;
        }
        Arc::new(all.iter().filter(|one| !without.contains(&one.server())).map(Arc::clone).collect())
    }

    /// Asks until there is an answer, or `until`.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn ask(&self, question: &Question, stamp: Option<&[u8]>, until: Instant) -> Result<Answered, Trouble> {
        self.ask_logged(question, stamp, until, &SendLog::OFF).await
    }

    /// The same, each send written down.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_logged(
        &self,
        question: &Question,
        stamp: Option<&[u8]>,
        until: Instant,
        log: &SendLog,
    ) -> Result<Answered, Trouble> {
        self.ask_but(&[], question, stamp, until, log).await
    }

    /// The same of the others than these.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_but(
        &self,
        without: &[SocketAddr],
        question: &Question,
        stamp: Option<&[u8]>,
        until: Instant,
        log: &SendLog,
    ) -> Result<Answered, Trouble> {
        asking::ask(self, without, question, stamp, until, log).await
    }

    /// There are addresses, and none of them is worth asking now. Cheap: a question may ask this before it asks the group.
    #[must_use]
    pub fn is_dark(&self) -> bool {
        let addresses = self.addresses.read();
        !addresses.is_empty() && addresses.iter().all(|address| address.is_broken())
    }

    /// Questions that an address has been sent so far.
    #[must_use]
    pub fn questions_to(&self, server: SocketAddr) -> u64 {
        let addresses = self.addresses.read();
        addresses.iter().find(|one| one.server() == server).map_or(0, |one| one.counters().questions.load(Relaxed))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.addresses.read().is_empty()
    }

    /// Asks one address, over a connection that questions use. None if there is none with room, or no answer until then.
    pub async fn ask_address(&self, server: SocketAddr, question: &Question, until: Instant) -> Option<Received> {
        let address = self.addresses().iter().find(|one| one.server() == server).map(Arc::clone)?;
        let connection = address.take(Instant::now(), |_| true)?;
        let pending = connection.put(question, Manner { edns: true, option: None }, true).ok()?;
        pending.answer(until).await.ok()
    }

    #[must_use]
    pub fn snapshot(&self) -> Vec<AddressSnapshot> {
        self.addresses().iter().map(|address| address.snapshot()).collect()
    }

    pub(super) fn common(&self) -> &Common {
        &self.common
    }

    /// Until a question may have a better chance than at the time of the call.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.common.bells.listen(false)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// When nobody has asked for long, the nearest address keeps one connection, and the others none.
async fn keep_warm(common: Weak<Common>, addresses: Weak<Addresses>) {
    loop {
        let Some(ends) = common.upgrade().map(|common| common.used.ends()) else { return };
        let now = Instant::now();
        if now < ends {
            sleep_until(ends).await;
            continue;
        }
        let Some(all) = addresses.upgrade().map(|addresses| Arc::clone(&addresses.read())) else { return };
        let candidates: Vec<_> = all.iter().map(|address| address.candidate(now)).collect();
        let kept = nearest(&candidates.iter().map(|one| Candidate { usable: one.ready, ..*one }).collect::<Vec<_>>());
        for (at, address) in all.iter().enumerate() {
            address.close_unused(usize::from(Some(at) == kept));
        }
        drop(all);
        sleep(UNUSED).await;
    }
}
