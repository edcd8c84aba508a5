//! Whom a zone's client asks, whatever way its servers are asked: those that are named, those that a file has, and those that host
//! names lead to. It asks nobody.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use super::pool::Pool;
use crate::config::{Host, Transport};
use crate::peer::address::Plan;
use crate::peer::dialer::Dialer;
use crate::peer::endpoints::Takes;
use crate::peer::group::Group;
use crate::peer::listed::Listed;
use crate::tls::PeerName;

/// The servers of one client.
pub(super) struct Servers {
    pub(super) udp: Pool,
    pub(super) tcp: Group,
    pub(super) dialer: Arc<Dialer>,
    pub(super) listed: Listed,
    known: Mutex<Known>,
}

/// Where they come from.
struct Known {
    transport: Transport,
    named: Vec<Named>,
    /// Of host names.
    found: Vec<Named>,
}

/// A server, and the name that its certificate has to be for; none: none can be.
pub(super) type Named = (SocketAddr, Option<PeerName>);

impl Servers {
    /// Inside a tokio runtime.
    pub(super) fn new(plan: Plan, dialer: Arc<Dialer>) -> Self {
        Self {
            udp: Pool::new(),
            tcp: Group::dialling(plan, Arc::clone(&dialer) as _),
            dialer,
            listed: Listed::default(),
            known: Mutex::new(Known { transport: Transport::Udp, named: Vec::new(), found: Vec::new() }),
        }
    }

    /// Those that are named, or that a file has.
    pub(super) fn set_named(&self, transport: Transport, named: Option<Vec<Named>>) {
        let mut known = self.known.lock();
        known.transport = transport;
        if let Some(named) = named {
            known.named = named;
        }
        self.apply(&known);
    }

    pub(super) fn set_looping(&self, server: SocketAddr, looping: bool) {
        let known = self.known.lock();
        self.listed.set_looping(server, looping);
        self.apply(&known);
    }

    /// Under the lock, so that an older set never follows a newer one.
    fn apply(&self, known: &Known) {
        let all = || known.named.iter().chain(&known.found);
        self.dialer.set_names(all().filter_map(|(address, name)| Some((*address, name.clone()?))));
        self.listed.set(all().map(|(address, _)| *address).collect());
        let fit = self.listed.fit();
        let (udp, tcp): (&[_], &[_]) = match known.transport {
            Transport::Udp => (&fit, &[]),
            Transport::Tcp => (&[], &fit),
        };
        self.udp.set(udp);
        self.tcp.set_addresses(tcp);
    }
}

impl Takes for Servers {
    fn take(&self, found: &[(SocketAddr, &Host)]) {
        let mut known = self.known.lock();
        let most = self.tcp.plan().settings.addresses;
        known.found = found.iter().take(most).map(|(address, host)| (*address, Dialer::name_of(host))).collect();
        self.apply(&known);
    }
}
