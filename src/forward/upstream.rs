//! What is known of one upstream, and which one is asked next. Pure: it is told what happened and when.

use std::time::Duration;

use tokio::time::Instant;

use crate::peer::choice::EXPLORE;
use crate::peer::rtt::SmoothedRtt;

/// "Silent" begins after twice the usual time, within these: less would double questions that are merely slow, more would
/// let a stub resolver give up first.
pub const LEAST_SILENCE: Duration = Duration::from_millis(100);
pub const MOST_SILENCE: Duration = Duration::from_millis(800);
/// Silent tries in a row that take a server down.
const SILENT_TRIES: u8 = 3;
/// How long a server that does not understand OPT is asked without it.
const WITHOUT_OPT: Duration = Duration::from_secs(600);

/// One server.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standing {
    rtt: SmoothedRtt,
    silent: u8,
    down: bool,
    last_answer: Option<Instant>,
    without_opt_until: Option<Instant>,
    /// Tries that nobody has answered yet.
    outstanding: u32,
}

impl Standing {
    pub fn asked(&mut self) {
        self.outstanding += 1;
    }

    /// The try is over, or nobody listens to it any more.
    pub fn ended(&mut self) {
        self.outstanding = self.outstanding.saturating_sub(1);
    }

    /// A well-formed reply came. True if the server was down.
    pub fn answered(&mut self, took: Duration, now: Instant) -> bool {
        self.rtt.sample(took);
        self.silent = 0;
        self.last_answer = Some(now);
        std::mem::take(&mut self.down)
    }

    /// A try was silent for long. True if that takes the server down.
    pub fn was_silent(&mut self) -> bool {
        self.silent = self.silent.saturating_add(1);
        let newly = self.silent >= SILENT_TRIES && !self.down;
        self.down |= newly;
        newly
    }

    #[must_use]
    pub fn is_down(&self) -> bool {
        self.down
    }

    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt.get()
    }

    /// How long to wait before somebody else is asked.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.rtt.twice(LEAST_SILENCE, MOST_SILENCE)
    }

    /// A server that is not known yet gets one question, so that it becomes known; the next ones go to those that are known, or
    /// are shared among those that are not.
    fn rank(&self) -> (u8, Duration, u32, u8) {
        match self.rtt.get() {
            None if self.outstanding == 0 && self.silent == 0 => (0, Duration::ZERO, 0, 0),
            Some(usual) => (1, usual, 0, 0),
            None => (2, Duration::ZERO, self.outstanding, self.silent),
        }
    }

    pub fn does_without_opt(&mut self, now: Instant) {
        self.without_opt_until = Some(now + WITHOUT_OPT);
    }

    #[must_use]
    pub fn takes_opt(&self, now: Instant) -> bool {
        self.without_opt_until.is_none_or(|end| end <= now)
    }
}

