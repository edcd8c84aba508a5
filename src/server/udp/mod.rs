//! The UDP half of a door: worker threads that block in the kernel, one socket each, in one reuse group. They are threads, not
//! tasks, because that is cheaper per answer and because nothing that waits may stand in front of what need not.

mod datagrams;
mod late;
pub(super) mod later;
#[cfg(target_os = "linux")]
mod mmsg;
mod plain;
mod worker;

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use self::datagrams::Datagrams;
use self::late::LateReply;
use self::worker::{TICK, Worker};
use super::core::Core;
use crate::clock;
use crate::metrics::Family;
use crate::route::Door;

/// Deals questions evenly among the sockets of one address. A system that cannot is no reason not to serve.
pub fn deal(sockets: &[UdpSocket]) {
    #[cfg(target_os = "linux")]
    if let [first, _, ..] = sockets
        && let Err(error) = mmsg::deal(first, sockets.len() as u32)
    {
        tracing::debug!(%error, "the kernel chooses the worker by the sender's address and port");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = sockets;
}

/// Starts one worker thread on a bound socket.
///
/// # Errors
/// If the socket cannot be prepared, or the thread not started.
pub fn start(
    core: &Arc<Core>,
    door: Door,
    socket: UdpSocket,
    plain: bool,
    stop: &Arc<AtomicBool>,
) -> io::Result<JoinHandle<()>> {
    socket.set_read_timeout(Some(TICK))?;
    let family = if socket.local_addr()?.is_ipv4() { Family::V4 } else { Family::V6 };
    let socket = Arc::new(socket);
    let plain = plain || !cfg!(target_os = "linux");
    let late = LateReply::new(Arc::clone(&socket), plain);
    #[cfg(target_os = "linux")]
    if !plain {
        mmsg::prepare(&socket)?;
        return spawn(core, door, family, mmsg::Batch::new(socket), late, stop);
    }
    spawn(core, door, family, plain::OneByOne::new(socket), late, stop)
}

fn spawn(
    core: &Arc<Core>,
    door: Door,
    family: Family,
    datagrams: impl Datagrams + Send + 'static,
    late: LateReply,
    stop: &Arc<AtomicBool>,
) -> io::Result<JoinHandle<()>> {
    let name = match door {
        Door::Pods { server } => format!("udp-pods-{server}"),
        Door::Peers => "udp-peers".to_owned(),
    };
    let worker = Worker {
        core: Arc::clone(core),
        door,
        datagrams,
        late,
        recorder: core.recorders.worker(door, family),
        beat: core.heartbeats.worker(name.as_str(), clock::now()),
        stop: Arc::clone(stop),
    };
    std::thread::Builder::new().name(name).spawn(move || worker.run())
}
