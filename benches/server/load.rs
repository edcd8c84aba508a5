//! The load: several sockets with a window of questions each, so that the server always finds a full batch; every answer is
//! looked at.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::mmsg::{BATCH, Batch};

const SOCKETS: usize = 8;
/// Longer than any answer takes; what did not come until then was lost, and is asked again.
const PATIENCE: Duration = Duration::from_millis(200);

/// What is asked, and how its answer is known.
pub struct Question {
    /// With any id.
    pub message: Vec<u8>,
    /// Of the answer: rcode, and records in the answer section; none if the server only echoes.
    pub expected: Option<(u8, u16)>,
}

/// What came of it.
#[derive(Clone, Copy, Default)]
pub struct Answered {
    pub right: u64,
    pub wrong: u64,
    pub lost: u64,
    pub took: Duration,
}

/// Asks `server` for as long as `period`.
pub fn run(server: SocketAddr, question: &Question, period: Duration) -> io::Result<Answered> {
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(server)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        sockets.push(socket);
    }
    let mut batch = Batch::new();
    let mut answered = Answered::default();
    let mut waiting = [0; SOCKETS];
    let mut id = 0;
    let started = interlocal::clock::now();
    for (socket, waiting) in sockets.iter().zip(&mut waiting) {
        *waiting = ask(socket, &mut batch, BATCH, question, &mut id)?;
    }
    while since(started) < period {
        for (socket, waiting) in sockets.iter().zip(&mut waiting) {
            match batch.receive(socket) {
                Ok(count) => {
                    for number in 0..count {
                        let right = is_right(batch.datagram(number), question);
                        *(if right { &mut answered.right } else { &mut answered.wrong }) += 1;
                    }
                    *waiting -= count;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    answered.lost += *waiting as u64;
                    *waiting = 0;
                }
                Err(error) => return Err(error),
            }
            *waiting += ask(socket, &mut batch, BATCH - *waiting, question, &mut id)?;
        }
    }
    answered.took = since(started);
    Ok(answered)
}

fn since(started: Instant) -> Duration {
    interlocal::clock::now().duration_since(started)
}

fn ask(socket: &UdpSocket, batch: &mut Batch, count: usize, question: &Question, id: &mut u16) -> io::Result<usize> {
    if count == 0 {
        return Ok(0);
    }
    for number in 0..count {
        *id = id.wrapping_add(1);
        batch.put(number, &question.message);
        batch.datagram(number)[..2].copy_from_slice(&id.to_be_bytes());
    }
    batch.send(socket, count, false)
}

/// Header, question and counts; the records themselves are for the tests.
fn is_right(reply: &[u8], question: &Question) -> bool {
    let asked = &question.message;
    let end = 12 + asked[12..].iter().position(|octet| *octet == 0).unwrap_or(0) + 5;
    if reply.len() < end || reply[2] & 0x80 == 0 || reply[12..end] != asked[12..end] {
        return false;
    }
    match question.expected {
        Some((rcode, answers)) => reply[3] & 15 == rcode && reply[6..8] == answers.to_be_bytes(),
        None => reply[3..] == asked[3..],
    }
}
