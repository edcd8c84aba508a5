//! The HTTP listeners: bound with the doors, served on a thread of their own.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;

use super::Addresses;
use crate::config::Config;
use crate::ready::Ready;
use crate::server::admin::{Admin, AdminDoor, Pages, Shown};
use crate::server::bind::{BindError, bind_tcp};
use crate::server::core::Core;

/// Bound and not served yet.
pub(super) struct Http {
    doors: Vec<AdminDoor>,
    addresses: Addresses,
}

impl Http {
    pub(super) fn bind(config: &Config) -> Result<Self, BindError> {
        let mut http = Self { doors: Vec::new(), addresses: Addresses::default() };
        for (listen, pages) in Pages::by_place(&config.listen) {
            let listeners = bind_tcp(listen)?;
            // A port alone is both families; the first of them is the one to show.
            let first: Option<SocketAddr> = listeners.first().and_then(|listener| listener.local_addr().ok());
            let addresses = &mut http.addresses;
            for (serves, address) in [
                (pages.health, &mut addresses.health),
                (pages.ready, &mut addresses.ready),
                (pages.metrics, &mut addresses.metrics),
                (pages.admin, &mut addresses.admin),
            ] {
                if serves {
                    *address = first;
                }
            }
            http.doors.extend(listeners.into_iter().map(|listener| AdminDoor { listener, pages }));
        }
        Ok(http)
    }

    pub(super) fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    pub(super) fn serve(self, core: &Core, ready: &Ready) -> anyhow::Result<Admin> {
        let shown =
            Shown { heartbeats: core.heartbeats.clone(), ready: ready.clone(), metrics: Arc::clone(&core.metrics) };
        Admin::start(self.doors, shown).context("cannot serve HTTP")
    }
}
