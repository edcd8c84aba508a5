//! Servers in memory, on the paused clock of the test: they connect, answer, are silent and cut connections as a test tells
//! them, at exact times. The clients are the real ones; only the network is not there.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use interlocal::peer::Settings;
use interlocal::peer::address::Plan;
use interlocal::peer::dial::{Dial, DialError, Dialling, Stream};
use interlocal::peer::group::Group;
use interlocal::peer::sync::Probe;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::setup::{own_stamp, settings, wire_name};
use crate::support::ms;

pub const NXDOMAIN: u8 = 3;
pub const SERVFAIL: u8 = 2;
pub const REFUSED: u8 = 5;

/// What a server does with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum React {
    /// Answers after this long, beside the time of the way.
    Answer {
        after: Duration,
        rcode: u8,
        authoritative: bool,
    },
    Silence,
    Cut,
}

/// An answer at once, as a synced peer gives to a name that does not exist.
pub const DENY: React = React::Answer { after: Duration::ZERO, rcode: NXDOMAIN, authoritative: true };

/// An authoritative denial after this long.
pub fn after(delay: Duration) -> React {
    React::Answer { after: delay, rcode: NXDOMAIN, authoritative: true }
}

pub fn rcode(rcode: u8) -> React {
    React::Answer { after: Duration::ZERO, rcode, authoritative: false }
}

/// What becomes of an attempt to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Open,
    Refuses,
    /// Nothing comes back, ever.
    BlackHole,
}

/// By the first label of the name, and the number of the connection, counted from 1.
pub type Script = dyn Fn(&str, usize) -> React + Send + Sync;

/// One question as the server read it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub label: String,
    pub connection: usize,
}

impl Seen {
    pub fn is_probe(&self) -> bool {
        self.label.starts_with("_interlocal-")
    }
}

pub struct Server {
    pub address: SocketAddr,
    /// The time there and back.
    way: Duration,
    door: Mutex<Door>,
    script: Mutex<Arc<Script>>,
    serial: Mutex<bool>,
    closes_idle: Mutex<Option<Duration>>,
    seen: Mutex<Vec<Seen>>,
    attempts: Mutex<Vec<Instant>>,
    accepted: AtomicUsize,
    open: AtomicUsize,
    /// Questions that were read and not answered yet, and the most there ever were.
    out: AtomicUsize,
    pub most_out: AtomicUsize,
    cut: Notify,
}

impl Server {
    pub fn say(&self, script: impl Fn(&str, usize) -> React + Send + Sync + 'static) {
        *self.script.lock() = Arc::new(script);
    }

    pub fn door(&self, door: Door) {
        *self.door.lock() = door;
    }

    /// Answers a connection one question at a time.
    pub fn serial(&self) {
        *self.serial.lock() = true;
    }

    pub fn closes_idle(&self, after: Duration) {
        *self.closes_idle.lock() = Some(after);
    }

    /// Cuts all connections.
    pub fn cut_all(&self) {
        self.cut.notify_waiters();
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }

    pub fn questions(&self) -> usize {
        self.seen.lock().iter().filter(|seen| !seen.is_probe()).count()
    }

    pub fn probes(&self) -> usize {
        self.seen.lock().iter().filter(|seen| seen.is_probe()).count()
    }

    /// Times at which somebody tried to connect.
    pub fn attempts(&self) -> Vec<Instant> {
        self.attempts.lock().clone()
    }

    pub fn accepted(&self) -> usize {
        self.accepted.load(Relaxed)
    }

    pub fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    async fn converse(self: Arc<Self>, stream: DuplexStream, number: usize) {
        let (reader, writer) = split(stream);
        let writer = Arc::new(tokio::sync::Mutex::new(writer));
        let over = Arc::new(Notify::new());
        tokio::select! {
            () = self.read(reader, &writer, number, &over) => {}
            () = self.cut.notified() => {}
            () = over.notified() => {}
        }
        self.open.fetch_sub(1, Relaxed);
    }

