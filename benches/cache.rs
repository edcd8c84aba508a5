//! The cache alone: a look-up that writes its answer, and an insert that pushes another answer out.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use interlocal::cache::{Cache, Entry, KeyBuf, Policy, Source};
use interlocal::clock;
use interlocal::config::CacheConfig;
use interlocal::wire::body::Asker;
use interlocal::wire::exchange::Asked;
use interlocal::wire::{Flags, Incoming, Name, NameBuf, Query, ReplyBody};

const NAMES: usize = 10_000;

/// A question with EDNS for this name.
fn question(name: &Name) -> Vec<u8> {
    let mut message = b"\0\x07\x01\0\0\x01\0\0\0\0\0\x01".to_vec();
    message.extend_from_slice(name.as_ref().wire());
    message.extend_from_slice(b"\0\x01\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\0");
    message
}

/// A reply with three addresses.
fn body(name: &Name) -> ReplyBody {
    let mut message = b"\0\x07\x81\x80\0\x01\0\x03\0\0\0\0".to_vec();
    message.extend_from_slice(name.as_ref().wire());
    message.extend_from_slice(b"\0\x01\0\x01");
    for last in 1..=3 {
        message.extend_from_slice(b"\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\0\0");
        message.push(last);
    }
    ReplyBody::read(&message, 1).expect("well formed").0
}

fn name(number: usize) -> Name {
    format!("web-{number}.payments.east.svc.cluster.local").parse().expect("a name")
}

fn key(name: &Name) -> KeyBuf {
    let asked =
        Asked { name: name.as_ref(), qtype: 1, qclass: 1, dnssec_ok: false, checking_disabled: false, options: &[] };
    KeyBuf::new(0, 1, &asked)
}

fn entry(name: &Name) -> Entry {
    let config = CacheConfig {
        size: 0,
        max_ttl: Duration::from_secs(30),
        max_negative_ttl: Duration::from_secs(10),
        prefetch: false,
        ..CacheConfig::default()
    };
    let body = body(name);
    let keep = Policy::new(&config, Duration::ZERO).keep(Source::Forward, &body).expect("kept");
    Entry::new(Arc::new(body), keep, clock::now(), clock::now())
}

fn cache(criterion: &mut Criterion) {
    let names: Vec<_> = (0..NAMES).map(name).collect();
    let now = clock::now();
    let full = Cache::new(64 << 20);
    names.iter().for_each(|name| assert!(full.insert(key(name).to_key(), entry(name), now)));
    assert_eq!(full.len(), NAMES);
    let mut numbers = (0..NAMES).map(|number| number * 7_919 % NAMES).cycle();

    criterion.bench_function("cache/key", |bencher| bencher.iter(|| key(black_box(&names[1]))));
    criterion.bench_function("cache/get, 10,000 names", |bencher| {
        bencher.iter(|| {
            let name = &names[numbers.next().expect("endless")];
            full.get(&key(name), now, |entry| Some(entry.remaining(now))).expect("a hit")
        });
    });
    let questions: Vec<_> = names.iter().map(question).collect();
    let mut out = [0; 1232];
    let mut answer = |at: usize| {
        let mut buf = NameBuf::new();
        let Incoming::Query(query) = Query::parse(&questions[at], &mut buf) else { unreachable!("a question") };
        let asker = Asker { max: 1232, flags: Flags::RA, ede: None, option: None, keepalive: None, rotation: 0 };
        let asked = Asked {
            name: query.name.as_ref(),
            qtype: query.qtype,
            qclass: query.qclass,
            dnssec_ok: query.dnssec_ok(),
            checking_disabled: query.flags.has(Flags::CD),
            options: &[],
        };
        let key = KeyBuf::new(0, 1, &asked);
        let hit = |entry: &Entry| Some((entry.write(&query, &mut out, asker, now), entry.now_in_use()));
        full.get(&key, now, hit).expect("a hit")
    };
    criterion.bench_function("cache/question to answer, one name", |bencher| bencher.iter(|| answer(black_box(7))));
    criterion.bench_function("cache/question to answer, 10,000 names", |bencher| {
        bencher.iter(|| answer(numbers.next().expect("endless")));
    });
    let small = Cache::new(1 << 20);
    let mut fresh = (0..).map(name);
    criterion.bench_function("cache/insert with eviction", |bencher| {
        let make = || {
            let name = fresh.next().expect("endless");
            (key(&name).to_key(), entry(&name))
        };
        bencher.iter_batched(make, |(key, entry)| small.insert(key, entry, now), BatchSize::SmallInput);
    });
    assert!(small.stats().evictions > 0);
}

criterion_group! {
    name = benches;
    // Short, so that all benches together take minutes; `--measurement-time` makes one longer.
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = cache
}
criterion_main!(benches);
