//! A UDP worker: one thread, one socket, one batch after another. It answers what memory can answer, in place, and hands the rest
//! to the courier or the runtime by value.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::datagrams::Datagrams;
use super::late::LateReply;
use super::later::Later;
use crate::answer::Failure;
use crate::clock;
use crate::metrics::{DropReason, Recorder};
use crate::route::Door;
use crate::server::asking::{Asking, Transport};
use crate::server::contained::contained;
use crate::server::core::{Core, View};
use crate::server::heartbeat::Beat;
use crate::server::question::Outcome;
use crate::server::resolve::Miss;

/// How long a worker waits for a datagram before it looks after everything else: shutdown, heartbeat, old snapshots.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// After it was told to stop: how long a worker goes on while datagrams keep coming. What was received before is answered by then.
const LAST_CALL: Duration = Duration::from_millis(500);
/// After a receive error that is not a timeout: long enough not to spin, short enough not to be missed.
const ERROR_PAUSE: Duration = Duration::from_millis(5);

/// What a worker works with.
pub(super) struct Worker<D> {
    pub core: Arc<Core>,
    pub door: Door,
    pub datagrams: D,
    pub late: LateReply,
    pub recorder: Recorder,
    pub beat: Beat,
    pub stop: Arc<AtomicBool>,
}

impl<D: Datagrams> Worker<D> {
    /// Serves until told to stop, then until the socket is empty, so that nothing that was received is lost. Clients that go on
    /// asking do not keep it.
    pub(super) fn run(mut self) {
        let mut view = View::load(&self.core);
        let mut rotation = 0;
        let mut last_call: Option<Instant> = None;
        loop {
            let received = self.datagrams.receive();
            let now = clock::now();
            self.beat.tick(now);
            view.refresh(&self.core);
            match received {
                Ok(count) => self.batch(&view, count, now, &mut rotation),
                Err(error) if is_timeout(&error) => {
                    if last_call.is_some() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "receive failed");
                    std::thread::sleep(ERROR_PAUSE);
                }
            }
            if last_call.is_none() && self.stop.load(Ordering::Relaxed) {
                last_call = Some(now + LAST_CALL);
            }
            if last_call.is_some_and(|end| now >= end) {
                return;
            }
        }
    }

    fn batch(&mut self, view: &View, count: usize, now: Instant, rotation: &mut usize) {
        let log = view.routing.query_log.as_deref();
        let mut logged = Vec::new();
        let mut parcels = Vec::new();
        for number in 0..count {
            let slot = self.datagrams.slot(number);
            *rotation = rotation.wrapping_add(1);
            let asking = Asking {
                core: &self.core,
                view,
                door: self.door,
                transport: Transport::Udp,
                source: slot.from.ip(),
                port: slot.from.port(),
                now,
                rotation: *rotation,
            };
            match contained(|| asking.answer(slot.message, slot.reply)) {
                Some(Outcome::Reply(reply)) => {
                    *slot.reply_len = reply.len;
                    self.recorder.answered(&reply.answered(slot.message.len()));
                    if let Some(log) = log {
                        let written = &slot.reply[..reply.len];
                        logged.extend(log.entry(slot.from, Transport::Udp, slot.message, written, reply.rcode, now));
                    }
                }
                Some(Outcome::Drop(reason)) => self.recorder.dropped(reason),
                outcome => {
                    let miss = Miss {
                        message: slot.message.into(),
                        door: self.door,
                        transport: Transport::Udp,
                        source: slot.from.ip(),
                        port: slot.from.port(),
                    };
                    let (to, local) = (slot.from, slot.local);
                    let later = Later { miss, late: self.late.clone(), to, local, started: now };
                    match outcome {
                        Some(Outcome::Ask) if view.routing.policy(self.door).is_none() => {
                            parcels.extend(later.admit(&self.core));
                        }
                        Some(_) => {
                            if let Some((later, permit)) = later.admit(&self.core) {
                                later.start(&self.core, Arc::new(permit));
                            }
                        }
                        None => later.give_up(&self.core, &Failure::Panic),
                    }
                }
            }
        }
        let sent = self.datagrams.send();
        self.core.courier.take(parcels);
        (0..sent.dropped).for_each(|_| self.recorder.dropped(DropReason::Send));
        let took = clock::now().duration_since(now);
        self.recorder.end_batch(took);
        if let Some(log) = log {
            logged.into_iter().for_each(|entry| log.put(entry, took));
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}
