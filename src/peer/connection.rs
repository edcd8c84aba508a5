//! One TCP connection to a DNS server, with many questions in flight (RFC 7766 6.2.1.1): written in batches, answered in any
//! order, matched by id and question. It knows nothing of other connections, retries or health.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::counters::{Counters, count};
use super::random;
use super::table::{self, Stray, Table};
use crate::wire::exchange::{Manner, Question, Received};
use crate::wire::frames::{Frames, push_frame};

/// Timeouts in a row, with nothing read between them, that condemn a connection.
const STRIKES: u8 = 2;
/// A connection is replaced between this part of its greatest age and the whole of it.
const YOUNGEST: f64 = 0.8;

/// A connection in use is replaced this long before its end, so that no question waits for the next one.
const REPLACE_BEFORE: Duration = Duration::from_secs(5);

/// Why a question got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The connection takes no question now.
    #[error("connection takes no more questions")]
    Unavailable,
    /// The connection ended; `was_idle`: nothing else was in flight when the question was put on it, so that it may well have
    /// been dead already.
    #[error("connection closed")]
    Closed { was_idle: bool },
    /// No answer in time; `silent`: nothing at all was read since the question.
    #[error("timed out")]
    TimedOut { silent: bool },
}

/// What a connection is made with.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub max_age: Duration,
    pub in_flight: usize,
    pub stamp_option: u16,
}

/// An open connection; dropping it closes it.
pub struct Connection {
    number: u64,
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    state: Mutex<State>,
    /// There is something to write.
    work: Notify,
    /// Nobody waits any more, and nobody may ask.
    over: Notify,
    /// Told when the connection may take a question again, or has ended.
    changed: Arc<Notify>,
    counters: Arc<Counters>,
    /// Its own probe was denied with authority.
    synced: AtomicBool,
    terms: Terms,
    retire_at: Instant,
}

struct State {
    table: Table<Waiter>,
    outbox: Vec<u8>,
    closed: bool,
    draining: bool,
    last_read: Instant,
    strikes: u8,
}

struct Waiter {
    sender: oneshot::Sender<Result<Received, AskError>>,
    was_idle: bool,
}

impl Connection {
    /// Takes a stream over. `changed` is told whenever a question may have a better chance than before.
    pub fn start<S>(number: u64, stream: S, terms: Terms, counters: Arc<Counters>, changed: Arc<Notify>) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let now = Instant::now();
        let age = terms.max_age.mul_f64(YOUNGEST + (1.0 - YOUNGEST) * random::unit());
        let state = State {
            table: Table::default(),
            outbox: Vec::new(),
            closed: false,
            draining: false,
            last_read: now,
            strikes: 0,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            work: Notify::new(),
            over: Notify::new(),
            changed,
            counters,
            synced: AtomicBool::new(false),
            terms: Terms { in_flight: terms.in_flight.min(table::MOST), ..terms },
            retire_at: now + age,
        });
        let ending = EndOnDrop(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            let shared = &ending.0;
            let (reader, writer) = tokio::io::split(stream);
            tokio::select! {
                () = read_all(reader, shared) => count(&shared.counters.resets),
                () = write_all(writer, shared) => count(&shared.counters.resets),
                () = shared.over.notified() => {}
                () = shared.retire() => {}
            }
        });
        Self { number, shared, task: task.abort_handle() }
    }

    /// Tells it from the others.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// May it be given a question?
    #[must_use]
    pub fn is_open(&self, now: Instant) -> bool {
        let state = self.shared.state.lock();
        !state.closed && !state.draining && now < self.shared.retire_at
    }

    /// Is its end near, so that another one should be opened beside it?
    #[must_use]
    pub fn is_aging(&self, now: Instant) -> bool {
        now + REPLACE_BEFORE >= self.shared.retire_at
    }

    /// Has it ended?
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.state.lock().closed
    }

    /// Has its own probe shown that the server knows its zone?
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.shared.synced.load(Relaxed)
    }

    pub fn set_synced(&self, synced: bool) {
        self.shared.synced.store(synced, Relaxed);
    }

    /// Questions that the other side has, and the most that it is given.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        (self.shared.state.lock().table.len(), self.shared.terms.in_flight)
    }

    /// When something was read last; when it was opened, if nothing was.
    #[must_use]
    pub fn last_read(&self) -> Instant {
        self.shared.state.lock().last_read
    }

    /// No new questions; it closes when nobody waits any more.
    pub fn drain(&self) {
        self.shared.state.lock().draining = true;
        self.shared.end_if_drained();
    }

    /// Asks, and waits for the answer until `until`.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn ask(&self, question: &Question, manner: Manner<'_>, until: Instant) -> Result<Received, AskError> {
        let asked_at = Instant::now();
        let mut wait = self.shared.send(question, manner, asked_at)?;
        match timeout_at(until, &mut wait.receiver).await {
            Ok(Ok(outcome)) => outcome,
            // The sender is never dropped unused while the entry is there.
            Ok(Err(_)) => Err(AskError::Closed { was_idle: false }),
            Err(_) => {
                drop(wait);
                Err(AskError::TimedOut { silent: self.shared.timed_out(asked_at) })
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// However the task ends, nobody is left waiting.
struct EndOnDrop(Arc<Shared>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        let waiting: Vec<Waiter> = {
            let mut state = self.0.state.lock();
            state.closed = true;
            state.table.drain().collect()
        };
        for waiter in waiting {
            // Whoever has given up does not hear it.
            let _ = waiter.sender.send(Err(AskError::Closed { was_idle: waiter.was_idle }));
        }
        self.0.changed.notify_waiters();
    }
}

/// One question's wait; dropping it gives the question up.
struct Wait<'c> {
    shared: &'c Shared,
    id: u16,
    receiver: oneshot::Receiver<Result<Received, AskError>>,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.shared.state.lock().table.give_up(self.id);
        self.shared.counters.in_flight.fetch_sub(1, Relaxed);
        self.shared.end_if_drained();
    }
}

