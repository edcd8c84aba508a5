//! What one connection holds in memory: questions that are not whole, and answers that its client does not take. Next to nothing while
//! all goes well; what is more is counted among that of all connections (`limits.tcp_buffers`), and is the end of the connection when
//! there is no room. It knows nothing of questions and answers.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::server::core::{Core, Counters};
use crate::server::permits::{Full, Permit};
use crate::wire::frames::{Frames, KEEP};

/// Answers collected before they are written, whatever else waits.
pub const WRITE_AT: usize = 64 << 10;
/// What every connection may hold besides: some questions.
const FREE: usize = 1 << 10;

thread_local! {
    /// Where answers are collected; one for each thread of the runtime, since what is collected is written before anything is waited for.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// Where is read to; one for each thread, lent to the connection that reads, until it has to wait.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Whose share the octets are taken from.
#[derive(Clone)]
pub struct Share {
    pub core: Arc<Core>,
    pub client: Option<IpAddr>,
    pub limit: usize,
}

pub struct Buffers {
    pub frames: Frames,
    /// Answers that are not written.
    out: Vec<u8>,
    held: Option<Permit>,
    share: Share,
}

impl Share {
    /// Room for so many octets, if there is any; counted if not.
    pub fn take(&self, octets: usize) -> Option<Permit> {
        let taken = self.core.tcp_buffers.take_some(octets, self.client, self.limit);
        taken.map_err(|full| Counters::add(self.core.counters.buffers(full))).ok()
    }
}

impl Counters {
    const fn buffers(&self, full: Full) -> &std::sync::atomic::AtomicU64 {
        match full {
            Full::All => &self.tcp_buffers,
            Full::Client => &self.client_buffers,
        }
    }
}

impl Buffers {
    pub fn new(share: Share) -> Self {
        Self { frames: Frames::default(), out: Vec::new(), held: None, share }
    }

    pub const fn share(&self) -> &Share {
        &self.share
    }

    /// What is not written yet, for more to be added. It goes to [`Buffers::put_back`].
    pub fn take_out(&mut self) -> Vec<u8> {
        if self.out.is_empty() { SPARE.take() } else { std::mem::take(&mut self.out) }
    }

    pub fn put_back(&mut self, out: Vec<u8>) {
        self.out = out;
        if self.out.is_empty() {
            self.lay_down();
        }
    }

    /// Is there anything to write?
    pub const fn has_answers(&self) -> bool {
        !self.out.is_empty()
    }

    /// Reads what is there, or waits with next to nothing in hand.
    ///
    /// # Errors
    /// The stream's, or that there is no room for what has come.
    pub async fn read<S: AsyncRead + Unpin>(&mut self, stream: &mut S) -> io::Result<usize> {
        poll_fn(|context| {
            if self.frames.is_empty() && self.frames.capacity() < KEEP {
                let mut room = ROOM.take();
                room.reserve(KEEP);
                self.frames.lend(room);
            }
            let read = pin!(stream.read_buf(self.frames.space())).poll(context);
            if read.is_pending() && !self.hold() {
                return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
            }
            read
        })
        .await
    }

    /// Writes what is collected; false if the connection has to end.
    pub async fn write<S: AsyncWrite + Unpin>(&mut self, stream: &mut S, patience: Duration) -> bool {
        match poll_fn(|context| Poll::Ready(at_once(stream, &self.out, context))).await {
            Err(_) => return false,
            Ok(None) => {
                self.lay_down();
                return true;
            }
            // What the kernel does not take, the client does not read, and it is kept for it alone.
            Ok(Some(written)) => {
                let rest = self.out[written..].to_vec();
                self.lay_down();
                self.out = rest;
            }
        }
        if !self.hold() {
            return false;
        }
        let writing = async {
            stream.write_all(&self.out).await?;
            // TLS may still hold the end of it.
            stream.flush().await
        };
        let written = timeout(patience, writing).await;
        self.out = Vec::new();
        matches!(written, Ok(Ok(()))) && self.hold()
    }

    /// Counts what is held now; false if there is no room for it. What is only lent goes back before.
    pub fn hold(&mut self) -> bool {
        if let Some(room) = self.frames.rest(FREE) {
            ROOM.set(room);
        }
        let more = (self.out.capacity() + self.frames.capacity()).saturating_sub(FREE);
        if more == self.held.as_ref().map_or(0, Permit::amount) {
            return true;
        }
        // First what was held: it is part of what is held now.
        self.held = None;
        if more > 0 {
            self.held = self.share.take(more);
        }
        more == 0 || self.held.is_some()
    }

    /// Everything is written: the room for it is anybody's.
    fn lay_down(&mut self) {
        self.out.clear();
        self.out.shrink_to(2 * WRITE_AT);
        SPARE.set(std::mem::take(&mut self.out));
    }
}

/// Writes as much as is taken without waiting; gives how much if that is not all.
fn at_once<S: AsyncWrite + Unpin>(stream: &mut S, out: &[u8], context: &mut Context<'_>) -> io::Result<Option<usize>> {
    let mut written = 0;
    while written < out.len() {
        match Pin::new(&mut *stream).poll_write(context, &out[written..]) {
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(more)) => written += more,
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => return Ok(Some(written)),
        }
    }
    match Pin::new(stream).poll_flush(context) {
        Poll::Ready(flushed) => flushed.map(|()| None),
        Poll::Pending => Ok(Some(written)),
    }
}
