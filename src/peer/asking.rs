//! One question's way through a group: it is sent, and sent once more, as `attempts` decides; the first good answer is taken
//! and all else is dropped.

use std::net::SocketAddr;

use tokio::time::{Instant, sleep_until};

use super::answered::Answered;
use super::attempts::{Attempts, Step};
use super::group::{Group, Trouble};
use super::race::Race;
use super::sends::{self, SendLog};
use crate::wire::exchange::Question;

pub(super) async fn ask(
    group: &Group,
    without: &[SocketAddr],
    question: &Question,
    stamp: Option<&[u8]>,
    until: Instant,
    log: &SendLog,
) -> Result<Answered, Trouble> {
    let common = group.common();
    let plan = common.plan();
    let option = stamp.map(|stamp| (plan.settings.stamp_option, stamp));
    common.used.note(Instant::now());
    common.hedges.earn();
    let mut attempts = Attempts::default();
    let mut race = Race::default();
    let mut has_waited = false;
    loop {
        // From here on no change is missed.
        let mut listening = std::pin::pin!(common.bells.listen(attempts.takes_any()));
        let addresses = group.addresses_but(without);
        if attempts.is_wanted() {
            match attempts.step(&addresses, &common.turns, &common.hedges, Instant::now()) {
                Step::Send { number, why, address, connection } => {
                    log.sent(address.server(), why);
                    match address.put(&connection, question, option) {
                        Ok(way) => {
                            attempts.left(number, way.ticket());
                            race.push(async move { (number, way.answer(question, until).await) });
                        }
                        Err(error) => {
                            let outcome = Err(error);
                            log.ended(number, || sends::outcome(&outcome));
                            attempts.learn(number, outcome);
                        }
                    }
                    if std::mem::take(&mut has_waited) {
                        // Others may wait too, and there may be room for them.
                        common.bells.room();
                    }
                    continue;
                }
                Step::Wait => {
                    if std::mem::replace(&mut has_waited, true) && !attempts.takes_any() {
                        common.bells.pass_on();
                    }
                }
                Step::GiveUp => {}
            }
        }
        if race.is_empty() && !attempts.is_wanted() {
            return attempts.verdict(&addresses);
        }
        let look_at = attempts.look_at(Instant::now());
        tokio::select! {
            (number, outcome) = race.next(), if !race.is_empty() => {
                log.ended(number, || sends::outcome(&outcome));
                if let Some(answer) = attempts.learn(number, outcome) {
                    return Ok(answer);
                }
            }
            () = &mut listening, if attempts.is_wanted() => {}
            () = sleep_until(look_at.unwrap_or(until)), if look_at.is_some() => attempts.look(Instant::now()),
            // What was sent ends by itself at that time, and is learnt from.
            () = sleep_until(until), if race.is_empty() => {
                attempts.was_not_connected();
                return attempts.verdict(&addresses);
            }
        }
    }
}
