//! Some addresses that are as good as each other: the addresses of one region, or the upstreams of a zone that are asked over TCP.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::address::{Address, Common, Plan};
use super::answered::Answered;
use super::asking;
use super::counters::AddressSnapshot;
use crate::wire::exchange::{Question, Received};

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
    addresses: RwLock<Arc<Vec<Arc<Address>>>>,
}

impl Group {
    /// Without addresses yet. Call it inside a tokio runtime: that is where its tasks will run.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let plan = RwLock::new(Arc::new(plan));
        let common = Common { plan, changed: Arc::new(Notify::new()), runtime: Handle::current() };
        Self { common: Arc::new(common), addresses: RwLock::default() }
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
        self.common.changed.notify_waiters();
    }

    #[must_use]
    pub fn addresses(&self) -> Arc<Vec<Arc<Address>>> {
        Arc::clone(&self.addresses.read())
    }

    /// Asks until there is an answer, or `until`.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn ask(&self, question: &Question, stamp: Option<&[u8]>, until: Instant) -> Result<Answered, Trouble> {
        asking::ask(self, question, stamp, until).await
    }

    /// There are addresses, and none of them is worth asking now. Cheap: a question may ask this before it asks the group.
    #[must_use]
    pub fn is_dark(&self) -> bool {
        let addresses = self.addresses.read();
        !addresses.is_empty() && addresses.iter().all(|address| address.is_broken())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.addresses.read().is_empty()
    }

    #[must_use]
    pub fn snapshot(&self) -> Vec<AddressSnapshot> {
        self.addresses().iter().map(|address| address.snapshot()).collect()
    }

    /// Runs a task where the group's own tasks run.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.common.runtime.spawn(task).abort_handle()
    }

    /// Told when a question may have a better chance than before.
    #[must_use]
    pub fn changed(&self) -> &Notify {
        &self.common.changed
    }
}
