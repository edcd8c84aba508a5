//! A TCP relay that stands for the network between two servers: it delays, it goes dark, it resets, it forgets. What it carries it
//! does not look at. It uses nothing else of the crate: tests and `benches/faults` take in this
//! file, and stand it between processes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

/// Chunks under way in one direction of one connection; a full path makes the sender wait, as a full window does.
const UNDER_WAY: usize = 1_024;
/// The most that is read at once.
const CHUNK: usize = 16 * 1_024;

/// What the network does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weather {
    /// Added to every round trip, half of it in each direction.
    pub delay: Duration,
    /// Nothing arrives while it lasts; afterwards all of it does, as TCP sends again what was lost.
    pub dark: bool,
    /// Every connection is reset, those that are open and those that are made.
    pub reset: bool,
    /// Raised by one, it forgets the connections that are open, as a load balancer or a firewall does with idle ones.
    pub forgets: u32,
    pub telling: Telling,
}

/// Who learns of a connection that was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Telling {
    /// Nobody: what comes over it is swallowed.
    #[default]
    Never,
    /// Whoever sends something over it: that is answered with a reset.
    WhenUsed,
    /// The near side, by a reset at once.
    AtOnce,
}

/// A relay on loopback; dropping it closes all that it carries.
pub struct Relay {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    task: AbortHandle,
}

impl Relay {
    /// Listens on a free port of 127.0.0.1, and carries each connection to `target`.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn start(target: SocketAddr, weather: Weather) -> io::Result<Self> {
        Self::between((Ipv4Addr::LOCALHOST, 0).into(), vec![target], weather).await
    }

    /// Listens there, and carries new connections to each of the targets in turn, as a load balancer does.
    ///
    /// # Errors
    /// If it cannot listen there.
    pub async fn between(listen: SocketAddr, targets: Vec<SocketAddr>, weather: Weather) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let (sender, receiver) = watch::channel(weather);
        let task = tokio::spawn(accept(listener, targets, receiver)).abort_handle();
        Ok(Self { address, weather: sender, task })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather for open connections and for new ones.
    pub fn change(&self, change: impl FnOnce(&mut Weather)) {
        self.weather.send_modify(change);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Connections end with the listener: the set is dropped with the task.
async fn accept(listener: TcpListener, targets: Vec<SocketAddr>, weather: watch::Receiver<Weather>) {
    let mut connections = JoinSet::new();
    for target in targets.into_iter().cycle() {
        let Ok((stream, _)) = listener.accept().await else { return };
        while connections.try_join_next().is_some() {}
        connections.spawn(relay(stream, target, weather.clone()));
    }
}

async fn relay(mut near: TcpStream, target: SocketAddr, mut weather: watch::Receiver<Weather>) {
    let carried = carry_both(&mut near, target, weather.clone());
    let born = weather.borrow().forgets;
    let mut forgotten = weather.clone();
    let (reset, forgot) = tokio::select! {
        _ = carried => (false, false),
        reset = weather.wait_for(|weather| weather.reset) => (reset.is_ok(), false),
        forgot = forgotten.wait_for(|weather| weather.forgets != born) => (false, forgot.is_ok()),
    };
    if reset || (forgot && swallow(&mut near, &weather).await) {
        // Closing it sends RST in place of FIN.
        let _ = near.set_zero_linger();
    }
}

/// Nobody is at the other end any more. True if it is to be reset.
async fn swallow(near: &mut TcpStream, weather: &watch::Receiver<Weather>) -> bool {
    let telling = weather.borrow().telling;
    if telling == Telling::AtOnce {
        return true;
    }
    let mut nobody = [0; CHUNK];
    loop {
        let gone = near.read(&mut nobody).await.map_or(true, |length| length == 0);
        if gone || telling == Telling::WhenUsed {
            return !gone;
        }
    }
}

/// Until both directions are closed, or one of them fails.
async fn carry_both(near: &mut TcpStream, target: SocketAddr, weather: watch::Receiver<Weather>) -> io::Result<()> {
    light(&mut weather.clone()).await;
    let mut far = TcpStream::connect(target).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (near_reader, near_writer) = near.split();
    let (far_reader, far_writer) = far.split();
    tokio::try_join!(carry(near_reader, far_writer, weather.clone()), carry(far_reader, near_writer, weather))?;
    Ok(())
}

/// One direction. A half that is closed is closed on the other side, after the same way.
async fn carry(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut weather: watch::Receiver<Weather>) -> io::Result<()> {
    let (sender, mut under_way) = mpsc::channel(UNDER_WAY);
    let delay = weather.clone();
    let read = async move {
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            let end = from.read_buf(&mut chunk).await? == 0;
            let due = Instant::now() + delay.borrow().delay / 2;
            if sender.send((due, chunk)).await.is_err() || end {
                return Ok(());
            }
        }
    };
    let write = async move {
        while let Some((due, chunk)) = under_way.recv().await {
            sleep_until(due).await;
            light(&mut weather).await;
            match chunk.is_empty() {
                true => to.shutdown().await?,
                false => to.write_all(&chunk).await?,
            }
        }
        Ok::<_, io::Error>(())
    };
    tokio::try_join!(read, write)?;
    Ok(())
}

/// Waits while it is dark. A relay that is gone leaves its connections to their end.
async fn light(weather: &mut watch::Receiver<Weather>) {
    let _ = weather.wait_for(|weather| !weather.dark).await;
}
