//! One address of a server: its connections, opened when they are needed, and what is known of its health. Which address is
//! asked, and what becomes of a question that fails here, is decided in `asking`.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::backoff::Backoff;
use super::choice::Candidate;
use super::connection::{AskError, Connection, Terms};
use super::counters::{AddressSnapshot, Counters, count};
use super::dial::{DialError, dial};
use super::health::{Breaker, Health, Probed, vary};
use super::rtt::SmoothedRtt;
use super::settings::{CONNECT_TIMEOUT, Settings};
use super::sync::{Probe, Sync};
use crate::wire::Rcode;
use crate::wire::exchange::{Manner, Question, Received};

/// A probe has an answer after this long, or fails.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a server that does not understand OPT is asked without it.
const WITHOUT_OPT: Duration = Duration::from_secs(600);

/// What all addresses of a group share.
pub(super) struct Common {
    pub(super) plan: RwLock<Arc<Plan>>,
    /// Told when a question may have a better chance than before.
    pub(super) changed: Arc<Notify>,
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
    server: SocketAddr,
    common: Arc<Common>,
    counters: Arc<Counters>,
    /// The breaker is not closed: what the state says, for those who must not wait for it.
    broken: AtomicBool,
    state: Mutex<State>,
    me: Weak<Self>,
}

struct State {
    open: Vec<Arc<Connection>>,
    /// An attempt is under way, or waits for its time.
    connecting: bool,
    /// The task that probes is there.
    probing: bool,
    /// Connections begun so far; each has its number.
    begun: u64,
    backoff: Backoff,
    breaker: Breaker,
    rtt: SmoothedRtt,
    without_opt_until: Option<Instant>,
    /// The last thing that went wrong.
    cause: &'static str,
}

impl Address {
    pub(super) fn new(server: SocketAddr, common: Arc<Common>) -> Arc<Self> {
        let state = State {
            open: Vec::new(),
            connecting: false,
            probing: false,
            begun: 0,
            backoff: Backoff::default(),
            breaker: Breaker::default(),
            rtt: SmoothedRtt::default(),
            without_opt_until: None,
            cause: "not connected yet",
        };
        let (counters, broken) = (Arc::default(), AtomicBool::new(false));
        Arc::new_cyclic(|me| Self { server, common, counters, broken, state: Mutex::new(state), me: me.clone() })
    }

