//! What became of each send of one question, written down for people who trace one. A question that nobody traces writes nothing.

use std::net::SocketAddr;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::answered::Answered;
use super::connection::AskError;
use crate::wire::exchange::Received;

/// The sends of one question, if somebody wants to know.
#[derive(Debug, Default)]
pub struct SendLog(Option<Mutex<Vec<Sent>>>);

/// One send.
#[derive(Debug, Clone)]
pub struct Sent {
    pub server: SocketAddr,
    /// Why it was sent at all: `first`, `stall`, `late` …
    pub why: &'static str,
    pub at: Instant,
    /// When it ended and how: an rcode, or what went wrong. None: somebody else was first, or the time was over.
    pub end: Option<(Instant, String)>,
}

impl SendLog {
    /// Nobody wants to know.
    pub const OFF: Self = Self(None);

    /// One that is written.
    #[must_use]
    pub fn on() -> Self {
        Self(Some(Mutex::default()))
    }

    /// Does somebody want to know?
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Writes down what another one has.
    pub fn append(&self, other: &Self) {
        if let Some(sends) = &self.0 {
            sends.lock().extend(other.sends());
        }
    }

    /// In the order of the sends.
    #[must_use]
    pub fn sends(&self) -> Vec<Sent> {
        self.0.as_ref().map(|sends| sends.lock().clone()).unwrap_or_default()
    }

    /// Sends are numbered from 0.
    pub fn sent(&self, server: SocketAddr, why: &'static str) {
        if let Some(sends) = &self.0 {
            sends.lock().push(Sent { server, why, at: Instant::now(), end: None });
        }
    }

    /// The send with this number is over.
    pub fn ended(&self, number: usize, how: impl FnOnce() -> String) {
        if let Some(sends) = &self.0
            && let Some(sent) = sends.lock().get_mut(number)
        {
            sent.end = Some((Instant::now(), how()));
        }
    }
}

/// How one send ended, in words.
pub(super) fn outcome(outcome: &Result<Answered, AskError>) -> String {
    match outcome {
        Ok(answered) => answer(&answered.received),
        Err(AskError::TimedOut { .. }) => "timed out".to_owned(),
        Err(AskError::Closed) => "connection closed".to_owned(),
        Err(AskError::Unavailable) => "connection takes no more".to_owned(),
    }
}

/// A reply in words.
#[must_use]
pub fn answer(received: &Received) -> String {
    received.body.rcode.to_text().into_owned()
}
