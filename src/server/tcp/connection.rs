//! One TCP connection: every complete message in the buffer is answered with one write; misses finish later and out of order
//! (RFC 7766 6.2.1.1 and 7). Generic over the stream, so that TLS slips under.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::answer::Failure;
use crate::clock;
use crate::config::Config;
use crate::metrics::{Answered, Proto, SharedRecorder};
use crate::route::Door;
use crate::server::asking::{Asking, Transport, idle};
use crate::server::contained::contained;
use crate::server::core::{Core, View};
use crate::server::finish::{admit, finish, give_up, log_late};
use crate::server::question::Outcome;
use crate::server::resolve::Miss;
use crate::wire::MAX_MESSAGE;
use crate::wire::frames::{Frames, push_frame};

/// Answers collected before they are written, whatever else waits in the buffer.
const WRITE_AT: usize = 64 << 10;

/// When the door closes: how long a client that goes on asking is answered.
const LAST_CALL: Duration = Duration::from_millis(100);
/// And how long it may then take to say goodbye itself.
const GOODBYE: Duration = Duration::from_secs(1);

thread_local! {
    /// Where an answer is made; one for each thread of the runtime, since no answer waits while it is made.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; MAX_MESSAGE].into());
}

/// The state of one connection.
pub struct Connection {
    core: Arc<Core>,
    door: Door,
    from: SocketAddr,
    recorder: SharedRecorder,
    config: Arc<Config>,
    frames: Frames,
    out: Vec<u8>,
    /// Misses that are not finished.
    waiting: usize,
    late: Option<Late>,
    rotation: usize,
    /// What was answered since the last look at the clock.
    answered: Vec<Answered>,
    /// The client sent what no client sends.
    broken: bool,
}

/// Where the answers to misses come from. Most connections that are open have none, and a channel takes more than a kilobyte.
type Late = (mpsc::Sender<Option<Vec<u8>>>, mpsc::Receiver<Option<Vec<u8>>>);

/// Why a connection goes on or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The client sends no more, but may still read.
    HalfClosed,
    Closed,
}

impl Connection {
    pub fn new(core: Arc<Core>, door: Door, from: SocketAddr, config: Arc<Config>) -> Self {
        let recorder = core.recorders.of(door, Proto::Tcp, from.ip()).clone();
        Self {
            core,
            door,
            from,
            recorder,
            config,
            frames: Frames::default(),
            out: Vec::new(),
            waiting: 0,
            late: None,
            rotation: 0,
            answered: Vec::new(),
            broken: false,
        }
    }

    /// Serves until the client is done, or idle for too long, or does not read its answers, or the door closes.
    pub async fn run<S: AsyncRead + AsyncWrite + Unpin>(mut self, mut stream: S, stop: CancellationToken) {
        let mut state = State::Open;
        let mut last_question = Instant::now();
        let mut stopping = false;
        let mut last_call: Option<Instant> = None;
        // Made once and moved on: a timer and a waiter for each turn cost more than the turn's answers.
        // Whoever has asked nothing yet has to prove that he is no waste of a place.
        let mut patience = self.config.limits.tcp_idle;
        let mut silence = pin!(sleep_until(last_question + patience));
        let mut stopped = pin!(stop.cancelled());
        loop {
            let answered = self.answer_buffered();
            if answered > 0 {
                last_question = Instant::now();
                patience = idle(self.door, &self.config.limits);
            }
            if !self.out.is_empty() {
                let writing = async {
                    stream.write_all(&self.out).await?;
                    // TLS may still hold the end of it.
                    stream.flush().await
                };
                let written = timeout(self.config.limits.tcp_write, writing).await;
                if !matches!(written, Ok(Ok(()))) {
                    return;
                }
                self.out.clear();
                self.out.shrink_to(WRITE_AT);
                continue;
            }
            let done = self.waiting == 0;
            // Saying goodbye is boxed: thousands of connections may be open that are far from it, and each has room for what it awaits.
            if done && (self.broken || state != State::Open) {
                return Box::pin(self.close(stream)).await;
            }
            if stopping && done {
                // What has come is answered: the client sent it before it could know.
                let end = *last_call.get_or_insert(Instant::now() + LAST_CALL);
                let come = timeout(Duration::ZERO, stream.read_buf(self.frames.space())).await;
                if Instant::now() < end && matches!(come, Ok(Ok(1..))) {
                    continue;
                }
                return Box::pin(self.part(stream)).await;
            }
            let room = self.waiting < self.config.limits.tcp_in_flight && !self.broken;
            tokio::select! {
                biased;
                // Before the stream: a client that never pauses is told all the same.
                () = &mut stopped, if !stopping => stopping = true,
                Some(reply) = next(&mut self.late), if self.waiting > 0 => self.take(reply),
                read = stream.read_buf(self.frames.space()), if state == State::Open && room => match read {
                    Ok(0) => state = State::HalfClosed,
                    Ok(_) => {}
                    Err(_) => state = State::Closed,
                },
                () = &mut silence, if done => {
                    let end = last_question + patience;
                    if Instant::now() >= end {
                        return Box::pin(self.close(stream)).await;
                    }
                    silence.as_mut().reset(end);
                }
            }
            if state == State::Closed {
                return;
            }
        }
    }

