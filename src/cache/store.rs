//! The answers themselves: least recently used go first, bounded in octets. Shards have a lock each; a look-up holds one of
//! them for as long as its answer is copied, and no other.

use std::time::Instant;

use lru::LruCache;
use parking_lot::Mutex;

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
            Shard(Mutex::new(Inner { answers, limit: size / SHARDS, stats: Stats::default() }))
        };
        Self { shards: (0..SHARDS).map(|_| shard()).collect() }
    }

    /// Gives the entry to `f` if there is a fresh one. `f` runs under the shard's lock: it copies, and nothing else.
    #[inline]
    pub fn get<R>(&self, key: &KeyBuf, now: Instant, f: impl FnOnce(&Entry) -> R) -> Option<R> {
        let mut shard = self.shard(key.hash()).lock();
        let shard = &mut *shard;
        if let Some(entry) = shard.answers.get_mut(key.octets()) {
            if entry.is_fresh(now) {
                entry.hit();
                shard.stats.hits += 1;
                return Some(f(entry));
            }
            if !entry.is_usable(now) {
                shard.remove(key);
            }
        }
        shard.stats.misses += 1;
        None
    }

    /// The same for an entry that is past its TTL but not past its stale time, or fresh.
    pub fn get_stale<R>(&self, key: &KeyBuf, now: Instant, f: impl FnOnce(&Entry) -> R) -> Option<R> {
        let mut shard = self.shard(key.hash()).lock();
        let shard = &mut *shard;
        let entry = shard.answers.get(key.octets()).filter(|entry| entry.is_usable(now))?;
        shard.stats.stale += 1;
        Some(f(entry))
    }

    /// Keeps an answer in place of what was there, unless it is a failure and what was there can still be used. One that takes more
    /// than a shard may is not kept.
    pub fn insert(&self, key: Key, entry: Entry, now: Instant) {
        let cost = cost(&key, &entry);
        let mut shard = self.shard(key.hash()).lock();
        let keeps_old = |old: &Entry| entry.is_failure() && !old.is_failure() && old.is_usable(now);
        if cost > shard.limit || shard.answers.peek(&key).is_some_and(keeps_old) {
            return;
        }
        shard.stats.inserts += 1;
        shard.stats.bytes += cost;
        if let Some((key, old)) = shard.answers.push(key, entry) {
            shard.stats.bytes -= self::cost(&key, &old);
        }
        shard.shrink();
    }

    /// Forgets everything.
    pub fn flush(&self) {
        for shard in &self.shards {
            let mut shard = shard.0.lock();
            shard.answers.clear();
            shard.stats.bytes = 0;
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
    }

    /// By bits from the middle of the hash: the table inside uses the lowest and the highest.
    #[inline]
    fn shard(&self, hash: u64) -> &Mutex<Inner> {
        &self.shards[(hash >> 40) as usize % SHARDS].0
    }
}

impl Inner {
    fn remove(&mut self, key: &KeyBuf) {
        if let Some((key, entry)) = self.answers.pop_entry(key.octets()) {
            self.stats.bytes -= cost(&key, &entry);
        }
    }

    fn shrink(&mut self) {
        while self.stats.bytes > self.limit
            && let Some((key, entry)) = self.answers.pop_lru()
        {
            self.stats.bytes -= cost(&key, &entry);
            self.stats.evictions += 1;
        }
    }
}

