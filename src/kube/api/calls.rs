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

/// By host.
#[derive(Default)]
pub(super) struct Calls(Mutex<BTreeMap<String, Host>>);

struct Host {
    /// By status; none: there was no reply.
    counts: BTreeMap<Option<u16>, u64>,
    times: Durations,
}

impl Default for Host {
    fn default() -> Self {
        Self { counts: BTreeMap::new(), times: Durations::new(&BUCKETS) }
    }
}

impl Calls {
    /// A question to `host` ended, with this status or without any.
    pub(super) fn ended(&self, host: &str, status: Option<u16>, took: Duration) {
        let mut hosts = self.0.lock();
        if hosts.len() >= HOSTS && !hosts.contains_key(host) {
            return;
        }
        let host = hosts.entry(host.to_owned()).or_default();
        *host.counts.entry(status).or_default() += 1;
        host.times.observe(took);
    }

    pub(super) fn report(&self, sink: &mut Sink) {
        if !sink.coredns() {
            return;
        }
        for (host, Host { counts, times }) in &*self.0.lock() {
            for (status, count) in counts {
                let code = status.map_or_else(|| ERROR.to_owned(), |status| status.to_string());
                let labels = [("code", code.as_str()), ("method", METHOD), ("host", host.as_str())];
                sink.count(names::COREDNS_REST_REQUESTS, &labels, *count);
            }
            sink.histogram(names::COREDNS_REST_DURATION, &[("verb", METHOD), ("host", host)], &times.read());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metrics::Registry;

    #[test]
    fn calls_are_counted_by_what_came_of_them() {
        let calls = Arc::new(Calls::default());
        calls.ended("10.96.0.1:443", Some(200), Duration::from_millis(30));
        calls.ended("10.96.0.1:443", Some(200), Duration::from_secs(20));
        calls.ended("10.96.0.1:443", None, Duration::from_secs(1));
        (0..100).for_each(|number| calls.ended(&format!("host-{number}"), Some(200), Duration::ZERO));
        assert_eq!(calls.0.lock().len(), HOSTS, "hosts are bounded");
        let text = |coredns| {
            let (registry, calls) = (Registry::new("1", coredns), Arc::clone(&calls));
            registry.register_source(move |sink| calls.report(sink));
            registry.encode()
        };
        let shown = text(true);
        for line in [
            "_requests_total{code=\"200\",method=\"GET\",host=\"10.96.0.1:443\"} 2",
            "_requests_total{code=\"<error>\",method=\"GET\",host=\"10.96.0.1:443\"} 1",
            "_request_duration_seconds_bucket{verb=\"GET\",host=\"10.96.0.1:443\",le=\"0.05\"} 1",
            "_request_duration_seconds_count{verb=\"GET\",host=\"10.96.0.1:443\"} 3",
        ] {
            assert!(shown.contains(&format!("coredns_kubernetes_rest_client{line}\n")), "{line} is not in\n{shown}");
        }
        assert!(!text(false).contains("rest_client"));
    }
}
