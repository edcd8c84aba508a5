//! Values that must lie between two others: each with its default, and reported when it does not.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::error::{Fault, Report};
use super::field::Field;
use super::units::{Size, Time};

/// The number, if it is named and in range; else `otherwise`.
pub(super) fn number(field: &Field<u64>, range: RangeInclusive<u64>, otherwise: usize, report: &Report<'_>) -> usize {
    let fits = within(field, range, report);
    fits.and_then(|number| usize::try_from(number).ok()).unwrap_or(otherwise)
}

/// The duration, if it is named and in range; else `otherwise`.
pub(super) fn time(
    field: &Field<Time>,
    range: RangeInclusive<Duration>,
    otherwise: Duration,
    report: &Report<'_>,
) -> Duration {
    let (least, most) = range.into_inner();
    within(field, Time(least)..=Time(most), report).map_or(otherwise, |time| time.0)
}

/// The duration as [`time`] gives it, in whole seconds as a TTL is (RFC 1035 3.2.1).
pub(super) fn ttl(field: &Field<Time>, most: Duration, otherwise: Duration, report: &Report<'_>) -> Duration {
    let ttl = time(field, Duration::ZERO..=most, otherwise, report);
    if let Some(place) = field.place().filter(|_| ttl.subsec_nanos() > 0) {
        report.error(place, Fault::new(format!("a TTL must be whole seconds, not `{}`", Time(ttl))));
        return otherwise;
    }
    ttl
}

/// The size, if it is named and in range; else `otherwise`.
pub(super) fn size(field: &Field<Size>, range: RangeInclusive<u64>, otherwise: u64, report: &Report<'_>) -> u64 {
    let (least, most) = range.into_inner();
    within(field, Size(least)..=Size(most), report).map_or(otherwise, |size| size.0)
}

fn within<T: Copy + PartialOrd + Display>(
    field: &Field<T>,
    range: RangeInclusive<T>,
    report: &Report<'_>,
) -> Option<T> {
    let (place, value) = field.both()?;
    if range.contains(&value.0) {
        return Some(value.0);
    }
    let (least, most) = range.into_inner();
    report.error(place, Fault::new(format!("`{}` is out of range", value.0)).help(format!("{least} to {most}")));
    None
}
