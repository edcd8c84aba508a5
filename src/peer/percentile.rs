//! How late an answer may be and still be usual: the 95th percentile of the last answers. Pure.

use std::time::Duration;

/// Answers that are remembered.
const WINDOW: usize = 100;
/// With fewer nothing is usual yet.
const LEAST: usize = 20;
/// The percentile is found anew after this many answers.
const EVERY: u8 = 10;
/// Of a hundred answers this many are not later.
const PERCENT: usize = 95;

/// The last answers of one address.
#[derive(Debug, Clone, Default)]
pub struct Percentile {
    /// In microseconds; a ring once it is full.
    samples: Vec<u32>,
    next: usize,
    fresh: u8,
    usual: Option<Duration>,
}

impl Percentile {
    pub fn sample(&mut self, took: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        if self.samples.len() < WINDOW {
            self.samples.push(micros);
        } else {
            self.samples[self.next] = micros;
            self.next = (self.next + 1) % WINDOW;
        }
        self.fresh += 1;
        if self.fresh >= EVERY {
            self.fresh = 0;
            self.usual = self.find();
        }
    }

    /// A question was given up, having waited this long already. If that is less than usual it says nothing.
    pub fn lost(&mut self, waited: Duration) {
        if self.usual.is_some_and(|usual| waited >= usual) {
            self.sample(waited);
        }
    }

    /// None while too little is known.
    #[must_use]
    pub fn get(&self) -> Option<Duration> {
        self.usual
    }

    fn find(&self) -> Option<Duration> {
        if self.samples.len() < LEAST {
            return None;
        }
        let mut sorted = self.samples.clone();
        let at = (sorted.len() * PERCENT / 100).min(sorted.len() - 1);
        let (_, found, _) = sorted.select_nth_unstable(at);
        Some(Duration::from_micros(u64::from(*found)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_few_answers_say_nothing() {
        let mut late = Percentile::default();
        (0..19).for_each(|_| late.sample(10 * MS));
        late.lost(900 * MS);
        assert_eq!(late.get(), None);
        late.sample(10 * MS);
        assert_eq!(late.get(), Some(10 * MS));
    }

    #[test]
    fn five_of_a_hundred_are_later() {
        let mut late = Percentile::default();
        (1..=100).for_each(|n| late.sample(MS * n));
        assert_eq!(late.get(), Some(96 * MS));
        let above = (1..=100).filter(|n| MS * *n > 96 * MS).count();
        assert!(above <= 5);
    }

    #[test]
    fn old_answers_are_forgotten() {
        let mut late = Percentile::default();
        (0..100).for_each(|_| late.sample(40 * MS));
        (0..100).for_each(|_| late.sample(150 * MS));
        assert_eq!(late.get(), Some(150 * MS));
    }

    /// Otherwise hedging would bring the percentile down by itself: the late answers are the ones that are given up.
    #[test]
    fn what_is_given_up_late_counts_as_late() {
        let mut late = Percentile::default();
        for n in 0..1_000u32 {
            // One answer in five takes long; whoever waits for it gives up at the percentile.
            match late.get() {
                Some(usual) if n % 5 == 0 => late.lost(usual),
                _ => late.sample(if n % 5 == 0 { 100 * MS } else { 10 * MS }),
            }
        }
        assert!(late.get() >= Some(100 * MS), "{:?}", late.get());
        late.lost(MS);
        assert!(late.get() >= Some(100 * MS), "what was given up early says nothing");
    }
}
