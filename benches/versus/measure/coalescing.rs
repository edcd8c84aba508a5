//! Ten thousand ask the same at once: how often the upstream is asked, and how many get their answer.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::ensure;

use crate::support::questions::{Questions, question};
use crate::support::world::OUTSIDE;
use interlocal::clock;
use interlocal::wire::rtype;

pub const ASKERS: usize = 10_000;
const SOCKETS: usize = 50;
/// For all of them together, and for each that is still out then.
const PATIENCE: Duration = Duration::from_secs(5);
const LATE: Duration = Duration::from_millis(5);

#[derive(Clone, Copy, Debug)]
pub struct Coalesced {
    pub answered: usize,
    pub upstream: u32,
}

/// `run` is another number each time.
pub fn measure(server: SocketAddr, upstream: SocketAddr, run: usize) -> anyhow::Result<Coalesced> {
    let asked = Questions::new(vec![question(&format!("slow-{run}.{OUTSIDE}"), rtype::A, Some((0, 1)))]);
    let before = count(upstream)?;
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(server)?;
        sockets.push(socket);
    }
    let (mut message, mut reply) = (Vec::new(), [0; 4_096]);
    for id in 0..(ASKERS / SOCKETS) as u16 {
        for (number, socket) in sockets.iter().enumerate() {
            asked.write(number, id, &mut message);
            socket.send(&message)?;
        }
    }
    let mut answered = 0;
    let begun = clock::now();
    for (number, socket) in sockets.iter().enumerate() {
        let left = PATIENCE.saturating_sub(clock::now().duration_since(begun));
        socket.set_read_timeout(Some(left.max(LATE)))?;
        let mut out = vec![true; ASKERS / SOCKETS];
        while out.contains(&true) {
            let Ok(length) = socket.recv(&mut reply) else { break };
            let id = u16::from_be_bytes([reply[0], reply[1]]);
            asked.write(number, id, &mut message);
            if asked.is_right(&message, &reply[..length]) {
                answered += usize::from(std::mem::take(&mut out[usize::from(id)]));
            } else {
                // An answer all the same, but not the one that was asked for.
                out[usize::from(id)] = false;
            }
        }
    }
    Ok(Coalesced { answered, upstream: count(upstream)? - before })
}

/// Questions for slow names that the upstream has had.
fn count(upstream: SocketAddr) -> anyhow::Result<u32> {
    let asked = Questions::new(vec![question(&format!("count.{OUTSIDE}"), rtype::A, Some((0, 1)))]);
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(upstream)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let (mut message, mut reply) = (Vec::new(), [0; 512]);
    asked.write(0, 1, &mut message);
    socket.send(&message)?;
    let length = socket.recv(&mut reply)?;
    ensure!(asked.is_right(&message, &reply[..length]), "the upstream does not say its count");
    let address = reply[..length].last_chunk::<4>().map_or(0, |octets| u32::from_be_bytes(*octets));
    Ok(address & 0x00ff_ffff)
}
