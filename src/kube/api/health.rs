//! What the source says of itself: metrics, the line in `/ready` while it is not synced, and complaints in the log, each at
//! most once a minute. It decides nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::calls::Calls;
use super::failure::Failure;
use super::programming::Programming;
use super::resource::Resource;
use crate::clock;
use crate::kube::Skipped;
use crate::metrics::{Sink, names};
use crate::zone::object::Kind;

/// Objects named in the log between two complaints of the other kind; the rest is counted.
const NAMED: u32 = 100;

/// The state of the source; it outlives a change of what is watched, so that no counter starts anew.
pub struct Health {
    rows: Mutex<BTreeMap<Kind, Row>>,
    /// When something was last complained of: a failure of all, or of one resource.
    said: Mutex<HashMap<(Option<Kind>, &'static str), Instant>>,
    named: Mutex<(Option<Instant>, u32)>,
    complain: Duration,
    pub(super) programming: Programming,
    pub(super) calls: Arc<Calls>,
}

#[derive(Default)]
struct Row {
    objects: usize,
    synced: bool,
    watching: bool,
    held: bool,
    /// The last sign of life; none: there was none since the start.
    heard: Option<Instant>,
    started: Option<Instant>,
    problem: Option<String>,
    /// It was in the log, so its end will be.
    complained: bool,
    last_event: f64,
    last_sync: f64,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    events: u64,
    watches: u64,
    skipped: u64,
    removed: u64,
    lists: BTreeMap<&'static str, u64>,
    failures: BTreeMap<&'static str, u64>,
}

impl Health {
    #[must_use]
    pub fn new(complain: Duration) -> Self {
        Self {
            rows: Mutex::default(),
            said: Mutex::default(),
            named: Mutex::default(),
            complain,
            programming: Programming::default(),
            calls: Arc::default(),
        }
    }

    /// What is waited for, for `/ready`; none if nothing is.
    #[must_use]
    pub fn waiting_for(&self) -> Option<String> {
        let rows = self.rows.lock();
        let waits = rows.iter().filter(|(_, row)| !row.synced).map(|(kind, row)| {
            let name = Resource::of(*kind).name;
            match &row.problem {
                Some(problem) => format!("{name}: {problem}"),
                None => format!("{name}: reading"),
            }
        });
        let waits: Vec<String> = waits.collect();
        (!waits.is_empty()).then(|| format!("zone: waiting for the Kubernetes API: {}", waits.join("; ")))
    }

    /// How fresh each resource is, for `/ready`, one a line.
    #[must_use]
    pub fn freshness(&self) -> Vec<String> {
        let now = clock::since_1970().as_secs_f64();
        self.rows
            .lock()
            .iter()
            .map(|(kind, row)| format!("{}: {}", Resource::of(*kind).name, row.freshness(now)))
            .collect()
    }

    pub fn report(&self, sink: &mut Sink) {
        let rows = self.rows.lock();
        let mut staleness = 0.0_f64;
        for (kind, row) in &*rows {
            let labels = [("resource", Resource::of(*kind).name)];
            let mut gauge = |metric, value| sink.gauge(metric, &labels, value);
            gauge(names::KUBE_OBJECTS, row.objects as f64);
            gauge(names::KUBE_WATCHING, f64::from(u8::from(row.watching)));
            gauge(names::KUBE_HELD, f64::from(u8::from(row.held)));
            gauge(names::KUBE_LAST_EVENT, row.last_event);
            gauge(names::KUBE_LAST_SYNC, row.last_sync);
            let counters = &row.counters;
            sink.count(names::KUBE_EVENTS, &labels, counters.events);
            sink.count(names::KUBE_WATCHES, &labels, counters.watches);
            sink.count(names::KUBE_SKIPPED, &labels, counters.skipped);
            sink.count(names::KUBE_RELIST_REMOVED, &labels, counters.removed);
            for (way, count) in &counters.lists {
                sink.count(names::KUBE_LISTS, &[labels[0], ("way", way)], *count);
            }
            for (reason, count) in &counters.failures {
                sink.count(names::KUBE_FAILURES, &[labels[0], ("reason", reason)], *count);
            }
            staleness = staleness.max(row.silent_for().as_secs_f64());
        }
        if !rows.is_empty() {
            sink.gauge(names::ZONE_STALENESS, &[], staleness);
        }
        self.programming.report(sink);
        self.calls.report(sink);
    }

