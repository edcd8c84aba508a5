//! A miss that came over UDP, with its way back: through the worker's own socket, from the address that was asked.

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
use crate::server::resolve::Miss;

/// One question that is answered later.
pub(super) struct Later {
    pub miss: Miss,
    pub late: LateReply,
    pub to: SocketAddr,
    pub local: LocalAddr,
    pub started: Instant,
}

impl Later {
    /// Hands the question to the runtime, or refuses it at once if too many are there already.
    pub(super) fn start(self, core: &Arc<Core>) {
        let permit = match admit(core, self.miss.door, self.miss.source) {
            Ok(permit) => permit,
            Err(failure) => return self.give_up(core, &failure),
        };
        let core = Arc::clone(core);
        core.runtime.clone().spawn(async move {
            let reply = finish(&core, &self.miss, permit).await;
            self.send(&core, reply);
        });
    }

    /// Answers with a failure at once.
    pub(super) fn give_up(&self, core: &Core, failure: &Failure) {
        self.send(core, give_up(core, &self.miss, failure));
    }

    fn send(&self, core: &Core, reply: Option<(Vec<u8>, Done)>) {
        let Some((bytes, done)) = reply else { return };
        let recorder = core.recorders.of(self.miss.door, Proto::Udp, self.to.ip());
        if self.late.send(&bytes, self.to, self.local).is_err() {
            recorder.dropped(DropReason::Send);
        }
        let took = clock::now().duration_since(self.started);
        recorder.answered(&done.answered(self.miss.message.len()), took);
        log_late(core, self.to, &self.miss, &bytes, &done, took);
    }
}
