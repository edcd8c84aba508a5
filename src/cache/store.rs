//! The answers themselves: least recently used go first, bounded in octets. Shards have a lock each; a look-up holds one of
//! them for as long as its answer is copied, and no other.

use std::borrow::Borrow;
use std::time::Instant;

use lru::LruCache;
use parking_lot::Mutex;

use super::census::{Census, Kinds};
use super::entry::Entry;
use super::key::{ByHash, Key, KeyBuf};
use crate::metrics::{Sink, names};

/// A power of two. More than there are ever workers, so that two of them seldom want the same lock.
const SHARDS: usize = 64;
/// What an entry costs besides its parts: the node of the list, its place in the table at half load, and what the allocator adds
/// to each of the five pieces.
const OVERHEAD: usize = size_of::<(Key, Entry)>() + 4 * size_of::<usize>() + 2 * (2 * size_of::<usize>() + 1) + 5 * 8;

/// The cache of all servers: their keys differ.
pub struct Cache {
    shards: Box<[Shard]>,
}

/// On cache lines of its own, so that neighbours do not slow each other.
#[repr(align(128))]
struct Shard(Mutex<Inner>);

struct Inner {
    answers: LruCache<Key, Entry, ByHash>,
    /// Octets that the shard may take.
    limit: usize,
    stats: Stats,
    census: Census,
}

/// What happened since the start, and what there is now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    pub hits: u64,
    pub misses: u64,
    pub inserts: u64,
    /// Pushed out for want of room, whatever was left of their TTL.
    pub evictions: u64,
    pub stale: u64,
    pub entries: usize,
    pub bytes: usize,
}

impl Cache {
    /// `size` is in octets; 0 is no cache.
    #[must_use]
    pub fn new(size: usize) -> Self {
        let shard = || {
            let answers = LruCache::unbounded_with_hasher(ByHash::default());
            Shard(Mutex::new(Inner {
                answers,
                limit: size / SHARDS,
                stats: Stats::default(),
                census: Census::default(),
            }))
        };
        Self { shards: (0..SHARDS).map(|_| shard()).collect() }
    }

    /// Gives the entry to `f` if there is a fresh one; what `f` cannot use is a miss. `f` runs under the shard's lock: it copies, and
    /// nothing else.
    #[inline]
    pub fn get<R>(&self, key: &KeyBuf, now: Instant, f: impl FnOnce(&Entry) -> Option<R>) -> Option<R> {
        let mut shard = self.shard(key.hash()).lock();
        let shard = &mut *shard;
        if let Some(entry) = shard.answers.get_mut(key.octets()) {
            if entry.is_fresh(now) {
                if let Some(found) = f(entry) {
                    entry.hit();
                    shard.stats.hits += 1;
                    return Some(found);
                }
            } else if !entry.is_usable(now) {
                shard.remove(key.octets());
            }
        }
        shard.stats.misses += 1;
        None
    }

    /// The same for an entry that is past its TTL but not past its stale time.
    pub fn get_stale<R>(&self, key: &KeyBuf, now: Instant, f: impl FnOnce(&Entry) -> Option<R>) -> Option<R> {
        let mut shard = self.shard(key.hash()).lock();
        let shard = &mut *shard;
        let entry = shard.answers.get(key.octets()).filter(|entry| !entry.is_fresh(now) && entry.is_usable(now))?;
        let found = f(entry)?;
        shard.stats.stale += 1;
        Some(found)
    }

    /// Gives the entry to `f`, fresh or not, and counts nothing.
    pub(super) fn peek<R>(&self, key: &KeyBuf, f: impl FnOnce(&Entry) -> R) -> Option<R> {
        self.shard(key.hash()).lock().answers.peek(key.octets()).map(f)
    }

    /// Shows every entry, a shard at a time.
    pub(super) fn each(&self, mut f: impl FnMut(&Key, &Entry)) {
        for shard in &self.shards {
            shard.0.lock().answers.iter().for_each(|(key, entry)| f(key, entry));
        }
    }

    /// Forgets the answers whose key is so, and says how many.
    pub(super) fn remove_where(&self, wanted: impl Fn(&Key) -> bool) -> usize {
        let mut gone = 0;
        for shard in &self.shards {
            let mut shard = shard.0.lock();
            let keys: Vec<Key> = shard.answers.iter().map(|(key, _)| key).filter(|key| wanted(key)).cloned().collect();
            gone += keys.len();
            keys.iter().for_each(|key| shard.remove(key.borrow()));
        }
        gone
    }

    /// Is it time to ask again for this answer, because it is there and soon is not?
    #[must_use]
    pub fn is_due(&self, key: &KeyBuf, now: Instant) -> bool {
        let shard = self.shard(key.hash()).lock();
        shard.answers.peek(key.octets()).is_some_and(|entry| entry.is_fresh(now) && entry.refresh_at() <= now)
    }

