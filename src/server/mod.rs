//! The doors: sockets, workers, connections, and one question end to end. Callers bind first and start then, and stop what they
//! started.

pub mod admin;
pub mod asking;
pub mod bind;
mod chaos;
mod contained;
pub mod core;
pub mod courier;
pub mod explain;
pub mod failures;
pub mod fetch;
mod finish;
pub mod heartbeat;
pub mod identity;
mod judge;
pub mod permits;
pub mod querylog;
pub mod question;
pub mod recorders;
pub mod refresh;
pub mod resolve;
mod tcp;
mod udp;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::bind::{BindError, Bound, bind, bind_tcp};
use self::core::Core;
use crate::config::Config;
use crate::route::Door;
use crate::tls::Acceptor;

/// What in-flight questions of TCP connections get after the doors are told to close.
const DRAIN: Duration = Duration::from_secs(5);

/// The sockets of all doors, bound and not served yet.
pub struct BoundDoors {
    doors: Vec<(Door, Bound)>,
    /// The peers' door over TLS.
    tls: Vec<TcpListener>,
}

/// The doors, served.
pub struct Doors {
    _courier: courier::Thread,
    stop_workers: Arc<AtomicBool>,
    stop_tasks: CancellationToken,
    workers: Vec<JoinHandle<()>>,
    tasks: TaskTracker,
}

impl BoundDoors {
    /// Binds every address of the configuration.
    ///
    /// # Errors
    /// If one of them cannot be had: a server that is deaf on one address is worse than none.
    pub fn bind(config: &Config, workers: usize) -> Result<Self, BindError> {
        let mut doors = Vec::new();
        for (server, listen) in config
            .servers
            .iter()
            .enumerate()
            .flat_map(|(server, config)| config.listen.iter().map(move |listen| (server, *listen)))
        {
            let door = Door::Pods { server };
            doors.extend(bind(listen, workers)?.into_iter().map(|bound| (door, bound)));
        }
        for listen in &config.listen.peers {
            doors.extend(bind(*listen, 1)?.into_iter().map(|bound| (Door::Peers, bound)));
        }
        let mut tls = Vec::new();
        for listen in config.listen.peers_tls.iter().flat_map(|tls| &tls.listen) {
            tls.extend(bind_tcp(*listen)?);
        }
        Ok(Self { doors, tls })
    }

    /// The addresses of a kind of door, in the order of the configuration.
    pub fn addresses(&self, peers: bool) -> Vec<SocketAddr> {
        let wanted = self.doors.iter().filter(|(door, _)| (*door == Door::Peers) == peers);
        wanted.map(|(_, bound)| bound.address).collect()
    }

    /// Those of the peers' door over TLS.
    pub fn tls_addresses(&self) -> Vec<SocketAddr> {
        self.tls.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Serves them.
    ///
    /// # Errors
    /// If a socket cannot be prepared or a thread not started.
    pub fn start(self, core: &Arc<Core>, plain: bool) -> io::Result<Doors> {
        let mut started = Doors {
            _courier: courier::start(core)?,
            stop_workers: Arc::default(),
            stop_tasks: CancellationToken::new(),
            workers: Vec::new(),
            tasks: TaskTracker::new(),
        };
        for (door, bound) in self.doors {
            udp::deal(&bound.udp);
            for socket in bound.udp {
                started.workers.push(udp::start(core, door, socket, plain, &started.stop_workers)?);
            }
            started.accept(core, door, bound.tcp, None)?;
        }
        for listener in self.tls {
            started.accept(core, Door::Peers, listener, core.tls.clone())?;
        }
        Ok(started)
    }
}

impl Doors {
    fn accept(
        &self,
        core: &Arc<Core>,
        door: Door,
        listener: TcpListener,
        tls: Option<Arc<Acceptor>>,
    ) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (stop, tasks) = (self.stop_tasks.clone(), self.tasks.clone());
        self.tasks.spawn(tcp::serve(Arc::clone(core), door, listener, tls, stop, tasks));
        Ok(())
    }

    /// Closes the doors: what was received is answered, connections end when they are idle, and nothing new is accepted.
    pub async fn stop(mut self) {
        self.stop_tasks.cancel();
        self.stop_workers.store(true, Ordering::Relaxed);
        let workers = std::mem::take(&mut self.workers);
        // Workers look up from their sockets every 100 ms.
        let joined = tokio::task::spawn_blocking(move || workers.into_iter().for_each(|worker| drop(worker.join())));
        let _ = joined.await;
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!("connections with unanswered questions were cut");
        }
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.stop_tasks.cancel();
        self.stop_workers.store(true, Ordering::Relaxed);
    }
}
