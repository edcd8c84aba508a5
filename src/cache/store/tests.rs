//! The store: what is found until when, what gives way to what, and how much room it all takes.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::cache::key::tests::key;
use crate::cache::policy::tests::{POLICY, address, denial};
use crate::cache::policy::{Keep, Source};
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
    assert_eq!(cache.get(&web, later(19), |entry| Some(entry.remaining(later(19)))), Some(1));
    assert_eq!(cache.get(&key(0, 2, "web.x"), now, |_| Some(())), None, "another route");
    assert_eq!(cache.get(&web, later(19), |_| None::<()>), None, "not of use");
    assert_eq!(cache.get(&web, later(20), |_| Some(())), None);
    let stats = Stats { hits: 1, misses: 3, inserts: 1, ..Stats::default() };
    assert_eq!(cache.stats(), stats);
}

#[test]
fn a_peers_answer_stays_for_its_stale_time() {
    let (cache, now, web) = (Cache::new(MIB), crate::clock::now(), key(0, 1, "web.x"));
    cache.insert(web.to_key(), entry(Source::Peer, address(20), now), now);
    let later = now + Duration::from_secs(1_000);
    assert_eq!(cache.get(&web, later, |_| Some(())), None);
    assert_eq!(cache.get_stale(&web, later, |entry| Some(entry.age(later))), Some(1_000));
    assert_eq!(cache.get_stale(&web, later, |_| None::<()>), None, "not of use");
    assert_eq!(cache.stats().stale, 1);
    assert_eq!(cache.get_stale(&web, now, |_| Some(())), None, "it is fresh");
    assert_eq!(cache.get_stale(&web, now + Duration::from_secs(3_620), |_| Some(())), None);
}

/// What stands there, fresh or not.
fn rcode(cache: &Cache, web: &KeyBuf, now: Instant) -> Option<Rcode> {
    let rcode = |entry: &Entry| Some(entry.body().rcode);
    cache.get(web, now, rcode).or_else(|| cache.get_stale(web, now, rcode))
}

#[test]
fn a_failure_does_not_push_out_an_answer_that_can_be_used() {
    let (cache, now, web) = (Cache::new(MIB), crate::clock::now(), key(0, 1, "web.x"));
    let insert = |body, now| cache.insert(web.to_key(), entry(Source::Peer, body, now), now);
    let failure = || ReplyBody::failure(Rcode::SERVFAIL, None);
    assert!(insert(failure(), now));
    assert_eq!(rcode(&cache, &web, now), Some(Rcode::SERVFAIL));
    assert!(insert(address(20), now));
    let (late, gone) = (now + Duration::from_secs(100), now + Duration::from_secs(4_000));
    assert!(!insert(failure(), late));
    assert_eq!(rcode(&cache, &web, late), Some(Rcode::NOERROR));
    assert!(insert(failure(), gone));
    assert_eq!(rcode(&cache, &web, gone), Some(Rcode::SERVFAIL));
    assert!(insert(denial(2), gone));
    assert!(!insert(failure(), gone), "nor a denial");
    assert_eq!(rcode(&cache, &web, gone), Some(Rcode::NXDOMAIN));
    assert_eq!(cache.len(), 1);
}

#[test]
fn an_answer_gives_way_to_a_denial_that_is_sure() {
    let (cache, now, web) = (Cache::new(MIB), crate::clock::now(), key(0, 1, "web.x"));
    for late in [now + Duration::from_secs(1), now + Duration::from_secs(100)] {
        cache.insert(web.to_key(), entry(Source::Peer, address(20), now), now);
        assert!(!cache.insert(web.to_key(), entry(Source::Peer, denial(2), late).unsure(), late));
        assert_eq!(rcode(&cache, &web, late), Some(Rcode::NOERROR));
        assert!(cache.insert(web.to_key(), entry(Source::Peer, address(20), late).unsure(), late), "it is no denial");
        assert!(cache.insert(web.to_key(), entry(Source::Peer, denial(2), late), late));
        assert_eq!(rcode(&cache, &web, late), Some(Rcode::NXDOMAIN));
        assert!(cache.insert(web.to_key(), entry(Source::Peer, denial(2), late).unsure(), late), "nothing to lose");
        cache.flush();
    }
}

#[test]
fn a_denial_that_is_not_kept_still_disproves_an_answer() {
    let (cache, now, web) = (Cache::new(MIB), crate::clock::now(), key(0, 1, "web.x"));
    cache.insert(web.to_key(), entry(Source::Peer, address(20), now), now);
    assert!(cache.insert(web.to_key(), Entry::new(Arc::new(denial(0)), Keep::NOT, now, now), now));
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
}

