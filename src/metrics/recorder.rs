//! Who counts questions: a worker has a recorder of its own, tasks share one. Both write into blocks that the registry reads
//! when it is scraped, and neither waits for anything.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::cells::{Add, Alone, Row, Together};
use super::labels::{Answerer, DropReason, Family, Proto};

/// Zones that have a label of their own; those that come later share one.
pub(super) const MAX_ZONES: usize = 1_024;

/// The place of a zone's numbers; from [`super::Registry::zone`], when routes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ZoneSlot(pub(super) u16);

impl ZoneSlot {
    /// Questions that no zone of the server matches; CoreDNS calls it `dropped`.
    pub const NONE: Self = Self(0);
}

/// One address family and protocol of one server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Door {
    /// Such as `dns://:53`.
    pub server: Arc<str>,
    pub proto: Proto,
    pub family: Family,
}

/// One question with its answer.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    pub zone: ZoneSlot,
    pub qtype: u16,
    /// DO.
    pub dnssec_ok: bool,
    pub rcode: u16,
    pub by: Answerer,
    pub request_len: usize,
    pub response_len: usize,
}

/// The numbers of a door, by zone. A zone takes room when it is first asked for.
pub(super) struct Block {
    pub(super) door: Door,
    rows: Box<[OnceLock<Box<Row>>]>,
    drops: [AtomicU64; DropReason::ALL.len()],
}

/// For one thread: no other writes its cells.
pub struct Recorder {
    block: Arc<Block>,
    /// Zones of the batch's answers, whose time is not known yet.
    batch: Vec<ZoneSlot>,
}

/// For tasks.
#[derive(Clone)]
pub struct SharedRecorder {
    block: Arc<Block>,
}

impl Recorder {
    pub(super) fn new(block: Arc<Block>) -> Self {
        Self { block, batch: Vec::with_capacity(64) }
    }

    /// Counts an answer of the batch in hand.
    #[inline]
    pub fn answered(&mut self, answered: &Answered) {
        self.block.row(answered.zone).count::<Alone>(answered);
        self.batch.push(answered.zone);
    }

    #[inline]
    pub fn dropped(&mut self, reason: DropReason) {
        Alone::add(&self.block.drops[reason as usize], 1);
    }

    /// Every answer of the batch took this long: one pair of clock reads for all of them.
    #[inline]
    pub fn end_batch(&mut self, took: Duration) {
        let nanos = nanos(took);
        for zone in self.batch.drain(..) {
            self.block.row(zone).durations.observe::<Alone>(nanos);
        }
    }
}

impl SharedRecorder {
    pub(super) fn new(block: Arc<Block>) -> Self {
        Self { block }
    }

    pub fn answered(&self, answered: &Answered, took: Duration) {
        let row = self.block.row(answered.zone);
        row.count::<Together>(answered);
        row.durations.observe::<Together>(nanos(took));
    }

    pub fn dropped(&self, reason: DropReason) {
        Together::add(&self.block.drops[reason as usize], 1);
    }
}

impl Block {
    pub(super) fn new(door: Door) -> Arc<Self> {
        let rows = std::iter::repeat_with(OnceLock::new).take(MAX_ZONES).collect();
        Arc::new(Self { door, rows, drops: [const { AtomicU64::new(0) }; DropReason::ALL.len()] })
    }

    #[inline]
    fn row(&self, zone: ZoneSlot) -> &Row {
        self.rows[usize::from(zone.0)].get_or_init(|| Box::new(Row::new()))
    }

    /// The zones that were asked for.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, &Row)> {
        self.rows.iter().enumerate().filter_map(|(zone, row)| Some((zone, &**row.get()?)))
    }

    pub(super) fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> {
        DropReason::ALL.into_iter().map(|reason| (reason, self.drops[reason as usize].load(Relaxed)))
    }
}

fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}
