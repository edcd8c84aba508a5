//! What operators see: counted in arrays by whoever does the work, summed when somebody asks. Counting a question is a few
//! additions to cells that no other thread writes; names and labels are put together at the scrape.

mod cells;
mod labels;
pub mod names;
mod process;
mod questions;
mod recorder;
mod sink;
mod timings;

use std::sync::Arc;

use parking_lot::Mutex;

pub use labels::{Answerer, DropReason, Family, Proto};
pub use names::Metric;
pub use questions::CACHE_ZONES;
pub use recorder::{Answered, Door, Recorder, SharedRecorder, ZoneSlot};
pub use sink::{CONTENT_TYPE, Histogram, Sink};
pub use timings::{Durations, Timings};

use recorder::{Block, MAX_ZONES};

type Source = Box<dyn Fn(&mut Sink) + Send + Sync>;

/// All numbers of one instance.
pub struct Registry {
    blocks: Mutex<Vec<Arc<Block>>>,
    /// Names by slot. They are never taken back: a counter must not start anew.
    zones: Mutex<Vec<Arc<str>>>,
    sources: Mutex<Vec<Source>>,
    /// Numbers of rare events.
    rare: Mutex<Sink>,
    version: &'static str,
    coredns: bool,
}

impl Registry {
    /// `coredns`: also give CoreDNS's names.
    #[must_use]
    pub fn new(version: &'static str, coredns: bool) -> Arc<Self> {
        Arc::new(Self {
            blocks: Mutex::default(),
            zones: Mutex::new(vec!["dropped".into(), "other".into()]),
            sources: Mutex::default(),
            rare: Mutex::new(Sink::new(coredns)),
            version,
            coredns,
        })
    }

    /// The place of a zone's numbers: the same for the same name, however often routes are made anew. Names beyond the
    /// first thousand share one place.
    pub fn zone(&self, name: &str) -> ZoneSlot {
        let mut zones = self.zones.lock();
        let slot = zones.iter().position(|zone| **zone == *name).unwrap_or_else(|| {
            if zones.len() == MAX_ZONES {
                return 1;
            }
            zones.push(name.into());
            zones.len() - 1
        });
        ZoneSlot(slot as u16)
    }

    /// For one worker thread.
    pub fn recorder(&self, door: Door) -> Recorder {
        Recorder::new(self.block(door))
    }

    /// For tasks: one for each door is enough.
    pub fn shared_recorder(&self, door: Door) -> SharedRecorder {
        SharedRecorder::new(self.block(door))
    }

    /// Adds numbers that another part keeps: `source` is called at each scrape, and must not wait.
    pub fn register_source(&self, source: impl Fn(&mut Sink) + Send + Sync + 'static) {
        self.sources.lock().push(Box::new(source));
    }

