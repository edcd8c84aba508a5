//! Every random choice of the clients, from a cryptographic generator that the system seeds: ids, probe names and jitter
//! that an attacker must not guess (CVE-2019-19794, CVE-2025-40780).

use std::time::Duration;

/// A message id.
#[must_use]
pub fn id() -> u16 {
    rand::random()
}

/// Part of a name that nobody has asked before.
#[must_use]
pub fn nonce() -> u64 {
    rand::random()
}

/// One bit.
#[must_use]
pub fn coin() -> bool {
    rand::random()
}

/// From 0 up to, but not including, 1.
#[must_use]
pub fn unit() -> f64 {
    rand::random()
}

/// `around` plus or minus up to `part` of itself, so that many do not act at one time.
#[must_use]
pub fn jitter(around: Duration, part: f64) -> Duration {
    around.mul_f64(1.0 + part * (2.0 * unit() - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_its_part() {
        let around = Duration::from_millis(1_000);
        let all: Vec<Duration> = (0..1_000).map(|_| jitter(around, 0.2)).collect();
        assert!(all.iter().all(|got| (800..=1_200).contains(&(got.as_millis() as u64))));
        assert!(all.iter().any(|got| *got < around) && all.iter().any(|got| *got > around));
    }

    /// CVE-2019-19794: 10^6 ids spread evenly over 256 buckets by their high octet, and over 256 by their low one.
    #[test]
    fn ids_are_spread_evenly() {
        const COUNT: usize = 1_000_000;
        let (mut high, mut low) = ([0u32; 256], [0u32; 256]);
        for _ in 0..COUNT {
            let [h, l] = id().to_be_bytes();
            high[usize::from(h)] += 1;
            low[usize::from(l)] += 1;
        }
        let expected = COUNT as f64 / 256.0;
        let chi_square = |buckets: &[u32; 256]| -> f64 {
            buckets.iter().map(|got| (f64::from(*got) - expected).powi(2) / expected).sum()
        };
        // 255 degrees of freedom: mean 255, deviation 22.6; 425 is 7.5 deviations away.
        assert!(chi_square(&high) < 425.0 && chi_square(&low) < 425.0);
    }
}
