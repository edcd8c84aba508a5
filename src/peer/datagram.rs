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
const ROOM: usize = 4_096;

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
    /// A reply came with another id, another question, or the question in another case than a random one: somebody may be guessing, so UDP is not to be trusted for this
    /// question (CVE-2020-25705).
    Forged,
    /// The host says that nobody listens there, or there is no way to it.
    Unreachable,
    Silent,
}

/// Asks once and listens until `until`. What cannot be read, or is no reply, never ends the wait (TuDoor).
pub async fn ask(
    server: SocketAddr,
    question: &Question,
    manner: Manner<'_>,
    spelling: Spelling,
    stamp_option: u16,
    until: Instant,
) -> Datagram {
    let asked = question.asked();
    let id = random::id();
    let mut sent = asked.write(id, manner);
    if spelling == Spelling::Random {
        spelling::scatter(&mut sent, random::coin);
    }
    let Ok(socket) = send(server, &sent).await else { return Datagram::Unreachable };
    let mut buffer = vec![0; ROOM];
    loop {
        let length = match timeout_at(until, socket.recv(&mut buffer)).await {
            Err(_) => return Datagram::Silent,
            Ok(Err(_)) => return Datagram::Unreachable,
            Ok(Ok(length)) => length,
        };
        // Too short to have an id that could be wrong.
        if length < HEADER_LEN {
            continue;
        }
        let message = &mut buffer[..length];
        match asked.matches(id, message) {
            Err(WireError::Id | WireError::Question) => return Datagram::Forged,
            Err(_) => {}
            Ok(()) if spelling == Spelling::Random && !spelling::is_kept(&sent, message) => return Datagram::Forged,
            Ok(()) => {
                if spelling == Spelling::Random {
                    spelling::settle(message, asked.name);
                }
                if let Ok(received) = Received::parse(&asked, message, stamp_option) {
                    return Datagram::Answer(Box::new(received));
                }
            }
        }
    }
}

async fn send(server: SocketAddr, message: &[u8]) -> io::Result<UdpSocket> {
    let any: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(message).await?;
    Ok(socket)
}
