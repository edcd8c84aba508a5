//! One address of a server: its connections, and what is known of its health. Which address is asked, and what becomes of a
//! question that fails here, is decided in `asking`; how connections are opened and probed, in `opening` and `probing`.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::answered::Answered;
use super::backoff::Backoff;
use super::bells::Bells;
use super::choice::{Candidate, Turns};
use super::connection::{AskError, Connection, Pending};
use super::counters::{AddressSnapshot, Counters, Standing, count};
use super::dial::Dial;
use super::health::{Breaker, Health, vary};
use super::hedge::Budget;
use super::percentile::Percentile;
use super::rtt::SmoothedRtt;
use super::settings::Settings;
use super::stall;
use super::sync::Probe;
use super::table::Ticket;
use super::warm::Use;
use crate::wire::Rcode;
use crate::wire::exchange::{Manner, Question, Received};
use crate::wire::stamp::ReplyStamp;

/// How long a server that does not understand OPT is asked without it.
const WITHOUT_OPT: Duration = Duration::from_secs(600);

/// What all addresses of a group share.
pub(super) struct Common {
    pub(super) plan: RwLock<Arc<Plan>>,
    pub(super) bells: Arc<Bells>,
    pub(super) turns: Turns,
    pub(super) hedges: Budget,
    pub(super) used: Use,
    pub(super) dial: Arc<dyn Dial>,
    pub(super) runtime: Handle,
}

/// How addresses are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub settings: Settings,
    pub probe: Probe,
    /// What our own questions bear: probes too, so that a wrong address never makes a loop of them.
    pub stamp: Option<Vec<u8>>,
}

impl Common {
    pub(super) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan.read())
    }
}

/// One address.
pub struct Address {
    pub(super) server: SocketAddr,
    pub(super) common: Arc<Common>,
    pub(super) counters: Arc<Counters>,
    /// The breaker is not closed: what the state says, for those who must not wait for it.
    pub(super) broken: AtomicBool,
    pub(super) state: Mutex<State>,
    me: Weak<Self>,
}

pub(super) struct State {
    pub(super) open: Vec<Arc<Connection>>,
    /// An attempt is under way, or waits for its time.
    pub(super) connecting: bool,
    /// The task that probes while the breaker is open is there.
    pub(super) probing: bool,
    /// Probes that failed since the breaker opened.
    pub(super) failed_probes: u32,
    /// Connections begun so far; each has its number.
    pub(super) begun: u64,
    /// Those up to this one were begun before one was found closed: what closed that may have closed them.
    pub(super) doubted: u64,
    pub(super) backoff: Backoff,
    pub(super) breaker: Breaker,
    pub(super) rtt: SmoothedRtt,
    usual: Percentile,
    without_opt_until: Option<Instant>,
    /// The last thing that went wrong.
    pub(super) cause: &'static str,
    /// What the last reply option said.
    said: Option<ReplyStamp>,
}

impl Address {
    pub(super) fn new(server: SocketAddr, common: Arc<Common>) -> Arc<Self> {
        let state = State {
            open: Vec::new(),
            connecting: false,
            probing: false,
            failed_probes: 0,
            begun: 0,
            doubted: 0,
            backoff: Backoff::default(),
            breaker: Breaker::default(),
            rtt: SmoothedRtt::default(),
            usual: Percentile::default(),
            without_opt_until: None,
            cause: "not connected yet",
            said: None,
        };
        let (counters, broken) = (Arc::default(), AtomicBool::new(false));
        Arc::new_cyclic(|me| Self { server, common, counters, broken, state: Mutex::new(state), me: me.clone() })
    }

