//! Bytes alone: reading a question, writing an answer from ready records, reading a reply, writing it again for an asker. No
//! zone, no cache, no sockets.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use interlocal::wire::body::Asker;
use interlocal::wire::exchange::{Manner, Question};
use interlocal::wire::reply::{Owner, Section, Verdict};
use interlocal::wire::{Ede, EdeCode, Flags, Incoming, Name, NameBuf, Query, Rcode, ReplyBody, ReplyWriter, rtype};

const NAME: &str = "busybox-0.busybox.east.svc.cluster.local";
/// What a pod's resolver takes over UDP.
const MAX: usize = 1_232;

fn question(edns: bool) -> Vec<u8> {
    let name: Name = NAME.parse().expect("a name");
    let question = Question {
        name,
        qtype: rtype::A,
        qclass: 1,
        dnssec_ok: false,
        checking_disabled: false,
        options: Box::default(),
    };
    question.asked().write(7, Manner { edns, option: None })
}

fn query<'q>(message: &'q [u8], name: &'q mut NameBuf) -> Query<'q> {
    let Incoming::Query(query) = Query::parse(message, name) else { panic!("a question") };
    query
}

/// Address records for the question's name, as the zone keeps them.
fn records(count: u8) -> Vec<u8> {
    (1..=count).flat_map(|last| [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 0, 102, last]).collect()
}

/// A whole answer with this many addresses.
fn answer(query: &Query<'_>, out: &mut [u8], records: &[u8], rotation: usize) -> usize {
    let mut writer = ReplyWriter::start(out, query, MAX);
    writer.push_rotated(Section::Answer, Owner::Question, records, 16, rotation);
    let verdict = Verdict { rcode: Rcode::NOERROR, flags: Flags::AA | Flags::RA, ede: None, option: None };
    writer.finish(query, verdict)
}

fn wire(criterion: &mut Criterion) {
    for (id, edns) in [("read a question", false), ("read a question with EDNS", true)] {
        let message = question(edns);
        criterion.bench_function(&format!("wire/{id}"), |bencher| {
            bencher.iter(|| {
                let mut name = NameBuf::new();
                query(black_box(&message), &mut name).qtype
            });
        });
    }

    let (message, mut name, mut out) = (question(true), NameBuf::new(), vec![0; MAX]);
    let query = query(&message, &mut name);
    for count in [1, 3, 60] {
        let records = records(count);
        let mut rotation = 0;
        criterion.bench_function(&format!("wire/write an answer, addresses: {count}"), |bencher| {
            bencher.iter(|| {
                rotation += 1;
                answer(black_box(&query), &mut out, &records, rotation)
            });
        });
    }
    let ede = Ede::new(EdeCode::NO_REACHABLE_AUTHORITY, "region east does not answer: timed out");
    criterion.bench_function("wire/write a failure with its reason", |bencher| {
        bencher.iter(|| {
            let verdict = Verdict { rcode: Rcode::SERVFAIL, flags: Flags::RA, ede: Some(&ede), option: None };
            ReplyWriter::start(&mut out, black_box(&query), MAX).finish(&query, verdict)
        });
    });

    for count in [1, 3, 60] {
        let len = answer(&query, &mut out, &records(count), 0);
        let reply = out[..len].to_vec();
        criterion.bench_function(&format!("wire/read a reply, addresses: {count}"), |bencher| {
            bencher.iter(|| ReplyBody::read(black_box(&reply), rtype::A).expect("well formed").0.answers());
        });
        let (body, _) = ReplyBody::read(&reply, rtype::A).expect("well formed");
        criterion.bench_function(&format!("wire/write a kept reply, addresses: {count}"), |bencher| {
            let asker = Asker { max: MAX, flags: Flags::RA, ede: None, option: None, keepalive: None, rotation: 0 };
            bencher.iter(|| body.write(black_box(&query), &mut out, asker, |ttl| ttl.saturating_sub(2)));
        });
    }
}

criterion_group! {
    name = benches;
    // Short, so that all benches together take minutes; `--measurement-time` makes one longer.
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = wire
}
criterion_main!(benches);