    /// Says goodbye, which over TLS is a message that has to go out (RFC 8446 6.1).
    async fn close(self, mut stream: impl AsyncWrite + Unpin) {
        let _ = timeout(self.config.limits.tcp_write, stream.shutdown()).await;
    }

    /// Says goodbye and waits for the client's, reading what crosses ours: a socket that is closed with something unread resets the
    /// connection, and a reset takes answers away that the client has not read yet (RFC 1122 4.2.2.13).
    async fn part(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let _ = timeout(self.config.limits.tcp_write, stream.shutdown()).await;
        let mut crossed = [0; 1_024];
        let _ = timeout(GOODBYE, async { while let Ok(1..) = stream.read(&mut crossed).await {} }).await;
    }

    /// Answers every complete message that may be answered now, and gives how many.
    fn answer_buffered(&mut self) -> usize {
        if !self.frames.has_message() {
            return 0;
        }
        let view = View::load(&self.core);
        let now = clock::now();
        let mut count = 0;
        let log = view.routing.query_log.as_deref();
        let mut logged = Vec::new();
        while !self.broken && self.out.len() < WRITE_AT && self.waiting < self.config.limits.tcp_in_flight {
            // Taken apart from `self`, because the message borrows the buffer.
            let Some(message) = self.frames.next() else { break };
            if message.is_empty() {
                self.broken = true;
                break;
            }
            count += 1;
            self.rotation = self.rotation.wrapping_add(1);
            let asking = Asking {
                core: &self.core,
                view: &view,
                door: self.door,
                transport: Transport::Tcp,
                source: self.from.ip(),
                port: self.from.port(),
                now,
                rotation: self.rotation,
            };
            let outcome = contained(|| {
                SCRATCH.with_borrow_mut(|scratch| {
                    let outcome = asking.answer(message, scratch);
                    if let Outcome::Reply(done) = &outcome {
                        push_frame(&scratch[..done.len], &mut self.out);
                        if let Some(log) = log {
                            let written = &scratch[..done.len];
                            logged.extend(log.entry(self.from, Transport::Tcp, message, written, done.rcode, now));
                        }
                    }
                    outcome
                })
            });
            let miss = || Miss {
                message: message.into(),
                door: self.door,
                transport: Transport::Tcp,
                source: self.from.ip(),
                port: self.from.port(),
            };
            match outcome {
                Some(Outcome::Drop(reason)) => self.recorder.dropped(reason),
                Some(Outcome::Reply(done)) => {
                    self.answered.push(done.answered(message.len()));
                }
                Some(Outcome::Ask | Outcome::Miss) => {
                    let miss = miss();
                    self.waiting += 1;
                    self.start(miss, now);
                }
                None => {
                    if let Some((bytes, _)) = give_up(&self.core, &miss(), &Failure::Panic) {
                        push_frame(&bytes, &mut self.out);
                    }
                }
            }
        }
        let took = clock::now().duration_since(now);
        self.answered.drain(..).for_each(|answered| self.recorder.answered(&answered, took));
        if let Some(log) = log {
            logged.into_iter().for_each(|entry| log.put(entry, took));
        }
        count
    }

    /// Resolves a miss in a task of its own. The channel has room for every question in flight, so the task never waits for it.
    fn start(&mut self, miss: Miss, now: std::time::Instant) {
        let most = self.config.limits.tcp_in_flight.max(1);
        let finished = self.late.get_or_insert_with(|| mpsc::channel(most)).0.clone();
        let (core, recorder) = (Arc::clone(&self.core), self.recorder.clone());
        let (permit, from) = (admit(&core, self.door, self.from.ip()), self.from);
        self.core.runtime.spawn(async move {
            let reply = match permit {
                Ok(permit) => finish(&core, &miss, &Arc::new(permit)).await,
                Err(failure) => give_up(&core, &miss, &failure),
            };
            let bytes = reply.map(|(bytes, done)| {
                let took = clock::now().duration_since(now);
                recorder.answered(&done.answered(miss.message.len()), took);
                log_late(&core, from, &miss, &bytes, &done, took);
                bytes
            });
            let _ = finished.send(bytes).await;
        });
    }

    fn take(&mut self, reply: Option<Vec<u8>>) {
        self.waiting -= 1;
        if let Some(bytes) = reply {
            push_frame(&bytes, &mut self.out);
        }
        while let Some(Ok(more)) = self.late.as_mut().map(|(_, replies)| replies.try_recv()) {
            self.waiting -= 1;
            if let Some(bytes) = more {
                push_frame(&bytes, &mut self.out);
            }
        }
    }
}

/// The next answer to a miss; for ever if there was none.
async fn next(late: &mut Option<Late>) -> Option<Option<Vec<u8>>> {
    match late {
        Some((_, replies)) => replies.recv().await,
        None => std::future::pending().await,
    }
}
