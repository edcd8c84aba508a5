//! What is measured, row by row.

use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;
use std::time::Duration;

use interlocal::clock;

use crate::api::Api;
use crate::ask::Asker;
use crate::cluster::{self, FEW};
use crate::subject::{Program, Subject};
use crate::table::{Table, median, milliseconds, percentile};

/// How much of it.
pub struct Effort {
    services: u32,
    rounds: usize,
    /// Of changes, and of questions.
    period: Duration,
    /// How long the API server is away.
    away: Duration,
}

pub const MEASURED: Effort =
    Effort { services: cluster::SERVICES, rounds: 5, period: Duration::from_secs(4), away: Duration::from_secs(17) };
pub const TRIED: Effort =
    Effort { services: 200, rounds: 1, period: Duration::from_millis(200), away: Duration::from_secs(1) };

/// Every so many changes one is waited for.
const SAMPLED: u32 = 10;
/// Nothing that is waited for takes longer.
const LIMIT: Duration = Duration::from_secs(120);
/// Memory is read when nothing has happened for a while.
const QUIET: Duration = Duration::from_secs(2);
/// Between two questions of the one that asks while lists are read.
const PACE: Duration = Duration::from_millis(1);

pub fn run(effort: &Effort) -> ExitCode {
    let (upstream, coredns) = (upstream(), Program::coredns());
    let mut table = Table::default();
    starts(effort, upstream, coredns.as_ref(), &mut table);
    let mut api = Api::start(effort.services);
    let subjects = |program: &Program| {
        let subject = program.start(&api.url(), upstream);
        (subject.ready(), subject)
    };
    // One after the other: a start that shares its cores with another start is none.
    let (_, own) = subjects(&Program::Own);
    let other = coredns.as_ref().map(|program| subjects(program).1);
    memory(effort, &api, &own, other.as_ref(), &mut table);
    changes(effort, &api, &own, other.as_ref(), &mut table);
    lists(effort, &api, &own, &mut table);
    back(effort, &mut api, &own, other.as_ref(), &mut table);
    if table.print(coredns.is_some()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// From exec to `/ready`, and to the first forwarded answer while the API server says nothing.
fn starts(effort: &Effort, upstream: SocketAddr, coredns: Option<&Program>, table: &mut Table) {
    let (small, large) = (Api::start(FEW), Api::start(effort.services));
    // It is connected to, and never answers.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let mute = format!("http://{}", mute.local_addr().expect("it is bound"));
    let ready = |program: &Program, api: &Api, rounds: usize| {
        let rounds = (0..rounds).map(|_| milliseconds(program.start(&api.url(), upstream).ready()));
        median(rounds.collect())
    };
    let forwarded = |program: &Program| {
        let subject = program.start(&mute, upstream);
        let mut asker = Asker::new(subject.dns);
        let answer = asker.until("www.example.com", UPSTREAM_SAYS.into(), subject.started, LIMIT);
        milliseconds(answer.expect("a forwarded answer"))
    };
    let own = median((0..effort.rounds).map(|_| forwarded(&Program::Own)).collect());
    table.add("first forwarded answer after exec, API server mute", "ms", 100.0, own, coredns.map(forwarded));
    let other = coredns.map(|program| ready(program, &small, effort.rounds));
    table.add("ready after exec, 20 Services", "ms", 200.0, ready(&Program::Own, &small, effort.rounds), other);
    let other = coredns.map(|program| ready(program, &large, 1));
    let own = ready(&Program::Own, &large, effort.rounds);
    table.add("ready after exec, 10,000 Services, 150,000 endpoints", "ms", 3_000.0, own, other);
}

fn memory(effort: &Effort, api: &Api, own: &Subject, other: Option<&Subject>, table: &mut Table) {
    std::thread::sleep(QUIET);
    let peaks = (own.peak(), other.map(Subject::peak));
    table.add("resident, whole", "MiB", 64.0, own.resident(), other.map(Subject::resident));
    table.add("the most while it was read first", "MiB", 128.0, peaks.0, peaks.1);
    for subject in [Some(own), other].into_iter().flatten() {
        subject.reset_peak();
    }
    for round in 1..=effort.rounds {
        list_again(api, u32::try_from(round).expect("few"), [Some(own), other]);
    }
    std::thread::sleep(QUIET);
    table.add("the most while it was listed again", "MiB", 128.0, own.peak(), other.map(Subject::peak));
    table.add("resident, afterwards", "MiB", 64.0, own.resident(), other.map(Subject::resident));
}

/// All watches end, and what they watched from is forgotten. Returns when a change behind the new lists is answered.
fn list_again(api: &Api, round: u32, subjects: [Option<&Subject>; 2]) {
    api.compact();
    api.end_connections();
    let since = api.change(0, 100_000 + round);
    for subject in subjects.into_iter().flatten() {
        let address = cluster::first_address(0, 100_000 + round);
        let seen = Asker::new(subject.dns).until(&cluster::name(0), address, since, LIMIT);
        seen.expect("it lists again");
    }
}

/// Slices change at 1,000 a second; how long after the change was written is it answered?
fn changes(effort: &Effort, api: &Api, own: &Subject, other: Option<&Subject>, table: &mut Table) {
    let measure = |subject: &Subject, round: u32| {
        let (sender, sampled) = mpsc::channel();
        let waiting = std::thread::spawn({
            let mut asker = Asker::new(subject.dns);
            move || {
                let answered = sampled.iter().map(|(number, address, since)| {
                    asker.until(&cluster::name(number), address, since, LIMIT).expect("the change is answered")
                });
                answered.collect::<Vec<Duration>>()
            }
        });
        let begun = clock::now();
        let mut change = 0;
        while begun.elapsed() < effort.period {
            // Every one of another Service; those that are waited for are headless.
            let number = change * 7 % effort.services;
            let number = if change % SAMPLED == 0 { number - number % SAMPLED } else { number };
            let round = round * 100_000 + change + 1;
            let since = api.change(number, round);
            if change % SAMPLED == 0 {
                sender.send((number, cluster::first_address(number, round), since)).expect("it waits for more");
            }
            change += 1;
            std::thread::sleep((begun + PACE * change).saturating_duration_since(clock::now()));
        }
        drop(sender);
        waiting.join().expect("changes are answered")
    };
    let (mut rounds, mut others) = (Vec::new(), Vec::new());
    for round in 0..effort.rounds {
        let round = u32::try_from(round).expect("few");
        rounds.push(measure(own, 2 * round + 2));
        others.extend(other.map(|other| measure(other, 2 * round + 3)));
    }
    for (of, goal) in [(50.0, 10.0), (99.0, 10.0)] {
        let all = |rounds: &[Vec<Duration>]| {
            let each = rounds.iter().map(|samples| milliseconds(percentile(samples.clone(), of)));
            median(each.collect())
        };
        let other = other.map(|_| all(&others));
        table.add(&format!("change to answer, 1,000 slices/s, p{of}"), "ms", goal, all(&rounds), other);
    }
}

/// Questions, one a millisecond, with and without lists being read all the time.
fn lists(effort: &Effort, api: &Api, own: &Subject, table: &mut Table) {
    let ask = |stop: &dyn Fn() -> bool| {
        let mut asker = Asker::new(own.dns);
        let mut samples = Vec::new();
        while !stop() {
            let number = u32::try_from(samples.len()).expect("few") * 11 % effort.services;
            let number = number - number % SAMPLED + 1;
            let asked = clock::now();
            let answer = asker.ask(&cluster::name(number)).expect("an answer");
            samples.push(asked.elapsed());
            assert_eq!(answer.addresses, [cluster::cluster_ip(number)], "{number}");
            std::thread::sleep(PACE);
        }
        milliseconds(percentile(samples, 99.0))
    };
    let (mut quiet, mut more) = (Vec::new(), Vec::new());
    for round in 0..effort.rounds {
        let end = clock::now() + effort.period / 2;
        let alone = ask(&|| clock::now() >= end);
        let done = AtomicBool::new(false);
        let beside = std::thread::scope(|scope| {
            scope.spawn(|| {
                for list in 0..3 {
                    list_again(api, 1_000 + u32::try_from(round).expect("few") * 10 + list, [Some(own), None]);
                }
                done.store(true, Relaxed);
            });
            ask(&|| done.load(Relaxed))
        });
        quiet.push(alone);
        more.push(beside - alone);
    }
    table.add("answers, p99, nothing else going on", "ms", None, median(quiet), None);
    table.add("more than that while it is listed again", "ms", 1.0, median(more), None);
}

/// The API server is away, something changes, it is back.
fn back(effort: &Effort, api: &mut Api, own: &Subject, other: Option<&Subject>, table: &mut Table) {
    const ROUND: u32 = 3_000_000;
    api.stop();
    std::thread::sleep(effort.away);
    api.change(10, ROUND);
    api.listen();
    let since = clock::now();
    let seen = |subject: &Subject| {
        let mut asker = Asker::new(subject.dns);
        let address = cluster::first_address(10, ROUND);
        asker.until(&cluster::name(10), address, since, LIMIT).expect("the change is answered").as_secs_f64()
    };
    let (own, other) = std::thread::scope(|scope| {
        let other = other.map(|other| scope.spawn(move || seen(other)));
        (seen(own), other.map(|other| other.join().expect("it answers")))
    });
    table.add("API server back after 17 s: a change is answered after", "s", 5.0, own, other);
}

/// What the upstream says of every name.
const UPSTREAM_SAYS: [u8; 4] = [192, 0, 2, 1];

/// A server that knows everything.
fn upstream() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
    let address = socket.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let mut message = [0; 1_232];
        while let Ok((length, from)) = socket.recv_from(&mut message) {
            let mut at = 12;
            while message[at] != 0 {
                at += 1 + usize::from(message[at]);
            }
            let end = (at + 5).min(length);
            let mut reply = message[..end].to_vec();
            reply[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
            reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
            reply.extend_from_slice(&UPSTREAM_SAYS);
            // Whoever asked may be gone.
            let _ = socket.send_to(&reply, from);
        }
    });
    address
}
