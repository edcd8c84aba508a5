//! The server behind those that forward: one address for every name of others, the cluster's names as they are, and the rest is
//! denied. Names that begin with `slow` take their time and are counted; the count is the address of `count`.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::world;

/// What a slow name takes: less than whoever forwards waits before it asks again.
pub const SLOW: Duration = Duration::from_millis(80);
const SOA: &[u8] =
    b"\0\0\x06\0\x01\0\0\0\x3c\0\x18\x01n\0\x01r\0\0\0\0\x01\0\0\x0e\x10\0\0\x0e\x10\0\0\x0e\x10\0\0\0\x3c";

/// What it knows.
pub struct Upstream {
    cluster: HashMap<Vec<u8>, Vec<Ipv4Addr>>,
    slow: AtomicU32,
}

impl Upstream {
    pub fn new() -> Arc<Self> {
        let (name, addresses) = world::headless();
        let mut cluster: HashMap<_, _> =
            world::services().map(|(name, address)| (wire(&name), vec![address])).collect();
        cluster.insert(wire(&name), addresses.to_vec());
        Arc::new(Self { cluster, slow: AtomicU32::new(0) })
    }

    /// Serves datagrams for ever.
    pub fn serve_udp(&self, socket: &UdpSocket) -> io::Result<()> {
        let mut buffer = [0; 4_096];
        loop {
            let Ok((len, from)) = socket.recv_from(&mut buffer) else { continue };
            let Some((reply, slow)) = self.reply(&buffer[..len]) else { continue };
            if slow {
                let socket = socket.try_clone()?;
                std::thread::spawn(move || {
                    std::thread::sleep(SLOW);
                    let _ = socket.send_to(&reply, from);
                });
            } else {
                let _ = socket.send_to(&reply, from);
            }
        }
    }

    /// Serves connections for ever, one question at a time each.
    pub fn serve_tcp(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming().flatten() {
            let own = Arc::clone(self);
            std::thread::spawn(move || own.converse(stream));
        }
    }

    fn converse(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut length = [0; 2];
        loop {
            stream.read_exact(&mut length)?;
            let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut message)?;
            let Some((reply, _)) = self.reply(&message) else { return Ok(()) };
            let mut framed = (reply.len() as u16).to_be_bytes().to_vec();
            framed.extend_from_slice(&reply);
            stream.write_all(&framed)?;
        }
    }

    fn reply(&self, message: &[u8]) -> Option<(Vec<u8>, bool)> {
        let name = message.get(12..)?.iter().position(|octet| *octet == 0)?;
        let end = 12 + name + 5;
        let asked = message.get(12..12 + name + 1)?.to_ascii_lowercase();
        let is_a = message.get(end - 4..end - 2)? == [0, 1];
        let label = asked.get(1..=usize::from(asked[0])).unwrap_or_default();
        let slow = label.starts_with(b"slow");
        let addresses = if !is_a {
            Vec::new()
        } else if slow {
            self.slow.fetch_add(1, Ordering::Relaxed);
            vec![Ipv4Addr::LOCALHOST]
        } else if label == b"count" {
            vec![Ipv4Addr::from(10 << 24 | self.slow.load(Ordering::Relaxed))]
        } else if asked.ends_with(b"\x07cluster\x05local\0") {
            self.cluster.get(&asked).cloned().unwrap_or_default()
        } else {
            vec![Ipv4Addr::new(10, 1, 2, 3)]
        };
        let mut reply = message[..end].to_vec();
        let (rcode, authority) = if addresses.is_empty() { (0x83, 1) } else { (0x80, 0) };
        reply[2..12].copy_from_slice(&[0x81, rcode, 0, 1, 0, addresses.len() as u8, 0, authority, 0, 0]);
        let ttl: u32 = if label == b"count" { 0 } else { 3_600 };
        for address in &addresses {
            reply.extend_from_slice(b"\xc0\x0c\0\x01\0\x01");
            reply.extend_from_slice(&ttl.to_be_bytes());
            reply.extend_from_slice(b"\0\x04");
            reply.extend_from_slice(&address.octets());
        }
        if addresses.is_empty() {
            reply.extend_from_slice(SOA);
        }
        Some((reply, slow))
    }
}

/// A thread that serves datagrams on loopback, for as long as the process.
pub fn start_udp() -> io::Result<SocketAddr> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let address = socket.local_addr()?;
    let upstream = Upstream::new();
    std::thread::Builder::new().name("upstream".into()).spawn(move || upstream.serve_udp(&socket))?;
    Ok(address)
}

fn wire(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.') {
        wire.push(label.len() as u8);
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    wire
}
