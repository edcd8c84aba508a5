//! Where the demo's regions are: every port of the files moved, and some regions reached through a relay.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::OnceLock;

use crate::app::Adjust;
use crate::config::{AdminListen, Config, Host, Listen, PeerTable};

/// Applied to all that is read from files, now and at every reload.
pub(super) struct Places {
    /// Ports wrap around, as any sum of ports must.
    moved: u16,
    /// Known once the regions are bound.
    relays: OnceLock<BTreeMap<String, SocketAddr>>,
}

impl Places {
    pub(super) fn new(moved: u16) -> Self {
        Self { moved, relays: OnceLock::new() }
    }

    /// These regions are reached there, whatever the table says. Once, before any region starts.
    pub(super) fn reach_through(&self, relays: BTreeMap<String, SocketAddr>) {
        let _ = self.relays.set(relays);
    }

    fn port(&self, port: u16) -> u16 {
        port.wrapping_add(self.moved)
    }

    fn listen(&self, listen: &mut Listen) {
        match listen {
            Listen::Port(port) => *port = self.port(*port),
            Listen::Address(address) => address.set_port(self.port(address.port())),
        }
    }
}

impl Adjust for Places {
    fn config(&self, config: &mut Config) {
        let doors = config.servers.iter_mut().flat_map(|server| &mut server.listen);
        let listen = &mut config.listen;
        let admin = listen.admin.as_mut().and_then(|admin| match admin {
            AdminListen::Tcp(listen) => Some(listen),
            AdminListen::Unix(_) => None,
        });
        let http = [&mut listen.health, &mut listen.ready, &mut listen.metrics].into_iter().flatten().chain(admin);
        doors.chain(&mut listen.peers).chain(http).for_each(|listen| self.listen(listen));
    }

    fn table(&self, table: &mut PeerTable) {
        for row in &mut table.regions {
            let relay = self.relays.get().and_then(|relays| relays.get(row.label.as_str()));
            for endpoint in &mut row.endpoints {
                if matches!(endpoint.host, Host::Address(address) if address.is_loopback()) {
                    endpoint.port = relay.map_or_else(|| self.port(endpoint.port), |relay| relay.port());
                }
            }
        }
    }
}