    /// These are read from now on, and no others.
    pub(super) fn begin(&self, kinds: &[Kind]) {
        let mut rows = self.rows.lock();
        rows.retain(|kind, _| kinds.contains(kind));
        for kind in kinds {
            let row = rows.entry(*kind).or_default();
            row.started = Some(Instant::now());
            (row.synced, row.watching, row.problem) = (false, false, None);
        }
    }

    pub(super) fn opened(&self, kind: Kind) {
        let complained = self.with(kind, |row| {
            row.counters.watches += 1;
            row.watching = true;
            row.heard = Some(Instant::now());
            row.problem = None;
            std::mem::take(&mut row.complained)
        });
        if complained {
            tracing::info!(resource = Resource::of(kind).name, "watching the API server again");
        }
    }

    pub(super) fn event(&self, kind: Kind, is_object: bool, objects: usize) {
        let now = clock::since_1970().as_secs_f64();
        self.with(kind, |row| {
            row.counters.events += u64::from(is_object);
            row.objects = objects;
            row.last_event = now;
            row.heard = Some(Instant::now());
        });
    }

    pub(super) fn listed(&self, kind: Kind, way: &'static str, objects: usize, removed: usize, held: bool) {
        let now = clock::since_1970().as_secs_f64();
        self.with(kind, |row| {
            *row.counters.lists.entry(way).or_default() += 1;
            row.objects = objects;
            row.held = held;
            if !held {
                row.last_sync = now;
                row.counters.removed += removed as u64;
            }
        });
        let resource = Resource::of(kind).name;
        if held {
            tracing::error!(
                resource,
                objects,
                missing = removed,
                "a list takes most of the zone away: it is held back, and believed if the next one agrees"
            );
        } else {
            tracing::info!(resource, objects, removed, way, "listed");
        }
    }

    /// There is all of it, as far as it may be had.
    pub(super) fn synced(&self, kind: Kind) {
        self.with(kind, |row| row.synced = true);
    }

    pub(super) fn ended(&self, kind: Kind) {
        self.with(kind, |row| row.watching = false);
    }

    pub(super) fn failed(&self, kind: Kind, failure: &Failure) {
        let resource = Resource::of(kind);
        let text = failure.explain(resource);
        let silent_for = self.with(kind, |row| {
            *row.counters.failures.entry(failure.class()).or_default() += 1;
            row.watching = false;
            row.problem = Some(text.clone());
            row.silent_for()
        });
        if failure.is_routine() {
            tracing::debug!(resource = resource.name, "{text}");
            return;
        }
        // An API server that is away is away for all: one line says it.
        let of_all = matches!(failure, Failure::Unreachable(_) | Failure::Unconfigured(_));
        if self.due((Some(kind).filter(|_| !of_all), failure.class())) {
            self.with(kind, |row| row.complained = true);
            tracing::warn!(
                resource = resource.name,
                silent_for = silent_for.as_secs(),
                "{text}; the zone stays as it is"
            );
        }
    }

    pub(super) fn skipped(&self, kind: Kind, skipped: &Skipped) {
        self.with(kind, |row| row.counters.skipped += 1);
        let mut named = self.named.lock();
        let now = Instant::now();
        if named.0.is_none_or(|since| now.duration_since(since) >= self.complain) {
            *named = (Some(now), 0);
        }
        named.1 += 1;
        if named.1 <= NAMED {
            tracing::warn!(object = skipped.object, "ignored, wholly or in part: {}", skipped.reason);
        }
    }

