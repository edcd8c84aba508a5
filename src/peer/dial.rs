//! Opening a TCP connection, with the options that a long-lived one to a load balancer needs.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An AWS network load balancer forgets a connection after 350 s without a packet, silently.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// Between the probes of a connection whose other side says nothing; after three of them it is dead.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;

/// Why there is no connection, in words that end in an operator's `dig`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialError {
    TimedOut,
    Refused,
    Reset,
    Unreachable,
    Other,
}

impl DialError {
    #[must_use]
    pub fn cause(self) -> &'static str {
        match self {
            Self::TimedOut => "connect timed out",
            Self::Refused => "connection refused",
            Self::Reset => "connection reset",
            Self::Unreachable => "network unreachable",
            Self::Other => "connect failed",
        }
    }
}

/// A connection, whatever it runs over.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

pub type Stream = Box<dyn Duplex>;

/// An attempt under way.
pub type Dialling<'d> = Pin<Box<dyn Future<Output = Result<Stream, DialError>> + Send + 'd>>;

/// How a group's addresses are connected to.
pub trait Dial: Send + Sync {
    /// Connects within `limit`.
    fn dial(&self, server: SocketAddr, limit: Duration) -> Dialling<'_>;
}

/// Plain TCP.
#[derive(Debug, Clone, Copy)]
pub struct Tcp;

impl Dial for Tcp {
    fn dial(&self, server: SocketAddr, limit: Duration) -> Dialling<'_> {
        Box::pin(async move { dial(server, limit).await.map(|stream| Box::new(stream) as Stream) })
    }
}

/// Connects within `limit`.
///
/// # Errors
/// Why not.
pub async fn dial(server: SocketAddr, limit: Duration) -> Result<TcpStream, DialError> {
    use std::io::ErrorKind;
    let connected = timeout(limit, TcpStream::connect(server)).await.map_err(|_| DialError::TimedOut)?;
    let stream = connected.map_err(|error| match error.kind() {
        ErrorKind::ConnectionRefused => DialError::Refused,
        ErrorKind::ConnectionReset => DialError::Reset,
        ErrorKind::TimedOut => DialError::TimedOut,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => DialError::Unreachable,
        _ => DialError::Other,
    })?;
    let keepalive =
        TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE_INTERVAL).with_retries(KEEPALIVE_RETRIES);
    // A connection without these still works, only worse.
    let options = stream.set_nodelay(true).and(SockRef::from(&stream).set_tcp_keepalive(&keepalive));
    if let Err(error) = options {
        tracing::debug!(%server, %error, "socket option refused");
    }
    Ok(stream)
}
