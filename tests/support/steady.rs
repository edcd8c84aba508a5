//! Clients that ask all along, while something is changed behind the address that they ask: over UDP as a stub resolver does, and
//! over TCP connections that they keep, with several questions on each at a time. Every question is judged, and what became of it
//! is counted: nothing is given up silently.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{sleep, timeout};

use super::client::Ask;
use super::read::{addresses, extended_errors};
use super::secs;

/// What a stub resolver waits for an answer before it asks once more (glibc's `timeout`).
const PATIENCE: Duration = secs(5);
/// Questions from one UDP port.
const PER_SOCKET: usize = 4;
/// Questions on a connection at a time.
const DEPTH: usize = 4;
/// Complaints that are kept; more of them say nothing new.
const KEPT: usize = 20;

/// A question whose answer is known.
#[derive(Debug, Clone)]
pub struct Known {
    pub name: String,
    pub address: IpAddr,
}

/// What became of the questions so far.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub asked: usize,
    pub answered: usize,
    /// Asked over UDP once more after silence, as a stub resolver does.
    pub silent: Vec<Silence>,
    /// On a connection that its server was closing when they were sent: asked once more on another one (RFC 7766 6.2.4).
    pub crossed: usize,
    /// Connections that ended without a goodbye.
    pub resets: usize,
    /// Right answers that are past their TTL.
    pub stale: usize,
    /// Questions without their answer, and why. Only the first ones are kept.
    pub failed: usize,
    pub why: Vec<String>,
}

/// A question over UDP that had no answer in time, and who asked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    pub name: String,
    pub client: SocketAddr,
}

/// Clients that ask. Dropping them ends them.
pub struct Steady {
    tally: Arc<Mutex<Tally>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the clients of one address have in common.
#[derive(Clone)]
struct Shared {
    server: SocketAddr,
    known: Arc<[Known]>,
    pause: Duration,
    tally: Arc<Mutex<Tally>>,
    stop: Arc<AtomicBool>,
}

/// So many clients over each transport, and how long each pauses after an answer.
#[derive(Debug, Clone, Copy)]
pub struct Clients {
    pub udp: usize,
    pub tcp: usize,
    pub pause: Duration,
}

impl Steady {
    /// They ask this address for these names, in turns, on a thread of their own.
    pub fn start(server: SocketAddr, known: Vec<Known>, clients: Clients) -> Self {
        let (tally, stop): (Arc<Mutex<Tally>>, Arc<AtomicBool>) = Default::default();
        let shared = Shared {
            server,
            known: known.into(),
            pause: clients.pause,
            tally: Arc::clone(&tally),
            stop: Arc::clone(&stop),
        };
        let ask = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let tasks = tokio::task::LocalSet::new();
            for number in 0..clients.udp {
                tasks.spawn_local(over_udp(shared.clone(), number));
            }
            for number in 0..clients.tcp {
                tasks.spawn_local(over_tcp(shared.clone(), number));
            }
            runtime.block_on(tasks);
        };
        let thread = std::thread::Builder::new().name("steady".into()).spawn(ask).unwrap();
        Self { tally, stop, thread: Some(thread) }
    }

    pub fn tally(&self) -> Tally {
        self.tally.lock().clone()
    }

    /// Ends them when the questions that are out are answered, and gives the sum.
    pub async fn stop(mut self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("stopped once");
        tokio::task::spawn_blocking(move || thread.join()).await.unwrap().expect("a client failed");
        self.tally()
    }
}

impl Drop for Steady {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Tally {
    fn fail(&mut self, why: String) {
        self.failed += 1;
        if self.why.len() < KEPT {
            self.why.push(why);
        }
    }

    /// What has come since this earlier state.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            asked: self.asked - earlier.asked,
            answered: self.answered - earlier.answered,
            silent: self.silent[earlier.silent.len()..].to_vec(),
            crossed: self.crossed - earlier.crossed,
            resets: self.resets - earlier.resets,
            stale: self.stale - earlier.stale,
            failed: self.failed - earlier.failed,
            why: self.why[earlier.why.len()..].to_vec(),
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.asked += other.asked;
        self.answered += other.answered;
        self.silent.extend(other.silent.iter().cloned());
        self.crossed += other.crossed;
        self.resets += other.resets;
        self.stale += other.stale;
        self.failed += other.failed;
        self.why.extend(other.why.iter().take(KEPT).cloned());
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} asked, {} answered, {} failed, {} asked again after silence, {} crossed a goodbye, {} resets, {} stale",
            self.asked,
            self.answered,
            self.failed,
            self.silent.len(),
            self.crossed,
            self.resets,
            self.stale
        )?;
        self.why.iter().try_for_each(|why| write!(f, "\n  {why}"))
    }
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The question of this turn; each client begins elsewhere.
    fn question(&self, turn: usize) -> (&Known, Ask) {
        let known = &self.known[turn % self.known.len()];
        self.tally.lock().asked += 1;
        (known, Ask::new(&known.name, RecordType::A))
    }

    fn judge(&self, known: &Known, over: &str, reply: &[u8]) {
        let mut tally = self.tally.lock();
        match judged(known, reply) {
            Ok(stale) => {
                tally.answered += 1;
                tally.stale += usize::from(stale);
            }
            Err(why) => tally.fail(format!("{} over {over}: {why}", known.name)),
        }
    }
}

