//! A connection to a server, in clear text or over TLS, as one type. It adds nothing to either but how long the way there is.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::tls::{ClientStream, LastWord};

/// Open, and ready for questions.
pub struct Stream {
    inner: Inner,
    round_trip: Duration,
}

enum Inner {
    Clear(TcpStream),
    Tls(Box<ClientStream<TcpStream>>, Arc<LastWord>),
}

impl Stream {
    pub(super) fn clear(stream: TcpStream, round_trip: Duration) -> Self {
        Self { inner: Inner::Clear(stream), round_trip }
    }

    pub(super) fn tls(stream: ClientStream<TcpStream>, round_trip: Duration, last_word: Arc<LastWord>) -> Self {
        Self { inner: Inner::Tls(Box::new(stream), last_word), round_trip }
    }

    /// How long TCP's handshake took, which is one round trip.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        self.round_trip
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Clear(stream) => Pin::new(stream).poll_read(cx, buf),
            Inner::Tls(stream, last_word) => {
                let polled = Pin::new(stream).poll_read(cx, buf);
                match &polled {
                    Poll::Ready(Ok(())) if !buf.filled().is_empty() => last_word.worked(),
                    Poll::Ready(Err(error)) => last_word.failed(error),
                    _ => {}
                }
                polled
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.inner {
            Inner::Clear(stream) => Pin::new(stream).poll_write(cx, data),
            Inner::Tls(stream, _) => Pin::new(stream).poll_write(cx, data),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Clear(stream) => Pin::new(stream).poll_flush(cx),
            Inner::Tls(stream, _) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Clear(stream) => Pin::new(stream).poll_shutdown(cx),
            Inner::Tls(stream, _) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