    /// Counts something rare, such as a reload.
    pub fn count(&self, metric: Metric, labels: &[(&'static str, &str)]) {
        self.rare.lock().count(metric, labels, 1);
    }

    /// Sets something that rarely changes.
    pub fn set(&self, metric: Metric, labels: &[(&'static str, &str)], value: f64) {
        self.rare.lock().gauge(metric, labels, value);
    }

    /// Counts a panic.
    pub fn panicked(&self) {
        self.count(names::PANICS, &[]);
        if self.coredns {
            self.count(names::COREDNS_PANICS, &[]);
        }
    }

    /// Everything, as Prometheus reads it.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut sink = self.rare.lock().clone();
        sink.gauge(names::BUILD_INFO, &[("version", self.version)], 1.0);
        sink.count(names::PANICS, &[], 0);
        if self.coredns {
            let revision = revision(env!("INTERLOCAL_BUILD"));
            let labels = [("version", self.version), ("revision", revision), ("goversion", "")];
            sink.gauge(names::COREDNS_BUILD_INFO, &labels, 1.0);
            sink.count(names::COREDNS_PANICS, &[], 0);
        }
        process::report(&mut sink);
        let zones = self.zones.lock().clone();
        for block in self.blocks.lock().iter() {
            questions::report(block, &zones, &mut sink);
        }
        for source in self.sources.lock().iter() {
            source(&mut sink);
        }
        sink.encode()
    }

    fn block(&self, door: Door) -> Arc<Block> {
        let block = Block::new(door);
        self.blocks.lock().push(Arc::clone(&block));
        block
    }
}

/// The commit, out of what stands behind the version in `interlocal --version`; empty if the build knew none.
fn revision(build: &str) -> &str {
    build.trim().trim_start_matches('(').trim_end_matches(')')
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn door(proto: Proto) -> Door {
        Door { server: "dns://:53".into(), proto, family: Family::V4 }
    }

    fn answered(zone: ZoneSlot, rcode: u16, by: Answerer) -> Answered {
        Answered { zone, qtype: 1, dnssec_ok: false, rcode, by, request_len: 40, response_len: 150 }
    }

    fn lines(registry: &Registry, part: &str) -> Vec<String> {
        registry.encode().lines().filter(|line| line.contains(part) && !line.starts_with('#')).map(Into::into).collect()
    }

    #[test]
    fn workers_and_tasks_add_up() {
        let registry = Registry::new("1.2.3", false);
        let zone = registry.zone("cluster.local.");
        assert_eq!(registry.zone("cluster.local."), zone);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let mut recorder = registry.recorder(door(Proto::Udp));
                std::thread::spawn(move || {
                    for _ in 0..1_000 {
                        recorder.answered(&answered(zone, 0, Answerer::Local));
                        recorder.end_batch(Duration::from_micros(300));
                    }
                    recorder.dropped(DropReason::NotAQuery);
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        let shared = registry.shared_recorder(door(Proto::Udp));
        shared.answered(&answered(zone, 3, Answerer::Peer), Duration::from_millis(100));
        assert_eq!(
            lines(&registry, "requests_total"),
            [
                "interlocal_dns_requests_total{server=\"dns://:53\",zone=\"cluster.local.\",proto=\"udp\",family=\"1\",type=\"A\"} 2001"
            ]
        );
        assert_eq!(
            lines(&registry, "responses_total"),
            [
                "interlocal_dns_responses_total{server=\"dns://:53\",zone=\"cluster.local.\",rcode=\"NOERROR\"} 2000",
                "interlocal_dns_responses_total{server=\"dns://:53\",zone=\"cluster.local.\",rcode=\"NXDOMAIN\"} 1",
            ]
        );
        let durations = lines(&registry, "duration_seconds");
        assert!(durations[0].ends_with("le=\"0.00025\"} 0") && durations[1].ends_with("le=\"0.0005\"} 2000"));
        assert!(durations.last().is_some_and(|line| line.ends_with(" 2001")));
        assert_eq!(
            lines(&registry, "drops"),
            ["interlocal_dns_drops_total{server=\"dns://:53\",reason=\"not_a_query\"} 2"]
        );
    }

    #[test]
    fn coredns_names_are_given_when_wanted() {
        let registry = Registry::new("1.2.3", true);
        let mut recorder = registry.recorder(door(Proto::Tcp));
        for by in [Answerer::Cache, Answerer::Forward, Answerer::Own] {
            recorder.answered(&answered(ZoneSlot::NONE, 0, by));
        }
        recorder.end_batch(Duration::ZERO);
        let text = registry.encode();
        for line in [
            &format!(
                "coredns_build_info{{version=\"1.2.3\",revision=\"{}\",goversion=\"\"}} 1",
                revision(env!("INTERLOCAL_BUILD"))
            ),
            "coredns_dns_requests_total{server=\"dns://:53\",zone=\"dropped\",view=\"\",proto=\"tcp\",family=\"1\",type=\"A\"} 3",
            "coredns_dns_responses_total{server=\"dns://:53\",zone=\"dropped\",view=\"\",rcode=\"NOERROR\",plugin=\"cache\"} 1",
            "coredns_dns_response_size_bytes_bucket{server=\"dns://:53\",zone=\"dropped\",view=\"\",proto=\"tcp\",le=\"200\"} 3",
            "coredns_cache_hits_total{server=\"dns://:53\",type=\"success\",zones=\".\",view=\"\"} 1",
            "coredns_cache_requests_total{server=\"dns://:53\",zones=\".\",view=\"\"} 2",
            "coredns_panics_total 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
        }
        assert!(!Registry::new("1", false).encode().contains("coredns"));
        assert_eq!((revision(" (0123456789ab-dirty)"), revision("")), ("0123456789ab-dirty", ""));
    }

    #[test]
    fn other_parts_add_theirs() {
        let registry = Registry::new("1", false);
        registry.register_source(|sink| sink.gauge(names::ZONE_SERVICES, &[], 7.0));
        registry.count(names::CONFIG_RELOADS, &[("file", "peers.yaml"), ("result", "ok")]);
        registry.set(names::RESTART_REQUIRED, &[], 1.0);
        registry.panicked();
        for _scrape in 0..2 {
            assert_eq!(lines(&registry, "zone_services"), ["interlocal_zone_services 7"]);
            assert_eq!(lines(&registry, "panics"), ["interlocal_panics_total 1"]);
            let reloads = lines(&registry, "reload");
            assert_eq!(reloads, ["interlocal_config_reload_total{file=\"peers.yaml\",result=\"ok\"} 1"]);
        }
    }

    #[test]
    fn zones_beyond_the_limit_share_one_label() {
        let registry = Registry::new("1", false);
        let slots: Vec<_> = (0..2_000).map(|number| registry.zone(&format!("z{number}."))).collect();
        assert_eq!((slots[0], slots[1_999]), (ZoneSlot(2), ZoneSlot(1)));
        let mut recorder = registry.recorder(door(Proto::Udp));
        slots.iter().for_each(|slot| recorder.answered(&answered(*slot, 0, Answerer::Forward)));
        assert!(
            lines(&registry, "requests_total")
                .iter()
                .any(|line| line.contains("zone=\"other\"") && line.ends_with(" 978"))
        );
    }
}