    #[must_use]
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// The last thing that went wrong, in words for an EDE.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        let state = self.state.lock();
        if state.breaker.is_unfit() { "does not serve its region" } else { state.cause }
    }

    #[must_use]
    pub fn rtt(&self) -> SmoothedRtt {
        self.state.lock().rtt
    }

    /// Its breaker is not closed.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken.load(Relaxed)
    }

    /// What the choice goes by.
    #[must_use]
    pub fn candidate(&self, now: Instant) -> Candidate {
        let state = self.state.lock();
        Candidate {
            usable: state.breaker.health() == Health::Closed,
            ready: state.best(now).is_some(),
            rtt: state.rtt.get(),
        }
    }

    /// The connection with the fewest questions. If even that one is busy, or near its end, another one is opened for the
    /// next questions.
    #[must_use]
    pub fn take(&self) -> Option<Arc<Connection>> {
        let now = Instant::now();
        let best = self.state.lock().best(now)?;
        if best.load().0 > 0 || best.is_aging(now) {
            self.wake();
        }
        Some(best)
    }

    /// Opens a connection if one more is allowed, and none is under way.
    pub fn wake(&self) {
        let settings = self.common.plan().settings;
        let now = Instant::now();
        let (number, start) = {
            let mut state = self.state.lock();
            state.open.retain(|connection| connection.is_open(now));
            let lasting = state.open.iter().filter(|connection| !connection.is_aging(now)).count();
            if state.connecting || state.breaker.health() != Health::Closed || lasting >= settings.connections {
                return;
            }
            state.connecting = true;
            state.begun += 1;
            (state.begun, state.backoff.claim(now, vary))
        };
        let (me, server) = (self.me.clone(), self.server);
        self.common.runtime.spawn(async move {
            sleep_until(start).await;
            let began = Instant::now();
            let dialled = dial(server, CONNECT_TIMEOUT).await;
            // The address may be gone from the table meanwhile.
            if let Some(address) = me.upgrade() {
                address.connected(number, dialled, began.elapsed());
            }
        });
    }

    /// Asks over one of the connections, and learns from the outcome. A server that does not understand OPT is asked once
    /// more without it (RFC 6891 7).
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn ask(
        &self,
        connection: &Connection,
        question: &Question,
        option: Option<(u16, &[u8])>,
        until: Instant,
    ) -> Result<Received, AskError> {
        let began = Instant::now();
        let edns = self.state.lock().without_opt_until.is_none_or(|end| end <= began);
        let mut outcome = connection.ask(question, Manner { edns, option }, until).await;
        if edns && outcome.as_ref().is_ok_and(refuses_opt) {
            let plain = connection.ask(question, Manner::default(), until).await;
            if plain.as_ref().is_ok_and(|answer| !refuses_opt(answer)) {
                self.state.lock().without_opt_until = Some(began + WITHOUT_OPT);
            }
            // An answer is an answer, even if the second question had none.
            outcome = plain.or(outcome);
        }
        self.learn(connection, began, &outcome);
        outcome
    }

    #[must_use]
    pub fn snapshot(&self) -> AddressSnapshot {
        let now = Instant::now();
        let state = self.state.lock();
        let open = state.open.iter().filter(|connection| connection.is_open(now)).count();
        self.counters.snapshot(self.server, state.breaker.health(), state.rtt.get(), open)
    }

    fn connected(&self, number: u64, dialled: Result<TcpStream, DialError>, took: Duration) {
        let now = Instant::now();
        {
            let mut state = self.state.lock();
            state.connecting = false;
            match dialled {
                Ok(stream) => {
                    count(&self.counters.connects);
                    // The handshake is one round trip.
                    if state.rtt.get().is_none() {
                        state.rtt.sample(took);
                    }
                    let connection = self.start(number, stream);
                    state.open.push(connection);
                }
                Err(error) => {
                    count(&self.counters.connect_failures);
                    state.cause = error.cause();
                    let others = state.best(now).is_some();
                    if state.breaker.connect_failed(number, others, now, vary) {
                        self.probe_from_now_on(&mut state);
                    }
                }
            }
        }
        self.common.changed.notify_waiters();
    }

    fn start(&self, number: u64, stream: TcpStream) -> Arc<Connection> {
        let settings = self.common.plan().settings;
        let terms =
            Terms { max_age: settings.max_age, in_flight: settings.in_flight, stamp_option: settings.stamp_option };
        let (counters, changed) = (Arc::clone(&self.counters), Arc::clone(&self.common.changed));
        Arc::new(Connection::start(number, stream, terms, counters, changed))
    }

    fn learn(&self, connection: &Connection, began: Instant, outcome: &Result<Received, AskError>) {
        let now = Instant::now();
        let mut state = self.state.lock();
        match outcome {
            Ok(_) => {
                state.rtt.sample(now - began);
                state.breaker.answered();
                state.backoff.worked();
            }
            Err(AskError::Closed { .. }) => {
                state.cause = "connection closed";
                // Whatever cut this one may have cut the others too: only those heard since are trusted. Questions that
                // wait on them go on waiting.
                state.open.retain(|other| other.last_read() >= began);
            }
            Err(AskError::TimedOut { silent }) => {
                state.cause = "timed out";
                // A question that was sent here late has shown nothing about this address.
                let long_enough = (now - began) * 2 >= self.common.plan().settings.deadline;
                if *silent && long_enough && state.breaker.unanswered(connection.number(), now, vary) {
                    state.open.clear();
                    self.probe_from_now_on(&mut state);
                    drop(state);
                    self.common.changed.notify_waiters();
                }
            }
            Err(AskError::Unavailable) => {}
        }
    }

    /// Starts the task that probes until the breaker is closed, or the address is gone.
    fn probe_from_now_on(&self, state: &mut State) {
        self.broken.store(true, Relaxed);
        tracing::warn!(server = %self.server, cause = state.cause, "address does not answer: asked no more, but probed");
        if std::mem::replace(&mut state.probing, true) {
            return;
        }
        let me = self.me.clone();
        self.common.runtime.spawn(async move {
            while let Some(at) = me.upgrade().and_then(|address| address.next_probe()) {
                sleep_until(at).await;
                if let Some(address) = me.upgrade() {
                    address.probe().await;
                }
            }
        });
    }

    fn next_probe(&self) -> Option<Instant> {
        let mut state = self.state.lock();
        let at = state.breaker.probe_at();
        state.probing = at.is_some();
        at
    }

    /// One probe, on a connection of its own: behind a load balancer that may be another target.
    async fn probe(&self) {
        let plan = self.common.plan();
        let number = {
            let mut state = self.state.lock();
            state.breaker.probe_starts(Instant::now());
            state.begun += 1;
            state.begun
        };
        count(&self.counters.probes);
        let (found, connection) = match dial(self.server, CONNECT_TIMEOUT).await {
            Err(error) => {
                count(&self.counters.connect_failures);
                self.state.lock().cause = error.cause();
                (Probed::Nothing, None)
            }
            Ok(stream) => {
                count(&self.counters.connects);
                let connection = self.start(number, stream);
                let option = plan.stamp.as_deref().map(|stamp| (plan.settings.stamp_option, stamp));
                let until = Instant::now() + PROBE_TIMEOUT;
                let asked = connection.ask(&plan.probe.question(), Manner { edns: true, option }, until).await;
                let found = asked.map_or(Probed::Nothing, |answer| Probed::Answered(plan.probe.judge(&answer)));
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
                state.open.extend(connection);
            } else {
                count(&self.counters.probe_failures);
            }
        }
        self.common.changed.notify_waiters();
    }
}

impl State {
    fn best(&self, now: Instant) -> Option<Arc<Connection>> {
        let usable = self.open.iter().filter(|one| one.is_open(now));
        let with_load = usable.map(|one| (one.load(), one)).filter(|((load, most), _)| load < most);
        with_load.min_by_key(|((load, _), _)| *load).map(|(_, one)| Arc::clone(one))
    }
}

/// Servers without EDNS answer one of these to an OPT record (RFC 6891 7, RFC 8906 3.2.2).
#[must_use]
pub fn refuses_opt(answer: &Received) -> bool {
    matches!(answer.body.rcode, Rcode::FORMERR | Rcode::NOTIMP | Rcode::BADVERS)
}
