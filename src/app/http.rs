//! The HTTP listeners: bound with the doors, served on a thread of their own.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use anyhow::Context;

use super::Addresses;
use super::in_use::Origin;
use crate::config::{AdminListen, Config, Listen};
use crate::ready::Ready;
use crate::server::admin::peers::Peers;
use crate::server::admin::{Admin, AdminDoor, AdminListener, Pages, Shown};
use crate::server::bind::{BindError, bind_tcp};
use crate::server::core::Core;
use crate::server::unix::UnixDoor;

/// Bound and not served yet.
pub(super) struct Http {
    doors: Vec<AdminDoor>,
    addresses: Addresses,
}

impl Http {
    pub(super) fn bind(config: &Config) -> Result<Self, BindError> {
        let mut http = Self { doors: Vec::new(), addresses: Addresses::default() };
        let listen = &config.listen;
        http.addresses.health = http.add(listen.health, Pages::Health)?;
        http.addresses.ready = http.add(listen.ready, Pages::Ready)?;
        http.addresses.metrics = http.add(listen.metrics, Pages::Metrics)?;
        match &listen.admin {
            Some(AdminListen::Unix(path)) => {
                let listener = AdminListener::Unix(UnixDoor::bind(path)?);
                http.doors.push(AdminDoor { listener, pages: Pages::Admin });
            }
            Some(AdminListen::Tcp(listen)) => http.addresses.admin = http.add(Some(*listen), Pages::Admin)?,
            None => {}
        }
        Ok(http)
    }

    /// Binds one setting, and gives the address to show: a port alone is both families, and the first of them is it.
    fn add(&mut self, listen: Option<Listen>, pages: Pages) -> Result<Option<SocketAddr>, BindError> {
        let listeners = listen.map(bind_tcp).transpose()?.unwrap_or_default();
        let first = listeners.first().and_then(|listener| listener.local_addr().ok());
        self.doors
            .extend(listeners.into_iter().map(|listener| AdminDoor { listener: AdminListener::Tcp(listener), pages }));
        Ok(first)
    }

    pub(super) fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    pub(super) fn serve(self, core: &Arc<Core>, ready: &Ready, origin: Origin) -> anyhow::Result<Admin> {
        let weak = Arc::downgrade(core);
        let of = Weak::clone(&weak);
        let shown = Shown {
            heartbeats: core.heartbeats.clone(),
            ready: ready.clone(),
            metrics: Arc::clone(&core.metrics),
            core: Weak::clone(&weak),
            config: Arc::new(move || origin.show(&of)),
            peers: Arc::new(move || weak.upgrade().map(|core| Peers::now(&core))),
        };
        Admin::start(self.doors, shown).context("cannot serve HTTP")
    }
}
