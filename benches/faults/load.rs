//! Questions over UDP at a steady rate, from one socket, each with the time that its answer took. Nothing is asked twice.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use interlocal::clock;
use parking_lot::Mutex;

use crate::samples::{Outcome, Sample, Samples};

/// A stub resolver's patience, and a little more.
pub const PATIENCE: Duration = Duration::from_millis(5_500);
/// A burst is sent this fast: what arrives in one moment would be lost in the server's socket buffer, for any server.
const BURST: f64 = 20_000.0;

/// One question for an A record.
#[derive(Debug, Clone)]
pub struct Ask {
    pub name: String,
    /// What the row calls it.
    pub tag: u8,
    /// The answer that is right; none if any address is.
    pub expect: Option<Ipv4Addr>,
}

/// A load that runs.
pub struct Load {
    stop: Arc<AtomicBool>,
    shared: Arc<Mutex<Shared>>,
    sender: JoinHandle<()>,
    receiver: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    samples: Vec<Sample>,
    /// The latest question with this id.
    waiting: HashMap<u16, usize>,
    strange: usize,
    sent_all: bool,
}

/// Asks so often a second until it is stopped or there is nothing left to ask.
pub fn start(server: SocketAddr, rate: f64, next: impl FnMut(u64) -> Option<Ask> + Send + 'static) -> Load {
    start_from(Ipv4Addr::UNSPECIFIED, server, rate, next)
}

/// The same, as a client with this address.
pub fn start_from(
    client: Ipv4Addr,
    server: SocketAddr,
    rate: f64,
    next: impl FnMut(u64) -> Option<Ask> + Send + 'static,
) -> Load {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
    let _ = socket.set_recv_buffer_size(4 << 20);
    socket.bind(&SocketAddr::from((client, 0)).into()).unwrap();
    let socket: UdpSocket = socket.into();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let socket = Arc::new(socket);
    let stop = Arc::new(AtomicBool::new(false));
    let shared = Arc::new(Mutex::new(Shared::default()));
    let sender = {
        let (socket, stop, shared) = (Arc::clone(&socket), Arc::clone(&stop), Arc::clone(&shared));
        std::thread::spawn(move || send(&socket, rate, next, &stop, &shared))
    };
    let receiver = {
        let shared = Arc::clone(&shared);
        std::thread::spawn(move || receive(&socket, &shared))
    };
    Load { stop, shared, sender, receiver }
}

/// Asks all of them as one burst, and waits for the answers.
pub fn burst(server: SocketAddr, asks: Vec<Ask>) -> Samples {
    let mut asks = asks.into_iter();
    start(server, BURST, move |_| asks.next()).end()
}

/// Asks one after the other, each when the one before is answered and this gap is over.
pub fn one_by_one(server: SocketAddr, gap: Duration, asks: impl IntoIterator<Item = Ask>) -> Samples {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut shared = Shared::default();
    let mut buffer = [0; 4_096];
    for (number, ask) in asks.into_iter().enumerate() {
        let message = shared.enter(number as u16, ask);
        if socket.send(&message).is_ok() {
            while shared.waiting.contains_key(&(number as u16)) {
                let Ok(length) = socket.recv(&mut buffer) else { break };
                shared.take(&buffer[..length], clock::now());
            }
        }
        shared.waiting.clear();
        // Sleeping takes longer than what is asked for here.
        let end = clock::now() + gap;
        while clock::now() < end {
            std::thread::yield_now();
        }
    }
    Samples { all: shared.samples, strange: shared.strange }
}

impl Load {
    /// No more questions; the answers to those that are out are waited for.
    pub fn stop(self) -> Samples {
        self.stop.store(true, Ordering::Relaxed);
        self.end()
    }

    /// When the first fresh answer came.
    pub fn first_right(&self) -> Option<Instant> {
        let shared = self.shared.lock();
        let right = shared.samples.iter().filter(|sample| sample.outcome() == Outcome::Right);
        right.filter_map(|sample| Some(sample.at + sample.took?)).min()
    }

    /// Waits until there is nothing left to ask, and for the answers.
    pub fn end(self) -> Samples {
        self.sender.join().unwrap();
        self.shared.lock().sent_all = true;
        self.receiver.join().unwrap();
        let mut shared = self.shared.lock();
        Samples { all: std::mem::take(&mut shared.samples), strange: shared.strange }
    }
}

fn send(
    socket: &UdpSocket,
    rate: f64,
    mut next: impl FnMut(u64) -> Option<Ask>,
    stop: &AtomicBool,
    shared: &Mutex<Shared>,
) {
    let began = clock::now();
    let mut sent = 0u64;
    while !stop.load(Ordering::Relaxed) {
        let due = 1 + (clock::now().duration_since(began).as_secs_f64() * rate) as u64;
        while sent < due {
            let Some(ask) = next(sent) else { return };
            // Not 0, 1, 2: a row has several loads, and a server may mix them up only if it is wrong.
            let message = shared.lock().enter((sent as u16).wrapping_mul(40_503), ask);
            let _ = socket.send(&message);
            sent += 1;
        }
        std::thread::sleep(Duration::from_micros(500).min(Duration::from_secs_f64(1.0 / rate)));
    }
}

fn receive(socket: &UdpSocket, shared: &Mutex<Shared>) {
    let mut buffer = [0; 4_096];
    let mut last: Option<Instant> = None;
    loop {
        match socket.recv(&mut buffer) {
            Ok(length) => {
                let now = clock::now();
                shared.lock().take(&buffer[..length], now);
            }
            // Nothing yet, or "connection refused", which is no answer.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionRefused) => {}
            Err(error) => panic!("{error}"),
        }
        let shared = shared.lock();
        if shared.sent_all {
            let now = clock::now();
            let since = *last.get_or_insert(now);
            if shared.waiting.is_empty() || now.duration_since(since) > PATIENCE {
                return;
            }
        }
    }
}

impl Shared {
    /// Writes the question down, and gives the message.
    fn enter(&mut self, id: u16, ask: Ask) -> Vec<u8> {
        let question = question(&ask.name);
        let mut message = vec![0; 12];
        message[..2].copy_from_slice(&id.to_be_bytes());
        // RD, one question, one additional record.
        (message[2], message[5], message[11]) = (1, 1, 1);
        message.extend_from_slice(&question);
        // OPT, 1232 octets.
        message.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        self.waiting.insert(id, self.samples.len());
        self.samples.push(Sample::new(ask, question, clock::now()));
        message
    }

    fn take(&mut self, reply: &[u8], now: Instant) {
        let index = match reply {
            [high, low, ..] => self.waiting.get(&u16::from_be_bytes([*high, *low])).copied(),
            _ => None,
        };
        let Some(index) = index else {
            self.strange += 1;
            return;
        };
        let sample = &mut self.samples[index];
        let asked = sample.question.len();
        if reply.len() < 12 + asked || reply[12..12 + asked] != sample.question[..] {
            self.strange += 1;
            return;
        }
        sample.took = Some(now.duration_since(sample.at));
        sample.reply = reply.to_vec();
        self.waiting.remove(&u16::from_be_bytes([reply[0], reply[1]]));
    }
}

fn question(name: &str) -> Vec<u8> {
    let mut wire = Vec::with_capacity(name.len() + 6);
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(label.len() as u8);
        wire.extend_from_slice(label.as_bytes());
    }
    wire.extend_from_slice(&[0, 0, 1, 0, 1]);
    wire
}
