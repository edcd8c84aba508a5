//! One good look at a server over TCP or TLS: connect as questions do, ask, and tell all that is seen, for tools that explain. It
//! keeps no connection, retries nothing and judges nothing.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::dial::{Dial, DialError, Stream};
use super::dialer::Dialer;
use super::probe::{self, PATIENCE};
use super::random;
use super::settings::CONNECT_TIMEOUT;
use super::sync::{Probe, Sync};
use crate::config::{Host, RegionRow};
use crate::wire::Name;
use crate::wire::exchange::{Asked, Manner, Question, Received};
use crate::wire::frames::{Frames, push_frame};
use crate::wire::stamp::ReplyStamp;

/// Why there was nothing to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    /// No connection.
    Dial(DialError),
    /// A connection, and over TLS the server ended it with this: our certificate, most likely.
    Tls(&'static str),
    /// A connection that was cut off before an answer.
    Reset,
    /// A connection that was closed before an answer.
    Closed,
    /// A connection, and no answer on it.
    Silent,
}

/// An answer, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub received: Received,
    pub took: Duration,
}

/// What a server of a region shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Until the connection was there, TLS included.
    pub connected: Duration,
    /// From the question to the answer.
    pub took: Duration,
    pub sync: Sync,
    /// What an interlocal says of itself.
    pub said: Option<ReplyStamp>,
    /// Who answered the self-probe; none: nobody who knows it.
    pub who: Option<probe::Own>,
}

/// A row of the table, to look at its addresses.
pub struct Row {
    dialer: Dialer,
    zone: Name,
    option: u16,
    stamp: Vec<u8>,
}

impl Row {
    /// Its certificates are read now. `addresses`: each with the endpoint that it came from.
    #[must_use]
    pub fn new(row: &RegionRow, addresses: &[(SocketAddr, Host)], option: u16, stamp: Vec<u8>) -> Self {
        let dialer = Dialer::new(row.tls.as_ref());
        dialer.reload(&format!("region {}", row.label));
        dialer.set_hosts(addresses.iter().map(|(address, host)| (*address, host)));
        let zone = row.zones.first().cloned().unwrap_or_else(Name::root);
        Self { dialer, zone, option, stamp }
    }

    /// What is wrong with the certificate files of the row.
    #[must_use]
    pub fn tls_error(&self) -> Option<String> {
        self.dialer.snapshot()?.error
    }

    /// Asks one address whether it has read its zone, and who it is.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub async fn look(&self, server: SocketAddr) -> Result<Seen, Unseen> {
        let sync = Probe::Region(self.zone.clone());
        let asked = sync.question();
        let (connected, heard) = self.ask(server, &asked).await?;
        // Unstamped: our own door would call it a loop before it says who it is.
        let who = match probe::question(&self.zone) {
            Some(question) => {
                let manner = Manner { edns: true, option: None };
                let answer = ask(&self.dialer, server, &question, manner, self.option).await.ok();
                answer.and_then(|(_, heard)| probe::who(&question, &heard.received))
            }
            None => None,
        };
        let Heard { received, took } = heard;
        Ok(Seen { connected, took, sync: sync.judge(&received), said: received.stamp, who })
    }

    /// Asks one address anything, as our own instance would.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub async fn ask(&self, server: SocketAddr, question: &Question) -> Result<(Duration, Heard), Unseen> {
        let manner = Manner { edns: true, option: Some((self.option, &self.stamp)) };
        ask(&self.dialer, server, question, manner, self.option).await
    }
}

/// Asks a server over a connection that is made in this way.
///
/// # Errors
/// Why it cannot be asked.
pub async fn ask_over(dialer: &Dialer, server: SocketAddr, question: &Question, option: u16) -> Result<Heard, Unseen> {
    let manner = Manner { edns: true, option: None };
    ask(dialer, server, question, manner, option).await.map(|(_, heard)| heard)
}

/// Asks a server in clear text.
///
/// # Errors
/// Why it cannot be asked.
pub async fn ask_plainly(server: SocketAddr, question: &Question, option: u16) -> Result<Heard, Unseen> {
    ask_over(&Dialer::default(), server, question, option).await
}

async fn ask(
    dialer: &Dialer,
    server: SocketAddr,
    question: &Question,
    manner: Manner<'_>,
    option: u16,
) -> Result<(Duration, Heard), Unseen> {
    let started = Instant::now();
    let mut stream = dialer.dial(server, CONNECT_TIMEOUT).await.map_err(Unseen::Dial)?;
    let connected = started.elapsed();
    let (asked, id) = (question.asked(), random::id());
    let mut frame = Vec::new();
    push_frame(&asked.write(id, manner), &mut frame);
    let started = Instant::now();
    let received = match timeout(PATIENCE, exchange(&mut stream, &frame, &asked, id, option)).await {
        Err(_elapsed) => Err(Unseen::Silent),
        Ok(Err(ended)) => Err(dialer.refusal().map_or(ended, Unseen::Tls)),
        Ok(Ok(received)) => Ok(received),
    };
    Ok((connected, Heard { received: received?, took: started.elapsed() }))
}

async fn exchange(
    stream: &mut Stream,
    frame: &[u8],
    asked: &Asked<'_>,
    id: u16,
    option: u16,
) -> Result<Received, Unseen> {
    let broken = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => Unseen::Reset,
        _ => Unseen::Closed,
    };
    stream.write_all(frame).await.map_err(broken)?;
    stream.flush().await.map_err(broken)?;
    let mut frames = Frames::default();
    loop {
        if stream.read_buf(frames.space()).await.map_err(broken)? == 0 {
            return Err(Unseen::Closed);
        }
        while let Some(message) = frames.next() {
            if asked.matches(id, message).is_ok()
                && let Ok(received) = Received::parse(asked, message, option)
            {
                return Ok(received);
            }
        }
    }
}
