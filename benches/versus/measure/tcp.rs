//! As many answers over TCP: some connections, with a number of questions in flight on each. What was answered on a connection is
//! asked anew with one write.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, ensure};

use super::Before;
use super::udp::Saturated;
use crate::process::Process;
use crate::support::questions::Questions;
use crate::support::sys::Poll;
use interlocal::clock;

/// No server takes that long; one that is silent for so long has stalled.
const PATIENCE: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_millis(60);

/// Connections, and questions in flight on each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    pub connections: usize,
    pub depth: usize,
}

struct Connection {
    number: usize,
    stream: TcpStream,
    buffer: Vec<u8>,
    out: Vec<u16>,
    next: u16,
}

pub fn measure(
    server: SocketAddr,
    process: &Process,
    questions: &Questions,
    shape: Shape,
    period: Duration,
) -> anyhow::Result<Saturated> {
    let mut connections = Vec::new();
    for number in 0..shape.connections {
        connections.push(Connection::open(number, server)?);
    }
    for connection in &mut connections {
        connection.ask(shape.depth, questions)?;
    }
    run(&mut connections, questions, WARM_UP)?;
    let before = Before::new(process);
    let started = clock::now();
    let right = run(&mut connections, questions, period)?;
    let took = clock::now().duration_since(started);
    Ok(Saturated::of(right, 0, took, before.cost(process)))
}

fn run(connections: &mut [Connection], questions: &Questions, period: Duration) -> anyhow::Result<u64> {
    let started = clock::now();
    let mut poll = Poll::new(connections.iter().map(|it| &it.stream));
    let mut right = 0;
    while clock::now().duration_since(started) < period {
        ensure!(poll.wait(PATIENCE) > 0, "no answer on any connection for {PATIENCE:?}");
        for (number, connection) in connections.iter_mut().enumerate().filter(|(number, _)| poll.is_ready(*number)) {
            let taken = connection.take(questions).with_context(|| format!("connection {number}"))?;
            connection.ask(taken, questions)?;
            right += taken as u64;
        }
    }
    Ok(right)
}

impl Connection {
    fn open(number: usize, server: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        Ok(Self { number, stream, buffer: Vec::with_capacity(1 << 16), out: Vec::new(), next: 0 })
    }

    fn ask(&mut self, count: usize, questions: &Questions) -> anyhow::Result<()> {
        let (mut bytes, mut message) = (Vec::new(), Vec::new());
        for _ in 0..count {
            questions.write(self.number, self.next, &mut message);
            bytes.extend_from_slice(&(message.len() as u16).to_be_bytes());
            bytes.extend_from_slice(&message);
            self.out.push(self.next);
            self.next = self.next.wrapping_add(1);
        }
        Ok(self.stream.write_all(&bytes)?)
    }

    /// Reads once, looks at what is whole, and gives how many answers that were. They may come in any order.
    fn take(&mut self, questions: &Questions) -> anyhow::Result<usize> {
        let end = self.buffer.len();
        self.buffer.resize(1 << 16, 0);
        let read = match self.stream.read(&mut self.buffer[end..]) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            Err(error) => return Err(error.into()),
        };
        self.buffer.truncate(end + read);
        ensure!(read > 0, "closed by the server with {} questions out", self.out.len());
        let (mut taken, mut at, mut message) = (0, 0, Vec::new());
        while let Some((length, rest)) = self.buffer[at..].split_first_chunk::<2>() {
            let Some(reply) = rest.get(..usize::from(u16::from_be_bytes(*length))) else { break };
            let id = reply.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
            let out = self.out.iter().position(|one| *one == id).context("an answer that nobody waits for")?;
            self.out.swap_remove(out);
            questions.write(self.number, id, &mut message);
            ensure!(questions.is_right(&message, reply), "a wrong answer");
            at += 2 + reply.len();
            taken += 1;
        }
        self.buffer.drain(..at);
        Ok(taken)
    }
}