    /// Keeps an answer in place of what was there, and gives true; or keeps what was there, because it is better. An answer that
    /// takes more than a shard may is not kept.
    pub fn insert(&self, key: Key, entry: Entry, now: Instant) -> bool {
        let cost = cost(&key, &entry);
        let mut shard = self.shard(key.hash()).lock();
        let shard = &mut *shard;
        if shard.answers.peek(&key).is_some_and(|old| old.outranks(&entry, now)) {
            return false;
        }
        if entry.is_fleeting() {
            shard.remove(key.borrow());
        } else if cost <= shard.limit {
            shard.stats.inserts += 1;
            shard.stats.bytes += cost;
            shard.census.came(&key, &entry);
            if let Some((key, old)) = shard.answers.push(key, entry) {
                shard.stats.bytes -= self::cost(&key, &old);
                shard.census.went(&key, &old);
            }
            shard.shrink();
        }
        true
    }

    /// Notes at an answer that was better than what came why nothing newer came, and gives it to `f`.
    pub fn set_back<R>(&self, key: &Key, cause: &str, now: Instant, f: impl FnOnce(&Entry) -> R) -> Option<R> {
        let mut shard = self.shard(key.hash()).lock();
        let shard = &mut *shard;
        let entry = shard.answers.get_mut(key).filter(|entry| entry.is_usable(now))?;
        let before = cost(key, entry);
        entry.set_back(cause, now);
        let (after, stale, found) = (cost(key, entry), !entry.is_fresh(now), f(entry));
        shard.stats.bytes = shard.stats.bytes - before + after;
        shard.stats.stale += u64::from(stale);
        shard.shrink();
        Some(found)
    }

    /// Forgets everything.
    pub fn flush(&self) {
        for shard in &self.shards {
            let mut shard = shard.0.lock();
            shard.answers.clear();
            shard.stats.bytes = 0;
            shard.census.cleared();
        }
    }

    /// Changes how many octets there may be; what no longer fits goes at once.
    pub fn resize(&self, size: usize) {
        for shard in &self.shards {
            let mut shard = shard.0.lock();
            shard.limit = size / SHARDS;
            shard.shrink();
        }
    }

    /// Octets that there may be.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.shards.iter().map(|shard| shard.0.lock().limit).sum()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.stats().entries
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Octets of all entries, with their keys and what the tables cost.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.stats().bytes
    }

    /// The sums over all shards; each is locked for a moment.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shards.iter().fold(Stats::default(), |sum, shard| {
            let shard = shard.0.lock();
            Stats {
                hits: sum.hits + shard.stats.hits,
                misses: sum.misses + shard.stats.misses,
                inserts: sum.inserts + shard.stats.inserts,
                evictions: sum.evictions + shard.stats.evictions,
                stale: sum.stale + shard.stats.stale,
                entries: sum.entries + shard.answers.len(),
                bytes: sum.bytes + shard.stats.bytes,
            }
        })
    }

    /// What there is of each server, by its number.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kinds> {
        let mut sums = Vec::new();
        self.shards.iter().for_each(|shard| shard.0.lock().census.add_to(&mut sums));
        sums
    }

    /// Its part of a scrape.
    pub fn report(&self, sink: &mut Sink) {
        let stats = self.stats();
        sink.count(names::CACHE_HITS, &[], stats.hits);
        sink.count(names::CACHE_MISSES, &[], stats.misses);
        sink.count(names::CACHE_INSERTS, &[], stats.inserts);
        sink.count(names::CACHE_EVICTIONS, &[], stats.evictions);
        sink.count(names::CACHE_STALE, &[], stats.stale);
        sink.gauge(names::CACHE_ENTRIES, &[], stats.entries as f64);
        sink.gauge(names::CACHE_BYTES, &[], stats.bytes as f64);
        sink.gauge(names::CACHE_LIMIT, &[], self.limit() as f64);
    }

    /// By bits from the middle of the hash: the table inside uses the lowest and the highest.
    #[inline]
    fn shard(&self, hash: u64) -> &Mutex<Inner> {
        &self.shards[(hash >> 40) as usize % SHARDS].0
    }
}

impl Inner {
    fn remove(&mut self, key: &[u8]) {
        if let Some((key, entry)) = self.answers.pop_entry(key) {
            self.stats.bytes -= cost(&key, &entry);
            self.census.went(&key, &entry);
        }
    }

    fn shrink(&mut self) {
        while self.stats.bytes > self.limit
            && let Some((key, entry)) = self.answers.pop_lru()
        {
            self.stats.bytes -= cost(&key, &entry);
            self.stats.evictions += 1;
            self.census.evicted(&key, &entry);
        }
    }
}

fn cost(key: &Key, entry: &Entry) -> usize {
    OVERHEAD + key.heap_bytes() + entry.heap_bytes()
}

#[cfg(test)]
mod tests;
