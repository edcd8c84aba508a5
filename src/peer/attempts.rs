//! The sends of one question so far, and what follows from them: whether there is to be another one, where to, and what the
//! question gets in the end. It waits for nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::address::Address;
use super::answered::Answered;
use super::choice::{Candidate, Choice, Turns, choose, nearest};
use super::connection::{AskError, Connection};
use super::counters::count;
use super::group::Trouble;
use super::hedge::{self, Budget};
use super::table::Ticket;
use crate::wire::Rcode;
use crate::wire::exchange::Received;

/// Sends of one question in all.
const MOST_SENDS: usize = 3;
/// Sends if one of them met a connection that closed: a question that kills servers must not be carried to all of them.
const MOST_SENDS_AFTER_RESET: usize = 2;
/// A question that waits for another connection than those it was sent on looks again after this long.
const AGAIN: Duration = Duration::from_millis(50);
/// Known addresses that are connected to when none has a connection; unknown ones are all.
const WOKEN: usize = 2;

/// What is known so far.
pub(super) struct Attempts {
    made: Vec<Attempt>,
    most_sends: usize,
    wanted: Option<Why>,
    /// Asked elsewhere as well, for being late or for a stall: no hedge any more.
    hedged: bool,
    /// SERVFAIL: better than nothing.
    servfail: Option<Answered>,
    /// REFUSED and the like.
    refused: Option<Received>,
    cause: Option<&'static str>,
}

/// One send.
struct Attempt {
    address: Arc<Address>,
    connection: Arc<Connection>,
    ticket: Option<Ticket>,
    /// When its answer is later than usual.
    late_at: Option<Instant>,
    stall_patience: Duration,
    stalled: bool,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Out,
    Over,
    /// It never left: the connection took no question any more.
    Void,
}

/// Why one more send is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    First,
    /// Its connection has stalled.
    Stall,
    /// Its answer is late; worth a ready connection, and no more.
    Late,
    /// Its connection closed, or took it not at all.
    Closed,
    /// The answer was SERVFAIL: another target may know more.
    ServFail,
    /// The answer was a refusal: another address may be the right one.
    Refused,
}

impl Why {
    fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Stall => "stall",
            Self::Late => "late",
            Self::Closed => "closed",
            Self::ServFail => "servfail",
            Self::Refused => "refused",
        }
    }

    /// Another connection of an address that was asked will do.
    fn same_address_will_do(self) -> bool {
        !matches!(self, Self::First | Self::Refused)
    }

    /// It is worth waiting for a connection, even of an address that was asked.
    fn waits(self) -> bool {
        matches!(self, Self::First | Self::Stall | Self::Closed)
    }
}

/// The next step.
pub(super) enum Step {
    Send { number: usize, why: &'static str, address: Arc<Address>, connection: Arc<Connection> },
    Wait,
    GiveUp,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            made: Vec::new(),
            most_sends: MOST_SENDS,
            wanted: Some(Why::First),
            hedged: false,
            servfail: None,
            refused: None,
            cause: None,
        }
    }
}

