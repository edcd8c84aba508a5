//! Over TCP what UDP could not finish: an answer that does not fit, or a reply that somebody may have forged. One connection
//! a server, opened when it is needed and kept while it is in use.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::peer::connection::{AskError, Connection, Terms};
use crate::peer::counters::{Counters, count};
use crate::peer::dial::dial;
use crate::peer::settings::CONNECT_TIMEOUT;
use crate::wire::exchange::{Manner, Question, Received};

/// A connection that was kept for the next question is closed at this age: truncation is rare.
pub(super) const MAX_AGE: Duration = Duration::from_secs(30);

/// The way over TCP to one server.
pub(super) struct Finish {
    server: SocketAddr,
    counters: Arc<Counters>,
    kept: Mutex<Option<Arc<Connection>>>,
    reused: AtomicU64,
}

impl Finish {
    pub(super) fn new(server: SocketAddr, counters: Arc<Counters>) -> Self {
        Self { server, counters, kept: Mutex::new(None), reused: AtomicU64::new(0) }
    }

    /// Questions for which there was a connection already.
    pub(super) fn reused(&self) -> u64 {
        self.reused.load(Relaxed)
    }

    /// The answer, if there is one until then. A connection that turns out to be dead is replaced once.
    pub(super) async fn ask(
        &self,
        question: &Question,
        manner: Manner<'_>,
        terms: Terms,
        until: Instant,
    ) -> Option<Received> {
        for _ in 0..2 {
            let connection = self.connection(terms, until).await?;
            count(&self.counters.questions);
            match connection.ask(question, manner, until).await {
                Ok(answer) => return Some(answer),
                Err(AskError::TimedOut { .. }) => return None,
                Err(AskError::Closed | AskError::Unavailable) => self.forget(&connection).await,
            }
        }
        None
    }

    /// Whoever comes while it is opened waits for the same one.
    async fn connection(&self, terms: Terms, until: Instant) -> Option<Arc<Connection>> {
        let mut kept = self.kept.lock().await;
        let now = Instant::now();
        if let Some(connection) = kept.as_ref().filter(|one| one.is_open(now)) {
            count(&self.reused);
            return Some(Arc::clone(connection));
        }
        let limit = CONNECT_TIMEOUT.min(until.saturating_duration_since(now));
        let Ok(stream) = dial(self.server, limit).await else {
            count(&self.counters.connect_failures);
            return None;
        };
        count(&self.counters.connects);
        let connection = Connection::start(0, stream, terms, Arc::clone(&self.counters), Arc::default());
        let connection = Arc::new(connection);
        *kept = Some(Arc::clone(&connection));
        Some(connection)
    }

    async fn forget(&self, dead: &Arc<Connection>) {
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|one| Arc::ptr_eq(one, dead)) {
            *kept = None;
        }
    }
}
