//! A name that the zone is served under, with what its SOA record needs.

use crate::wire::{Name, NameBuf, NameRef};

/// Timers of the SOA record: refresh, retry, expire. Nobody transfers the zone; they are CoreDNS's.
const TIMERS: [u32; 3] = [7_200, 1_800, 86_400];
/// Octets of the numbers at the end of an SOA record's data (RFC 1035 3.3.13).
const NUMBERS: usize = 20;

/// The labels of the name server's name under an origin.
pub(super) const NS_LABELS: &[u8] = b"\x02ns\x03dns";
const MAILBOX_LABELS: &[u8] = b"\x0ahostmaster";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) name: Name,
    /// How many labels, the root not counted.
    pub(super) labels: usize,
}

impl Origin {
    pub(super) fn new(name: Name) -> Self {
        Self { labels: name.as_ref().label_count(), name }
    }

    /// Is `name` the origin or below it, and how many labels are in front of it?
    #[inline]
    pub(super) fn labels_before(&self, name: &NameBuf) -> Option<usize> {
        let before = name.label_count().checked_sub(self.labels)?;
        (name.suffix(self.labels) == self.name.as_ref()).then_some(before)
    }
}

/// The numbers of an SOA record's data.
pub(super) fn soa_numbers(serial: u32, ttl: u32) -> [u8; NUMBERS] {
    let mut numbers = [0; NUMBERS];
    let fields = [serial, TIMERS[0], TIMERS[1], TIMERS[2], ttl];
    for (to, from) in numbers.chunks_exact_mut(4).zip(fields) {
        to.copy_from_slice(&from.to_be_bytes());
    }
    numbers
}

/// The two names of an SOA record's data, each in two pieces. `tail` is the origin, in full or as a pointer to where it
/// stands already; an origin too long to put labels in front of stands for both itself.
pub(super) fn soa_names<'a>(origin: NameRef<'_>, tail: &'a [u8]) -> [&'a [u8]; 4] {
    let fits = |labels: &[u8]| labels.len() + origin.wire().len() <= crate::wire::name::MAX_NAME;
    let front = |labels: &'static [u8]| if fits(labels) { labels } else { &[][..] };
    [front(NS_LABELS), tail, front(MAILBOX_LABELS), tail]
}
