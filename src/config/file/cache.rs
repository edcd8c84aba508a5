//! How long answers of others are kept: of a server, and of one row of `forward`. It keeps nothing.

use std::time::Duration;

use crate::config::error::{Fault, Report};
use crate::config::field::Field;
use crate::config::spec::{CacheSpec, CapsSpec};
use crate::config::units::Time;
use crate::config::{CacheCaps, CacheConfig, StaleConfig, range};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const WEEK: Duration = Duration::from_secs(7 * 86_400);
/// A failure is told again for no longer than "five minutes" (RFC 9520 3.2), so somebody is asked again by then.
const MOST_RECHECK: Duration = Duration::from_secs(300);

pub(super) fn cache(spec: &CacheSpec, report: &Report<'_>) -> CacheConfig {
    let default = CacheConfig::default();
    let size = range::size(&spec.size, 0..=1 << 40, default.size as u64, report);
    CacheConfig {
        size: usize::try_from(size).unwrap_or(usize::MAX),
        max_ttl: range::ttl(&spec.max_ttl, WEEK, default.max_ttl, report),
        max_negative_ttl: range::ttl(&spec.max_negative_ttl, WEEK, default.max_negative_ttl, report),
        prefetch: spec.prefetch.scalar().unwrap_or(default.prefetch),
        keep_ttl: spec.keep_ttl.scalar().unwrap_or(default.keep_ttl),
        stale: stale(
            &Keys {
                time: &spec.stale,
                after: &spec.stale_after,
                ttl: &spec.stale_ttl,
                recheck: &spec.stale_recheck,
                prefer_positive: &spec.stale_prefer_positive,
            },
            report,
        ),
    }
}

pub(super) fn caps(spec: &CapsSpec, report: &Report<'_>) -> CacheCaps {
    let default = CacheConfig::default();
    CacheCaps {
        max_ttl: range::ttl(&spec.max_ttl, WEEK, default.max_ttl, report),
        max_negative_ttl: range::ttl(&spec.max_negative_ttl, WEEK, default.max_negative_ttl, report),
        keep_ttl: spec.keep_ttl.scalar().unwrap_or(default.keep_ttl),
        stale: stale(
            &Keys {
                time: &spec.stale,
                after: &spec.stale_after,
                ttl: &spec.stale_ttl,
                recheck: &spec.stale_recheck,
                prefer_positive: &spec.stale_prefer_positive,
            },
            report,
        ),
    }
}

/// The keys that a server and a row have alike.
struct Keys<'s> {
    time: &'s Field<Time>,
    after: &'s Field<Time>,
    ttl: &'s Field<Time>,
    recheck: &'s Field<Time>,
    prefer_positive: &'s Field<bool>,
}

fn stale(keys: &Keys<'_>, report: &Report<'_>) -> StaleConfig {
    let default = StaleConfig::default();
    let stale = StaleConfig {
        time: range::time(keys.time, Duration::ZERO..=WEEK, default.time, report),
        after: range::time(keys.after, Duration::ZERO..=10 * SECOND, default.after, report),
        ttl: range::time(keys.ttl, SECOND..=HOUR, default.ttl, report),
        recheck: range::time(keys.recheck, SECOND..=MOST_RECHECK, default.recheck, report),
        prefer_positive: keys.prefer_positive.scalar().unwrap_or(default.prefer_positive),
    };
    let idle = [keys.after.place(), keys.ttl.place(), keys.recheck.place(), keys.prefer_positive.place()];
    let says = stale.time.is_zero() && stale != StaleConfig { time: Duration::ZERO, ..default };
    if let Some(place) = idle.into_iter().flatten().next().filter(|_| says) {
        let fault = Fault::new("it says how stale answers are given, and none are");
        report.error(place, fault.help("write `stale: 1h` beside it: how long past its TTL an answer may be used"));
    }
    stale
}
