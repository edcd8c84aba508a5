//! When a connection of an address is opened, and what becomes of one that has ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::address::{Address, State};
use super::connection::{Connection, Pending, Terms};
use super::counters::count;
use super::dial::{DialError, Stream};
use super::health::{Health, vary};
use super::minder::mind;
use super::minding::{Duty, Facts, Minding};
use super::settings::CONNECT_TIMEOUT;
use super::warm;

/// Connections of one address at most, those that have stalled among them.
const MOST: usize = 8;

impl Address {
    /// Opens a connection if one more is allowed, and none is under way. While all of them have stalled more are allowed; when
    /// these are all there are, a new one takes the place of one that does not come back.
    pub fn wake(&self) {
        let settings = self.common.plan().settings;
        let now = Instant::now();
        let (number, start) = {
            let mut state = self.state.lock();
            state.open.retain(|connection| connection.is_open(now));
            if state.connecting || state.breaker.health() != Health::Closed {
                return;
            }
            let (all, flowing) = state.lasting(settings.deadline, now);
            let most = if all > 0 && flowing == 0 { MOST.max(settings.connections) } else { settings.connections };
            if all >= most && (flowing > 0 || !state.lets_go(settings.deadline, now)) {
                return;
            }
            state.connecting = true;
            state.begun += 1;
            (state.begun, state.backoff.claim(now, vary))
        };
        let (me, server, dial) = (self.weak(), self.server, Arc::clone(&self.common.dial));
        self.spawn(async move {
            sleep_until(start).await;
            let began = Instant::now();
            let dialled = dial.dial(server, CONNECT_TIMEOUT).await;
            // The address may be gone from the table meanwhile.
            if let Some(address) = me.upgrade() {
                address.connected(number, dialled, began.elapsed() / dial.round_trips());
            }
        });
    }

    fn connected(&self, number: u64, dialled: Result<Stream, DialError>, round_trip: Duration) {
        let now = Instant::now();
        {
            let mut state = self.state.lock();
            state.connecting = false;
            match dialled {
                // It may be closed already, and the question that waits for it has met a closed one before.
                Ok(_) if number <= state.doubted => {
                    state.backoff.worked();
                    drop(state);
                    self.wake();
                }
                Ok(stream) => {
                    if state.rtt.get().is_none() {
                        state.rtt.sample(round_trip);
                    }
                    let connection = self.start(number, stream);
                    // The probe is the first question on it; those that come behind it do not wait for its answer.
                    let probe = if self.common.plan().probe.tells_sync() { self.put_probe(&connection) } else { None };
                    self.enter(&mut state, connection, probe);
                }
                Err(error) => {
                    count(&self.counters.connect_failures);
                    state.cause = error.cause();
                    let (_, flowing) = state.lasting(self.common.plan().settings.deadline, now);
                    if state.breaker.connect_failed(number, flowing > 0, now, vary) {
                        self.give_up(&mut state);
                    }
                }
            }
        }
        self.common.bells.changed();
    }
    pub(super) fn start(&self, number: u64, stream: Stream) -> Arc<Connection> {
        count(&self.counters.connects);
        let settings = self.common.plan().settings;
        let terms = Terms {
            max_age: settings.max_age,
            in_flight: settings.in_flight,
            stamp_option: settings.stamp_option,
            deadline: settings.deadline,
        };
        let (counters, bells) = (Arc::clone(&self.counters), Arc::clone(&self.common.bells));
        Arc::new(Connection::start(number, stream, terms, counters, bells))
    }

    /// Questions may use it from now on. `probe` is on it already.
    pub(super) fn enter(&self, state: &mut State, connection: Arc<Connection>, probe: Option<Pending>) {
        self.spawn(mind(self.weak(), Arc::downgrade(&connection), probe));
        state.open.push(connection);
    }

    /// What is due on a connection.
    pub(super) fn duty(&self, connection: &Connection, minding: &mut Minding) -> Duty {
        let (plan, now) = (self.common.plan(), Instant::now());
        // Before it is looked at, so that no question slips through in between.
        connection.call_at_question(true);
        let spare = {
            let state = self.state.lock();
            state.open.iter().filter(|one| one.is_open(now)).count() > plan.settings.connections
        };
        let facts = Facts {
            last_asked: connection.last_asked(),
            awaited: connection.is_awaited(),
            silent_since: connection.silent_since(now),
            ages_at: connection.ages_at(),
            spare,
            probed: plan.probe.tells_sync(),
        };
        // While something is out there is a time to look again, and no need to be called at each question.
        connection.call_at_question(facts.silent_since.is_none());
        minding.next(facts, plan.settings.deadline, now, vary)
    }

    /// A connection comes near its greatest age.
    pub(super) fn replace(&self) {
        if warm::reopens(false, Duration::ZERO, self.common.used.is_unused(Instant::now())) {
            self.wake();
        }
    }

    /// A connection has ended, for whatever reason.
    pub(super) fn ended(&self, connection: &Connection) {
        let now = Instant::now();
        let last = {
            let mut state = self.state.lock();
            state.open.retain(|one| one.is_open(now));
            // Closed before it said a word: that is no way to a server, whatever the handshake said.
            if connection.was_cut() && !connection.has_answered() {
                state.cause = "connection closed";
                if state.breaker.unanswered(connection.number(), connection.last_read(), now, vary) {
                    self.give_up(&mut state);
                }
            }
            state.open.is_empty()
        };
        let idle = now - connection.last_asked().max(connection.last_read());
        if last && warm::reopens(connection.was_cut(), idle, self.common.used.is_unused(now)) {
            self.wake();
        }
        self.common.bells.changed();
    }

    /// Closes what nobody waits for, but for so many connections; the oldest stay.
    pub(super) fn close_unused(&self, keep: usize) {
        let mut state = self.state.lock();
        let now = Instant::now();
        state.open.retain(|connection| connection.is_open(now));
        for connection in state.open.iter().skip(keep).filter(|connection| !connection.is_awaited()) {
            connection.drain();
        }
    }
}
