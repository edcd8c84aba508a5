//! A look at what the cache has for one question, for people who ask: it counts as no use, moves nothing up, and gives what is past
//! its TTL too.

use std::sync::Arc;
use std::time::Instant;

use super::entry::Entry;
use super::key::KeyBuf;
use super::store::Cache;
use crate::wire::ReplyBody;

/// An answer in the cache, at one moment.
#[derive(Debug, Clone)]
pub struct Look {
    /// As it was kept.
    pub body: Arc<ReplyBody>,
    /// As it would be given now; past its TTL, with the TTLs of a stale answer.
    pub now: ReplyBody,
    /// Seconds since it was asked for.
    pub age: u32,
    /// Seconds until its TTL ends; 0 past it.
    pub left: u32,
    /// Its TTL has not ended.
    pub fresh: bool,
    /// It may be given, be it as a stale answer.
    pub usable: bool,
    /// Why nothing newer came, if somebody tried just now.
    pub setback: Option<String>,
}

impl Cache {
    /// What there is for a question, fresh or not.
    #[must_use]
    pub fn look(&self, key: &KeyBuf, now: Instant) -> Option<Look> {
        self.peek(key, |entry| Look::of(entry, now))
    }
}

impl Look {
    pub(super) fn of(entry: &Entry, now: Instant) -> Self {
        let (fresh, setback) = (entry.is_fresh(now), entry.setback(now).map(str::to_owned));
        let given = match fresh {
            true => entry.aged(now),
            false => entry.stale(setback.as_deref().unwrap_or("not asked"), now),
        };
        Self {
            body: Arc::clone(entry.body()),
            now: given,
            age: entry.age(now),
            left: entry.remaining(now),
            fresh,
            usable: entry.is_usable(now),
            setback,
        }
    }
}
