//! One question in one datagram, from a socket of its own: the kernel gives it a port at random out of its ephemeral range
//! (28,232 ports by default on Linux), and it is connected, so that packets and ICMP errors from elsewhere do not reach it
//! (RFC 5452 4, SAD DNS). No retries here, and no TCP.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::random;
use crate::wire::exchange::{Manner, Question, Received};
use crate::wire::{HEADER_LEN, WireError, spelling};

/// Room for a reply: more than we say that we take, for servers that do not look.
pub const ROOM: usize = 4_096;

/// Whether the letters of the question are in a case that a forger has to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    Lower,
    /// Each in one by chance, and a reply has to have them so.
    Random,
}

/// How one try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Datagram {
    Answer(Box<Received>),
    /// A reply came with another id, another question, or the question in another case than a random one: somebody may be
    /// guessing, so UDP is not to be trusted for this question (CVE-2020-25705).
    Forged,
    /// The host says that nobody listens there, or there is no way to it.
    Unreachable,
    Silent,
}

/// A question over UDP as it leaves: the proof that a reply has to bear.
#[derive(Debug)]
pub struct Posted {
    id: u16,
    /// The message, where the case of its letters is part of the proof.
    spelled: Option<Vec<u8>>,
}

impl Posted {
    /// With the message to send.
    #[must_use]
    pub fn write(question: &Question, manner: Manner<'_>, spelling: Spelling) -> (Self, Vec<u8>) {
        let id = random::id();
        let mut message = question.asked().write(id, manner);
        let spelled = (spelling == Spelling::Random).then(|| {
            spelling::scatter(&mut message, random::coin);
            message.clone()
        });
        (Self { id, spelled }, message)
    }

    #[must_use]
    pub fn id(&self) -> u16 {
        self.id
    }

    /// Draws another id, where this one is in use.
    pub fn renumber(&mut self, message: &mut [u8]) {
        self.id = random::id();
        message[..2].copy_from_slice(&self.id.to_be_bytes());
    }

    /// What a message that came says to it. `None`: what cannot be read, or is no reply, never ends a wait (TuDoor).
    pub fn reads(&self, question: &Question, message: &mut [u8], stamp_option: u16) -> Option<Datagram> {
        // Too short to have an id that could be wrong.
        if message.len() < HEADER_LEN {
            return None;
        }
        let asked = question.asked();
        match asked.matches(self.id, message) {
            Err(WireError::Id | WireError::Question) => return Some(Datagram::Forged),
            Err(_) => return None,
            Ok(()) => {}
        }
        if let Some(spelled) = &self.spelled {
            if !spelling::is_kept(spelled, message) {
                return Some(Datagram::Forged);
            }
            spelling::settle(message, asked.name);
        }
        Received::parse(&asked, message, stamp_option).ok().map(|received| Datagram::Answer(Box::new(received)))
    }
}

/// Asks once and listens until `until`.
pub async fn ask(
    server: SocketAddr,
    question: &Question,
    manner: Manner<'_>,
    spelling: Spelling,
    stamp_option: u16,
    until: Instant,
) -> Datagram {
    let (posted, message) = Posted::write(question, manner, spelling);
    let Ok(socket) = send(server, &message).await else { return Datagram::Unreachable };
    let mut buffer = vec![0; ROOM];
    loop {
        let length = match timeout_at(until, socket.recv(&mut buffer)).await {
            Err(_) => return Datagram::Silent,
            Ok(Err(_)) => return Datagram::Unreachable,
            Ok(Ok(length)) => length,
        };
        if let Some(outcome) = posted.reads(question, &mut buffer[..length], stamp_option) {
            return outcome;
        }
    }
}

async fn send(server: SocketAddr, message: &[u8]) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(any(server)).await?;
    socket.connect(server).await?;
    socket.send(message).await?;
    Ok(socket)
}

/// Where a socket for this server is bound to: any address of ours, and a port that the kernel draws.
#[must_use]
pub fn any(server: SocketAddr) -> SocketAddr {
    if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() }
}
