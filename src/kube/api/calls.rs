//! Questions to the API server as client-go counts them, for CoreDNS's metrics: how many by what came of them, and how long the
//! head of a reply took.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;

use crate::metrics::{Durations, Sink, names};

/// The usual buckets of Prometheus's libraries.
const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// We only read.
const METHOD: &str = "GET";
/// As client-go calls what has no status.
const ERROR: &str = "<error>";
/// An API server has one address; a kubeconfig that changes all the time is not worth more.
const HOSTS: usize = 8;

/// By host: by status the count, and the times.
#[derive(Default)]
pub(super) struct Calls(Mutex<BTreeMap<String, (BTreeMap<Option<u16>, u64>, Option<Durations>)>>);

impl Calls {
    /// A question to `host` ended, with this status or without any.
    pub(super) fn ended(&self, host: &str, status: Option<u16>, took: Duration) {
        let mut hosts = self.0.lock();
        if hosts.len() >= HOSTS && !hosts.contains_key(host) {
            return;
        }
        let (counts, times) = hosts.entry(host.to_owned()).or_default();
        *counts.entry(status).or_default() += 1;
        times.get_or_insert_with(|| Durations::new(&BUCKETS)).observe(took);
    }

    pub(super) fn report(&self, sink: &mut Sink) {
        if !sink.coredns() {
            return;
        }
        for (host, (counts, times)) in &*self.0.lock() {
            for (status, count) in counts {
                let code = status.map_or_else(|| ERROR.to_owned(), |status| status.to_string());
                let labels = [("code", code.as_str()), ("method", METHOD), ("host", host.as_str())];
                sink.count(names::COREDNS_REST_REQUESTS, &labels, *count);
            }
            if let Some(times) = times {
                sink.histogram(names::COREDNS_REST_DURATION, &[("verb", METHOD), ("host", host)], &times.read());
            }
        }
    }
}
