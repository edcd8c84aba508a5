//! One question's way through the servers of a zone over UDP: whom it is sent to, when somebody else is asked as well, and
//! which answer is good enough. Older tries keep listening until an answer is there. The first try may have been sent already.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::attempt::{Attempt, Handed, is_unwilling};
use super::pool::{Bounds, Pool, Server};
use super::upstream;
use crate::peer::counters::count;
use crate::peer::race::Race;
use crate::peer::random;
use crate::peer::sends::{self, SendLog};
use crate::wire::exchange::{Question, Received};

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    NoServer,
    Dark,
}

pub(super) async fn ask(
    pool: &Pool,
    question: &Question,
    stamp: Option<&[u8]>,
    bounds: Bounds,
    handed: Option<Handed>,
    log: &SendLog,
) -> Result<Received, Lost> {
    let servers = pool.servers();
    if servers.is_empty() {
        return Err(Lost::NoServer);
    }
    if servers.iter().all(|server| server.standing.lock().is_down()) {
        count(&pool.all_down);
    }
    let until = Instant::now() + bounds.deadline;
    let option = stamp.map(|stamp| (bounds.stamp_option, stamp));
    let mut tries = vec![0usize; servers.len()];
    let mut sent = 0;
    // SERVFAIL and the like: better than nothing.
    let mut unwilling: Option<Received> = None;
    let mut race: Race<'_, (usize, Option<Received>)> = Race::default();
    // The newest try, its server and its patience, until it is answered or was silent for long.
    let mut newest: Option<(usize, Arc<Server>, Instant)> = None;
    if let Some(Handed { attempt, outcome, late }) = handed {
        let server = Arc::clone(&attempt.server);
        tries.iter_mut().zip(&*servers).filter(|(_, one)| Arc::ptr_eq(one, &server)).for_each(|(tries, _)| *tries += 1);
        sent = 1;
        newest = (!late).then(|| (sent, Arc::clone(&server), Instant::now() + server.standing.lock().patience()));
        race.push(async move { (1, attempt.go_on(outcome, question, option, bounds, until).await) });
    }
    loop {
        if newest.is_none() && sent < bounds.tries {
            match choose(&servers, &tries, unwilling.is_some()) {
                Some(at) => {
                    let server = &servers[at];
                    tries[at] += 1;
                    log.sent(server.address, if sent == 0 { "first" } else { "another" });
                    sent += 1;
                    let number = sent;
                    newest = Some((number, Arc::clone(server), Instant::now() + server.standing.lock().patience()));
                    let attempt = server.begin();
                    race.push(async move { (number, attempt.ask(question, option, bounds, until).await) });
                }
                None => break,
            }
        }
        if newest.is_none() && (unwilling.is_some() || race.is_empty()) {
            break;
        }
        let silence = newest.as_ref().map_or(until, |(.., end)| (*end).min(until));
        tokio::select! {
            (number, answer) = race.next(), if !race.is_empty() => {
                log.ended(number - 1, || answer.as_ref().map_or_else(|| "no answer".to_owned(), sends::answer));
                match answer {
                    Some(answer) if !is_unwilling(&answer) => return Ok(answer),
                    Some(answer) => unwilling = Some(answer),
                    // Nobody listens there, or TCP failed.
                    None => {}
                }
                newest = newest.filter(|(last, ..)| *last != number);
            }
            () = sleep_until(silence) => {
                if let Some((_, server, _)) = newest.take() {
                    server.was_silent();
                }
                if silence >= until {
                    break;
                }
            }
        }
    }
    unwilling.ok_or(Lost::Dark)
}

/// A first try, for whoever sends many questions at a time; none if no server is up, so that there is more to it.
pub(super) fn first(pool: &Pool) -> Option<Attempt> {
    let servers = pool.servers();
    let at = choose(&servers, &vec![0; servers.len()], false)?;
    let up = !servers[at].standing.lock().is_down();
    up.then(|| servers[at].begin())
}

/// The next server. After an unwilling answer only one that was not asked yet: the same one would say the same.
fn choose(servers: &[Arc<Server>], tries: &[usize], only_new: bool) -> Option<usize> {
    let known: Vec<_> = servers.iter().zip(tries).map(|(server, tries)| (*server.standing.lock(), *tries)).collect();
    upstream::next(&known, random::unit()).filter(|at| !only_new || tries[*at] == 0)
}