/// Whether the right answer is a stale one; else what is wrong with it.
fn judged(known: &Known, reply: &[u8]) -> Result<bool, String> {
    let reply = Message::from_vec(reply).map_err(|error| error.to_string())?;
    let said = extended_errors(&reply);
    if reply.response_code == ResponseCode::NoError && addresses(&reply) == [known.address] {
        return Ok(said.iter().any(|(code, _)| *code == 3));
    }
    Err(format!("{} {:?} {said:?}", reply.response_code, addresses(&reply)))
}

async fn over_udp(shared: Shared, mut turn: usize) {
    while !shared.stopped() {
        // A stub resolver has a new port now and then, so that it is balanced anew.
        let mut socket = udp_to(shared.server).await;
        for _ in 0..PER_SOCKET {
            turn += 1;
            let (known, ask) = shared.question(turn);
            let mut reply = exchange(&socket, &ask).await;
            if reply.is_none() {
                let silent = Silence { name: known.name.clone(), client: socket.local_addr().unwrap() };
                shared.tally.lock().silent.push(silent);
                socket = udp_to(shared.server).await;
                reply = exchange(&socket, &ask).await;
            }
            match reply {
                Some(reply) => shared.judge(known, "UDP", &reply),
                None => shared.tally.lock().fail(format!("{} over UDP: no answer, twice", known.name)),
            }
            sleep(shared.pause).await;
        }
    }
}

async fn udp_to(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((server.ip(), 0)).await.unwrap();
    socket.connect(server).await.unwrap();
    socket
}

/// The reply with our id, which later ones of earlier questions do not have.
async fn exchange(socket: &UdpSocket, ask: &Ask) -> Option<Vec<u8>> {
    let bytes = ask.bytes();
    let asked = async {
        socket.send(&bytes).await.ok()?;
        let mut reply = vec![0; 4_096];
        loop {
            let length = socket.recv(&mut reply).await.ok()?;
            if reply[..length].starts_with(&bytes[..2]) {
                reply.truncate(length);
                return Some(reply);
            }
        }
    };
    timeout(PATIENCE, asked).await.ok().flatten()
}

async fn over_tcp(shared: Shared, mut turn: usize) {
    let mut stream: Option<TcpStream> = None;
    while !shared.stopped() {
        let mut open: Vec<(Known, Ask)> = Vec::new();
        for _ in 0..DEPTH {
            turn += 1;
            let (known, ask) = shared.question(turn);
            // On one connection no two questions have one id.
            open.push((known.clone(), ask.id(turn as u16)));
        }
        // The first time on the connection that is there, and once more on a new one.
        for attempt in 0..2 {
            let kept = stream.take().filter(|stream| attempt == 0 && !has_ended(stream));
            let connected = match kept {
                Some(kept) => Some(kept),
                None => timeout(PATIENCE, TcpStream::connect(shared.server)).await.ok().and_then(Result::ok),
            };
            let Some(mut connected) = connected else { continue };
            if converse(&shared, &mut connected, &mut open).await {
                stream = Some(connected);
            }
            if open.is_empty() {
                break;
            }
            if attempt == 0 {
                shared.tally.lock().crossed += open.len();
            }
        }
        for (known, _) in open {
            shared.tally.lock().fail(format!("{} over TCP: no answer, twice", known.name));
        }
        sleep(shared.pause).await;
    }
}

/// Asks what is open, in one write, and takes out what was answered. Whether the connection can be used again.
async fn converse(shared: &Shared, stream: &mut TcpStream, open: &mut Vec<(Known, Ask)>) -> bool {
    let mut out = Vec::new();
    for (_, ask) in open.iter() {
        let bytes = ask.bytes();
        out.extend_from_slice(&u16::try_from(bytes.len()).unwrap().to_be_bytes());
        out.extend_from_slice(&bytes);
    }
    // A write that fails shows in what is read.
    let _ = stream.write_all(&out).await;
    while !open.is_empty() {
        match timeout(PATIENCE, read_message(stream)).await {
            Ok(Ok(Some(reply))) => {
                let id = |ask: &Ask| ask.message().id.to_be_bytes();
                let Some(at) = open.iter().position(|(_, ask)| reply.starts_with(&id(ask))) else {
                    shared.tally.lock().fail("an answer to no question".to_owned());
                    return false;
                };
                let (known, _) = open.swap_remove(at);
                shared.judge(&known, "TCP", &reply);
            }
            Ok(Ok(None)) => return false,
            Ok(Err(_)) => {
                shared.tally.lock().resets += 1;
                return false;
            }
            Err(_) => {
                // What is not answered on the next one either has failed.
                return false;
            }
        }
    }
    true
}

/// None when the server has said goodbye.
async fn read_message(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    if stream.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut length[1..]).await?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).await?;
    Ok(Some(message))
}

/// Whether the server has closed it while nothing was asked.
fn has_ended(stream: &TcpStream) -> bool {
    !matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}
