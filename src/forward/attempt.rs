//! One try at one server: over UDP, and where that does not do over TCP. Whoever has sent the datagram already, among many others,
//! brings its outcome.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::finish::MAX_AGE;
use super::pool::{Bounds, Server};
use crate::peer::address::refuses_opt;
use crate::peer::connection::Terms;
use crate::peer::counters::count;
use crate::peer::datagram::{self, Datagram};
use crate::wire::Rcode;
use crate::wire::exchange::{Manner, Question, Received};

/// A try that has begun. However it ends, it is not outstanding any more when this is dropped.
pub struct Attempt {
    pub(super) server: Arc<Server>,
    /// The server takes OPT.
    pub(super) edns: bool,
    pub(super) began: Instant,
}

/// One whose datagram has left, for somebody else to go on with.
pub struct Handed {
    pub attempt: Attempt,
    pub outcome: oneshot::Receiver<Datagram>,
    /// It was silent for as long as others are waited for.
    pub late: bool,
}

impl Attempt {
    /// To its end; none if there is no answer until then.
    pub(super) async fn ask(
        self,
        question: &Question,
        option: Option<(u16, &[u8])>,
        bounds: Bounds,
        until: Instant,
    ) -> Option<Received> {
        let first = self.send(question, self.manner(option), bounds, until);
        self.end(first.await, question, option, bounds, until).await
    }

    /// To its end, from the outcome of its datagram on.
    pub(super) async fn go_on(
        self,
        outcome: oneshot::Receiver<Datagram>,
        question: &Question,
        option: Option<(u16, &[u8])>,
        bounds: Bounds,
        until: Instant,
    ) -> Option<Received> {
        let outcome = tokio::time::timeout_at(until, outcome).await;
        let first = outcome.ok().and_then(Result::ok).unwrap_or(Datagram::Silent);
        self.end(first, question, option, bounds, until).await
    }

    /// The answer to its first datagram, if it is one to give to whoever asks: whole, and of a server that knows what to say.
    ///
    /// # Errors
    /// Gives both back if there is more to be done.
    pub fn landed(self, outcome: Datagram) -> Result<Received, (Self, Datagram)> {
        match outcome {
            Datagram::Answer(answer) if !answer.truncated && !is_unwilling(&answer) => {
                self.server.answered(self.began);
                self.timed(&answer);
                Ok(*answer)
            }
            other => Err((self, other)),
        }
    }

    /// It has been silent for so long that somebody else is asked.
    pub fn was_silent(&self) {
        self.server.was_silent();
    }

    pub(super) fn manner<'o>(&self, option: Option<(u16, &'o [u8])>) -> Manner<'o> {
        Manner { edns: self.edns, option }
    }

    fn timed(&self, answer: &Received) {
        self.server.tally.timings.answered(answer.body.rcode.0, Instant::now() - self.began);
    }

    fn send<'a>(
        &self,
        question: &'a Question,
        manner: Manner<'a>,
        bounds: Bounds,
        until: Instant,
    ) -> impl Future<Output = Datagram> + use<'a> {
        datagram::ask(self.server.address, question, manner, bounds.spelling, bounds.stamp_option, until)
    }

    async fn end(
        self,
        first: Datagram,
        question: &Question,
        option: Option<(u16, &[u8])>,
        bounds: Bounds,
        until: Instant,
    ) -> Option<Received> {
        let answer = self.whole(first, self.began, question, self.manner(option), bounds, until).await?;
        let answer = if self.edns && refuses_opt(&answer) {
            self.without_opt(answer, question, bounds, until).await
        } else {
            answer
        };
        self.timed(&answer);
        Some(answer)
    }

    /// A server without EDNS: once more without OPT (RFC 6891 7).
    async fn without_opt(&self, refusal: Received, question: &Question, bounds: Bounds, until: Instant) -> Received {
        let (began, manner) = (Instant::now(), Manner::default());
        let outcome = self.send(question, manner, bounds, until).await;
        let Some(plain) = self.whole(outcome, began, question, manner, bounds, until).await else { return refusal };
        if !refuses_opt(&plain) {
            self.server.standing.lock().does_without_opt(Instant::now());
        }
        plain
    }

    /// The whole answer: that of the datagram, or over TCP if it was cut, or nobody can tell whose it was.
    async fn whole(
        &self,
        outcome: Datagram,
        began: Instant,
        question: &Question,
        manner: Manner<'_>,
        bounds: Bounds,
        until: Instant,
    ) -> Option<Received> {
        let server = &self.server;
        match outcome {
            Datagram::Answer(answer) if !answer.truncated => {
                server.answered(began);
                return Some(*answer);
            }
            Datagram::Answer(_) => {
                server.answered(began);
                count(&server.tally.truncated);
            }
            Datagram::Forged => count(&server.tally.mismatched),
            // Whoever waits has seen the silence already.
            Datagram::Silent => return None,
            Datagram::Unreachable => {
                server.was_silent();
                return None;
            }
        }
        let terms = Terms {
            max_age: MAX_AGE,
            in_flight: bounds.in_flight,
            stamp_option: bounds.stamp_option,
            deadline: bounds.deadline,
        };
        server.finish.ask(question, manner, terms, until).await
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.server.standing.lock().ended();
    }
}

/// The server will not, or cannot, say: another one may.
pub(super) fn is_unwilling(answer: &Received) -> bool {
    matches!(answer.body.rcode, Rcode::SERVFAIL | Rcode::REFUSED | Rcode::NOTIMP | Rcode::FORMERR | Rcode::BADVERS)
}
