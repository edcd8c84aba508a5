//! A miss that came over UDP, with its way back: through the worker's own socket, from the address that was asked. One that only an
//! upstream is asked for goes with the courier, the others to the runtime.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::datagrams::LocalAddr;
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
            if let Some((bytes, done)) = finish(&core, &self.miss, permit).await {
                self.send(&core, &bytes, &done);
            }
        });
    }

    /// Answers with a failure at once.
    pub(in crate::server) fn give_up(&self, core: &Core, failure: &Failure) {
        if let Some((bytes, done)) = give_up(core, &self.miss, failure) {
            self.send(core, &bytes, &done);
        }
    }

    pub(in crate::server) fn send(&self, core: &Core, bytes: &[u8], done: &Done) {
        let recorder = core.recorders.of(self.miss.door, Proto::Udp, self.to.ip());
        if self.late.send(bytes, self.to, self.local).is_err() {
            recorder.dropped(DropReason::Send);
        }
        let took = clock::now().duration_since(self.started);
        recorder.answered(&done.answered(self.miss.message.len()), took);
        log_late(core, self.to, &self.miss, bytes, done, took);
    }
}