    async fn read(
        self: &Arc<Self>,
        mut reader: ReadHalf<DuplexStream>,
        writer: &Arc<tokio::sync::Mutex<WriteHalf<DuplexStream>>>,
        number: usize,
        over: &Arc<Notify>,
    ) {
        loop {
            let idle = *self.closes_idle.lock();
            let length = tokio::select! {
                length = reader.read_u16() => length,
                () = sleep(idle.unwrap_or_default()), if idle.is_some() => return,
            };
            let Ok(length) = length else { return };
            let mut message = vec![0; usize::from(length)];
            if reader.read_exact(&mut message).await.is_err() {
                return;
            }
            let label = String::from_utf8_lossy(&message[13..13 + usize::from(message[12])]).into_owned();
            let react = (Arc::clone(&self.script.lock()))(&label, number);
            self.seen.lock().push(Seen { label, connection: number });
            match react {
                React::Silence if *self.serial.lock() => std::future::pending().await,
                React::Silence => {}
                React::Cut => {
                    over.notify_one();
                    return;
                }
                React::Answer { after, rcode, authoritative } => {
                    let out = self.out.fetch_add(1, Relaxed) + 1;
                    self.most_out.fetch_max(out, Relaxed);
                    message[2] |= 0x80 | if authoritative { 4 } else { 0 };
                    message[3] = rcode;
                    let (me, writer, way) = (Arc::clone(self), Arc::clone(writer), self.way);
                    let serial = *self.serial.lock();
                    if serial {
                        sleep(after).await;
                    }
                    tokio::spawn(async move {
                        sleep(if serial { way } else { way + after }).await;
                        me.out.fetch_sub(1, Relaxed);
                        let mut frame = length.to_be_bytes().to_vec();
                        frame.extend_from_slice(&message);
                        // Whoever is gone does not read it.
                        let _ = writer.lock().await.write_all(&frame).await;
                    });
                }
            }
        }
    }
}

/// Servers by their address.
#[derive(Default)]
pub struct World {
    servers: Mutex<HashMap<SocketAddr, Arc<Server>>>,
}

impl World {
    /// So many servers that answer at once, and are this far away.
    pub fn of(ways: &[Duration]) -> (Arc<Self>, Vec<Arc<Server>>) {
        let world = Arc::<Self>::default();
        let servers = ways.iter().map(|way| world.add(*way)).collect();
        (world, servers)
    }

    pub fn add(&self, way: Duration) -> Arc<Server> {
        let mut servers = self.servers.lock();
        let number = u16::try_from(servers.len() + 1).unwrap();
        let [high, low] = number.to_be_bytes();
        let address = SocketAddr::from(([192, 0, high, low], 53));
        let server = Arc::new(Server {
            address,
            way,
            door: Mutex::new(Door::Open),
            script: Mutex::new(Arc::new(|_, _| DENY)),
            serial: Mutex::new(false),
            closes_idle: Mutex::new(None),
            seen: Mutex::default(),
            attempts: Mutex::default(),
            accepted: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            out: AtomicUsize::new(0),
            most_out: AtomicUsize::new(0),
            cut: Notify::new(),
        });
        servers.insert(address, Arc::clone(&server));
        server
    }

    /// A client of these servers.
    pub fn client(self: &Arc<Self>, servers: &[Arc<Server>], settings: Settings) -> Arc<Group> {
        let plan =
            Plan { settings, probe: Probe::Region(wire_name("east.svc.cluster.local")), stamp: Some(own_stamp()) };
        let group = Group::dialling(plan, Arc::clone(self) as Arc<dyn Dial>);
        group.set_addresses(&servers.iter().map(|server| server.address).collect::<Vec<_>>());
        Arc::new(group)
    }
}

impl Dial for World {
    fn dial(&self, server: SocketAddr, limit: Duration) -> Dialling<'_> {
        let server = Arc::clone(&self.servers.lock()[&server]);
        Box::pin(async move {
            server.attempts.lock().push(Instant::now());
            let way = server.way;
            let door = *server.door.lock();
            match door {
                Door::BlackHole => {
                    sleep(limit).await;
                    Err(DialError::TimedOut)
                }
                Door::Refuses => {
                    sleep(way).await;
                    Err(DialError::Refused)
                }
                Door::Open => {
                    sleep(way).await;
                    let (ours, theirs) = duplex(1 << 20);
                    let number = server.accepted.fetch_add(1, Relaxed) + 1;
                    server.open.fetch_add(1, Relaxed);
                    tokio::spawn(Arc::clone(&server).converse(theirs, number));
                    Ok(Box::new(ours) as Stream)
                }
            }
        })
    }
}

/// What peers have unless configured.
pub fn usual() -> Settings {
    Settings { deadline: ms(1_500), in_flight: 512, ..settings() }
}
