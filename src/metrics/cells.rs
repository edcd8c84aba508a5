//! The numbers of one door and one zone: plain arrays that are only ever added to. Who adds decides how: one thread alone reads
//! and stores, several use atomic additions.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::labels::{Answerer, RCODE_SLOTS, TYPE_SLOTS, rcode_slot, type_slot};
use super::recorder::Answered;

/// CoreDNS's buckets, in nanoseconds: a quarter of a millisecond, doubled fifteen times.
pub(super) const DURATIONS: [u64; 16] = {
    let mut bounds = [250_000; 16];
    let mut at = 1;
    while at < bounds.len() {
        bounds[at] = bounds[at - 1] * 2;
        at += 1;
    }
    bounds
};
/// CoreDNS's buckets, in octets.
pub(super) const SIZES: [u64; 14] =
    [0, 100, 200, 300, 400, 511, 1_023, 2_047, 4_095, 8_291, 16_000, 32_000, 48_000, 64_000];

/// How a number is added to a cell.
pub(super) trait Add {
    fn add(cell: &AtomicU64, number: u64);
}

/// For a cell that no other thread writes: no locked instruction.
pub(super) struct Alone;

impl Add for Alone {
    #[inline]
    fn add(cell: &AtomicU64, number: u64) {
        cell.store(cell.load(Relaxed).wrapping_add(number), Relaxed);
    }
}

/// For a cell that several threads write.
pub(super) struct Together;

impl Add for Together {
    #[inline]
    fn add(cell: &AtomicU64, number: u64) {
        cell.fetch_add(number, Relaxed);
    }
}

/// One zone at one door.
pub(super) struct Row {
    pub(super) requests: [AtomicU64; TYPE_SLOTS],
    pub(super) responses: [[AtomicU64; RCODE_SLOTS]; Answerer::ALL.len()],
    pub(super) dnssec_ok: AtomicU64,
    pub(super) durations: Cells<16>,
    pub(super) request_sizes: Cells<14>,
    pub(super) response_sizes: Cells<14>,
}

impl Row {
    pub(super) fn new() -> Self {
        Self {
            requests: zeros(),
            responses: std::array::from_fn(|_| zeros()),
            dnssec_ok: AtomicU64::new(0),
            durations: Cells::new(&DURATIONS),
            request_sizes: Cells::new(&SIZES),
            response_sizes: Cells::new(&SIZES),
        }
    }

    /// Everything but the duration.
    #[inline]
    pub(super) fn count<A: Add>(&self, answered: &Answered) {
        A::add(&self.requests[type_slot(answered.qtype)], 1);
        A::add(&self.responses[answered.by as usize][rcode_slot(answered.rcode)], 1);
        if answered.dnssec_ok {
            A::add(&self.dnssec_ok, 1);
        }
        self.request_sizes.observe::<A>(answered.request_len as u64);
        self.response_sizes.observe::<A>(answered.response_len as u64);
    }
}

/// A histogram: one cell for each bound, and the rest; the sum beside.
pub(super) struct Cells<const BOUNDS: usize> {
    bounds: &'static [u64; BOUNDS],
    counts: [AtomicU64; BOUNDS],
    beyond: AtomicU64,
    sum: AtomicU64,
}

impl<const BOUNDS: usize> Cells<BOUNDS> {
    pub(super) fn new(bounds: &'static [u64; BOUNDS]) -> Self {
        Self { bounds, counts: zeros(), beyond: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    #[inline]
    pub(super) fn observe<A: Add>(&self, value: u64) {
        let slot = self.bounds.partition_point(|bound| *bound < value);
        A::add(self.counts.get(slot).unwrap_or(&self.beyond), 1);
        A::add(&self.sum, value);
    }

    /// Upper bounds with the count of all values up to them, the count of all, and their sum.
    pub(super) fn read(&self) -> (Vec<(u64, u64)>, u64, u64) {
        let mut total = 0;
        let mut cumulative = |cell: &AtomicU64| {
            total += cell.load(Relaxed);
            total
        };
        let buckets = self.bounds.iter().zip(&self.counts).map(|(bound, cell)| (*bound, cumulative(cell))).collect();
        (buckets, cumulative(&self.beyond), self.sum.load(Relaxed))
    }
}

fn zeros<const LEN: usize>() -> [AtomicU64; LEN] {
    std::array::from_fn(|_| AtomicU64::new(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_in_every_bucket_that_it_fits_into() {
        let cells = Cells::new(&SIZES);
        for value in [0, 100, 101, 70_000] {
            cells.observe::<Alone>(value);
        }
        let (buckets, count, sum) = cells.read();
        assert_eq!(buckets[..3], [(0, 1), (100, 2), (200, 3)]);
        assert_eq!((buckets[13], count, sum), ((64_000, 3), 4, 70_201));
    }

    #[test]
    fn the_slowest_bucket_is_eight_seconds() {
        assert_eq!(DURATIONS[15], 8_192_000_000);
    }
}
