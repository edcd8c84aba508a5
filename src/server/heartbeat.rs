//! Signs of life: each worker says now and then that it still turns, and `/health` asks who has not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// All workers; clones share them.
#[derive(Clone)]
pub struct Heartbeats {
    start: Instant,
    workers: Arc<Mutex<Vec<Worker>>>,
}

struct Worker {
    name: String,
    last: Arc<AtomicU64>,
}

/// One worker's own sign. Dropping it means that the worker ended as it should; a panicking thread leaves its sign behind to grow old.
pub struct Beat {
    heartbeats: Heartbeats,
    /// Milliseconds from the start to the last sign; written by this worker alone.
    last: Arc<AtomicU64>,
}

impl Heartbeats {
    #[must_use]
    pub fn new(start: Instant) -> Self {
        Self { start, workers: Arc::default() }
    }

    /// A new worker, alive at `now`.
    #[must_use = "dropping it says that the worker has ended"]
    pub fn worker(&self, name: impl Into<String>, now: Instant) -> Beat {
        let last = Arc::new(AtomicU64::new(self.millis(now)));
        self.workers.lock().push(Worker { name: name.into(), last: Arc::clone(&last) });
        Beat { heartbeats: self.clone(), last }
    }

    /// Names of the workers whose last sign is older than `limit`.
    #[must_use]
    pub fn stuck(&self, now: Instant, limit: Duration) -> Vec<String> {
        let now = Duration::from_millis(self.millis(now));
        let age = |worker: &Worker| now.saturating_sub(Duration::from_millis(worker.last.load(Relaxed)));
        let workers = self.workers.lock();
        workers.iter().filter(|worker| age(worker) > limit).map(|worker| worker.name.clone()).collect()
    }

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
    }
}

impl Beat {
    #[inline]
    pub fn tick(&self, now: Instant) {
        self.last.store(self.heartbeats.millis(now), Relaxed);
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.heartbeats.workers.lock().retain(|worker| !Arc::ptr_eq(&worker.last, &self.last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[test]
    fn a_worker_that_stops_turning_is_named() {
        let start = crate::clock::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        let heartbeats = Heartbeats::new(start);
        let (one, _two) = (heartbeats.worker("udp-0", start), heartbeats.worker("udp-1", start));
        one.tick(later(4));
        assert!(heartbeats.stuck(later(5), LIMIT).is_empty());
        assert_eq!(heartbeats.stuck(later(6), LIMIT), ["udp-1"]);
        assert_eq!(heartbeats.stuck(later(10), LIMIT), ["udp-0", "udp-1"]);
    }

    #[test]
    fn a_worker_that_ended_is_not_missed_but_one_that_died_is() {
        let start = crate::clock::now();
        let heartbeats = Heartbeats::new(start);
        drop(heartbeats.worker("ended", start));
        let beat = heartbeats.worker("died", start);
        let thread = std::thread::spawn(move || {
            let _beat = beat;
            panic!("of one worker");
        });
        assert!(thread.join().is_err());
        assert_eq!(heartbeats.stuck(start + LIMIT * 2, LIMIT), ["died"]);
    }
}
