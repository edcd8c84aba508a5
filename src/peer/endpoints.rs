//! Endpoints of a row: literal addresses as they are, host names resolved again and again, each by a task of its own. What they
//! come to together is given to whoever asks them.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::random;
use super::resolve::{self, Resolve};
use crate::config::{Endpoint, Host};
use crate::wire::Name;

/// Who is given the addresses.
pub trait Takes: Send + Sync {
    /// All of them, each with the host that it belongs to.
    fn take(&self, found: &[(SocketAddr, &Host)]);
}

/// All endpoints of one row.
pub struct Endpoints {
    set: Arc<Set>,
    resolve: Arc<dyn Resolve>,
    runtime: Handle,
}

struct Set {
    takes: Arc<dyn Takes>,
    members: Mutex<Vec<Member>>,
}

struct Member {
    endpoint: Endpoint,
    host: resolve::Host,
    task: Option<AbortHandle>,
}

/// One endpoint, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSnapshot {
    pub endpoint: Endpoint,
    pub addresses: Vec<IpAddr>,
    /// Why its name does not resolve now.
    pub error: Option<String>,
}

impl Endpoints {
    /// None yet. Call it inside a tokio runtime: that is where its tasks will run.
    #[must_use]
    pub fn new(takes: Arc<dyn Takes>, resolve: Arc<dyn Resolve>) -> Self {
        let set = Arc::new(Set { takes, members: Mutex::default() });
        Self { set, resolve, runtime: Handle::current() }
    }

    /// Takes a row's endpoints. Those that stay keep what is known of them.
    pub fn set(&self, endpoints: &[Endpoint]) {
        {
            let mut members = self.set.members.lock();
            let mut old = std::mem::take(&mut *members);
            for endpoint in endpoints {
                if members.iter().any(|member| member.endpoint == *endpoint) {
                    continue;
                }
                let kept = old.iter().position(|member| member.endpoint == *endpoint).map(|at| old.swap_remove(at));
                members.push(kept.unwrap_or_else(|| self.start(endpoint)));
            }
        }
        self.set.publish();
    }

    /// Gives the addresses once more.
    pub fn again(&self) {
        self.set.publish();
    }

    /// Is there a host name that was not looked up even once?
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.set.members.lock().iter().any(|member| member.task.is_some() && member.host.is_pending())
    }

    /// Why there is no address.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.set.members.lock().iter().find_map(|member| {
            let Host::Name(name) = &member.endpoint.host else { return None };
            let error = member.host.error.as_deref().unwrap_or("not looked up yet");
            Some(format!("{name}: {error}"))
        })
    }

    #[must_use]
    pub fn snapshot(&self) -> Vec<EndpointSnapshot> {
        let members = self.set.members.lock();
        let one = |member: &Member| EndpointSnapshot {
            endpoint: member.endpoint.clone(),
            addresses: member.host.addresses.clone(),
            error: member.host.error.clone(),
        };
        members.iter().map(one).collect()
    }

    fn start(&self, endpoint: &Endpoint) -> Member {
        let mut host = resolve::Host::default();
        let task = match &endpoint.host {
            Host::Address(address) => {
                host.addresses.push(*address);
                None
            }
            Host::Name(name) => {
                let keep =
                    keep_resolved(Arc::downgrade(&self.set), endpoint.clone(), name.clone(), Arc::clone(&self.resolve));
                Some(self.runtime.spawn(keep).abort_handle())
            }
        };
        Member { endpoint: endpoint.clone(), host, task }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Set {
    fn publish(&self) {
        // Held while they are taken, so that an older set never follows a newer one.
        let members = self.members.lock();
        let found: Vec<_> = members
            .iter()
            .flat_map(|member| {
                let Endpoint { host, port } = &member.endpoint;
                member.host.addresses.iter().map(move |ip| (SocketAddr::new(*ip, *port), host))
            })
            .collect();
        self.takes.take(&found);
    }
}

async fn keep_resolved(set: Weak<Set>, endpoint: Endpoint, name: Name, resolve: Arc<dyn Resolve>) {
    loop {
        let outcome = resolve.lookup(&name).await;
        let wait = {
            let Some(set) = set.upgrade() else { return };
            let wait = {
                let mut members = set.members.lock();
                let Some(member) = members.iter_mut().find(|member| member.endpoint == endpoint) else { return };
                let before = member.host.error.is_some();
                let wait = member.host.looked_up(outcome, random::unit());
                if let Some(error) = member.host.error.as_deref().filter(|_| !before) {
                    tracing::warn!(%name, error, "endpoint does not resolve: its last addresses stay");
                }
                wait
            };
            set.publish();
            wait
        };
        sleep(wait).await;
    }
}