/// Which server gets the next try; `tries` says how often each had this question already, and `dice` is from 0 up to 1. The
/// least tried ones of those that are up, and of these the fastest, but for a little exploration. One that is down is a try behind:
/// it may be back before a probe has said so, while those that are up are so in name only. If all are down, the one that was up last,
/// and then the others.
#[must_use]
pub fn next(servers: &[(Standing, usize)], dice: f64) -> Option<usize> {
    let behind = |(standing, tries): &(Standing, usize)| tries + usize::from(standing.down);
    let least = servers.iter().map(behind).min()?;
    let due = (0..servers.len()).filter(|at| behind(&servers[*at]) == least);
    let (down, fresh): (Vec<usize>, Vec<usize>) = due.partition(|at| servers[*at].0.down);
    if fresh.is_empty() {
        return down.into_iter().max_by_key(|at| servers[*at].0.last_answer);
    }
    if dice < EXPLORE {
        return fresh.get((dice / EXPLORE * fresh.len() as f64) as usize).copied();
    }
    fresh.into_iter().min_by_key(|at| servers[*at].0.rank())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn known(ms: u32) -> Standing {
        let mut standing = Standing::default();
        standing.rtt.sample(MS * ms);
        standing
    }

    #[tokio::test(start_paused = true)]
    async fn three_silent_tries_take_it_down_and_any_reply_brings_it_back() {
        let (mut standing, now) = (known(10), Instant::now());
        assert!(!standing.was_silent() && !standing.was_silent());
        standing.answered(10 * MS, now);
        assert!(!standing.was_silent() && !standing.was_silent() && standing.was_silent());
        assert!(standing.is_down() && !standing.was_silent(), "it goes down once");
        assert!(standing.answered(10 * MS, now) && !standing.is_down());
    }

    #[test]
    fn patience_has_bounds() {
        assert_eq!(known(1).patience(), 100 * MS);
        assert_eq!(known(200).patience(), 400 * MS);
        assert_eq!(known(2_000).patience(), 800 * MS);
        assert_eq!(Standing::default().patience(), 100 * MS);
    }

    #[tokio::test(start_paused = true)]
    async fn the_fastest_up_is_asked_then_the_others_then_again() {
        let servers = [(known(30), 0), (known(10), 0), (known(20), 0)];
        assert_eq!(next(&servers, 0.5), Some(1));
        assert_eq!(next(&[servers[0], (servers[1].0, 1), servers[2]], 0.5), Some(2));
        assert_eq!(next(&servers.map(|(one, _)| (one, 1)), 0.5), Some(1), "once round");
        let mut down = servers;
        (0..3).for_each(|_| _ = down[1].0.was_silent());
        assert_eq!(next(&down, 0.5), Some(2));
        assert_eq!(next(&[], 0.5), None);
        assert_eq!(next(&servers, EXPLORE * 0.1), Some(0), "exploration");
    }

    #[tokio::test(start_paused = true)]
    async fn all_down_the_last_one_up_is_asked() {
        let now = Instant::now();
        let mut servers = [(known(10), 0), (known(10), 0)];
        servers[0].0.answered(10 * MS, now);
        servers[1].0.answered(10 * MS, now + 5 * MS);
        for (standing, _) in &mut servers {
            (0..3).for_each(|_| _ = standing.was_silent());
        }
        assert_eq!(next(&servers, 0.5), Some(1));
        servers[1].1 = 1;
        assert_eq!(next(&servers, 0.5), Some(0), "and then the other one");
    }

    /// One went dark when the other one had come back and no probe had said so: all tries went to the dark one.
    #[test]
    fn a_server_that_is_down_gets_a_try_when_the_others_had_two() {
        let mut servers = [(known(10), 0), (known(20), 0)];
        (0..3).for_each(|_| _ = servers[1].0.was_silent());
        let mut asked = Vec::new();
        for _ in 0..4 {
            let at = next(&servers, 0.5).expect("there are some");
            servers[at].1 += 1;
            asked.push(at);
        }
        assert_eq!(asked, [0, 0, 1, 0]);
        let mut three = [(known(10), 0), (known(20), 0), (known(5), 0)];
        (0..3).for_each(|_| _ = three[2].0.was_silent());
        assert_eq!(next(&three.map(|(one, _)| (one, 1)), 0.5), Some(0), "those that are up come first");
    }

    #[test]
    fn unknown_servers_get_one_question_each_until_they_answer() {
        let mut servers = [(known(1), 0), (Standing::default(), 0), (Standing::default(), 0)];
        assert_eq!(next(&servers, 0.5), Some(1));
        servers[1].0.asked();
        assert_eq!(next(&servers, 0.5), Some(2));
        servers[2].0.asked();
        assert_eq!(next(&servers, 0.5), Some(0), "both have one");
        let mut new = [(Standing::default(), 0), (Standing::default(), 0)];
        new[0].0.asked();
        new[1].0.asked();
        new[0].0.asked();
        assert_eq!(next(&new, 0.5), Some(1), "the one with fewer");
    }
}
