//! Somebody who reads `/ready` and `/metrics` all the time, as kubelet and Prometheus do, and how long the slowest took.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use interlocal::clock;

use crate::report::Findings;
use crate::server::{self, Server};
use crate::world;

const PAGES: [(u16, &str); 2] = [(8_181, "/ready"), (9_153, "/metrics")];

/// One that reads.
pub struct Reader {
    stop: Arc<AtomicBool>,
    reading: JoinHandle<Read>,
}

#[derive(Default)]
struct Read {
    slowest: Duration,
    /// Not 200, or nothing at all.
    failed: usize,
    pages: usize,
}

impl Reader {
    pub fn of(server: &Server) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let seen = Arc::clone(&stop);
        let address = world::address(server.spec.region, 1);
        let reading = std::thread::spawn(move || {
            let mut read = Read::default();
            while !seen.load(Ordering::Relaxed) {
                for (port, path) in PAGES {
                    let began = clock::now();
                    let page = server::get(SocketAddr::from((address, port)), path);
                    read.slowest = read.slowest.max(clock::now().duration_since(began));
                    read.failed += usize::from(page.is_none_or(|(status, _)| status != 200));
                    read.pages += 1;
                }
                world::sleep_ms(50);
            }
            read
        });
        Self { stop, reading }
    }

    /// No page may have failed, and none may have taken longer than 100 ms.
    pub fn judge(self, findings: &mut Findings) {
        self.stop.store(true, Ordering::Relaxed);
        let read = self.reading.join().unwrap();
        findings.none("/ready and /metrics: failed", read.failed, read.pages);
        findings.at_most("/ready and /metrics: slowest", read.slowest.as_secs_f64() * 1e3, 100.0, "ms");
    }
}
