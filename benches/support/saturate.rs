//! The load over UDP: several sockets with a window of questions each, so that the server always finds more; every answer is
//! looked at, and belongs to a question that is out.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::mmsg::{BATCH, Batch};
use super::questions::Questions;

/// Longer than any answer takes; what did not come until then was lost, and others are asked.
const PATIENCE: Duration = Duration::from_secs(1);
/// After a loss, so that one of them on each socket does not take the whole time.
const HASTE: Duration = Duration::from_millis(20);

/// How much is out at one time. Together not more than what fits into the receive buffer that a server has by default.
#[derive(Clone, Copy)]
pub struct Width {
    pub sockets: usize,
    pub window: usize,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answered {
    pub right: u64,
    pub wrong: u64,
    /// Of the last wrong one.
    pub wrong_rcode: u8,
    pub lost: u64,
    /// Came after they were given up.
    pub late: u64,
    pub took: Duration,
}

struct Asker {
    number: usize,
    socket: UdpSocket,
    next: u16,
    out: Out,
}

/// The ids that wait for an answer.
struct Out {
    ids: Box<[u64; 1024]>,
    count: usize,
}

/// Asks `server` for as long as `period`.
pub fn run(server: SocketAddr, questions: &Questions, width: Width, period: Duration) -> io::Result<Answered> {
    let mut askers = Vec::new();
    for number in 0..width.sockets {
        askers.push(Asker::new(number, server)?);
    }
    let mut batch = Batch::new();
    let mut answered = Answered::default();
    let mut message = Vec::with_capacity(512);
    let started = interlocal::clock::now();
    for asker in &mut askers {
        asker.ask(&mut batch, width.window, questions, &mut message)?;
    }
    let mut hasty = false;
    while since(started) < period {
        if answered.lost > 0 && !hasty {
            hasty = true;
            askers.iter().try_for_each(|asker| asker.socket.set_read_timeout(Some(HASTE)))?;
        }
        for asker in &mut askers {
            if since(started) >= period {
                break;
            }
            asker.take(&mut batch, questions, &mut message, &mut answered)?;
            asker.ask(&mut batch, width.window - asker.out.count, questions, &mut message)?;
        }
    }
    answered.took = since(started);
    Ok(answered)
}

fn since(started: Instant) -> Duration {
    interlocal::clock::now().duration_since(started)
}

impl Asker {
    fn new(number: usize, server: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(server)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { number, socket, next: 0, out: Out { ids: Box::new([0; 1024]), count: 0 } })
    }

    fn ask(&mut self, batch: &mut Batch, count: usize, questions: &Questions, message: &mut Vec<u8>) -> io::Result<()> {
        let count = count.min(BATCH);
        if count == 0 {
            return Ok(());
        }
        for number in 0..count {
            questions.write(self.number, self.next.wrapping_add(number as u16), message);
            batch.put(number, message);
        }
        // What does not leave is asked in the next turn.
        for _ in 0..batch.send(&self.socket, count, false)? {
            self.out.insert(self.next);
            self.next = self.next.wrapping_add(1);
        }
        Ok(())
    }

    fn take(
        &mut self,
        batch: &mut Batch,
        questions: &Questions,
        message: &mut Vec<u8>,
        answered: &mut Answered,
    ) -> io::Result<()> {
        let count = match batch.receive(&self.socket) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                answered.lost += self.out.count as u64;
                self.out = Out { ids: Box::new([0; 1024]), count: 0 };
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for number in 0..count {
            let reply = batch.datagram(number);
            let id = reply.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
            if !self.out.remove(id) {
                // Given up before, perhaps; otherwise nobody asked for it.
                *(if answered.lost > 0 { &mut answered.late } else { &mut answered.wrong }) += 1;
                continue;
            }
            questions.write(self.number, id, message);
            if questions.is_right(message, reply) {
                answered.right += 1;
            } else {
                answered.wrong += 1;
                answered.wrong_rcode = reply.get(3).map_or(0, |octet| octet & 15);
            }
        }
        Ok(())
    }
}

impl Out {
    fn insert(&mut self, id: u16) {
        self.ids[usize::from(id >> 6)] |= 1 << (id & 63);
        self.count += 1;
    }

    fn remove(&mut self, id: u16) -> bool {
        let (at, bit) = (usize::from(id >> 6), 1u64 << (id & 63));
        if self.ids[at] & bit == 0 {
            return false;
        }
        self.ids[at] &= !bit;
        self.count -= 1;
        true
    }
}
