//! When a connection may be tried again. Pure: it is given the time and the jitter.

use std::time::Duration;

use tokio::time::Instant;

/// Between the starts of the first two attempts.
const FIRST: Duration = Duration::from_millis(100);
/// Between the starts of any two.
const MOST: Duration = Duration::from_secs(1);
/// Share of the pause that varies, so that many clients do not come back in step.
pub const JITTER: f64 = 0.2;

/// Pauses that grow from 100 ms to 1 s while nothing works.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    pause: Duration,
    not_before: Option<Instant>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { pause: FIRST, not_before: None }
    }
}

impl Backoff {
    /// Claims the next attempt and says when it may start; `jitter` varies the pause that follows it.
    pub fn claim(&mut self, now: Instant, jitter: impl Fn(Duration) -> Duration) -> Instant {
        let start = self.not_before.map_or(now, |at| at.max(now));
        self.not_before = Some(start + jitter(self.pause));
        self.pause = (self.pause * 2).min(MOST);
        start
    }

    /// An answer came: the next attempt need not wait.
    pub fn worked(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_to_a_second_and_end_with_an_answer() {
        let (mut backoff, start) = (Backoff::default(), Instant::now());
        let plain = |pause| pause;
        let starts: Vec<u128> = (0..7).map(|_| backoff.claim(start, plain).duration_since(start).as_millis()).collect();
        assert_eq!(starts, [0, 100, 300, 700, 1_500, 2_500, 3_500]);
        backoff.worked();
        assert_eq!(backoff.claim(start, plain), start);
    }
}
