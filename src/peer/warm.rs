//! Which connections are kept open while nobody asks. Pure but for the time of the last question, which every question notes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// A peer that was not asked for so long keeps one connection at most.
pub const UNUSED: Duration = Duration::from_secs(600);
/// A connection beyond the usual number is closed when it was not used for so long.
pub const SPARE_UNUSED: Duration = Duration::from_secs(10);
/// A connection that the other side closes when it was idle for so long was closed because it was idle: CoreDNS does that after
/// 10 s. Opened again it would only be closed again. What is cut earlier was not idleness.
const CLOSED_AS_IDLE: Duration = Duration::from_secs(5);

/// When a group was asked last. It counts as asked when it is made.
#[derive(Debug)]
pub struct Use {
    made: Instant,
    /// Milliseconds since then.
    last: AtomicU64,
}

impl Use {
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { made: now, last: AtomicU64::new(0) }
    }

    pub fn note(&self, now: Instant) {
        let millis = u64::try_from((now - self.made).as_millis()).unwrap_or(u64::MAX);
        self.last.store(millis, Relaxed);
    }

    /// When it will count as unused, unless it is asked meanwhile.
    #[must_use]
    pub fn ends(&self) -> Instant {
        self.made + Duration::from_millis(self.last.load(Relaxed)) + UNUSED
    }

    #[must_use]
    pub fn is_unused(&self, now: Instant) -> bool {
        now >= self.ends()
    }
}

/// A connection has ended; `cut`: by the other side. Is another one opened before it is needed?
#[must_use]
pub fn reopens(cut: bool, idle: Duration, unused: bool) -> bool {
    let closed_as_idle = cut && idle >= CLOSED_AS_IDLE;
    !unused && !closed_as_idle
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_peer_is_in_use_for_ten_minutes_after_a_question() {
        let start = Instant::now();
        let used = Use::new(start);
        assert!(!used.is_unused(start + 599 * SECOND) && used.is_unused(start + 600 * SECOND));
        used.note(start + 300 * SECOND);
        assert!(!used.is_unused(start + 899 * SECOND) && used.is_unused(start + 900 * SECOND));
    }

    #[test]
    fn what_the_peer_closes_when_idle_is_not_opened_again() {
        assert!(reopens(true, Duration::ZERO, false), "a restart");
        assert!(!reopens(true, 10 * SECOND, false), "CoreDNS");
        assert!(reopens(false, 60 * SECOND, false), "its greatest age");
        assert!(!reopens(true, Duration::ZERO, true) && !reopens(false, Duration::ZERO, true));
    }
}
