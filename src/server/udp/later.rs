//! A miss that came over UDP, with its way back: through the worker's own socket, from the address that was asked. One that only an
//! upstream is asked for goes with the courier, the others to the runtime.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::datagrams::{LocalAddr, Outgoing};
use super::late::LateReply;
use crate::answer::Failure;
use crate::clock;
use crate::metrics::{DropReason, Proto};
use crate::server::asking::Done;
use crate::server::core::Core;
use crate::server::finish::{admit, finish, give_up, log_late};
use crate::server::permits::Permit;
use crate::server::resolve::Miss;

/// One question that is answered later.
pub(in crate::server) struct Later {
    pub miss: Miss,
    pub late: LateReply,
    pub to: SocketAddr,
    pub local: LocalAddr,
    pub started: Instant,
}

/// What somebody gets.
pub(in crate::server) struct Reply {
    pub later: Later,
    pub bytes: Vec<u8>,
    pub done: Done,
    /// Held until it has left: an instance that ends waits for all permits.
    pub _held: Option<Arc<Permit>>,
}

impl Later {
    /// Lets it in, or refuses it at once if too many are there already.
    pub(super) fn admit(self, core: &Core) -> Option<(Self, Permit)> {
        match admit(core, self.miss.door, self.miss.source) {
            Ok(permit) => Some((self, permit)),
            Err(failure) => {
                self.give_up(core, &failure);
                None
            }
        }
    }

    /// Hands the question to the runtime.
    pub(in crate::server) fn start(self, core: &Arc<Core>, permit: Arc<Permit>) {
        let core = Arc::clone(core);
        core.runtime.clone().spawn(async move {
            if let Some((bytes, done)) = finish(&core, &self.miss, &permit).await {
                send(&core, vec![Reply { later: self, bytes, done, _held: Some(permit) }]);
            }
        });
    }

    /// Answers with a failure at once.
    pub(in crate::server) fn give_up(self, core: &Core, failure: &Failure) {
        if let Some((bytes, done)) = give_up(core, &self.miss, failure) {
            send(core, vec![Reply { later: self, bytes, done, _held: None }]);
        }
    }
}

/// Sends replies to those who asked, the ones through one socket with one system call, and counts them.
pub(in crate::server) fn send(core: &Core, mut replies: Vec<Reply>) {
    replies.sort_by_key(|reply| reply.later.late.order());
    for replies in replies.chunk_by(|one, other| one.later.late.is(&other.later.late)) {
        let outgoing: Vec<Outgoing<'_>> = replies
            .iter()
            .map(|reply| Outgoing { bytes: &reply.bytes, to: reply.later.to, from: reply.later.local })
            .collect();
        let sent = replies[0].later.late.send(&outgoing);
        let recorder = |Later { miss, to, .. }: &Later| core.recorders.of(miss.door, Proto::Udp, to.ip());
        (0..sent.dropped).for_each(|_| recorder(&replies[0].later).dropped(DropReason::Send));
        let now = clock::now();
        for Reply { later, bytes, done, .. } in replies {
            let took = now.duration_since(later.started);
            recorder(later).answered(&done.answered(later.miss.message.len()), took);
            log_late(core, later.to, &later.miss, bytes, done, took);
        }
    }
}
