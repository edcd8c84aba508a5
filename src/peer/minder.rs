//! The task beside each connection: awaits its probes, watches its silence, and says when it has ended. It decides nothing;
//! `minding` says what is due, `address` and `probing` what becomes of it.

use std::sync::Weak;

use tokio::time::{Instant, sleep_until};

use super::address::Address;
use super::connection::{Connection, Pending};
use super::health::vary;
use super::minding::{Duty, Minding};

/// Minds a connection until it has ended, or nobody has it any more. `first` is the probe that is on it already.
pub(super) async fn mind(address: Weak<Address>, connection: Weak<Connection>, first: Option<Pending>) {
    let Some(bell) = connection.upgrade().map(|connection| connection.minder_bell()) else { return };
    let mut minding = Minding::new(Instant::now(), vary);
    let mut probe = first;
    loop {
        if let Some(pending) = probe.take() {
            // The connection may be dropped meanwhile: that ends the wait.
            let Some(until) = address.upgrade().map(|address| address.probe_until()) else { return };
            let outcome = pending.answer(until).await;
            let (Some(address), Some(connection)) = (address.upgrade(), connection.upgrade()) else { return };
            address.probed(&connection, outcome);
        }
        let until = {
            let (Some(address), Some(connection)) = (address.upgrade(), connection.upgrade()) else { return };
            if connection.is_closed() {
                address.ended(&connection);
                return;
            }
            match address.duty(&connection, &mut minding) {
                Duty::Probe => {
                    probe = address.put_probe(&connection);
                    continue;
                }
                Duty::Silent => {
                    probe = address.silent(&connection);
                    continue;
                }
                Duty::Close => {
                    connection.drain();
                    None
                }
                Duty::Replace => {
                    address.replace();
                    continue;
                }
                Duty::Nothing(until) => until,
            }
        };
        let due = async {
            match until {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            () = bell.notified() => {}
        }
    }
}
