//! How long exchanges took, by what came of them: with one other DNS server by rcode, or with anything else by a few words. For
//! what waits for the network anyway: several threads add at once.

use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::Mutex;

use super::cells::{Cells, DURATIONS, Together};
use super::labels::{RCODE_SLOTS, rcode_slot, rcode_text};
use super::questions::{NANOS, histogram};
use super::sink::Histogram;

/// Exchanges with one DNS server. An rcode takes room when it first comes.
#[derive(Default)]
pub struct Timings([OnceLock<Box<Cells<16>>>; RCODE_SLOTS]);

impl Timings {
    /// An answer came.
    pub fn answered(&self, rcode: u16, took: Duration) {
        let cells = self.0[rcode_slot(rcode)].get_or_init(|| Box::new(Cells::new(&DURATIONS)));
        cells.observe::<Together>(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// What came so far, by rcode, in CoreDNS's buckets.
    #[must_use]
    pub fn read(&self) -> Vec<(&'static str, Histogram)> {
        let came = self.0.iter().enumerate().filter_map(|(slot, cells)| Some((slot, cells.get()?)));
        came.map(|(slot, cells)| (rcode_text(slot), histogram(cells, NANOS))).collect()
    }
}

impl std::fmt::Debug for Timings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.read()).finish()
    }
}

/// Durations of something that happens now and then, in seconds.
pub struct Durations {
    bounds: &'static [f64],
    seen: Mutex<Histogram>,
}

impl Durations {
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        let seen = Histogram { buckets: bounds.iter().map(|bound| (*bound, 0)).collect(), ..Histogram::default() };
        Self { bounds, seen: Mutex::new(seen) }
    }

    pub fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let mut seen = self.seen.lock();
        let first = self.bounds.partition_point(|bound| *bound < seconds);
        seen.buckets[first..].iter_mut().for_each(|(_, count)| *count += 1);
        seen.count += 1;
        seen.sum += seconds;
    }

    #[must_use]
    pub fn read(&self) -> Histogram {
        self.seen.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanges_are_told_apart_by_rcode() {
        let timings = Timings::default();
        assert_eq!(timings.read(), []);
        timings.answered(0, Duration::from_millis(1));
        timings.answered(0, Duration::from_millis(3));
        timings.answered(2, Duration::from_secs(9));
        let read = timings.read();
        assert_eq!(
            read.iter().map(|(rcode, seen)| (*rcode, seen.count)).collect::<Vec<_>>(),
            [("NOERROR", 2), ("SERVFAIL", 1)]
        );
        assert_eq!(read[0].1.buckets[2..5], [(0.001, 1), (0.002, 1), (0.004, 2)]);
        assert_eq!(read[1].1.buckets[15], (8.192, 0), "it is in +Inf only");
    }

    #[test]
    fn a_duration_counts_in_every_bucket_that_it_fits_into() {
        let durations = Durations::new(&[0.1, 1.0]);
        for ms in [100, 101, 5_000] {
            durations.observe(Duration::from_millis(ms));
        }
        let seen = durations.read();
        assert_eq!((seen.buckets, seen.count), (vec![(0.1, 1), (1.0, 2)], 3));
    }
}
