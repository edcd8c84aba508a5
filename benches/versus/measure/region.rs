//! What a question to another region takes longer than a bare round trip to its door on an open connection: one question after
//! the other, each for a name that nobody has asked before.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use anyhow::ensure;

use crate::peers::Region;
use crate::stats::quantile;
use crate::support::questions::Questions;
use crate::support::world::DOMAIN;
use interlocal::clock;
use interlocal::wire::rtype;

const PATIENCE: Duration = Duration::from_secs(5);

/// Times in µs.
#[derive(Clone, Copy, Debug)]
pub struct Added {
    pub bare_p50: f64,
    pub bare_p99: f64,
    pub miss_p50: f64,
    pub miss_p99: f64,
}

impl Added {
    /// The slow ones beside a usual round trip.
    pub fn p99(&self) -> f64 {
        self.miss_p99 - self.bare_p50
    }
}

/// In turns, so that both see the same machine.
pub fn measure(region: &Region, steps: usize, run: u16) -> anyhow::Result<Added> {
    let unique = |run| Questions::unique(&format!("east.svc.{DOMAIN}"), rtype::A, (3, 0), run);
    let (bare, missed) = (unique(2 * run), unique(2 * run + 1));
    let mut stream = TcpStream::connect(region.east_peers_door)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let socket = udp(region.central)?;
    let (mut bare_took, mut miss_took) = (Vec::new(), Vec::new());
    for id in 0..steps as u16 {
        bare_took.push(over_tcp(&mut stream, &bare, id)?);
        miss_took.push(over_udp(&socket, &missed, id)?);
    }
    bare_took.sort_unstable();
    miss_took.sort_unstable();
    let micros = |sorted: &[u64], share| quantile(sorted, share) as f64 / 1e3;
    Ok(Added {
        bare_p50: micros(&bare_took, 0.5),
        bare_p99: micros(&bare_took, 0.99),
        miss_p50: micros(&miss_took, 0.5),
        miss_p99: micros(&miss_took, 0.99),
    })
}

fn udp(server: SocketAddr) -> anyhow::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

fn over_udp(socket: &UdpSocket, questions: &Questions, id: u16) -> anyhow::Result<u64> {
    let (mut message, mut reply) = (Vec::new(), [0; 4_096]);
    questions.write(0, id, &mut message);
    let begun = clock::now();
    socket.send(&message)?;
    let length = socket.recv(&mut reply)?;
    let took = clock::now().duration_since(begun);
    ensure!(questions.is_right(&message, &reply[..length]), "a wrong answer over UDP");
    Ok(took.as_nanos() as u64)
}

fn over_tcp(stream: &mut TcpStream, questions: &Questions, id: u16) -> anyhow::Result<u64> {
    let mut message = Vec::new();
    questions.write(0, id, &mut message);
    let mut framed = (message.len() as u16).to_be_bytes().to_vec();
    framed.extend_from_slice(&message);
    let mut length = [0; 2];
    let begun = clock::now();
    stream.write_all(&framed)?;
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply)?;
    let took = clock::now().duration_since(begun);
    ensure!(questions.is_right(&message, &reply), "a wrong answer over TCP");
    Ok(took.as_nanos() as u64)
}
