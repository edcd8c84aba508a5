//! Datagrams one by one, with nothing but the standard library: for systems without `recvmmsg`, and to compare with. Replies
//! leave from the address that routing picks, so bind single addresses, not a wildcard, on hosts with several.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use super::datagrams::{Datagrams, LocalAddr, RECEIVE_BYTES, Sent, Slot};
use crate::wire::MAX_UDP_PAYLOAD;

/// One datagram and its reply.
pub(super) struct OneByOne {
    socket: Arc<UdpSocket>,
    input: Box<[u8]>,
    output: Box<[u8]>,
    len: usize,
    from: SocketAddr,
    reply_len: usize,
}

impl OneByOne {
    pub(super) fn new(socket: Arc<UdpSocket>) -> Self {
        Self {
            socket,
            input: vec![0; RECEIVE_BYTES].into(),
            output: vec![0; MAX_UDP_PAYLOAD].into(),
            len: 0,
            from: (Ipv4Addr::UNSPECIFIED, 0).into(),
            reply_len: 0,
        }
    }
}

impl Datagrams for OneByOne {
    fn receive(&mut self) -> io::Result<usize> {
        self.reply_len = 0;
        (self.len, self.from) = self.socket.recv_from(&mut self.input)?;
        Ok(1)
    }

    fn slot(&mut self, _number: usize) -> Slot<'_> {
        Slot {
            message: &self.input[..self.len],
            from: self.from,
            local: LocalAddr::default(),
            reply: &mut self.output,
            reply_len: &mut self.reply_len,
        }
    }

    fn send(&mut self) -> Sent {
        match self.reply_len {
            0 => Sent::default(),
            len => match self.socket.send_to(&self.output[..len], self.from) {
                Ok(_) => Sent { sent: 1, dropped: 0 },
                Err(_) => Sent { sent: 0, dropped: 1 },
            },
        }
    }
}
