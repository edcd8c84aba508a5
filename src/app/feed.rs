//! The zone's source and the task that builds snapshots from it, started together.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::config::{Config, KubernetesConfig, KubernetesSource, PodMode};
use crate::kube::api::{self, Health, Settings, Target};
use crate::kube::feed::{self, Change};
use crate::kube::manifest_source;
use crate::kube::manifests::Loaded;
use crate::limits::Limits;
use crate::metrics::{Registry, names};
use crate::publish::Published;
use crate::ready::{Pending, Ready};
use crate::zone::{Builder, Snapshot, ZoneSettings};

/// Asks the source to read again; more than one such wish is one wish.
const WISHES: usize = 1;
/// How often `/ready` is told what the API source waits for.
const SAY_EVERY: Duration = Duration::from_millis(250);

/// What the instance waits for, until it has come.
type Waiting = Arc<Mutex<Option<Pending>>>;

/// The source of the zone. Dropping it ends its tasks.
pub(super) struct Feed {
    changes: mpsc::Sender<Change>,
    metrics: Arc<Registry>,
    health: Arc<Health>,
    settings: Settings,
    source: Option<Source>,
    tasks: Vec<AbortHandle>,
}

enum Source {
    Manifests { path: PathBuf, bytes: u64, reread: mpsc::Sender<()>, task: AbortHandle },
    Api { target: Target, pods: bool, _running: api::Source },
}

impl Feed {
    /// Starts reading. The instance is not ready before the zone has been read once.
    pub(super) fn start(
        config: &Config,
        settings: ZoneSettings,
        zone: Arc<Published<Snapshot>>,
        ready: &Ready,
        metrics: &Arc<Registry>,
    ) -> Self {
        let (changes, received) = feed::channel();
        let api = Settings::default();
        let health = Arc::new(Health::new(api.complain));
        let waiting: Waiting = Arc::new(Mutex::new(Some(ready.task(waiting_for(&config.kubernetes.source)))));
        let come = Arc::clone(&waiting);
        let built = feed::run(Builder::new(settings), received, zone, move || drop(come.lock().take()));
        let tasks =
            vec![tokio::spawn(built).abort_handle(), tokio::spawn(say(Arc::clone(&health), waiting)).abort_handle()];
        let reported = Arc::downgrade(&health);
        metrics.register_source(move |sink| {
            if let Some(health) = reported.upgrade() {
                health.report(sink);
            }
        });
        let said = Arc::downgrade(&health);
        ready.note(move || said.upgrade().map_or_else(Vec::new, |health| health.freshness()));
        let mut feed = Self { changes, metrics: Arc::clone(metrics), health, settings: api, source: None, tasks };
        feed.read_from(&config.kubernetes, &config.limits);
        feed
    }

    /// Reads the source again; the API tells by itself.
    pub(super) fn reread(&self) {
        if let Some(Source::Manifests { reread, .. }) = &self.source {
            // A full channel is a wish that is already there.
            let _ = reread.try_send(());
        }
    }

    /// What a reload may have changed: how the zone is served, and where it comes from.
    pub(super) async fn reconfigure(&mut self, config: &Config, settings: ZoneSettings) {
        // The feed's task lives as long as we do.
        let _ = self.changes.send(Change::Reconfigure(settings)).await;
        self.read_from(&config.kubernetes, &config.limits);
    }

    fn read_from(&mut self, config: &KubernetesConfig, limits: &Limits) {
        let target = match &config.source {
            KubernetesSource::Manifests(path) => return self.read_manifests(path.clone(), limits),
            KubernetesSource::Api => Target::Here,
            KubernetesSource::Url(url) => Target::Url(url.clone()),
        };
        let pods = config.pods == PodMode::Verified;
        let same = |old: &Source| matches!(old, Source::Api { target: t, pods: p, .. } if *t == target && *p == pods);
        if self.source.as_ref().is_some_and(same) {
            return;
        }
        // The old one first: two would tell of one zone in turns.
        self.source = None;
        let running = api::Source::start(target.clone(), pods, &self.settings, &self.changes, &self.health);
        self.source = Some(Source::Api { target, pods, _running: running });
    }

    fn read_manifests(&mut self, path: PathBuf, limits: &Limits) {
        let bytes = limits.manifest_bytes;
        let same =
            |old: &Source| matches!(old, Source::Manifests { path: p, bytes: b, .. } if *p == path && *b == bytes);
        if self.source.as_ref().is_some_and(same) {
            return;
        }
        // The old one first: two would tell of one zone in turns.
        self.source = None;
        let (reread, rereads) = mpsc::channel(WISHES);
        let metrics = Arc::clone(&self.metrics);
        let task = manifest_source::run(path.clone(), limits.clone(), rereads, self.changes.clone(), move |loaded| {
            report(loaded, &metrics);
        });
        let task = tokio::spawn(task).abort_handle();
        self.source = Some(Source::Manifests { path, bytes, reread, task });
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Self::Manifests { task, .. } = self {
            task.abort();
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Keeps `/ready` informed, until there is nothing more to wait for.
async fn say(health: Arc<Health>, waiting: Waiting) {
    loop {
        tokio::time::sleep(SAY_EVERY).await;
        let waiting = waiting.lock();
        let Some(pending) = &*waiting else { return };
        if let Some(text) = health.waiting_for() {
            pending.say(text);
        }
    }
}

fn waiting_for(source: &KubernetesSource) -> String {
    match source {
        KubernetesSource::Api | KubernetesSource::Url(_) => "zone: waiting for the Kubernetes API".to_owned(),
        KubernetesSource::Manifests(path) => format!("zone: waiting for manifests in {}", path.display()),
    }
}

fn report(loaded: &Loaded, metrics: &Registry) {
    for problem in &loaded.problems {
        tracing::error!("{problem}");
    }
    if loaded.more_problems > 0 {
        tracing::error!("and {} more problems of manifests", loaded.more_problems);
    }
    metrics.set(names::ZONE_BROKEN, &[], (loaded.problems.len() + loaded.more_problems) as f64);
}
