//! The limit: a server on the same loop that flips one bit and nothing else.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::mmsg::Batch;

/// As the server's: its sockets' options, and its tick.
const BUFFER: usize = 4 << 20;
const TICK: Duration = Duration::from_millis(100);

pub fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_port(true)?;
    socket.set_recv_buffer_size(BUFFER)?;
    socket.set_send_buffer_size(BUFFER)?;
    socket.bind(&address.into())?;
    let socket: UdpSocket = socket.into();
    socket.set_read_timeout(Some(TICK))?;
    Ok(socket)
}

/// Echoes until `stop`.
pub fn serve(socket: &UdpSocket, stop: &AtomicBool) {
    let mut batch = Batch::new();
    while !stop.load(Ordering::Relaxed) {
        let Ok(count) = batch.receive(socket) else { continue };
        for number in 0..count {
            batch.datagram(number)[2] |= 0x80;
        }
        let _ = batch.send(socket, count, true);
    }
}
