//! Which server is asked next. Pure: it is given what is known of each, and a number that [`Turns`] spread.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Share of questions that go to a server that is not the fastest, so that one that has become faster is found.
pub const EXPLORE: f64 = 1.0 / 32.0;

/// What is known of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its health allows questions, and this question was not refused by it already.
    pub usable: bool,
    /// A question can leave at once.
    pub ready: bool,
    pub rtt: Option<Duration>,
}

/// Numbers from 0 up to 1 for one group's choices, each as far as can be from those before it: the golden ratio's multiples
/// without their whole part. Exploring comes in its share of every few dozen questions, never at the first ones and never many
/// times in a row. They need not be hard to guess: nothing is protected by which address is asked.
#[derive(Debug, Default)]
pub struct Turns(AtomicU64);

impl Turns {
    #[must_use]
    pub fn next(&self) -> f64 {
        /// 2^64 divided by the golden ratio, odd.
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let turn = self.0.fetch_add(STEP, Relaxed).wrapping_add(1 << 63);
        (turn >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Ask this one.
    Ask(usize),
    /// Some are usable, none is ready: wait.
    Wait,
    /// None is usable.
    Nobody,
}

/// Chooses. `dice` is from 0 up to, but not including, 1.
#[must_use]
pub fn choose(candidates: &[Candidate], dice: f64) -> Choice {
    let mut usable = candidates.iter().enumerate().filter(|(_, one)| one.usable).peekable();
    if usable.peek().is_none() {
        return Choice::Nobody;
    }
    let ready: Vec<(usize, Option<Duration>)> =
        usable.filter(|(_, one)| one.ready).map(|(at, one)| (at, one.rtt)).collect();
    let pick = |from: &[(usize, Option<Duration>)], dice: f64| {
        from.get((dice * from.len() as f64) as usize).or(from.last()).map(|(at, _)| *at)
    };
    let unknown: Vec<_> = ready.iter().copied().filter(|(_, rtt)| rtt.is_none()).collect();
    let chosen = if !unknown.is_empty() {
        pick(&unknown, dice)
    } else if dice < EXPLORE {
        pick(&ready, dice / EXPLORE)
    } else {
        ready.iter().min_by_key(|(_, rtt)| *rtt).map(|(at, _)| *at)
    };
    chosen.map_or(Choice::Wait, Choice::Ask)
}

/// The one that is asked when it is ready.
#[must_use]
pub fn nearest(candidates: &[Candidate]) -> Option<usize> {
    (0..candidates.len()).filter(|at| candidates[*at].usable).min_by_key(|at| candidates[*at].rtt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::rtt::SmoothedRtt;

    fn known(ms: u64) -> Candidate {
        Candidate { usable: true, ready: true, rtt: Some(Duration::from_millis(ms)) }
    }

    #[test]
    fn the_fastest_usable_one_is_asked() {
        let mut all = [known(30), known(10), known(20)];
        assert_eq!(choose(&all, 0.5), Choice::Ask(1));
        all[1].usable = false;
        assert_eq!(choose(&all, 0.5), Choice::Ask(2));
        all[2].ready = false;
        assert_eq!(choose(&all, 0.5), Choice::Ask(0));
        all[0].ready = false;
        assert_eq!(choose(&all, 0.5), Choice::Wait);
        all[0].usable = false;
        all[2].usable = false;
        assert_eq!(choose(&all, 0.5), Choice::Nobody);
        assert_eq!(choose(&[], 0.5), Choice::Nobody);
    }

    #[test]
    fn unknown_ones_come_first_and_in_turn() {
        let unknown = Candidate { rtt: None, ..known(0) };
        let all = [known(1), unknown, unknown];
        assert_eq!((choose(&all, 0.1), choose(&all, 0.9)), (Choice::Ask(1), Choice::Ask(2)));
    }

    /// F31: a better way is found, and a worse one left, without anybody being told.
    #[test]
    fn a_way_that_becomes_better_or_worse_is_found() {
        let turns = Turns::default();
        let mut state = 1u64;
        let mut jitter = move || {
            // A small generator of its own, so that the simulation is the same each time.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            0.8 + 0.4 * ((state >> 11) as f64 / (1u64 << 53) as f64)
        };
        let mut known = [SmoothedRtt::default(); 3];
        let mut ask = |true_rtts: [u64; 3], questions: usize| {
            let mut asked = [0usize; 3];
            for _ in 0..questions {
                let all = known.map(|rtt| Candidate { usable: true, ready: true, rtt: rtt.get() });
                let Choice::Ask(at) = choose(&all, turns.next()) else { panic!("one is ready") };
                known[at].sample_answer(Duration::from_millis(true_rtts[at]).mul_f64(jitter()));
                asked[at] += 1;
            }
            asked
        };
        let first = ask([40, 90, 150], 1_000);
        assert!(first[0] > 950, "{first:?}");
        // The third becomes the nearest one, the first a far one.
        let turning = ask([160, 90, 20], 1_000);
        assert!(turning[0] < 50, "left within a few questions: {turning:?}");
        assert!(turning[2] > 300, "found within the thousand: {turning:?}");
        let then = ask([160, 90, 20], 1_000);
        assert!(then[2] > 950 && then[0] > 0 && then[1] > 0, "the others are still looked at: {then:?}");
    }

    #[test]
    fn exploring_comes_in_its_share_and_not_at_first() {
        let turns = Turns::default();
        let explores: Vec<bool> = (0..3_200).map(|_| turns.next() < EXPLORE).collect();
        assert!(explores[..16].iter().all(|one| !one));
        assert!(explores.windows(2).all(|two| !(two[0] && two[1])));
        let longest = explores.split(|one| *one).map(<[bool]>::len).max();
        assert!(longest < Some(64), "{longest:?}");
        let share = explores.iter().filter(|one| **one).count();
        assert!((98..=102).contains(&share), "{share}");
    }

    #[test]
    fn some_questions_explore() {
        let all = [known(10), known(20)];
        assert_eq!(choose(&all, EXPLORE * 0.75), Choice::Ask(1));
        assert_eq!(choose(&all, EXPLORE), Choice::Ask(0));
        assert_eq!(choose(&all, 0.999_999_999), Choice::Ask(0));
    }
}
