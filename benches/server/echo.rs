//! The limit: a server on the same loop that flips one bit and nothing else; and an upstream that says one address for every
//! name.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::mmsg::Batch;

/// As the server's: its sockets' options, and its tick.
const BUFFER: usize = 4 << 20;
const TICK: Duration = Duration::from_millis(100);
/// The name of its thread.
pub const THREAD: &str = "echo";

/// Starts it, until `stop`.
pub fn start(stop: &Arc<AtomicBool>) -> io::Result<SocketAddr> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_port(true)?;
    socket.set_recv_buffer_size(BUFFER)?;
    socket.set_send_buffer_size(BUFFER)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    let socket: UdpSocket = socket.into();
    socket.set_read_timeout(Some(TICK))?;
    let (address, stop) = (socket.local_addr()?, Arc::clone(stop));
    std::thread::Builder::new().name(THREAD.into()).spawn(move || {
        let mut batch = Batch::new();
        while !stop.load(Ordering::Relaxed) {
            let Ok(count) = batch.receive(&socket) else { continue };
            for number in 0..count {
                batch.datagram(number)[2] |= 0x80;
            }
            let _ = batch.send(&socket, count, true);
        }
    })?;
    Ok(address)
}

/// Answers A with one address and all else with NXDOMAIN, until `stop`.
pub fn start_upstream(stop: &Arc<AtomicBool>) -> io::Result<SocketAddr> {
    const RECORD: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\x0e\x10\0\x04\x0a\x01\x02\x03";
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(TICK))?;
    let (address, stop) = (socket.local_addr()?, Arc::clone(stop));
    std::thread::Builder::new().name("upstream".into()).spawn(move || {
        let mut buffer = [0; 4_096];
        while !stop.load(Ordering::Relaxed) {
            let Ok((len, from)) = socket.recv_from(&mut buffer) else { continue };
            let Some(name) = buffer[12..len].iter().position(|octet| *octet == 0) else { continue };
            let end = 12 + name + 5;
            let is_a = buffer[end - 4..end - 2] == [0, 1];
            let mut reply = buffer[..end].to_vec();
            reply[2..12].copy_from_slice(&[0x81, if is_a { 0x80 } else { 0x83 }, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0]);
            if is_a {
                reply.extend_from_slice(RECORD);
            }
            let _ = socket.send_to(&reply, from);
        }
    })?;
    Ok(address)
}