impl Shared {
    fn send(&self, question: &Question, manner: Manner<'_>, now: Instant) -> Result<Wait<'_>, AskError> {
        let (sender, receiver) = oneshot::channel();
        let id = {
            let mut state = self.state.lock();
            let usable = !state.closed && !state.draining && now < self.retire_at;
            if !usable || state.table.len() >= self.terms.in_flight {
                return Err(AskError::Unavailable);
            }
            let waiter = Waiter { sender, was_idle: state.table.len() == 0 };
            let id = state.table.enter(question.clone(), waiter, random::id);
            push_frame(&question.asked().write(id, manner), &mut state.outbox);
            id
        };
        self.counters.in_flight.fetch_add(1, Relaxed);
        count(&self.counters.questions);
        self.work.notify_one();
        Ok(Wait { shared: self, id, receiver })
    }

    fn received(&self, message: &[u8], now: Instant) {
        let (taken, was_full) = {
            let mut state = self.state.lock();
            state.last_read = now;
            state.strikes = 0;
            let was_full = state.table.len() >= self.terms.in_flight;
            (state.table.take(message, self.terms.stamp_option), was_full)
        };
        match taken {
            Ok((waiter, answer)) => {
                count(&self.counters.answers);
                let _ = waiter.sender.send(Ok(answer));
            }
            Err(Stray::Late) => count(&self.counters.late),
            Err(Stray::Mismatched) => count(&self.counters.mismatched),
        }
        if was_full {
            self.changed.notify_waiters();
        }
    }

    /// Was the connection silent since the question? Two such questions in a row are enough of it.
    fn timed_out(&self, asked_at: Instant) -> bool {
        count(&self.counters.timeouts);
        let silent = {
            let mut state = self.state.lock();
            let silent = state.last_read <= asked_at;
            state.strikes += u8::from(silent);
            state.draining |= state.strikes >= STRIKES;
            silent
        };
        self.end_if_drained();
        silent
    }

    fn end_if_drained(&self) {
        let over = {
            let state = self.state.lock();
            state.draining && state.table.waiting() == 0
        };
        if over {
            self.over.notify_one();
        }
    }

    /// Waits for its greatest age, and then for the last answer.
    async fn retire(&self) {
        sleep_until(self.retire_at).await;
        self.state.lock().draining = true;
        self.changed.notify_waiters();
        self.end_if_drained();
        std::future::pending().await
    }
}

async fn read_all(mut reader: impl AsyncRead + Unpin, shared: &Shared) {
    let mut frames = Frames::default();
    while let Ok(1..) = reader.read_buf(frames.space()).await {
        let now = Instant::now();
        while let Some(message) = frames.next() {
            shared.received(message, now);
        }
    }
}

/// Whatever was queued while the last batch was written is the next batch: one write for all of it.
async fn write_all(mut writer: impl AsyncWrite + Unpin, shared: &Shared) {
    let mut batch = Vec::new();
    loop {
        std::mem::swap(&mut batch, &mut shared.state.lock().outbox);
        if batch.is_empty() {
            shared.work.notified().await;
            continue;
        }
        if writer.write_all(&batch).await.is_err() || writer.flush().await.is_err() {
            return;
        }
        batch.clear();
    }
}

#[cfg(test)]
mod tests;
