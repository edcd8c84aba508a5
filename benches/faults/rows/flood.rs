//! Twice as many questions over UDP as the server can answer: it answers as many as ever, and is itself again when it is over.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use interlocal::clock;

use crate::load;
use crate::pages::Reader;
use crate::process;
use crate::report::Findings;
use crate::server::{Server, Spec};
use crate::support::mmsg::{BATCH, Batch};
use crate::support::questions::{Questions, question};
use crate::support::saturate::{self, Width};
use crate::support::sys;
use crate::world::{CENTRAL, World, ask, sleep, sleep_ms};

/// As many questions out as fit into the receive buffer that a server has by default.
const PEAK: Width = Width { sockets: 16, window: 16 };
const TIMES: f64 = 2.0;
const ANSWERED: &str = "interlocal_dns_responses_total";
/// An asker whose resolver would have asked again by then.
const PROMPT: Duration = Duration::from_millis(100);

pub fn flood(world: &World, findings: &mut Findings) {
    let cores = sys::cores();
    let (server_core, load_core) = (cores[0], cores[cores.len() - 1]);
    let central = world.start(Spec::new(CENTRAL).key("workers", "1").core(server_core));
    let questions = Arc::new(names());
    let before = central.memory();
    let period = world.secs(5.0, 2.0);
    let peak = most(&central, &questions, load_core, peak(&central, &questions, load_core, period));
    findings.told("peak, answers a second", format!("{peak:.0}"));

    let pages = Reader::of(&central);
    let rate = TIMES * peak;
    let pouring = Pouring::start(central.dns(), &questions, rate, load_core);
    sleep_ms(500);
    let (from, dropped) = (clock::now(), process::dropped(53));
    let (answered, poured) = (central.sum(ANSWERED, ""), pouring.poured());
    let mut memory = before;
    while clock::now() < from + world.secs(10.0, 4.0) {
        sleep_ms(200);
        memory = memory.max(central.memory());
    }
    let (answered, poured) = (central.sum(ANSWERED, "") - answered, pouring.poured() - poured);
    let seconds = clock::now().duration_since(from).as_secs_f64();
    let dropped = process::dropped(53) - dropped;
    pages.judge(findings);
    pouring.stop();
    let over = clock::now();
    findings.at_least("questions, times the peak", poured as f64 / seconds / peak, 0.95 * TIMES, "");
    findings.at_least("answers, part of the peak", answered / seconds / peak, 0.9, "");
    findings.told("dropped by the kernel, part of the questions", format!("{:.2}", dropped as f64 / poured as f64));
    findings.at_most("memory added", memory - before, 64.0, "MB");
    findings.at_most("recovered after", recovered(world, &central, over), 1.0, "s");
}

fn names() -> Questions {
    Questions::new((0..1_000).map(|number| question(&ask(CENTRAL, number, 0).name, 1, Some((0, 1)))).collect())
}

fn peak(central: &Server, questions: &Arc<Questions>, core: usize, period: Duration) -> f64 {
    let (server, questions) = (central.dns(), Arc::clone(questions));
    let measured = std::thread::spawn(move || {
        sys::pin(core).unwrap();
        saturate::run(server, &questions, PEAK, period).unwrap()
    });
    let answered = measured.join().unwrap();
    assert_eq!(answered.wrong, 0, "{answered:?}");
    answered.right as f64 / answered.took.as_secs_f64()
}

/// A load that waits for answers may itself be what is slow: as long as twice as much is answered better, that is the peak.
fn most(central: &Server, questions: &Arc<Questions>, core: usize, mut peak: f64) -> f64 {
    for _ in 0..4 {
        let pouring = Pouring::start(central.dns(), questions, TIMES * peak, core);
        sleep_ms(300);
        let (from, before) = (clock::now(), central.sum(ANSWERED, ""));
        sleep_ms(1_000);
        let answered = central.sum(ANSWERED, "") - before;
        let rate = answered / clock::now().duration_since(from).as_secs_f64();
        pouring.stop();
        if rate < 1.05 * peak {
            break;
        }
        peak = rate;
    }
    peak
}

/// When the last question was lost or late, after the flood, in seconds.
fn recovered(world: &World, central: &Server, over: Instant) -> f64 {
    let load = load::start(central.dns(), 1_000.0, |number| Some(ask(CENTRAL, number as u32, 0)));
    sleep(world.secs(4.0, 2.5));
    let samples = load.stop();
    let late = samples.all.iter().filter(|sample| !sample.good() || sample.took.is_none_or(|took| took > PROMPT));
    late.map(|sample| sample.at.duration_since(over).as_secs_f64()).fold(0.0, f64::max)
}

/// Questions that nobody waits for the answers to.
struct Pouring {
    stop: Arc<AtomicBool>,
    poured: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Pouring {
    fn start(server: SocketAddr, questions: &Arc<Questions>, rate: f64, core: usize) -> Self {
        let (stop, poured) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (stopped, counted, questions) = (Arc::clone(&stop), Arc::clone(&poured), Arc::clone(questions));
        let thread = std::thread::spawn(move || {
            sys::pin(core).unwrap();
            pour(server, &questions, rate, &stopped, &counted);
        });
        Self { stop, poured, thread }
    }

    fn poured(&self) -> u64 {
        self.poured.load(Ordering::Relaxed)
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

fn pour(server: SocketAddr, questions: &Questions, rate: f64, stop: &AtomicBool, poured: &AtomicU64) {
    // Answers that find their socket full cost the server no more than others.
    let sockets: Vec<UdpSocket> = (0..PEAK.sockets).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    sockets.iter().for_each(|socket| socket.connect(server).unwrap());
    let mut batches: Vec<Batch> = sockets.iter().map(|_| Batch::new()).collect();
    let mut message = Vec::new();
    for (number, batch) in batches.iter_mut().enumerate() {
        for at in 0..BATCH {
            questions.write(number, (number * BATCH + at) as u16, &mut message);
            batch.put(at, &message);
        }
    }
    let began = clock::now();
    let mut sent = 0u64;
    while !stop.load(Ordering::Relaxed) {
        let due = (clock::now().duration_since(began).as_secs_f64() * rate) as u64;
        if sent >= due {
            std::thread::yield_now();
            continue;
        }
        let turn = (sent / BATCH as u64) as usize % sockets.len();
        sent += batches[turn].send(&sockets[turn], BATCH, false).unwrap_or(0) as u64;
        poured.store(sent, Ordering::Relaxed);
    }
}