    #[must_use]
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The last thing that went wrong, in words for an EDE.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        self.state.lock().cause()
    }

    /// Its breaker is not closed.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken.load(Relaxed)
    }

    /// How long a connection may be silent before it has stalled.
    #[must_use]
    pub fn stall_patience(&self) -> Duration {
        stall::patience(self.state.lock().rtt, self.common.plan().settings.deadline)
    }

    /// Within this time answers usually come.
    #[must_use]
    pub fn usual(&self) -> Option<Duration> {
        self.state.lock().usual.get()
    }

    /// What the choice goes by.
    #[must_use]
    pub fn candidate(&self, now: Instant) -> Candidate {
        let deadline = self.common.plan().settings.deadline;
        let state = self.state.lock();
        Candidate {
            usable: state.breaker.health() == Health::Closed,
            ready: state.best(deadline, now, |_| true).is_some(),
            rtt: state.rtt.get(),
        }
    }

    /// The connection with the fewest questions of those that are `fit` and have not stalled. If even that one is busy, or near
    /// its end, another one is opened for the next questions.
    #[must_use]
    pub fn take(&self, now: Instant, fit: impl Fn(u64) -> bool) -> Option<Arc<Connection>> {
        let deadline = self.common.plan().settings.deadline;
        let best = self.state.lock().best(deadline, now, |one| fit(one.number()))?;
        if best.is_busy() || best.is_aging(now) {
            self.wake();
        }
        Some(best)
    }

    /// Puts a question on one of the connections.
    ///
    /// # Errors
    /// If the connection takes none.
    pub fn put(
        self: &Arc<Self>,
        connection: &Arc<Connection>,
        question: &Question,
        option: Option<(u16, &[u8])>,
    ) -> Result<OnItsWay, AskError> {
        let began = Instant::now();
        let edns = self.state.lock().without_opt_until.is_none_or(|end| end <= began);
        let pending = connection.put(question, Manner { edns, option }, false)?;
        count(&self.counters.questions);
        self.counters.in_flight.fetch_add(1, Relaxed);
        let (address, connection, ticket) = (Arc::clone(self), Arc::clone(connection), pending.ticket());
        Ok(OnItsWay { address, connection, ticket, pending: Some(pending), began, edns, is_over: false })
    }

    #[must_use]
    pub fn snapshot(&self) -> AddressSnapshot {
        let now = Instant::now();
        let state = self.state.lock();
        let open = || state.open.iter().filter(|connection| connection.is_open(now));
        let standing = Standing {
            health: state.breaker.health(),
            cause: (state.breaker.health() != Health::Closed).then(|| state.cause()),
            rtt: state.rtt.get(),
            usual: state.usual.get(),
            connections: open().count(),
            synced: open().filter(|connection| connection.is_synced()).count(),
            said: state.said.clone(),
        };
        self.counters.snapshot(self.server, standing)
    }

    pub(super) fn weak(&self) -> Weak<Self> {
        self.me.clone()
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.common.runtime.spawn(task);
    }

    /// An answer to a question or to a probe.
    pub(super) fn heard(state: &mut State, answer: &Received) {
        if answer.stamp.is_some() && state.said != answer.stamp {
            state.said.clone_from(&answer.stamp);
        }
    }

    /// A question was unanswered for its whole time on this connection, which has been silent since then.
    pub(super) fn unanswered(&self, connection: &Connection, silent_since: Instant, now: Instant) {
        let mut state = self.state.lock();
        state.cause = "timed out";
        if state.breaker.unanswered(connection.number(), silent_since, now, vary) {
            self.give_up(&mut state);
            drop(state);
            self.common.bells.changed();
        }
    }

    /// The breaker has opened.
    pub(super) fn give_up(&self, state: &mut State) {
        state.open.clear();
        self.probe_from_now_on(state);
    }

    fn learn(&self, connection: &Connection, began: Instant, outcome: &Result<Received, AskError>) {
        let now = Instant::now();
        match outcome {
            Ok(answer) => {
                count(&self.counters.answers);
                self.counters.timings.answered(answer.body.rcode.0, now - began);
                let mut state = self.state.lock();
                state.rtt.sample_answer(now - began);
                state.usual.sample(now - began);
                state.breaker.answered(now);
                state.backoff.worked();
                Self::heard(&mut state, answer);
            }
            Err(AskError::Closed) => {
                let mut state = self.state.lock();
                state.cause = "connection closed";
                // Whatever cut this one may have cut the others too: only those heard since are trusted. Questions that
                // wait on them go on waiting.
                state.open.retain(|other| other.last_read() > began);
                state.doubted = state.begun;
            }
            Err(AskError::TimedOut { silent }) => {
                count(&self.counters.timeouts);
                if *silent {
                    self.unanswered(connection, began, now);
                } else {
                    self.state.lock().cause = "timed out";
                }
            }
            Err(AskError::Unavailable) => {}
        }
    }

    /// Somebody else's answer came first. What took longer than usual counts, or an address that has become slow would look
    /// as fast as before.
    fn lost(&self, waited: Duration) {
        let mut state = self.state.lock();
        if state.rtt.get().is_some_and(|usual| waited > usual) {
            state.rtt.sample_answer(waited);
        }
        state.usual.lost(waited);
    }
}

