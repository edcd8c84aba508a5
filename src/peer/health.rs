//! Is an address worth asking? A circuit breaker per address, as a pure state machine: it is told what happened and when, and
//! it says whether questions may go there and when the next probe is due. It sends nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::backoff::JITTER;
use super::sync::Sync;

/// Between two probes of an address that is not asked, plus or minus [`JITTER`].
pub const PROBE_EVERY: Duration = Duration::from_secs(1);

/// From the opening of the breaker to the first probe: most of what cuts all connections at once, a restart or a failover, is over
/// by then.
const FIRST_PROBE: Duration = Duration::from_millis(250);

/// Probes in a row that find a server which does not serve its region, and open the breaker.
const MOST_UNFIT: u8 = 2;

/// It answers that it has not read its zone, so that its denials would be worth nothing.
const UNSYNCED: &str = "not synced yet";
/// Another region answers there, or another door.
const NOT_ITS: &str = "does not serve its region";

/// How an address stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It is asked.
    Closed,
    /// It is not asked; a probe is due later.
    Open,
    /// It is not asked, and a probe is out.
    HalfOpen,
}

/// The state of one address.
#[derive(Debug, Clone)]
pub struct Breaker {
    state: State,
    /// The connection of the last unanswered question, if nothing was answered since.
    failed_on: Option<u64>,
    /// When anything was answered last.
    heard_at: Option<Instant>,
    /// Probes in a row that found the server, but not serving its region.
    unfit: u8,
    /// What the last of them found.
    found: Sync,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed,
    Open { probe_at: Instant },
    HalfOpen { since: Instant },
}

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probed {
    Answered(Sync),
    Nothing,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed, failed_on: None, heard_at: None, unfit: 0, found: Sync::Unknown }
    }
}

impl Breaker {
    #[must_use]
    pub fn health(&self) -> Health {
        match self.state {
            State::Closed => Health::Closed,
            State::Open { .. } => Health::Open,
            State::HalfOpen { .. } => Health::HalfOpen,
        }
    }

    /// An answer of any rcode came.
    pub fn answered(&mut self, now: Instant) {
        (self.failed_on, self.heard_at) = (None, Some(now));
    }

    /// A question was unanswered at its deadline, on a connection that read nothing since. One connection may be to a sick
    /// target behind a healthy address; two are not. True if this opens the breaker.
    /// If others were answered while this one was silent, the address is not at fault: a name may get no answer ever.
    pub fn unanswered(
        &mut self,
        connection: u64,
        silent_since: Instant,
        now: Instant,
        vary: impl FnOnce(Duration) -> Duration,
    ) -> bool {
        if self.heard_at.is_some_and(|at| at > silent_since) {
            return false;
        }
        let second = self.failed_on.is_some_and(|first| first != connection);
        self.failed_on = Some(connection);
        second && self.open(now, vary)
    }

    /// A connection could not be made. While others answer, that one is a connection like any other.
    pub fn connect_failed(
        &mut self,
        connection: u64,
        others_open: bool,
        now: Instant,
        vary: impl FnOnce(Duration) -> Duration,
    ) -> bool {
        if others_open { self.unanswered(connection, now, now, vary) } else { self.open(now, vary) }
    }

    /// When the next probe starts; none while questions are asked, or a probe is out.
    #[must_use]
    pub fn probe_at(&self) -> Option<Instant> {
        match self.state {
            State::Open { probe_at } => Some(probe_at),
            _ => None,
        }
    }

    pub fn probe_starts(&mut self, now: Instant) {
        self.state = State::HalfOpen { since: now };
    }

    /// The next probe is due a second after this one started. A server that is there but not fit stays out.
    pub fn probe_ends(&mut self, found: Probed, now: Instant, vary: impl FnOnce(Duration) -> Duration) {
        let since = match self.state {
            State::HalfOpen { since } => since,
            _ => now,
        };
        if let Probed::Answered(Sync::Synced | Sync::Unknown) = found {
            *self = Self::default();
        } else {
            self.unfit = if found == Probed::Nothing { 0 } else { self.unfit.saturating_add(1) };
            if let Probed::Answered(sync) = found {
                self.found = sync;
            }
            self.state = State::Open { probe_at: (since + vary(PROBE_EVERY)).max(now) };
        }
    }

    /// A probe on a connection that is asked found a server that does not serve its region. One target behind a load balancer
    /// may be so; two in a row are a failure of the address. True if this opens the breaker.
    pub fn unfit(&mut self, found: Sync, now: Instant, vary: impl FnOnce(Duration) -> Duration) -> bool {
        self.found = found;
        self.unfit = self.unfit.saturating_add(1);
        self.unfit >= MOST_UNFIT && self.open(now, vary)
    }

