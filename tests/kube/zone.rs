//! The source and the feed, run as the program runs them, with short intervals; and a record of what went from one to the
//! other, because some faults would show for a moment only.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use interlocal::config::PodMode;
use interlocal::kube::Selection;
use interlocal::kube::api::{Health, Settings, Source, Target};
use interlocal::kube::convert::{self, Converted};
use interlocal::kube::feed::{self, Change};
use interlocal::kube::objects::RawObject;
use interlocal::metrics::Registry;
use interlocal::publish::Published;
use interlocal::zone::object::{Kind, ObjectKey};
use interlocal::zone::{Builder, Event, Snapshot, ZoneSettings};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::double::Double;
use crate::support::wait::eventually;

/// Gives up.
pub const LIMIT: Duration = Duration::from_secs(30);
/// A second of a patient server.
pub const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// As the program's, in a hurry.
pub fn settings() -> Settings {
    Settings {
        page_size: 10,
        backoff: ms(10),
        backoff_most: ms(100),
        relist_most: ms(200),
        head: ms(500),
        connect: ms(500),
        list_silence: ms(400),
        streamed_list: ms(2_000),
        working_watch: ms(50),
        client_age: ms(200),
        hold: ms(200),
        hold_most: ms(3_000),
        ..Settings::default()
    }
}

pub struct Zone {
    published: Arc<Published<Snapshot>>,
    pub health: Arc<Health>,
    seen: Arc<Mutex<Seen>>,
    registry: Arc<Registry>,
    selection: Selection,
    _source: Source,
}

/// What the feed was told.
#[derive(Default)]
struct Seen {
    services: HashSet<ObjectKey>,
    synced: bool,
    /// The fewest Services at any time since the sync.
    fewest: Option<usize>,
    changes: usize,
}

fn zone_settings(selection: &Selection) -> ZoneSettings {
    ZoneSettings {
        origins: vec!["cluster.local".parse().unwrap()],
        ttl: 5,
        pods: if selection.pods { PodMode::Verified } else { PodMode::Disabled },
        only_known_namespaces: selection.needs_namespaces(),
        endpoint_pod_names: selection.pod_names,
        ignore_empty_services: false,
        externals: Vec::new(),
    }
}

impl Zone {
    pub fn start(double: &Double, settings: &Settings) -> Self {
        Self::part(double, settings, &Selection::default())
    }

    pub fn part(double: &Double, settings: &Settings, selection: &Selection) -> Self {
        Self::of(Target::Url(double.url()), settings, selection)
    }

    /// Of any API server.
    pub fn of(target: Target, settings: &Settings, selection: &Selection) -> Self {
        let zone = zone_settings(selection);
        let published = Arc::new(Published::new(Snapshot::empty(&zone)));
        let (to_feed, received) = feed::channel();
        tokio::spawn(feed::run(Builder::new(zone), received, Arc::clone(&published), || {}));
        let (changes, mut from_source) = mpsc::channel(16);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let noted = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Some(change) = from_source.recv().await {
                noted.lock().note(&change);
                if to_feed.send(change).await.is_err() {
                    return;
                }
            }
        });
        let health = Arc::new(Health::new(settings.complain));
        let registry = Registry::new("test", true);
        let reported = Arc::clone(&health);
        registry.register_source(move |sink| reported.report(sink));
        let source = Source::start(target, selection, settings, &changes, &health);
        let selection = selection.clone();
        Self { published, health, seen, registry, selection, _source: source }
    }

    /// Waits until the zone is what the double has.
    pub async fn is_like(&self, double: &Double) {
        let same = eventually(LIMIT, || async { self.equals(double) }).await;
        let now = self.snapshot();
        assert!(
            same,
            "synced {}, {:?}; {:?}\n{}",
            now.synced,
            now.counts,
            self.health.freshness(),
            self.registry.encode()
        );
    }

    pub fn equals(&self, double: &Double) -> bool {
        let now = self.snapshot();
        now.synced && now.hash == expected(double, &self.selection).hash
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.published.load()
    }

    pub fn services(&self) -> usize {
        self.snapshot().counts.services
    }

    pub fn is_synced(&self) -> bool {
        self.seen.lock().synced
    }

    /// The fewest Services that there were since the sync, or since this was asked last.
    pub fn fewest(&self) -> usize {
        let mut seen = self.seen.lock();
        let now = seen.services.len();
        seen.fewest.replace(now).unwrap_or(now)
    }

    pub fn changes(&self) -> usize {
        self.seen.lock().changes
    }

    /// The value of a series; 0 if it is not there.
    pub fn metric(&self, series: &str) -> f64 {
        let text = self.registry.encode();
        crate::support::http::series(&text, series).unwrap_or(0.0)
    }

    pub async fn until_metric(&self, series: &str, least: f64) {
        let reached = eventually(LIMIT, || async { self.metric(series) >= least }).await;
        assert!(reached, "{series} is {} and not {least}\n{}", self.metric(series), self.registry.encode());
    }
}

impl Seen {
    fn note(&mut self, change: &Change) {
        self.changes += 1;
        match change {
            Change::Event(event) => self.event(event),
            Change::Events(events) => events.iter().for_each(|event| self.event(event)),
            Change::Synced => self.synced = true,
            Change::Reconfigure(_) => {}
        }
        if self.synced {
            let now = self.services.len();
            self.fewest = Some(self.fewest.map_or(now, |fewest| fewest.min(now)));
        }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Apply(object) if object.kind() == Kind::Service => drop(self.services.insert(object.key())),
            Event::Delete(key) => drop(self.services.remove(key)),
            Event::Replace(Kind::Service, objects) => {
                self.services = objects.iter().map(interlocal::zone::Object::key).collect();
            }
            _ => {}
        }
    }
}

/// The zone of all that the double has, made the slow and obvious way.
fn expected(double: &Double, selection: &Selection) -> Arc<Snapshot> {
    let mut builder = Builder::new(zone_settings(selection));
    double.read(|state| {
        for (resource, object) in state.objects() {
            let kind = match resource {
                "namespaces" => Kind::Namespace,
                "services" => Kind::Service,
                "endpointslices" => Kind::Slice,
                "pods" => Kind::Pod,
                _ => continue,
            };
            let raw: RawObject = serde_json::from_value(object.clone()).unwrap();
            if let Converted::Object(object) = convert::convert(kind, &raw, selection, &mut |_| {}) {
                builder.apply(Event::Apply(object));
            }
        }
    });
    builder.mark_synced();
    builder.publish(0).unwrap()
}
