//! Addresses that may change places, so that not everybody who gets the same kept answer asks the same pod: found once, when a reply
//! is read, and turned in the octets of each reply that is made of it.

use crate::wire::record::Record;
use crate::wire::rtype;

/// Octets of an owner that is a pointer (RFC 1035 4.1.4).
const POINTER: usize = 2;

/// Records of equal length, one behind the other, at the end of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turning {
    /// From the end of the question on.
    start: usize,
    record: usize,
}

impl Turning {
    /// The addresses of one owner that a message ends with; `question_end` is where its records begin, `all` are they. Behind them
    /// stands nothing, and pointers lead backwards only, so no name depends on which of them is where.
    pub(super) fn find(message: &[u8], question_end: usize, all: &[Record]) -> Option<Self> {
        let last = all.last()?;
        let owner = message.get(last.start..last.start + POINTER).filter(|owner| owner[0] >= 0xc0)?;
        let record = last.end - last.start;
        let alike = |one: &&Record| {
            matches!(one.rtype, rtype::A | rtype::AAAA)
                && (one.rtype, one.class, one.end - one.start) == (last.rtype, last.class, record)
                && message.get(one.start..one.start + POINTER) == Some(owner)
        };
        let first = all.iter().rev().take_while(alike).last()?;
        (first.start < last.start).then_some(Self { start: first.start - question_end, record })
    }

    /// Turns whatever of them stands in `records`, whose end may be cut off behind any record.
    #[inline]
    pub(super) fn turn(self, records: &mut [u8], rotation: usize) {
        let Some(turned) = records.get_mut(self.start..) else { return };
        let count = turned.len() / self.record;
        if count > 1 {
            turned.rotate_left(rotation % count * self.record);
        }
    }
}