/// A question that waits for its answer; dropped before that, it was given up.
pub struct OnItsWay {
    address: Arc<Address>,
    connection: Arc<Connection>,
    ticket: Ticket,
    pending: Option<Pending>,
    began: Instant,
    edns: bool,
    is_over: bool,
}

impl OnItsWay {
    /// Tells it from the others of the connection.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Waits for the answer, and learns from the outcome. A server that does not understand OPT is asked once more without it
    /// (RFC 6891 7).
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn answer(mut self, question: &Question, until: Instant) -> Result<Answered, AskError> {
        let Some(pending) = self.pending.take() else { return Err(AskError::Closed) };
        let mut outcome = pending.answer(until).await;
        if self.edns && outcome.as_ref().is_ok_and(refuses_opt) {
            let plain = self.connection.ask(question, Manner::default(), until).await;
            if plain.as_ref().is_ok_and(|answer| !refuses_opt(answer)) {
                self.address.state.lock().without_opt_until = Some(self.began + WITHOUT_OPT);
            }
            // An answer is an answer, even if the second question had none.
            outcome = plain.or(outcome);
        }
        self.is_over = true;
        self.address.learn(&self.connection, self.began, &outcome);
        outcome.map(|answer| Answered::over(answer, self.connection.is_synced()))
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.address.counters.in_flight.fetch_sub(1, Relaxed);
        if !self.is_over {
            self.address.lost(self.began.elapsed());
        }
    }
}

impl State {
    /// The last thing that went wrong; what a server says of itself is more than that.
    pub(super) fn cause(&self) -> &'static str {
        self.breaker.unfit_because().unwrap_or(self.cause)
    }

    fn best(&self, deadline: Duration, now: Instant, fit: impl Fn(&Connection) -> bool) -> Option<Arc<Connection>> {
        let patience = stall::patience(self.rtt, deadline);
        let usable = self.open.iter().filter(|one| one.is_open(now) && fit(one));
        let flowing = usable.filter(|one| !stall::is_stalled(one.silent_since(now), patience, now));
        let with_load = flowing.map(|one| (one.load(), one)).filter(|((load, most), _)| load < most);
        with_load.min_by_key(|((load, _), _)| *load).map(|(_, one)| Arc::clone(one))
    }

    /// Gives up the connection that has been silent longest, if that was longer than a question has. Who still waits on it goes
    /// on waiting.
    pub(super) fn lets_go(&mut self, deadline: Duration, now: Instant) -> bool {
        let silent = self.open.iter().filter_map(|one| Some((one.silent_since(now)?, one.number())));
        let Some((_, number)) = silent.min().filter(|(since, _)| now >= *since + deadline) else { return false };
        self.open.retain(|one| one.number() != number);
        true
    }

    /// How many connections there are for the next questions, and how many of them have not stalled.
    pub(super) fn lasting(&self, deadline: Duration, now: Instant) -> (usize, usize) {
        let patience = stall::patience(self.rtt, deadline);
        let lasting = self.open.iter().filter(|one| one.is_open(now) && !one.is_aging(now));
        lasting.fold((0, 0), |(all, flowing), one| {
            let stalled = stall::is_stalled(one.silent_since(now), patience, now);
            (all + 1, flowing + usize::from(!stalled))
        })
    }
}

/// Servers without EDNS answer one of these to an OPT record (RFC 6891 7, RFC 8906 3.2.2).
#[must_use]
pub fn refuses_opt(answer: &Received) -> bool {
    matches!(answer.body.rcode, Rcode::FORMERR | Rcode::NOTIMP | Rcode::BADVERS)
}
