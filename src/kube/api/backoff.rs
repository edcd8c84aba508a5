//! How long to wait after a failure. Pure: it is given the random part.

use std::time::Duration;

/// Pauses that double from a first one, each shortened by up to a half, so that many replicas do not come back in step.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    failures: u32,
}

impl Backoff {
    #[must_use]
    pub fn new(first: Duration) -> Self {
        Self { first, failures: 0 }
    }

    /// The pause after one more failure, at most `most`. `random` is from 0 up to 1.
    pub fn pause(&mut self, most: Duration, random: f64) -> Duration {
        // Beyond 2^16 of any first pause is any `most`.
        let doubled = self.first.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        doubled.min(most).mul_f64(1.0 - random.clamp(0.0, 1.0) / 2.0)
    }

    pub fn worked(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_most_and_begin_anew_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(200));
        let pauses: Vec<u128> = (0..7).map(|_| backoff.pause(Duration::from_secs(3), 0.0).as_millis()).collect();
        assert_eq!(pauses, [200, 400, 800, 1_600, 3_000, 3_000, 3_000]);
        for _ in 0..1_000 {
            assert!(backoff.pause(Duration::from_secs(3), 0.999) >= Duration::from_millis(1_500), "never a spin");
        }
        backoff.worked();
        assert_eq!(backoff.pause(Duration::from_secs(3), 0.5).as_millis(), 150);
    }

    /// 500 replicas lose the API server at one moment; when it is back, no tenth of a second sees more than a tenth of them.
    #[test]
    fn many_replicas_do_not_come_back_in_step() {
        let mut per_slot = std::collections::HashMap::<u128, u32>::new();
        for replica in 0..500_u32 {
            let mut backoff = Backoff::new(Duration::from_millis(200));
            let mut at = Duration::ZERO;
            for step in 0..20_u32 {
                // A fixed sequence that is spread well enough.
                let random = f64::from((replica * 7_919 + step * 104_729) % 1_000) / 1_000.0;
                at += backoff.pause(Duration::from_secs(3), random);
            }
            *per_slot.entry(at.as_millis() / 100).or_default() += 1;
        }
        assert!(per_slot.values().all(|count| *count <= 50), "{per_slot:?}");
    }
}
