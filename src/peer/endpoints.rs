//! The endpoints of a region's row: literal addresses as they are, host names resolved again and again, each by a task of its
//! own. What they come to together is what the group is given.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::dialer::Dialer;
use super::group::Group;
use super::listed::Listed;
use super::random;
use super::resolve::{self, Resolve};
use crate::config::{Endpoint, Host};
use crate::wire::Name;

/// All endpoints of one region.
pub(super) struct Endpoints {
    set: Arc<Set>,
    resolve: Arc<dyn Resolve>,
}

struct Set {
    group: Arc<Group>,
    dialer: Arc<Dialer>,
    listed: Listed,
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
    pub(super) fn new(group: Arc<Group>, dialer: Arc<Dialer>, resolve: Arc<dyn Resolve>) -> Self {
        Self { set: Arc::new(Set { group, dialer, listed: Listed::default(), members: Mutex::default() }), resolve }
    }

    /// Takes a row's endpoints. Those that stay keep what is known of them.
    pub(super) fn set(&self, endpoints: &[Endpoint]) {
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

    /// Is there a host name that was not looked up even once?
    pub(super) fn is_pending(&self) -> bool {
        self.set.members.lock().iter().any(|member| member.task.is_some() && member.host.is_pending())
    }

    pub(super) fn listed(&self) -> &Listed {
        &self.set.listed
    }

    /// Leaves an address out, or takes it in again.
    pub(super) fn set_looping(&self, address: SocketAddr, looping: bool) {
        self.set.listed.set_looping(address, looping);
        self.set.publish();
    }

    /// Why there is no address.
    pub(super) fn trouble(&self) -> Option<String> {
        self.set.members.lock().iter().find_map(|member| {
            let Host::Name(name) = &member.endpoint.host else { return None };
            let error = member.host.error.as_deref().unwrap_or("not looked up yet");
            Some(format!("{name}: {error}"))
        })
    }

    pub(super) fn snapshot(&self) -> Vec<EndpointSnapshot> {
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
                Some(self.set.group.spawn(keep))
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
        // Held while the group takes them, so that an older set never follows a newer one.
        let members = self.members.lock();
        let with_hosts = || {
            members.iter().flat_map(|member| {
                let Endpoint { host, port } = &member.endpoint;
                member.host.addresses.iter().map(move |ip| (SocketAddr::new(*ip, *port), host))
            })
        };
        self.dialer.set_hosts(with_hosts());
        let addresses: Vec<SocketAddr> = with_hosts().map(|(address, _)| address).collect();
        self.listed.set(addresses);
        self.group.set_addresses(&self.listed.fit());
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
