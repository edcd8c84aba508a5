//! When has a connection stalled? It has questions out, and nothing was read from it for longer than an answer takes: another
//! question behind these would only wait with them. Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::rtt::SmoothedRtt;

/// A connection that is silent for less has not stalled, however near its server is.
const LEAST: Duration = Duration::from_millis(50);

/// How long a connection may be silent: twice the usual round trip, and never longer than a question has.
#[must_use]
pub fn patience(rtt: SmoothedRtt, deadline: Duration) -> Duration {
    rtt.twice(LEAST, deadline.max(LEAST))
}

/// `silent_since` is none if nothing is out.
#[must_use]
pub fn is_stalled(silent_since: Option<Instant>, patience: Duration, now: Instant) -> bool {
    silent_since.is_some_and(|since| now >= since + patience)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn silence_is_measured_by_the_distance() {
        let near = SmoothedRtt::default();
        assert_eq!(patience(near, 1_500 * MS), 50 * MS);
        let mut far = near;
        far.sample(150 * MS);
        assert_eq!(patience(far, 1_500 * MS), 300 * MS);
        assert_eq!(patience(far, 200 * MS), 200 * MS, "no longer than the question has");
        let now = Instant::now();
        assert!(!is_stalled(None, 50 * MS, now + 9_999 * MS), "an idle connection is silent by right");
        assert!(!is_stalled(Some(now), 50 * MS, now + 49 * MS));
        assert!(is_stalled(Some(now), 50 * MS, now + 50 * MS));
    }
}
