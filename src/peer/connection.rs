//! One TCP connection to a DNS server, with many questions in flight (RFC 7766 6.2.1.1): written in batches, answered in any
//! order, matched by id and question. It knows nothing of other connections, retries or health.

mod shared;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use self::shared::Shared;
pub use self::shared::{AskError, Pending};
use super::bells::Bells;
use super::counters::Counters;
use super::random;
use super::table::Ticket;
use crate::wire::exchange::{Manner, Question, Received};

/// A connection is replaced between this part of its greatest age and the whole of it.
const YOUNGEST: f64 = 0.8;

/// A connection in use is replaced this long before its end, so that no question waits for the next one.
const REPLACE_BEFORE: Duration = Duration::from_secs(5);
/// But not before it has lived most of its time: one that were old from the start would be replaced for ever.
const SHARE_TO_REPLACE: u32 = 10;

/// A question that was given up counts as one that may be answered for this many deadlines: its silence is to be noticed.
const GIVEN_UP: u32 = 2;

/// What a connection is made with.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub max_age: Duration,
    pub in_flight: usize,
    pub stamp_option: u16,
    /// What a question has.
    pub deadline: Duration,
}

/// The oldest question on a connection: on one that is answered one by one, what the others wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Front {
    pub ticket: Ticket,
    pub silent_since: Instant,
    /// There are no others.
    pub is_alone: bool,
}

/// An open connection; dropping it closes it.
pub struct Connection {
    number: u64,
    shared: Arc<Shared>,
    /// Its own probe was denied with authority.
    synced: AtomicBool,
    task: AbortHandle,
}

impl Connection {
    /// Takes a stream over. The bells ring whenever a question may have a better chance than before.
    pub fn start<S>(number: u64, stream: S, terms: Terms, counters: Arc<Counters>, bells: Arc<Bells>) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let age = terms.max_age.mul_f64(YOUNGEST + (1.0 - YOUNGEST) * random::unit());
        let shared = Arc::new(Shared::new(terms, counters, bells, age));
        let task = tokio::spawn(shared::serve(stream, Arc::clone(&shared)));
        Self { number, shared, synced: AtomicBool::new(false), task: task.abort_handle() }
    }

    /// Tells it from the others.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// May it be given a question?
    #[must_use]
    pub fn is_open(&self, now: Instant) -> bool {
        self.shared.is_open(now)
    }

    /// Is its end near, so that another one should be opened beside it?
    #[must_use]
    pub fn is_aging(&self, now: Instant) -> bool {
        now >= self.ages_at()
    }

    /// When its end is near.
    #[must_use]
    pub fn ages_at(&self) -> Instant {
        let before = REPLACE_BEFORE.min(self.shared.terms.max_age / SHARE_TO_REPLACE);
        self.shared.retire_at.checked_sub(before).unwrap_or(self.shared.retire_at)
    }

    /// Has it ended?
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.state.lock().closed
    }

    /// Has it ended, and was it the other side that ended it?
    #[must_use]
    pub fn was_cut(&self) -> bool {
        self.shared.state.lock().cut
    }

    /// Has its own probe shown that the server knows its zone?
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.synced.load(Relaxed)
    }

    pub fn set_synced(&self, synced: bool) {
        self.synced.store(synced, Relaxed);
    }

    /// Questions that the other side has, and the most that it is given.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        (self.shared.state.lock().table.len(), self.shared.terms.in_flight)
    }

    /// Does the other side have questions, probes not counted?
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let state = self.shared.state.lock();
        state.table.len() > state.probes
    }

    /// When something was read last; when it was opened, if nothing was.
    #[must_use]
    pub fn last_read(&self) -> Instant {
        self.shared.state.lock().last_read
    }

    /// Was anything read from it?
    #[must_use]
    pub fn has_answered(&self) -> bool {
        self.shared.state.lock().answered
    }

    /// When a question was put on it last; when it was opened, if none was.
    #[must_use]
    pub fn last_asked(&self) -> Instant {
        self.shared.state.lock().last_asked
    }

    /// Since when it has been silent with questions out; none if nothing is out.
    #[must_use]
    pub fn silent_since(&self, now: Instant) -> Option<Instant> {
        self.front(now).map(|front| front.silent_since)
    }

    /// The oldest question on it that may still be answered.
    #[must_use]
    pub fn front(&self, now: Instant) -> Option<Front> {
        let mut state = self.shared.state.lock();
        let (ticket, sent) = state.table.oldest(now, self.shared.terms.deadline * GIVEN_UP)?;
        let silent_since = sent.max(state.last_read);
        Some(Front { ticket, silent_since, is_alone: state.table.len() == 1 })
    }

    /// Does somebody wait for an answer?
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.shared.state.lock().table.waiting() > 0
    }

    /// Rings at the end of the connection, and at the next question after [`Self::call_at_question`]. For one listener.
    #[must_use]
    pub fn minder_bell(&self) -> Arc<Notify> {
        Arc::clone(&self.shared.minder)
    }

    pub fn call_at_question(&self, call: bool) {
        self.shared.state.lock().call_at_question = call;
    }

    /// No new questions; it closes when nobody waits any more.
    pub fn drain(&self) {
        self.shared.drain();
    }

    /// A question that was given up has had its whole time since then, and nothing was read: counts as a timeout, unless one
    /// was counted meanwhile.
    pub fn was_silent_since(&self, then: Instant) {
        self.shared.was_silent_since(then);
    }

    /// Puts a question on it, behind those that are there already. `of_ours`: a probe, which shows no use of the connection.
    ///
    /// # Errors
    /// If it takes none.
    pub fn put(&self, question: &Question, manner: Manner<'_>, of_ours: bool) -> Result<Pending, AskError> {
        Shared::put(&self.shared, question, manner, of_ours)
    }

    /// Asks, and waits for the answer until `until`.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn ask(&self, question: &Question, manner: Manner<'_>, until: Instant) -> Result<Received, AskError> {
        self.put(question, manner, false)?.answer(until).await
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests;
