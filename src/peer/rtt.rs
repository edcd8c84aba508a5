//! How long a server usually takes to answer: the smoothed mean of RFC 6298 2, without the rest of it.

use std::time::Duration;

/// Weight of a new sample: "alpha=1/8" (RFC 6298 2.3).
const ALPHA: f64 = 0.125;

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
}
