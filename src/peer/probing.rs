//! Probes: on each new connection, on one with traffic now and then, and of an address whose breaker is open. What they find,
//! and what follows from it. When they are due is decided in `minding` and `health`.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::address::{Address, State};
use super::connection::{AskError, Connection, Pending};
use super::counters::count;
use super::health::{Health, Probed, vary};
use super::settings::CONNECT_TIMEOUT;
use super::sync::Sync;
use crate::wire::exchange::{Manner, Received};

/// A probe of an address that is not asked has an answer after this long, or fails.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// A warning is due after so many of these: a peer that starts, or has just ended, is nobody's trouble.
const TOLD_AFTER: u32 = 3;

impl Address {
    /// Puts a probe on a connection. None if it takes no question: then it has enough of them to show what it is worth.
    pub(super) fn put_probe(&self, connection: &Connection) -> Option<Pending> {
        let plan = self.common.plan();
        let option = plan.stamp.as_deref().map(|stamp| (plan.settings.stamp_option, stamp));
        let pending = connection.put(&plan.probe.question(), Manner { edns: true, option }, true).ok()?;
        count(&self.counters.probes);
        Some(pending)
    }

    /// A probe on a connection that is asked has as long as a question.
    pub(super) fn probe_until(&self) -> Instant {
        Instant::now() + self.common.plan().settings.deadline
    }

    /// What came of a probe on a connection that is asked.
    pub(super) fn probed(&self, connection: &Connection, outcome: Result<Received, AskError>) {
        match outcome {
            Ok(answer) => {
                let sync = self.common.plan().probe.judge(&answer);
                connection.set_synced(sync == Sync::Synced);
                let mut state = self.state.lock();
                Self::heard(&mut state, &answer);
                if matches!(sync, Sync::Synced | Sync::Unknown) {
                    state.breaker.answered(Instant::now());
                    state.breaker.fit();
                    state.backoff.worked();
                    return;
                }
                self.unfit(&mut state, connection, sync);
            }
            Err(error) => {
                count(&self.counters.probe_failures);
                if error == (AskError::TimedOut { silent: true }) {
                    self.unanswered(connection, connection.last_read(), Instant::now());
                }
                return;
            }
        }
        self.common.bells.changed();
        self.wake();
    }

    /// A question that was given up would have timed out now. Another one, a probe, shows what the connection is worth.
    pub(super) fn silent(&self, connection: &Connection) -> Option<Pending> {
        let now = Instant::now();
        let since = connection.silent_since(now)?;
        connection.was_silent_since(since);
        self.unanswered(connection, since, now);
        self.put_probe(connection)
    }

    /// Starts the task that probes until the breaker is closed, or the address is gone.
    pub(super) fn probe_from_now_on(&self, state: &mut State) {
        self.broken.store(true, Relaxed);
        state.failed_probes = 0;
        tracing::info!(server = %self.server, cause = state.cause, "address does not answer: asked no more, but probed");
        if std::mem::replace(&mut state.probing, true) {
            return;
        }
        let me = self.weak();
        self.spawn(async move {
            while let Some(at) = me.upgrade().and_then(|address| address.next_probe()) {
                sleep_until(at).await;
                if let Some(address) = me.upgrade() {
                    address.probe().await;
                }
            }
        });
    }

    /// The server is there, but does not serve its region: another connection may lead to another target.
    fn unfit(&self, state: &mut State, connection: &Connection, found: Sync) {
        count(&self.counters.probe_failures);
        connection.drain();
        let now = Instant::now();
        state.open.retain(|one| one.is_open(now));
        if state.breaker.unfit(found, now, vary) {
            state.cause = state.cause();
            self.give_up(state);
        }
    }

    fn next_probe(&self) -> Option<Instant> {
        let mut state = self.state.lock();
        let at = state.breaker.probe_at();
        state.probing = at.is_some();
        at
    }

    /// One probe, on a connection of its own: behind a load balancer that may be another target.
    async fn probe(&self) {
        let number = {
            let mut state = self.state.lock();
            state.breaker.probe_starts(Instant::now());
            state.begun += 1;
            state.begun
        };
        let (found, connection) = match self.common.dial.dial(self.server, CONNECT_TIMEOUT).await {
            Err(error) => {
                count(&self.counters.probes);
                count(&self.counters.connect_failures);
                self.state.lock().cause = error.cause();
                (Probed::Nothing, None)
            }
            Ok(stream) => {
                let connection = self.start(number, stream);
                let answer = match self.put_probe(&connection) {
                    Some(pending) => pending.answer(Instant::now() + PROBE_TIMEOUT).await.ok(),
                    None => None,
                };
                let found = match &answer {
                    Some(answer) => Probed::Answered(self.common.plan().probe.judge(answer)),
                    None => Probed::Nothing,
                };
                if let Some(answer) = &answer {
                    Self::heard(&mut self.state.lock(), answer);
                }
                connection.set_synced(found == Probed::Answered(Sync::Synced));
                (found, Some(connection))
            }
        };
        {
            let mut state = self.state.lock();
            state.breaker.probe_ends(found, Instant::now(), vary);
            self.broken.store(state.breaker.health() != Health::Closed, Relaxed);
            if state.breaker.health() == Health::Closed {
                tracing::info!(server = %self.server, "address answers again");
                state.backoff.worked();
                if let Some(connection) = connection {
                    self.enter(&mut state, connection, None);
                }
            } else {
                count(&self.counters.probe_failures);
                state.failed_probes += 1;
                if state.failed_probes == TOLD_AFTER {
                    let cause = state.cause();
                    tracing::warn!(server = %self.server, cause, "address does not answer, and is not asked");
                }
            }
        }
        self.common.bells.changed();
    }
}