    fn due(&self, what: (Option<Kind>, &'static str)) -> bool {
        let (mut said, now) = (self.said.lock(), Instant::now());
        if said.get(&what).is_some_and(|last| now.duration_since(*last) < self.complain) {
            return false;
        }
        said.insert(what, now);
        true
    }

    fn with<T>(&self, kind: Kind, change: impl FnOnce(&mut Row) -> T) -> T {
        change(self.rows.lock().entry(kind).or_default())
    }
}

impl Row {
    fn freshness(&self, now: f64) -> String {
        let ago = |since: f64| match since {
            0.0 => "never".to_owned(),
            since => format!("{:.0} s ago", (now - since).max(0.0)),
        };
        let watch = match (&self.problem, self.watching) {
            (_, true) => "watching".to_owned(),
            (None, false) => format!("no watch for {} s", self.silent_for().as_secs()),
            (Some(problem), false) => format!("no watch for {} s ({problem})", self.silent_for().as_secs()),
        };
        let held = if self.held { ", a list that takes most away is held back" } else { "" };
        let (event, sync) = (ago(self.last_event), ago(self.last_sync));
        format!("{} objects, {watch}, last event {event}, last list {sync}{held}", self.objects)
    }

    /// Since the last sign of life; an open watch is one.
    fn silent_for(&self) -> Duration {
        if self.watching {
            return Duration::ZERO;
        }
        self.heard.or(self.started).map_or(Duration::ZERO, |since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Registry;
    use std::sync::Arc;

    const MINUTE: Duration = Duration::from_secs(60);

    fn away() -> Failure {
        Failure::Unreachable("connection refused".into())
    }

    /// How many complaints there were since the last look.
    fn complained(health: &Health) -> usize {
        health.rows.lock().values_mut().map(|row| usize::from(std::mem::take(&mut row.complained))).sum()
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_away_for_a_day_is_complained_of_once_a_minute() {
        let health = Arc::new(Health::new(MINUTE));
        health.begin(&[Kind::Service, Kind::Slice]);
        health.opened(Kind::Service);
        health.opened(Kind::Slice);
        let mut complaints = 0;
        for _ in 0..24 * 60 * 20 {
            for kind in [Kind::Service, Kind::Slice] {
                health.failed(kind, &away());
            }
            complaints += complained(&health);
            tokio::time::advance(MINUTE / 20).await;
        }
        assert_eq!(complaints, 24 * 60, "one for both");
        let registry = Registry::new("1", false);
        let reported = Arc::clone(&health);
        registry.register_source(move |sink| reported.report(sink));
        let text = registry.encode();
        assert!(text.contains("interlocal_zone_staleness_seconds 86400"), "{text}");
        assert!(text.contains("{resource=\"services\",reason=\"unreachable\"} 28800"), "{text}");
        health.opened(Kind::Service);
        health.opened(Kind::Slice);
        assert!(registry.encode().contains("interlocal_zone_staleness_seconds 0"));
    }

    #[tokio::test(start_paused = true)]
    async fn how_fresh_it_is_is_said_with_what_is_wrong() {
        let health = Health::new(MINUTE);
        assert!(health.freshness().is_empty(), "manifests have no watch");
        health.begin(&[Kind::Namespace, Kind::Service]);
        health.listed(Kind::Service, "stream", 7, 0, false);
        health.opened(Kind::Service);
        health.event(Kind::Service, true, 8);
        tokio::time::advance(MINUTE).await;
        // The seconds are of the wall clock.
        let text = &health.freshness()[1];
        assert!(text.starts_with("services: 8 objects, watching, last event ") && text.ends_with(" s ago"), "{text}");
        health.failed(Kind::Service, &away());
        assert!(
            health.freshness()[1].starts_with("services: 8 objects, no watch for 60 s (cannot reach the API server: ")
        );
        assert_eq!(
            health.freshness()[0],
            "namespaces: 0 objects, no watch for 60 s, last event never, last list never"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_waited_for_is_said_with_the_reason() {
        let health = Health::new(MINUTE);
        assert_eq!(health.waiting_for(), None);
        health.begin(&[Kind::Namespace, Kind::Service, Kind::Slice]);
        health.synced(Kind::Namespace);
        health.failed(Kind::Slice, &away());
        assert_eq!(
            health.waiting_for().unwrap(),
            "zone: waiting for the Kubernetes API: services: reading; endpointslices: cannot reach the API server: \
             connection refused"
        );
        health.synced(Kind::Service);
        health.synced(Kind::Slice);
        assert_eq!(health.waiting_for(), None);
    }
}