impl Attempts {
    /// Is one more send wanted?
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.is_some()
    }

    /// Does it wait for the first connection there is, whichever that may be?
    pub(super) fn takes_any(&self) -> bool {
        self.wanted == Some(Why::First)
    }

    /// It was put on its connection.
    pub(super) fn left(&mut self, number: usize, ticket: Ticket) {
        self.made[number].ticket = Some(ticket);
    }

    /// Where the send that is wanted goes. What cannot be sent and is not worth waiting for is wanted no more.
    pub(super) fn step(&mut self, addresses: &[Arc<Address>], turns: &Turns, hedges: &Budget, now: Instant) -> Step {
        let Some(why) = self.wanted.filter(|_| self.sends() < self.most_sends) else {
            self.wanted = None;
            return Step::GiveUp;
        };
        let known: Vec<Candidate> = addresses.iter().map(|one| one.candidate(now)).collect();
        let fresh: Vec<Candidate> = known
            .iter()
            .zip(addresses)
            .map(|(one, address)| Candidate { usable: one.usable && !self.was_asked(address.server()), ..*one })
            .collect();
        let choice = choose(&fresh, turns.next());
        let found = match choice {
            Choice::Ask(at) => addresses[at].take(now, |_| true).map(|connection| (at, connection)),
            _ => None,
        };
        let found = found.or_else(|| self.another_connection(why, addresses, &known, now));
        if why != Why::Late {
            wake(addresses, &fresh, found.is_some());
        }
        match found {
            Some((at, connection)) if why != Why::Late || hedges.spend() => {
                self.send(&addresses[at], connection, why, now)
            }
            Some(_) => self.give_up(),
            None if why == Why::Late => self.give_up(),
            None if choice != Choice::Nobody => Step::Wait,
            None if why.waits() => match nearest(&known) {
                Some(at) => {
                    addresses[at].wake();
                    Step::Wait
                }
                None => self.give_up(),
            },
            None => self.give_up(),
        }
    }

    /// Takes an outcome in; gives the answer if it is one.
    pub(super) fn learn(&mut self, number: usize, outcome: Result<Answered, AskError>) -> Option<Answered> {
        self.made[number].state = State::Over;
        let others_are_out = self.made.iter().any(|one| one.state == State::Out);
        let mut want = |why| {
            if !others_are_out {
                self.wanted = Some(why);
            }
        };
        match outcome {
            Ok(answer) => match answer.received.body.rcode {
                // Once elsewhere; what comes then is passed on.
                Rcode::SERVFAIL if self.servfail.is_none() => {
                    want(Why::ServFail);
                    self.servfail = Some(answer);
                }
                Rcode::REFUSED | Rcode::NOTIMP | Rcode::FORMERR | Rcode::BADVERS => {
                    want(Why::Refused);
                    self.refused = Some(answer.received);
                }
                _ => return Some(answer),
            },
            Err(AskError::Closed) => {
                want(Why::Closed);
                self.cause = Some("connection closed");
                self.most_sends = MOST_SENDS_AFTER_RESET;
            }
            Err(AskError::Unavailable) => {
                want(Why::Closed);
                self.made[number].state = State::Void;
            }
            Err(AskError::TimedOut { .. }) => {
                self.cause = Some("timed out");
            }
        }
        None
    }

    /// When the sends that are out are to be looked at again.
    pub(super) fn look_at(&self, now: Instant) -> Option<Instant> {
        if self.wanted.is_some_and(|why| why != Why::First) {
            // What would do may come to be without a bell for it.
            return Some(now + AGAIN);
        }
        if self.sends() >= self.most_sends || self.is_wanted() {
            return None;
        }
        let out = self.made.iter().filter(|one| one.state == State::Out);
        let stall = out.clone().filter(|one| !one.stalled).filter_map(|one| one.stalls_at(now)).min();
        let late = out.filter(|_| !self.hedged).filter_map(|one| one.late_at).min();
        stall.into_iter().chain(late).min()
    }

    /// Looks at the sends that are out: has a connection stalled, is an answer late?
    pub(super) fn look(&mut self, now: Instant) {
        if self.is_wanted() {
            return;
        }
        let stalled = self
            .made
            .iter_mut()
            .filter(|one| one.state == State::Out && !one.stalled)
            .find(|one| one.stalls_at(now).is_some_and(|at| now >= at));
        if let Some(one) = stalled {
            one.stalled = true;
            count(&one.address.counters().stalls);
            (self.hedged, self.wanted) = (true, Some(Why::Stall));
            return;
        }
        let is_late = |one: &&Attempt| one.state == State::Out && one.late_at.is_some_and(|at| now >= at);
        if !self.hedged && self.made.iter().any(|one| is_late(&one)) {
            (self.hedged, self.wanted) = (true, Some(Why::Late));
        }
    }

    /// The time is over, and the question never left.
    pub(super) fn was_not_connected(&mut self) {
        self.cause.get_or_insert("not connected in time");
    }

    /// The end without an answer.
    pub(super) fn verdict(self, addresses: &[Arc<Address>]) -> Result<Answered, Trouble> {
        if let Some(answer) = self.servfail {
            return Ok(answer);
        }
        if let Some(answer) = self.refused {
            return Err(Trouble::Refused(Box::new(answer)));
        }
        match addresses.first() {
            None => Err(Trouble::NoAddress),
            Some(first) => Err(Trouble::Dark(self.cause.unwrap_or(first.cause()))),
        }
    }

    fn sends(&self) -> usize {
        self.made.iter().filter(|one| one.state != State::Void).count()
    }

    fn was_asked(&self, server: SocketAddr) -> bool {
        self.made.iter().any(|one| one.state != State::Void && one.address.server() == server)
    }

    fn give_up(&mut self) -> Step {
        self.wanted = None;
        Step::GiveUp
    }

    fn send(&mut self, address: &Arc<Address>, connection: Arc<Connection>, why: Why, now: Instant) -> Step {
        if why == Why::Late
            && let Some(late) = self.made.iter().rfind(|one| one.state == State::Out)
        {
            count(&late.address.counters().hedges);
        }
        self.wanted = None;
        self.made.push(Attempt {
            address: Arc::clone(address),
            connection: Arc::clone(&connection),
            ticket: None,
            late_at: hedge::patience(address.usual()).map(|patience| now + patience),
            stall_patience: address.stall_patience(),
            stalled: false,
            state: State::Out,
        });
        Step::Send { number: self.made.len() - 1, why: why.as_str(), address: Arc::clone(address), connection }
    }

    /// A connection that has not had the question, of an address that has.
    fn another_connection(
        &self,
        why: Why,
        addresses: &[Arc<Address>],
        known: &[Candidate],
        now: Instant,
    ) -> Option<(usize, Arc<Connection>)> {
        if !why.same_address_will_do() {
            return None;
        }
        let mut ready: Vec<usize> = (0..known.len()).filter(|at| known[*at].usable && known[*at].ready).collect();
        ready.sort_by_key(|at| known[*at].rtt);
        ready.into_iter().find_map(|at| {
            let had_it = |number| {
                let mut here = self.made.iter().filter(|one| one.address.server() == addresses[at].server());
                here.any(|one| one.connection.number() == number)
            };
            addresses[at].take(now, |number| !had_it(number)).map(|connection| (at, connection))
        })
    }
}

