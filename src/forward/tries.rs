//! One question's way through the servers of a zone over UDP: whom it is sent to, when somebody else is asked as well, and
//! which answer is good enough. Older tries keep listening until an answer is there.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::pool::{Bounds, Pool, Server};
use super::upstream;
use crate::peer::counters::count;
use crate::peer::race::Race;
use crate::peer::random;
use crate::peer::sends::{self, SendLog};
use crate::wire::Rcode;
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
    let mut newest: Option<(usize, usize, Instant)> = None;
    loop {
        if newest.is_none() && sent < bounds.tries {
            match choose(&servers, &tries, unwilling.is_some()) {
                Some(at) => {
                    let server = Arc::clone(&servers[at]);
                    tries[at] += 1;
                    log.sent(server.address, if sent == 0 { "first" } else { "another" });
                    sent += 1;
                    let number = sent;
                    newest = Some((number, at, Instant::now() + server.standing.lock().patience()));
                    race.push(async move { (number, server.ask(question, option, bounds, until).await) });
                }
                None => break,
            }
        }
        if newest.is_none() && (unwilling.is_some() || race.is_empty()) {
            break;
        }
        let silence = newest.map_or(until, |(.., end)| end.min(until));
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
                if let Some((_, at, _)) = newest.take() {
                    servers[at].was_silent();
                }
                if silence >= until {
                    break;
                }
            }
        }
    }
    unwilling.ok_or(Lost::Dark)
}

/// The next server. After an unwilling answer only one that was not asked yet: the same one would say the same.
fn choose(servers: &[Arc<Server>], tries: &[usize], only_new: bool) -> Option<usize> {
    let known: Vec<_> = servers.iter().zip(tries).map(|(server, tries)| (*server.standing.lock(), *tries)).collect();
    upstream::next(&known, random::unit()).filter(|at| !only_new || tries[*at] == 0)
}

fn is_unwilling(answer: &Received) -> bool {
    matches!(answer.body.rcode, Rcode::SERVFAIL | Rcode::REFUSED | Rcode::NOTIMP | Rcode::FORMERR | Rcode::BADVERS)
}