fn cost(key: &Key, entry: &Entry) -> usize {
    OVERHEAD + key.heap_bytes() + entry.heap_bytes()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::cache::key::tests::key;
    use crate::cache::policy::Source;
    use crate::cache::policy::tests::{POLICY, address, denial};
    use crate::wire::{Rcode, ReplyBody};

    const MIB: usize = 1 << 20;

    fn entry(source: Source, body: ReplyBody, now: Instant) -> Entry {
        let keep = POLICY.keep(source, &body).expect("kept");
        Entry::new(Arc::new(body), keep, now, now)
    }

    fn fill(cache: &Cache, count: usize, now: Instant) {
        for number in 0..count {
            let key = key(0, 0, &format!("n{number}.x")).to_key();
            cache.insert(key, entry(Source::Forward, address(30), now), now);
        }
    }

    #[test]
    fn an_answer_is_found_until_its_ttl_ends_and_then_takes_no_room() {
        let (cache, now, web) = (Cache::new(MIB), crate::clock::now(), key(0, 1, "web.x"));
        cache.insert(web.to_key(), entry(Source::Forward, address(20), now), now);
        let later = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(cache.get(&web, later(19), |entry| entry.remaining(later(19))), Some(1));
        assert_eq!(cache.get(&web, later(19), Entry::hits), Some(2));
        assert_eq!(cache.get(&key(0, 2, "web.x"), now, |_| ()), None, "another route");
        assert_eq!(cache.get(&web, later(20), |_| ()), None);
        let stats = Stats { hits: 2, misses: 2, inserts: 1, ..Stats::default() };
        assert_eq!(cache.stats(), stats);
    }

    #[test]
    fn a_peers_answer_stays_for_its_stale_time() {
        let (cache, now, web) = (Cache::new(MIB), crate::clock::now(), key(0, 1, "web.x"));
        cache.insert(web.to_key(), entry(Source::Peer, address(20), now), now);
        let later = now + Duration::from_secs(1_000);
        assert_eq!(cache.get(&web, later, |_| ()), None);
        assert_eq!(cache.get_stale(&web, later, |entry| entry.age(later)), Some(1_000));
        assert_eq!(cache.get_stale(&web, now + Duration::from_secs(3_620), |_| ()), None);
    }

    #[test]
    fn a_failure_does_not_push_out_an_answer_that_can_be_used() {
        let (cache, now, web) = (Cache::new(MIB), crate::clock::now(), key(0, 1, "web.x"));
        let rcode = |now| cache.get_stale(&web, now, |entry| entry.body().rcode);
        let failure = |now| entry(Source::Peer, ReplyBody::failure(Rcode::SERVFAIL, None), now);
        cache.insert(web.to_key(), failure(now), now);
        assert_eq!(rcode(now), Some(Rcode::SERVFAIL));
        cache.insert(web.to_key(), entry(Source::Peer, address(20), now), now);
        let (late, gone) = (now + Duration::from_secs(100), now + Duration::from_secs(4_000));
        cache.insert(web.to_key(), failure(late), late);
        assert_eq!(rcode(late), Some(Rcode::NOERROR));
        cache.insert(web.to_key(), failure(gone), gone);
        assert_eq!(rcode(gone), Some(Rcode::SERVFAIL));
        cache.insert(web.to_key(), entry(Source::Peer, denial(2), gone), gone);
        assert_eq!(rcode(gone), Some(Rcode::NXDOMAIN));
        assert_eq!(cache.len(), 1);
    }

    #[test]
    fn the_size_is_kept_and_the_least_used_go_first() {
        let (cache, now) = (Cache::new(MIB), crate::clock::now());
        fill(&cache, 20_000, now);
        let stats = cache.stats();
        assert!(stats.bytes <= MIB && stats.bytes > MIB * 9 / 10, "{stats:?}");
        assert_eq!(stats.entries as u64 + stats.evictions, 20_000);
        assert!(cache.get(&key(0, 0, "n19999.x"), now, |_| ()).is_some());
        assert!(cache.get(&key(0, 0, "n0.x"), now, |_| ()).is_none());
    }

    #[test]
    fn what_is_removed_gives_its_room_back() {
        let (cache, now) = (Cache::new(MIB), crate::clock::now());
        fill(&cache, 100, now);
        fill(&cache, 100, now);
        let full = cache.bytes();
        fill(&cache, 100, now);
        assert_eq!((cache.len(), cache.bytes()), (100, full), "replacing is not adding");
        for number in 0..100 {
            cache.get(&key(0, 0, &format!("n{number}.x")), now + Duration::from_secs(60), |_| ());
        }
        assert_eq!((cache.len(), cache.bytes()), (0, 0));
        fill(&cache, 100, now);
        cache.resize(MIB / 64);
        assert!(cache.bytes() <= MIB / 64);
        cache.flush();
        assert_eq!((cache.is_empty(), cache.bytes()), (true, 0));
    }

    #[test]
    fn size_zero_keeps_nothing() {
        let (cache, now) = (Cache::new(0), crate::clock::now());
        fill(&cache, 100, now);
        assert!(cache.is_empty());
    }
}
