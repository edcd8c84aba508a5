//! A fixed rate, far below what servers can do: how long each answer takes, and what it costs when nothing comes in batches.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::ensure;

use super::Before;
use crate::process::Process;
use crate::stats::quantile;
use crate::support::questions::Questions;
use crate::support::sys::Poll;
use interlocal::clock;

/// Questions a second.
pub const RATE: u32 = 20_000;
const SOCKETS: usize = 8;
/// For the last answers.
const PATIENCE: Duration = Duration::from_millis(300);

/// One measurement; times in µs.
#[derive(Clone, Copy, Debug)]
pub struct Paced {
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
    /// CPU time of the server for one answer.
    pub cpu: f64,
    pub lost: u64,
    /// The load was kept from its core for this part of the time, which makes every number larger.
    pub disturbed: f64,
}

pub fn measure(
    server: SocketAddr,
    process: &Process,
    questions: &Questions,
    period: Duration,
) -> anyhow::Result<Paced> {
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        sockets.push(socket);
    }
    let total = (period.as_secs_f64() * f64::from(RATE)) as usize;
    let gap = Duration::from_secs(1) / RATE;
    // When each was sent; an id is the number of a question on its socket.
    let mut sent: Vec<Option<Duration>> = vec![None; total];
    let mut took: Vec<u64> = Vec::with_capacity(total);
    let (mut message, mut reply) = (Vec::new(), [0; 4_096]);
    let mut poll = Poll::new(&sockets);
    let before = Before::new(process);
    let started = clock::now();
    let mut next = 0;
    loop {
        let now = clock::now().duration_since(started);
        if next < total && now >= gap * next as u32 {
            let socket = next % SOCKETS;
            questions.write(socket, (next / SOCKETS) as u16, &mut message);
            sent[next] = Some(now);
            let _ = sockets[socket].send(&message);
            next += 1;
        }
        if next == total && (took.len() == total || now > period + PATIENCE) {
            break;
        }
        if poll.wait(Duration::ZERO) == 0 {
            continue;
        }
        for (number, socket) in sockets.iter().enumerate().filter(|(number, _)| poll.is_ready(*number)) {
            while let Ok(length) = socket.recv(&mut reply) {
                let now = clock::now().duration_since(started);
                let id = u16::from_be_bytes([reply[0], reply[1]]);
                questions.write(number, id, &mut message);
                ensure!(questions.is_right(&message, &reply[..length]), "a wrong answer");
                let begun = sent.get_mut(usize::from(id) * SOCKETS + number).and_then(Option::take);
                took.extend(begun.map(|begun| (now - begun).as_nanos() as u64));
            }
        }
    }
    let elapsed = clock::now().duration_since(started);
    let cost = before.cost(process);
    ensure!(!took.is_empty(), "nothing was answered");
    took.sort_unstable();
    let micros = |share| quantile(&took, share) as f64 / 1e3;
    Ok(Paced {
        p50: micros(0.5),
        p99: micros(0.99),
        p999: micros(0.999),
        cpu: cost.server.as_secs_f64() * 1e6 / took.len() as f64,
        lost: (total - took.len()) as u64,
        disturbed: cost.load_waited.as_secs_f64() / elapsed.as_secs_f64(),
    })
}
