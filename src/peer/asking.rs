//! One question's way through a group: whom it is sent to, when it is sent once more, and which answer is good enough.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::address::Address;
use super::answered::Answered;
use super::choice::{Candidate, Choice, choose};
use super::connection::{AskError, Connection};
use super::group::{Group, Trouble};
use super::race::Race;
use super::random;
use crate::wire::Rcode;
use crate::wire::exchange::{Question, Received};

/// Sends of one question in all.
const MOST_SENDS: usize = 3;
/// Sends if one of them met a connection that closed: a question that kills servers must not be carried to all of them.
const MOST_SENDS_AFTER_RESET: usize = 2;
/// A connection that is silent for less has not stalled, however near its server is.
const LEAST_STALL: Duration = Duration::from_millis(50);

/// Where one send stands.
struct Sent {
    address: Arc<Address>,
    connection: Arc<Connection>,
    at: Instant,
}

/// What is known so far.
struct Asking {
    tried: Vec<SocketAddr>,
    sends: usize,
    most_sends: usize,
    /// One more send is wanted.
    wanted: bool,
    /// If nobody else is left it may go here once more: its connection was closed, the next one may not be.
    again: Option<SocketAddr>,
    /// SERVFAIL: better than nothing.
    servfail: Option<Answered>,
    /// REFUSED and the like.
    refused: Option<Received>,
    last: Option<Sent>,
    cause: Option<&'static str>,
}

/// The next step.
enum Step {
    Send(Sent),
    Wait,
    GiveUp,
}

pub(super) async fn ask(
    group: &Group,
    question: &Question,
    stamp: Option<&[u8]>,
    until: Instant,
) -> Result<Answered, Trouble> {
    let plan = group.plan();
    let option = stamp.map(|stamp| (plan.settings.stamp_option, stamp));
    let mut asking = Asking {
        tried: Vec::new(),
        sends: 0,
        most_sends: MOST_SENDS,
        wanted: true,
        again: None,
        servfail: None,
        refused: None,
        last: None,
        cause: None,
    };
    let mut race = Race::default();
    loop {
        let mut changed = std::pin::pin!(group.changed().notified());
        changed.as_mut().enable();
        let addresses = group.addresses();
        if asking.wanted {
            match asking.step(&addresses, Instant::now()) {
                Step::Send(sent) => {
                    let (address, connection) = (Arc::clone(&sent.address), Arc::clone(&sent.connection));
                    asking.sent(sent);
                    race.push(async move {
                        let outcome = address.ask(&connection, question, option, until).await;
                        (outcome.map(|answer| Answered::over(answer, connection.is_synced())), address.server())
                    });
                    continue;
                }
                Step::Wait => {}
                Step::GiveUp => asking.wanted = false,
            }
        }
        if race.is_empty() && !asking.wanted {
            return asking.verdict(&addresses);
        }
        tokio::select! {
            (outcome, server) = race.next(), if !race.is_empty() => {
                if let Some(answer) = asking.learn(outcome, server) {
                    return Ok(answer);
                }
            }
            () = changed, if asking.wanted => {}
            () = sleep_until(asking.stall_at(until)), if !asking.wanted && !race.is_empty() => {
                asking.stalled(&addresses, Instant::now());
            }
            // What was sent ends by itself at that time, and is learnt from.
            () = sleep_until(until), if race.is_empty() => {
                asking.cause.get_or_insert("not connected in time");
                return asking.verdict(&addresses);
            }
        }
    }
}

impl Asking {
    fn step(&self, addresses: &[Arc<Address>], now: Instant) -> Step {
        if self.sends >= self.most_sends {
            return Step::GiveUp;
        }
        let dice = random::unit();
        let mut candidates: Vec<Candidate> = addresses.iter().map(|one| one.candidate(now)).collect();
        for (candidate, address) in candidates.iter_mut().zip(addresses) {
            candidate.usable &= !self.tried.contains(&address.server());
        }
        let mut choice = choose(&candidates, dice);
        if let Some(server) = self.again.filter(|_| choice == Choice::Nobody) {
            for (candidate, address) in candidates.iter_mut().zip(addresses) {
                if address.server() == server {
                    *candidate = address.candidate(now);
                }
            }
            choice = choose(&candidates, dice);
        }
        match choice {
            Choice::Nobody => Step::GiveUp,
            Choice::Ask(at) => match addresses[at].take() {
                Some(connection) => Step::Send(Sent { address: Arc::clone(&addresses[at]), connection, at: now }),
                None => Step::Wait,
            },
            Choice::Wait => {
                // Known ones by their speed, unknown ones all: the first that connects gets the question.
                let mut sleeping: Vec<usize> = (0..candidates.len()).filter(|at| candidates[*at].usable).collect();
                sleeping.sort_by_key(|at| candidates[*at].rtt);
                let unknown = sleeping.iter().filter(|at| candidates[**at].rtt.is_none()).count();
                for at in sleeping.into_iter().take(unknown + 2) {
                    addresses[at].wake();
                }
                Step::Wait
            }
        }
    }

    fn sent(&mut self, sent: Sent) {
        self.tried.push(sent.address.server());
        self.sends += 1;
        self.wanted = false;
        self.last = Some(sent);
    }

    /// Takes an outcome in; gives the answer if it is one.
    fn learn(&mut self, outcome: Result<Answered, AskError>, server: SocketAddr) -> Option<Answered> {
        match outcome {
            Ok(answer) => match answer.received.body.rcode {
                // Once elsewhere; what comes then is passed on.
                Rcode::SERVFAIL if self.servfail.is_none() => {
                    self.servfail = Some(answer);
                    self.wanted = true;
                }
                Rcode::REFUSED | Rcode::NOTIMP | Rcode::FORMERR | Rcode::BADVERS => {
                    self.refused = Some(answer.received);
                    self.wanted = true;
                }
                _ => return Some(answer),
            },
            Err(AskError::Closed { .. }) => {
                self.cause = Some("connection closed");
                self.most_sends = MOST_SENDS_AFTER_RESET;
                self.again = Some(server);
                self.wanted = true;
            }
            // It closed or filled up in between: nothing was sent.
            Err(AskError::Unavailable) => {
                self.sends -= 1;
                self.tried.retain(|tried| *tried != server);
                self.wanted = true;
            }
            Err(AskError::TimedOut { .. }) => {
                self.cause = Some("timed out");
            }
        }
        None
    }

    fn stall_at(&self, until: Instant) -> Instant {
        let Some(last) = &self.last else { return until };
        let patience = last.address.rtt().twice(LEAST_STALL, until.saturating_duration_since(last.at).max(LEAST_STALL));
        (last.at.max(last.connection.last_read()) + patience).min(until)
    }

    /// The last send's connection has read nothing for long: once more, if there is another address.
    fn stalled(&mut self, addresses: &[Arc<Address>], now: Instant) {
        let Some(last) = &mut self.last else { return };
        if last.connection.last_read() > last.at {
            last.at = now;
            return;
        }
        let other = |one: &&Arc<Address>| !self.tried.contains(&one.server()) && one.candidate(now).usable;
        self.wanted = addresses.iter().any(|one| other(&one));
        self.last = None;
    }

    /// The end without an answer.
    fn verdict(self, addresses: &[Arc<Address>]) -> Result<Answered, Trouble> {
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
}
