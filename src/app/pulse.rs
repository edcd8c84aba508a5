//! Asks ourselves for `/health` once a second, as CoreDNS does: what takes long there has no time for others either. It only
//! measures; whoever restarts a pod asks for itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::metrics::{Durations, Registry, names};

const EVERY: Duration = Duration::from_secs(1);
/// No answer by then is a failure.
const LIMIT: Duration = Duration::from_secs(5);
/// CoreDNS's.
const BUCKETS: [f64; 5] = [0.000_25, 0.002_5, 0.025, 0.25, 2.5];

/// A reply of ours is shorter; what is longer is somebody else's.
const LONGEST: u64 = 4_096;

/// The task; dropping it ends it.
pub(super) struct Pulse(AbortHandle);

impl Pulse {
    /// Inside a tokio runtime. None: there is no `/health`, or nobody wants CoreDNS's names.
    pub(super) fn start(health: Option<SocketAddr>, coredns: bool, metrics: &Registry) -> Option<Self> {
        let address = health.filter(|_| coredns).map(reachable)?;
        let (took, failures) = (Arc::new(Durations::new(&BUCKETS)), Arc::new(AtomicU64::new(0)));
        let (seen, failed) = (Arc::clone(&took), Arc::clone(&failures));
        metrics.register_source(move |sink| {
            sink.histogram(names::COREDNS_HEALTH_DURATION, &[], &seen.read());
            sink.count(names::COREDNS_HEALTH_FAILURES, &[], failed.load(Relaxed));
        });
        let task = async move {
            let mut ticks = interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let began = Instant::now();
                let fine = timeout(LIMIT, is_fine(address)).await.unwrap_or(false);
                took.observe(began.elapsed());
                failures.fetch_add(u64::from(!fine), Relaxed);
            }
        };
        Some(Self(tokio::spawn(task).abort_handle()))
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn is_fine(address: SocketAddr) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        let mut reply = Vec::new();
        stream.take(LONGEST).read_to_end(&mut reply).await?;
        std::io::Result::Ok(reply)
    };
    asked.await.is_ok_and(|reply| reply.starts_with(b"HTTP/1.1 200 "))
}

/// Whoever listens on all addresses listens on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_say_200_is_not_fine() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            for reply in ["HTTP/1.1 200 OK\r\n\r\nOK", "HTTP/1.1 503 Service Unavailable\r\n\r\n", ""] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1_024];
                let _ = stream.read(&mut request).await.unwrap();
                stream.write_all(reply.as_bytes()).await.unwrap();
            }
        });
        let found = [is_fine(address).await, is_fine(address).await, is_fine(address).await];
        server.await.unwrap();
        assert_eq!((found, is_fine(address).await), ([true, false, false], false), "the last one finds nobody");
        assert_eq!(reachable("[::]:80".parse().unwrap()), "[::1]:80".parse().unwrap());
    }
}