#[test]
fn a_setback_is_remembered_for_a_second_and_takes_its_room() {
    let (cache, now, web) = (Cache::new(MIB), crate::clock::now(), key(0, 1, "web.x"));
    let late = now + Duration::from_secs(100);
    assert_eq!(cache.set_back(&web.to_key(), "nobody is there", now, |_| ()), None);
    cache.insert(web.to_key(), entry(Source::Peer, address(20), now), now);
    let before = cache.bytes();
    assert_eq!(cache.set_back(&web.to_key(), "dark", late, |entry| entry.age(late)), Some(100));
    let cause = |now| cache.get_stale(&web, now, |entry| entry.setback(now).map(str::to_owned));
    assert_eq!(cause(late + Duration::from_millis(999)).as_deref(), Some("dark"));
    assert_eq!(cause(late + Duration::from_secs(1)), None);
    assert!(cache.bytes() > before);
    cache.insert(web.to_key(), entry(Source::Peer, address(20), late), late);
    assert_eq!(cache.bytes(), before);
}

#[test]
fn f23_the_second_hit_tells_when_to_ask_again() {
    let (cache, now, web) = (Cache::new(MIB), crate::clock::now(), key(0, 1, "web.x"));
    let hit = |now| cache.get(&web, now, |entry| Some(entry.now_in_use())).expect("a hit");
    let later = |seconds| now + Duration::from_secs(seconds);
    for start in [now, later(20)] {
        cache.insert(web.to_key(), entry(Source::Peer, address(20), start), start);
        let due = start + Duration::from_secs(18);
        assert_eq!([hit(start), hit(start), hit(start)], [None, Some(due), None], "once in its life");
        assert!(!cache.is_due(&web, due - Duration::from_millis(1)) && cache.is_due(&web, due));
        assert!(!cache.is_due(&web, start + Duration::from_secs(20)), "too late");
    }
    cache.flush();
    assert!(!cache.is_due(&web, later(38)));
    cache.insert(web.to_key(), entry(Source::Peer, ReplyBody::failure(Rcode::SERVFAIL, None), now), now);
    assert_eq!([hit(now), hit(now)], [None; 2], "a failure is not asked for");
}

#[test]
fn the_size_is_kept_and_the_least_used_go_first() {
    let (cache, now) = (Cache::new(MIB), crate::clock::now());
    fill(&cache, 20_000, now);
    let stats = cache.stats();
    assert!(stats.bytes <= MIB && stats.bytes > MIB * 9 / 10, "{stats:?}");
    assert_eq!(stats.entries as u64 + stats.evictions, 20_000);
    assert!(cache.get(&key(0, 0, "n19999.x"), now, |_| Some(())).is_some());
    assert!(cache.get(&key(0, 0, "n0.x"), now, |_| Some(())).is_none());
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
        cache.get(&key(0, 0, &format!("n{number}.x")), now + Duration::from_secs(60), |_| Some(()));
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

#[test]
fn answers_are_counted_by_server_and_kind() {
    let (cache, now) = (Cache::new(MIB), crate::clock::now());
    let kinds = |entries, evictions| Kinds { entries, evictions };
    cache.insert(key(0, 1, "web.x").to_key(), entry(Source::Forward, address(20), now), now);
    cache.insert(key(1, 1, "gone.x").to_key(), entry(Source::Forward, denial(20), now), now);
    cache.insert(key(1, 1, "web.x").to_key(), entry(Source::Forward, address(20), now), now);
    assert_eq!(cache.kinds(), [kinds([1, 0], [0, 0]), kinds([1, 1], [0, 0])]);
    cache.insert(key(1, 1, "gone.x").to_key(), entry(Source::Forward, address(20), now), now);
    assert_eq!(cache.kinds()[1], kinds([2, 0], [0, 0]), "another answer in its place");
    cache.get(&key(1, 1, "gone.x"), now + Duration::from_secs(60), |_| Some(()));
    assert_eq!(cache.kinds()[1], kinds([1, 0], [0, 0]), "found too late");
    cache.resize(0);
    assert_eq!(cache.kinds(), [kinds([0, 0], [1, 0]), kinds([0, 0], [1, 0])]);
    cache.resize(MIB);
    fill(&cache, 3, now);
    cache.flush();
    assert_eq!(cache.kinds()[0], kinds([0, 0], [1, 0]));
}
