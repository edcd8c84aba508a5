//! The rounds and the table: each round measures everything once, in another order, and divides by the echo of the same round.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, io};

use rand::seq::SliceRandom;

use crate::subject;
use crate::support::questions::Questions;
use crate::support::saturate::{self, Width};
use crate::support::schedstat;
use crate::support::world::Work;
use crate::support::{echo, upstream};

/// How often and how long.
#[derive(Clone, Copy)]
pub struct Effort {
    rounds: usize,
    period: Duration,
}

pub const MEASURED: Effort = Effort { rounds: 9, period: Duration::from_millis(600) };
pub const TRIED: Effort = Effort { rounds: 1, period: Duration::from_millis(20) };
const WIDTH: Width = Width { sockets: 8, window: 32 };
const WORKS: [Work; 5] = [Work::ClusterIp, Work::Headless, Work::Srv, Work::Search, Work::Cached];
/// The name of the echo's thread.
const ECHO: &str = "echo";
/// Before each measurement, so that caches and queues are as they will be.
const WARM_UP: Duration = Duration::from_millis(60);

/// One row.
struct Row {
    what: String,
    server: SocketAddr,
    thread: Thread,
    questions: Questions,
    samples: Vec<Sample>,
}

#[derive(Clone, Copy)]
struct Sample {
    /// Answers a second.
    rate: f64,
    /// CPU time of the server's thread for one answer, in µs.
    cpu: f64,
}

pub fn run(effort: Effort) {
    let stop = Arc::new(AtomicBool::new(false));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (echo, echo_thread) = started(ECHO, || start_echo(&stop).expect("loopback is there"));
    let upstream = upstream::start_udp().expect("loopback is there");
    let mut rows = vec![Row::new("echo", echo, echo_thread, Work::ClusterIp.questions().echoed())];
    let mut apps = Vec::new();
    for plain in [false, true] {
        let start = || runtime.block_on(subject::start(folder.path(), upstream, plain));
        let (app, thread) = started(subject::THREAD, start);
        let server = app.addresses().dns[0];
        for work in WORKS.into_iter().take(if plain { 1 } else { usize::MAX }) {
            let what = format!("{}{}", work.name(), if plain { ", plain sockets" } else { "" });
            rows.push(Row::new(&what, server, thread, work.questions()));
        }
        apps.push(app);
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    for _ in 0..effort.rounds {
        order.shuffle(&mut rand::rng());
        order.iter().for_each(|row| rows[*row].measure(effort.period));
    }
    print(&rows);
    stop.store(true, Ordering::Relaxed);
    drop(apps);
}

impl Row {
    fn new(what: &str, server: SocketAddr, thread: Thread, questions: Questions) -> Self {
        Self { what: what.to_owned(), server, thread, questions, samples: Vec::new() }
    }

    fn measure(&mut self, period: Duration) {
        // The first questions of all may be what fills the memory, so they may not be right.
        saturate::run(self.server, &self.questions, WIDTH, WARM_UP).expect("loopback is there");
        let before = self.thread.cpu();
        let answered = saturate::run(self.server, &self.questions, WIDTH, period).expect("loopback is there");
        let cpu = self.thread.cpu() - before;
        assert_eq!(answered.wrong, 0, "{}: {} right answers, {} lost", self.what, answered.right, answered.lost);
        assert!(answered.right > 0, "{}: nothing was answered", self.what);
        let answers = answered.right as f64;
        self.samples
            .push(Sample { rate: answers / answered.took.as_secs_f64(), cpu: cpu.as_secs_f64() * 1e6 / answers });
    }
}

fn start_echo(stop: &Arc<AtomicBool>) -> io::Result<SocketAddr> {
    let socket = echo::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let (address, stop) = (socket.local_addr()?, Arc::clone(stop));
    std::thread::Builder::new().name(ECHO.into()).spawn(move || echo::serve(&socket, &stop))?;
    Ok(address)
}

fn print(rows: &[Row]) {
    println!("{:<28} {:>10} {:>14} {:>10} {:>17}", "", "answers/s", "µs CPU/answer", "x echo", "(lowest, highest)");
    let echo = &rows[0].samples;
    for row in rows {
        let ratios = sorted(row.samples.iter().zip(echo).map(|(own, echo)| own.cpu / echo.cpu));
        let (rate, cpu) = (sorted(row.samples.iter().map(|it| it.rate)), sorted(row.samples.iter().map(|it| it.cpu)));
        let range = format!("({:.2}, {:.2})", ratios[0], ratios[ratios.len() - 1]);
        println!(
            "{:<28} {:>10.0} {:>14.2} {:>10.2} {range:>17}",
            row.what,
            median(&rate),
            median(&cpu),
            median(&ratios)
        );
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

/// A thread of this process.
#[derive(Clone, Copy)]
struct Thread(u32);

/// Starts something, and finds the thread of this name that is new since.
fn started<R>(name: &str, start: impl FnOnce() -> R) -> (R, Thread) {
    let before = threads(name);
    let result = start();
    for _ in 0..1_000 {
        if let Some(thread) = threads(name).into_iter().find(|thread| !before.contains(thread)) {
            return (result, Thread(thread));
        }
        // A thread has its name a moment after it is there.
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("no thread {name}");
}

fn threads(name: &str) -> Vec<u32> {
    let all = fs::read_dir("/proc/self/task").expect("Linux").filter_map(Result::ok);
    let named =
        all.filter(|task| fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim_end() == name));
    named.filter_map(|task| task.file_name().to_str()?.parse().ok()).collect()
}

impl Thread {
    /// Time on a core so far.
    fn cpu(self) -> Duration {
        let task = PathBuf::from(format!("/proc/self/task/{}", self.0));
        schedstat::of_task(&task).expect("a kernel with schedstat").on_core
    }
}
