//! The log of questions: which answers get a line, and its way to the thread that writes. Whoever answers never waits here: what
//! is too much is dropped and counted.

mod line;
mod writer;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use super::asking::Transport;
use crate::clock;
use crate::config::policy::Scope;
use crate::config::{Config, QueryClass, QueryLogConfig, QueryLogFormat, ServerConfig};
use crate::metrics::{Registry, names};
use crate::route::Door;
use crate::wire::{Incoming, NameBuf, Query, Rcode, read_u16};

use self::line::Line;

/// An answer on its way to the log, until it is known how long it took.
pub struct Entry {
    line: Line,
    format: Arc<QueryLogFormat>,
}

/// How a question came.
#[derive(Debug, Clone, Copy)]
pub struct Came {
    pub door: Door,
    pub from: SocketAddr,
    pub transport: Transport,
}

/// What is logged of whose questions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wanted {
    /// Of each server; none: the rest.
    pub servers: Vec<Vec<Row>>,
    pub rest: Option<Row>,
}

/// Questions that are logged alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    scope: Scope,
    classes: BTreeSet<QueryClass>,
    format: Arc<QueryLogFormat>,
    sample: usize,
}

/// Makes logs, one after another, that count together.
pub struct QueryLogs {
    tally: Arc<Tally>,
}

/// The log of one configuration. When the last one who holds it is gone, what it has is written and its thread ends.
pub struct QueryLog {
    wanted: Wanted,
    limits: (usize, usize),
    started: Instant,
    /// Answers that were looked at, for the sample.
    seen: AtomicU64,
    /// The second, and the lines in it.
    rate: AtomicU64,
    lines: SyncSender<(Entry, Duration)>,
    tally: Arc<Tally>,
}

#[derive(Default)]
struct Tally {
    queued: AtomicU64,
    written: AtomicU64,
    over_rate: AtomicU64,
    queue_full: AtomicU64,
    not_written: AtomicU64,
}

impl QueryLogs {
    #[must_use]
    pub fn new(metrics: &Registry) -> Self {
        let tally = Arc::new(Tally::default());
        let told = Arc::clone(&tally);
        metrics.register_source(move |sink| {
            sink.count(names::QUERY_LOG_LINES, &[], told.written.load(Relaxed));
            let dropped = [("rate", &told.over_rate), ("queue", &told.queue_full), ("write", &told.not_written)];
            for (reason, count) in dropped {
                sink.count(names::QUERY_LOG_DROPPED, &[("reason", reason)], count.load(Relaxed));
            }
        });
        Self { tally }
    }

    /// The log that a configuration asks for: the one before, if it is the same.
    #[must_use]
    pub fn of(&self, config: &Config, before: Option<&Arc<QueryLog>>) -> Option<Arc<QueryLog>> {
        let (wanted, limits) = (Wanted::of(config)?, (config.limits.query_log_lines, config.limits.query_log_queue));
        if let Some(before) = before.filter(|before| before.wanted == wanted && before.limits == limits) {
            return Some(Arc::clone(before));
        }
        self.start(wanted, limits, io::stdout())
            .inspect_err(|error| tracing::error!(%error, "no log of questions: its thread cannot be started"))
            .ok()
    }

    fn start(
        &self,
        wanted: Wanted,
        limits: (usize, usize),
        out: impl io::Write + Send + 'static,
    ) -> io::Result<Arc<QueryLog>> {
        let (lines, queue) = sync_channel(limits.1);
        let tally = Arc::clone(&self.tally);
        let writing = move || writer::run(&queue, out, &tally.written, &tally.not_written);
        std::thread::Builder::new().name("query-log".into()).spawn(writing)?;
        Ok(Arc::new(QueryLog {
            wanted,
            limits,
            started: clock::now(),
            seen: AtomicU64::new(0),
            rate: AtomicU64::new(0),
            lines,
            tally: Arc::clone(&self.tally),
        }))
    }
}