    /// A probe on a connection that is asked found a server as it should be.
    pub fn fit(&mut self) {
        self.unfit = 0;
    }

    /// Why the server that the last probe reached is not asked, if one was reached: it has not read its zone, or is another region's.
    #[must_use]
    pub fn unfit_because(&self) -> Option<&'static str> {
        (self.unfit > 0).then_some(match self.found {
            Sync::Unsynced => UNSYNCED,
            Sync::Refused | Sync::Synced | Sync::Unknown => NOT_ITS,
        })
    }

    fn open(&mut self, now: Instant, vary: impl FnOnce(Duration) -> Duration) -> bool {
        let opens = matches!(self.state, State::Closed);
        if opens {
            self.state = State::Open { probe_at: now + vary(FIRST_PROBE) };
        }
        opens
    }
}

/// The jitter of probes.
#[must_use]
pub fn vary(pause: Duration) -> Duration {
    super::random::jitter(pause, JITTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(pause: Duration) -> Duration {
        pause
    }

    #[tokio::test(start_paused = true)]
    async fn one_connection_is_not_the_address() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..5 {
            assert!(!breaker.unanswered(1, now, now, plain), "always the same connection");
        }
        assert!(breaker.unanswered(2, now, now, plain));
        assert_eq!(breaker.health(), Health::Open);
        assert!(!breaker.unanswered(3, now, now, plain), "it opens once");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_forgives() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        assert!(!breaker.unanswered(1, now, now, plain));
        breaker.answered(now);
        assert!(!breaker.unanswered(2, now, now, plain));
        assert_eq!(breaker.health(), Health::Closed);
    }

    /// One name that gets no answer, on however many connections, while others are answered.
    #[tokio::test(start_paused = true)]
    async fn what_is_silent_while_others_are_answered_is_no_failure() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        let later = start + Duration::from_secs(1);
        breaker.answered(later);
        assert!(!breaker.unanswered(1, start, later, plain) && !breaker.unanswered(2, start, later, plain));
        assert!(!breaker.unanswered(1, later, later, plain) && breaker.unanswered(2, later, later, plain));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_connect_opens_unless_others_work() {
        let now = Instant::now();
        assert!(Breaker::default().connect_failed(1, false, now, plain));
        let mut breaker = Breaker::default();
        assert!(!breaker.connect_failed(1, true, now, plain));
        assert!(breaker.connect_failed(2, true, now, plain));
    }

    #[tokio::test(start_paused = true)]
    async fn two_unfit_targets_in_a_row_are_a_failure_of_the_address() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        assert!(!breaker.unfit(Sync::Unsynced, now, plain));
        breaker.fit();
        assert!(!breaker.unfit(Sync::Unsynced, now, plain) && breaker.health() == Health::Closed);
        assert_eq!(breaker.unfit_because(), Some("not synced yet"));
        assert!(breaker.unfit(Sync::Refused, now, plain) && breaker.health() == Health::Open);
        assert_eq!(breaker.unfit_because(), Some("does not serve its region"));
    }

    #[tokio::test(start_paused = true)]
    async fn probes_bring_it_back() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        let second = Duration::from_secs(1);
        breaker.connect_failed(1, false, start, plain);
        assert_eq!(breaker.probe_at(), Some(start + second / 4), "the first one soon");
        breaker.probe_starts(start + second / 4);
        assert_eq!((breaker.health(), breaker.probe_at()), (Health::HalfOpen, None));
        breaker.probe_ends(Probed::Nothing, start + second / 2, plain);
        assert_eq!(breaker.probe_at(), Some(start + second + second / 4), "each second from the first one's start");
        breaker.probe_starts(start + second);
        breaker.probe_ends(Probed::Nothing, start + 3 * second, plain);
        assert_eq!(breaker.probe_at(), Some(start + 3 * second), "late, so at once");
        breaker.probe_starts(start + 3 * second);
        breaker.probe_ends(Probed::Answered(Sync::Unsynced), start + 3 * second, plain);
        assert!(breaker.unfit_because() == Some("not synced yet") && breaker.health() == Health::Open);
        breaker.probe_starts(start + 4 * second);
        breaker.probe_ends(Probed::Answered(Sync::Unknown), start + 4 * second, plain);
        assert!(breaker.unfit_because().is_none() && breaker.health() == Health::Closed);
    }
}
