//! What a UDP worker needs of its socket: datagrams in, replies out. Two ways to get it: batches on Linux, and one by one
//! everywhere else.

use std::io;
use std::net::{IpAddr, SocketAddr};

/// Datagrams received with one system call. More than 32 gain nothing measurable and cost cache.
pub(crate) const BATCH: usize = 32;
/// Octets of the longest question over UDP that is read. Real ones stay below 512; options may add some.
pub(super) const RECEIVE_BYTES: usize = 4_096;

/// The local address that a datagram came to, if the socket is bound to all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LocalAddr {
    pub address: Option<IpAddr>,
    /// For link-local addresses.
    pub interface: u32,
}

/// One datagram, and the room for its reply.
pub(super) struct Slot<'b> {
    pub message: &'b [u8],
    pub from: SocketAddr,
    pub local: LocalAddr,
    pub reply: &'b mut [u8],
    /// 0: no reply.
    pub reply_len: &'b mut usize,
}

/// One datagram to send, and the local address that it is to come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outgoing<'b> {
    pub bytes: &'b [u8],
    pub to: SocketAddr,
    pub from: LocalAddr,
}

/// What became of the replies of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    pub sent: usize,
    /// The socket had no room, or the network no way.
    pub dropped: usize,
}

/// A socket with its buffers.
pub(super) trait Datagrams {
    /// Waits for datagrams, at most as long as the socket's receive timeout, and gives how many came.
    fn receive(&mut self) -> io::Result<usize>;
    fn slot(&mut self, number: usize) -> Slot<'_>;
    /// Sends the replies of the batch.
    fn send(&mut self) -> Sent;
}
