//! How long a server usually takes to answer: the smoothed mean of RFC 6298 2, without the rest of it.

use std::time::Duration;

/// Weight of a new sample: "alpha=1/8" (RFC 6298 2.3).
const ALPHA: f64 = 0.125;

/// An answer that took more than so many times as long as usual counts as that.
const FAR: u32 = 4;
/// As that at least: next to nothing, so many times, is still next to nothing.
const LEAST_FAR: Duration = Duration::from_millis(1);

/// A smoothed round-trip time; unknown before the first sample.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SmoothedRtt(Option<Duration>);

impl SmoothedRtt {
    pub fn sample(&mut self, took: Duration) {
        self.0 = Some(match self.0 {
            None => took,
            Some(usual) => usual.mul_f64(1.0 - ALPHA) + took.mul_f64(ALPHA),
        });
    }

    /// A sample that may say more of the question than of the way: one slow answer must not make a near server a far one. One
    /// that took less than half does say that the way has become shorter.
    pub fn sample_answer(&mut self, took: Duration) {
        match self.0 {
            Some(usual) if took * 2 < usual => self.0 = Some((usual + took) / 2),
            Some(usual) => self.sample(took.min((usual * FAR).max(LEAST_FAR))),
            None => self.sample(took),
        }
    }

    #[must_use]
    pub fn get(self) -> Option<Duration> {
        self.0
    }

    /// Twice the usual time, within bounds: after that long something is wrong. The lower bound while nothing is known.
    #[must_use]
    pub fn twice(self, least: Duration, most: Duration) -> Duration {
        self.0.map_or(least, |usual| (usual * 2).clamp(least, most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn follows_samples_slowly() {
        let mut rtt = SmoothedRtt::default();
        assert_eq!((rtt.get(), rtt.twice(100 * MS, 800 * MS)), (None, 100 * MS));
        rtt.sample(80 * MS);
        assert_eq!((rtt.get(), rtt.twice(100 * MS, 800 * MS)), (Some(80 * MS), 160 * MS));
        rtt.sample(160 * MS);
        assert_eq!(rtt.get(), Some(90 * MS));
        rtt.sample(100_000 * MS);
        assert_eq!(rtt.twice(100 * MS, 800 * MS), 800 * MS);
    }
    #[test]
    fn a_slow_name_does_not_make_a_slow_way() {
        let mut rtt = SmoothedRtt::default();
        rtt.sample(MS);
        (0..5).for_each(|_| rtt.sample_answer(1_500 * MS));
        assert!(rtt.get() < Some(6 * MS), "{rtt:?}");
        (0..30).for_each(|_| rtt.sample_answer(150 * MS));
        assert!(rtt.get() > Some(140 * MS), "a way that has become longer is found to be: {rtt:?}");
        (0..3).for_each(|_| rtt.sample_answer(20 * MS));
        assert!(rtt.get() < Some(40 * MS), "and so is a shorter one, within a few answers: {rtt:?}");
    }
}
