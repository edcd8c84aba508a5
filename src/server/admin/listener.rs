//! A listener that holds a bounded number of connections: when they are all taken, the one that has been open longest makes room.
//! So nobody can keep the kubelet's probe out by holding connections open, and no timeout cuts a slow scrape.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::either::Either;
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};

/// Open connections at one time. Probes and scrapes need a handful.
pub(super) const MAX_CONNECTIONS: usize = 128;
/// After an accept that failed, for want of file descriptors most likely.
const BREATHER: Duration = Duration::from_millis(100);

pub(super) struct Bounded {
    listener: Either<TcpListener, UnixListener>,
    /// Oldest first.
    open: VecDeque<Open>,
}

struct Open {
    close: CancellationToken,
    closed: CancellationToken,
}

type Stream = Either<TcpStream, UnixStream>;

/// A connection that ends when its place is needed.
pub(super) struct Connection {
    stream: Stream,
    close: Pin<Box<WaitForCancellationFutureOwned>>,
    _closed: DropGuard,
}

impl Bounded {
    pub(super) fn tcp(listener: TcpListener) -> Self {
        Self { listener: Either::Left(listener), open: VecDeque::new() }
    }

    pub(super) fn unix(listener: UnixListener) -> Self {
        Self { listener: Either::Right(listener), open: VecDeque::new() }
    }

    async fn next(&self) -> io::Result<Stream> {
        match &self.listener {
            Either::Left(tcp) => tcp.accept().await.map(|(stream, _)| Either::Left(stream)),
            Either::Right(unix) => unix.accept().await.map(|(stream, _)| Either::Right(stream)),
        }
    }

    fn admit(&mut self, stream: Stream) -> Connection {
        self.open.retain(|open| !open.closed.is_cancelled());
        if self.open.len() >= MAX_CONNECTIONS
            && let Some(oldest) = self.open.pop_front()
        {
            oldest.close.cancel();
        }
        let (close, closed) = (CancellationToken::new(), CancellationToken::new());
        self.open.push_back(Open { close: close.clone(), closed: closed.clone() });
        Connection { stream, close: Box::pin(close.cancelled_owned()), _closed: closed.drop_guard() }
    }
}

impl Listener for Bounded {
    type Io = Connection;
    /// Nobody asks.
    type Addr = ();

    async fn accept(&mut self) -> (Connection, ()) {
        loop {
            match self.next().await {
                Ok(stream) => return (self.admit(stream), ()),
                Err(_) => tokio::time::sleep(BREATHER).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Connection {
    /// An error once the place is needed; the task that reads or writes is woken for it.
    fn poll_closed(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.close.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_closed(context)?;
        Pin::new(&mut this.stream).poll_read(context, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.poll_closed(context)?;
        Pin::new(&mut this.stream).poll_write(context, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
