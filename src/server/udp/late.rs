//! Replies that come later than their batch: through the worker's own socket, from the address that was asked.

use std::net::UdpSocket;
use std::sync::Arc;

#[cfg(target_os = "linux")]
use super::datagrams::BATCH;
use super::datagrams::{Outgoing, Sent};

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

    /// Do both lead through the same socket?
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.socket, &other.socket)
    }

    /// Orders replies, so that those through one socket stand together.
    pub(crate) fn order(&self) -> usize {
        Arc::as_ptr(&self.socket).addr()
    }

    /// Sends replies; there is nobody to tell if that fails, so the caller counts it.
    pub(crate) fn send(&self, replies: &[Outgoing<'_>]) -> Sent {
        #[cfg(target_os = "linux")]
        if !self.plain {
            return match replies {
                [_] => super::mmsg::send_some::<1>(&self.socket, replies),
                _ => super::mmsg::send_some::<BATCH>(&self.socket, replies),
            };
        }
        let sent = replies.iter().filter(|reply| self.socket.send_to(reply.bytes, reply.to).is_ok()).count();
        Sent { sent, dropped: replies.len() - sent }
    }
}