impl Attempt {
    /// When it is asked elsewhere, unless something is read until then. If others are behind this one they go first, and this
    /// one after as long again: it may be what they wait for, and would be so there.
    fn stalls_at(&self, now: Instant) -> Option<Instant> {
        let front = self.connection.front(now)?;
        let is_in_the_way = Some(front.ticket) == self.ticket && !front.is_alone;
        Some(front.silent_since + self.stall_patience * if is_in_the_way { 2 } else { 1 })
    }
}

/// Has connections opened where the question would rather have gone, or might go: to the nearest address if none of its
/// connections is fit; and if the question is to leave at all, to those known by their speed and to all that are not known.
fn wake(addresses: &[Arc<Address>], fresh: &[Candidate], found: bool) {
    if found {
        if let Some(at) = nearest(fresh).filter(|at| !fresh[*at].ready) {
            addresses[at].wake();
        }
        return;
    }
    let mut sleeping: Vec<usize> = (0..fresh.len()).filter(|at| fresh[*at].usable).collect();
    sleeping.sort_by_key(|at| fresh[*at].rtt);
    let unknown = sleeping.iter().filter(|at| fresh[**at].rtt.is_none()).count();
    for at in sleeping.into_iter().take(unknown + WOKEN) {
        addresses[at].wake();
    }
}
