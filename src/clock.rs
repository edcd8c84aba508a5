//! The one place where threads read the clock. Async code uses `tokio::time`, so that its tests run on paused time;
//! decisions are given `now`.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Monotonic time, for everything that is measured or expires.
#[allow(clippy::disallowed_methods)]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Seconds since 1970, for SOA serials and timestamps that people read; never for expiry.
#[must_use]
pub fn unix_seconds() -> u64 {
    since_1970().as_secs()
}

/// Time since 1970, to be compared with what other machines wrote down; never for expiry.
#[allow(clippy::disallowed_methods)]
#[must_use]
pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
}
