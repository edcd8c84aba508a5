//! Replies that come later than their batch: through the worker's own socket, from the address that was asked.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use super::datagrams::LocalAddr;

/// Sends replies that come later than their batch, from the address that the question came to.
#[derive(Debug, Clone)]
pub(crate) struct LateReply {
    socket: Arc<UdpSocket>,
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    plain: bool,
}

impl LateReply {
    pub(super) fn new(socket: Arc<UdpSocket>, plain: bool) -> Self {
        Self { socket, plain }
    }

    /// Sends one reply; there is nobody to tell if that fails, so the caller counts it.
    pub(crate) fn send(&self, bytes: &[u8], to: SocketAddr, from: LocalAddr) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        if !self.plain {
            return super::mmsg::send_one(&self.socket, bytes, to, from);
        }
        let _ = from;
        self.socket.send_to(bytes, to).map(|_| ())
    }
}