impl Wanted {
    /// None: nothing.
    fn of(config: &Config) -> Option<Self> {
        let server =
            |server: &ServerConfig| server.queries.iter().map(|rule| Row::of(&rule.log, &rule.scope)).collect();
        let servers: Vec<Vec<Row>> = config.servers.iter().map(server).collect();
        let rest = config.log.queries.as_ref().map(|log| Row::of(log, &Scope::default()));
        (rest.is_some() || servers.iter().any(|rows| !rows.is_empty())).then_some(Self { servers, rest })
    }

    /// How an answer through this door is logged, if it is.
    fn row(&self, door: Door, message: &[u8]) -> Option<&Row> {
        let rows = match door {
            Door::Pods { server } => self.servers.get(server).map_or(&[][..], Vec::as_slice),
            Door::Peers => &[],
        };
        if rows.is_empty() {
            return self.rest.as_ref();
        }
        let mut name = NameBuf::new();
        let Incoming::Query(query) = Query::parse(message, &mut name) else { return None };
        rows.iter().find(|row| row.scope.holds(query.name.as_ref()))
    }
}

impl Row {
    fn of(log: &QueryLogConfig, scope: &Scope) -> Self {
        let QueryLogConfig { classes, format, sample } = log.clone();
        Self { scope: scope.clone(), classes, format: Arc::new(format), sample }
    }
}

impl QueryLog {
    /// What is to be said of an answer, if anything is.
    #[must_use]
    pub fn entry(&self, came: Came, message: &[u8], reply: &[u8], rcode: Rcode, now: Instant) -> Option<Entry> {
        let row = self.wanted.row(came.door, message)?;
        if !row.classes.contains(&class(rcode, reply)) {
            return None;
        }
        if row.sample > 1 && !self.seen.fetch_add(1, Relaxed).is_multiple_of(row.sample as u64) {
            return None;
        }
        let second = now.saturating_duration_since(self.started).as_secs();
        if !admits(&self.rate, second, self.limits.0) {
            self.tally.over_rate.fetch_add(1, Relaxed);
            return None;
        }
        let line = Line::read(came.from, came.transport, message, reply, rcode)?;
        Some(Entry { line, format: Arc::clone(&row.format) })
    }

    /// Hands it to the thread that writes.
    pub fn put(&self, entry: Entry, took: Duration) {
        match self.lines.try_send((entry, took)) {
            Ok(()) => self.tally.queued.fetch_add(1, Relaxed),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => self.tally.queue_full.fetch_add(1, Relaxed),
        };
    }

    /// Nothing waits to be written.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.tally.written.load(Relaxed) + self.tally.not_written.load(Relaxed) >= self.tally.queued.load(Relaxed)
    }
}

/// As CoreDNS parts answers: NODATA is a denial, whatever is no NOERROR and no NXDOMAIN an error.
fn class(rcode: Rcode, reply: &[u8]) -> QueryClass {
    let count = |at| read_u16(reply, at).unwrap_or(0);
    match rcode {
        // No answer, and an authority that says so.
        Rcode::NOERROR if count(6) == 0 && count(8) > 0 => QueryClass::Denial,
        Rcode::NOERROR => QueryClass::Success,
        Rcode::NXDOMAIN => QueryClass::Denial,
        _ => QueryClass::Error,
    }
}

/// Is there room for one more line in this second? The upper half of the number is the second, the lower one the lines in it.
fn admits(rate: &AtomicU64, second: u64, most: usize) -> bool {
    let second = second << 32;
    let one_more = |was: u64| {
        let lines = if was >> 32 == second >> 32 { was & u64::from(u32::MAX) } else { 0 };
        (lines < most as u64).then_some(second | (lines + 1))
    };
    rate.fetch_update(Relaxed, Relaxed, one_more).is_ok()
}

#[cfg(test)]
mod tests;
