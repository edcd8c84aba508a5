//! `/health`, `/ready`, `/metrics`: on a thread and a runtime of their own, so that neither a slow scrape nor a stuck question
//! disturbs the other. Callers bind the listeners. Nothing else knows `axum`.

pub mod cache;
pub mod failures;
pub mod json;
mod listener;
mod page;
mod pages;
pub mod params;
pub mod peers;
pub mod query;
pub mod status;
pub mod zone;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;

use crate::metrics::Registry;
use crate::ready::Ready;
use crate::server::core::Core;
use crate::server::heartbeat::Heartbeats;
use crate::server::unix::UnixDoor;

use self::listener::Bounded;
pub use self::pages::TOOL_HEADER;
use self::peers::Peers;

/// What a listener answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    Health,
    Ready,
    Metrics,
    /// All of them, the pages of the tools, and the status page at `/`.
    Admin,
}

/// A bound listener with what it answers.
pub struct AdminDoor {
    pub listener: AdminListener,
    pub pages: Pages,
}

/// A bound listener.
pub enum AdminListener {
    Tcp(TcpListener),
    Unix(UnixDoor),
}

/// What the pages show.
#[derive(Clone)]
pub struct Shown {
    pub heartbeats: Heartbeats,
    pub ready: Ready,
    pub metrics: Arc<Registry>,
    /// Makes `/peers`.
    pub peers: Arc<dyn Fn() -> Option<Peers> + Send + Sync>,
    /// Makes `/config`; in words why not.
    pub config: Arc<dyn Fn() -> Result<String, String> + Send + Sync>,
    /// The instance itself, which may have been stopped.
    pub core: Weak<Core>,
}

/// Serves until it is dropped.
pub struct Admin {
    addresses: Vec<SocketAddr>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
    /// Their files stay until the end.
    _sockets: Vec<UnixDoor>,
}

impl Admin {
    /// # Errors
    /// If a listener, the runtime or the thread cannot be set up.
    pub fn start(doors: Vec<AdminDoor>, shown: Shown) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut addresses, mut sockets) = (Vec::with_capacity(doors.len()), Vec::new());
        for door in doors {
            let _in_runtime = runtime.enter();
            // "Nothing mutable listens on anything but loopback": whatever the configuration says.
            let (listener, loopback) = match door.listener {
                AdminListener::Tcp(listener) => {
                    let address = listener.local_addr()?;
                    addresses.push(address);
                    listener.set_nonblocking(true)?;
                    (Bounded::tcp(tokio::net::TcpListener::from_std(listener)?), address.ip().is_loopback())
                }
                // Nearer than loopback: one user of this machine.
                AdminListener::Unix(socket) => {
                    let listener = tokio::net::UnixListener::from_std(socket.listener()?)?;
                    sockets.push(socket);
                    (Bounded::unix(listener), true)
                }
            };
            let router = pages::router(door.pages, shown.clone(), loopback);
            // It ends with the runtime only.
            runtime.spawn(async move { axum::serve(listener, router).await });
        }
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let thread = std::thread::Builder::new().name("admin".into()).spawn(move || runtime.block_on(stopped))?;
        Ok(Self { addresses, stop, thread: Some(thread), _sockets: sockets })
    }

    /// Where the doors are that have an address, in the order in which they were given.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the thread itself.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
