//! What a connection's owner, its askers and its task share; and the task itself.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Terms;
use crate::peer::bells::Bells;
use crate::peer::counters::{Counters, count};
use crate::peer::random;
use crate::peer::table::{self, Stray, Table, Ticket};
use crate::wire::exchange::{Manner, Question, Received};
use crate::wire::frames::{Frames, push_frame};

/// Timeouts in a row, with nothing read between them, that condemn a connection.
const STRIKES: u8 = 2;

/// Why a question got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The connection takes no question now.
    #[error("connection takes no more questions")]
    Unavailable,
    /// The connection ended: a reset, an end of the stream and a broken pipe are the same.
    #[error("connection closed")]
    Closed,
    /// No answer in time; `silent`: nothing at all was read since the question, which had at least half of the usual time.
    #[error("timed out")]
    TimedOut { silent: bool },
}

pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) terms: Terms,
    pub(super) retire_at: Instant,
    /// See `Connection::minder_bell`.
    pub(super) minder: Arc<Notify>,
    /// There is something to write.
    work: Notify,
    /// Nobody waits any more, and nobody may ask.
    over: Notify,
    bells: Arc<Bells>,
    counters: Arc<Counters>,
}

pub(super) struct State {
    pub(super) table: Table<Answerer>,
    pub(super) closed: bool,
    /// The other side closed it, or it broke.
    pub(super) cut: bool,
    pub(super) last_read: Instant,
    pub(super) answered: bool,
    pub(super) last_asked: Instant,
    pub(super) call_at_question: bool,
    /// Probes whose answer is awaited.
    pub(super) probes: usize,
    outbox: Vec<u8>,
    draining: bool,
    strikes: u8,
    last_strike: Option<Instant>,
}

type Answerer = oneshot::Sender<Result<Received, AskError>>;

impl Shared {
    pub(super) fn new(terms: Terms, counters: Arc<Counters>, bells: Arc<Bells>, age: Duration) -> Self {
        let now = Instant::now();
        let state = State {
            table: Table::default(),
            outbox: Vec::new(),
            closed: false,
            cut: false,
            draining: false,
            last_read: now,
            answered: false,
            last_asked: now,
            call_at_question: false,
            probes: 0,
            strikes: 0,
            last_strike: None,
        };
        Self {
            state: Mutex::new(state),
            terms: Terms { in_flight: terms.in_flight.min(table::MOST / 2), ..terms },
            retire_at: now + age,
            minder: Arc::default(),
            work: Notify::new(),
            over: Notify::new(),
            bells,
            counters,
        }
    }

    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.state.lock().is_open(now, self.retire_at)
    }

    pub(super) fn put(
        me: &Arc<Self>,
        question: &Question,
        manner: Manner<'_>,
        of_ours: bool,
    ) -> Result<Pending, AskError> {
        let now = Instant::now();
        let (sender, receiver) = oneshot::channel();
        let (ticket, call) = {
            let mut state = me.state.lock();
            if !state.is_open(now, me.retire_at) || state.table.len() >= me.terms.in_flight {
                return Err(AskError::Unavailable);
            }
            let ticket = state.table.enter(question.clone(), sender, now, random::id);
            push_frame(&question.asked().write(ticket.id, manner), &mut state.outbox);
            if of_ours {
                state.probes += 1;
            } else {
                state.last_asked = now;
            }
            (ticket, std::mem::take(&mut state.call_at_question))
        };
        me.work.notify_one();
        if call {
            me.minder.notify_one();
        }
        Ok(Pending { shared: Arc::clone(me), ticket, of_ours, asked_at: now, receiver })
    }

    fn received(&self, message: &[u8], now: Instant) {
        let taken = {
            let mut state = self.state.lock();
            (state.last_read, state.answered, state.strikes) = (now, true, 0);
            state.table.take(message, self.terms.stamp_option)
        };
        match taken {
            // Whoever has given up does not hear it.
            Ok((waiter, answer)) => drop(waiter.send(Ok(answer))),
            Err(Stray::Late) => count(&self.counters.late),
            Err(Stray::Mismatched) => count(&self.counters.mismatched),
        }
        self.bells.room();
    }

    pub(super) fn was_silent_since(&self, then: Instant) {
        if self.state.lock().last_strike.is_none_or(|at| at < then) {
            self.strike();
        }
    }

    /// A timeout with nothing read. Two in a row are enough.
    fn strike(&self) {
        {
            let mut state = self.state.lock();
            state.last_strike = Some(Instant::now());
            state.strikes = state.strikes.saturating_add(1);
            state.draining |= state.strikes >= STRIKES;
        }
        self.end_if_drained();
    }

    pub(super) fn drain(&self) {
        self.state.lock().draining = true;
        self.end_if_drained();
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
        self.drain();
        self.bells.changed();
        std::future::pending().await
    }
}

impl State {
    fn is_open(&self, now: Instant, retire_at: Instant) -> bool {
        !self.closed && !self.draining && now < retire_at && self.table.ids() < table::MOST
    }
}

/// A question that was put on a connection; dropping it gives the question up.
pub struct Pending {
    shared: Arc<Shared>,
    ticket: Ticket,
    of_ours: bool,
    asked_at: Instant,
    receiver: oneshot::Receiver<Result<Received, AskError>>,
}

impl Pending {
    /// Tells it from the others of the connection.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Waits for the answer until `until`.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn answer(mut self, until: Instant) -> Result<Received, AskError> {
        match timeout_at(until, &mut self.receiver).await {
            Ok(Ok(outcome)) => outcome,
            // The sender is never dropped unused while the entry is there.
            Ok(Err(_)) => Err(AskError::Closed),
            Err(_) => {
                // A question that came late has shown nothing.
                let had_time = until.saturating_duration_since(self.asked_at) * 2 >= self.shared.terms.deadline;
                let silent = had_time && self.shared.state.lock().last_read <= self.asked_at;
                if silent {
                    self.shared.strike();
                }
                Err(AskError::TimedOut { silent })
            }
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        {
            let mut state = self.shared.state.lock();
            state.table.give_up(self.ticket);
            state.probes -= usize::from(self.of_ours);
        }
        self.shared.end_if_drained();
    }
}

/// However the task ends, nobody is left waiting.
struct EndOnDrop(Arc<Shared>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        let waiting: Vec<Answerer> = {
            let mut state = self.0.state.lock();
            state.closed = true;
            state.table.drain().collect()
        };
        for waiter in waiting {
            let _ = waiter.send(Err(AskError::Closed));
        }
        self.0.minder.notify_one();
        self.0.bells.changed();
    }
}

/// The connection's task: reads, writes, and ends it.
pub(super) async fn serve<S: AsyncRead + AsyncWrite>(stream: S, shared: Arc<Shared>) {
    let ending = EndOnDrop(shared);
    let shared = &ending.0;
    let (reader, writer) = tokio::io::split(stream);
    let cut = tokio::select! {
        () = read_all(reader, shared) => true,
        () = write_all(writer, shared) => true,
        () = shared.over.notified() => false,
        () = shared.retire() => false,
    };
    if cut {
        count(&shared.counters.resets);
        shared.state.lock().cut = true;
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
