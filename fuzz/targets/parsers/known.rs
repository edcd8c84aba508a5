//! Messages that one reader takes and another refuses: each kind of them is listed here with its reason, and one that is not
//! listed fails.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use interlocal::wire::record::skip_name;
use interlocal::wire::{NameBuf, WireError, read_u16, rtype};

use super::super::answers;
use super::super::differences::refused_by_us;
use super::HEADER;

/// One kind of difference.
#[derive(Debug)]
pub struct Difference {
    name: &'static str,
    /// `ours`, `hickory` or `domain`: whoever refuses.
    refused_by: &'static str,
    /// Of replies, or of queries.
    reply: bool,
    applies: fn(&[u8]) -> bool,
    why: &'static str,
    /// How often it was seen in this process.
    seen: AtomicUsize,
}

impl Difference {
    pub fn seen(&self) -> usize {
        self.seen.load(Ordering::Relaxed)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.reply { "reply" } else { "query" };
        write!(f, "{} {} refuses a {side}, {}: {}", self.seen(), self.refused_by, self.name, self.why)
    }
}

const fn row(
    refused_by: &'static str,
    reply: bool,
    name: &'static str,
    applies: fn(&[u8]) -> bool,
    why: &'static str,
) -> Difference {
    Difference { name, refused_by, reply, applies, why, seen: AtomicUsize::new(0) }
}

static KNOWN: [Difference; 10] = [
    row("ours", false, "records", has_records, "records in front of OPT have no meaning in a question"),
    row(
        "ours",
        false,
        "pointer",
        compressed,
        "no name stands before the question's, so a pointer leads into the header",
    ),
    row(
        "ours",
        false,
        "options",
        has_opt,
        "one OPT, at the root, with at most 32 options that fit, and a sound subnet",
    ),
    row("hickory", false, "unread", has_more, "nobody reads what else is in a question, nor options that nobody wants"),
    row("domain", false, "unread", has_more, "the same"),
    row(
        "ours",
        true,
        "pointer",
        compressed,
        "no name stands before the question's, so a pointer leads into the header",
    ),
    row(
        "ours",
        true,
        "options",
        options,
        "one OPT, in the additional section, at the root, with at most 32 options that fit",
    ),
    row(
        "ours",
        true,
        "what changes",
        what_changes,
        "a name that goes through the header or a TTL is another one in the reply that is made of it",
    ),
    row(
        "ours",
        true,
        "pointer into itself",
        into_itself,
        "a pointer leads to a prior occurrence of a name (RFC 1035 4.1.4), and not into the name that it ends",
    ),
    row("ours", true, "old names", old_names, "domain copies malformed names in the data of old types as they are"),
];

pub fn known_differences() -> &'static [Difference] {
    &KNOWN
}

pub(super) fn explain(refused_by: &str, peer: &str, reply: bool, message: &[u8]) {
    let mut rows = KNOWN.iter().filter(|row| row.refused_by == refused_by && row.reply == reply);
    match rows.find(|row| (row.applies)(message)) {
        Some(row) => drop(row.seen.fetch_add(1, Ordering::Relaxed)),
        None => panic!("a new kind of difference from {peer}: {refused_by} refuses it, reply: {reply}: {message:02x?}"),
    }
}

fn count(message: &[u8], at: usize) -> u16 {
    read_u16(message, at).unwrap_or_default()
}

/// Answers, or anything in the authority section but the version of IXFR.
fn has_records(message: &[u8]) -> bool {
    count(message, 6) > 0 || count(message, 8) > 0
}

fn compressed(message: &[u8]) -> bool {
    let mut name = NameBuf::new();
    name.read_plain(message, HEADER) == Err(WireError::LabelType) && skip_name(message, HEADER).is_ok()
}

/// An OPT record behind the question.
fn has_opt(message: &[u8]) -> bool {
    let Ok(end) = skip_name(message, HEADER) else { return false };
    let mut at = end + 4;
    for _ in 0..count(message, 10) {
        let Ok(fixed) = skip_name(message, at) else { return false };
        if read_u16(message, fixed) == Some(rtype::OPT) {
            return true;
        }
        at = fixed + 10 + usize::from(count(message, fixed + 8));
    }
    false
}

fn has_more(message: &[u8]) -> bool {
    count(message, 8) > 0 || count(message, 10) > 0
}

fn options(message: &[u8]) -> bool {
    refused_by_us(message) == "options"
}

fn what_changes(message: &[u8]) -> bool {
    refused_by_us(message) == "what changes"
}

fn into_itself(message: &[u8]) -> bool {
    answers::read(message) == Err(WireError::Pointer)
}

fn old_names(message: &[u8]) -> bool {
    refused_by_us(message) == "old names"
}
