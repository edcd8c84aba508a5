//! How many questions may be asked elsewhere as well, only because their answer is late: a share of all, so that a peer that
//! becomes slow does not get twice the questions for it.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// What a hedge costs, in what one question earns: 5 of 100.
const COST: u32 = 20;
/// Saved up at most: this many hedges at one time.
const MOST: u32 = 10 * COST;
/// The clock of timers is no finer.
const LEAST: Duration = Duration::from_millis(1);

/// The tokens of one group.
#[derive(Debug, Default)]
pub struct Budget(AtomicU32);

impl Budget {
    /// A question was asked.
    pub fn earn(&self) {
        // Two at one moment may earn a token too little, never one too much.
        let saved = self.0.load(Relaxed);
        if saved < MOST {
            let _ = self.0.compare_exchange(saved, saved + 1, Relaxed, Relaxed);
        }
    }

    /// Pays for a hedge, if there is enough.
    #[must_use]
    pub fn spend(&self) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |saved| saved.checked_sub(COST)).is_ok()
    }
}

/// How long a question waits for an address whose answers usually come within `usual`; none: it is not known well enough.
#[must_use]
pub fn patience(usual: Option<Duration>) -> Option<Duration> {
    usual.map(|usual| usual.max(LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hedges_are_five_of_a_hundred_at_most() {
        let budget = Budget::default();
        assert!(!budget.spend(), "nothing was earned yet");
        let mut hedges = 0;
        for _ in 0..10_000 {
            budget.earn();
            hedges += u32::from(budget.spend());
        }
        assert_eq!(hedges, 500);
    }

    #[test]
    fn what_was_saved_in_good_times_is_not_spent_at_once() {
        let budget = Budget::default();
        (0..100_000).for_each(|_| budget.earn());
        assert_eq!((0..1_000).filter(|_| budget.spend()).count(), 10);
    }
}
