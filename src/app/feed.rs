//! The zone's source and the task that builds snapshots from it, started together.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::config::{Config, KubernetesSource};
use crate::kube::Selection;
use crate::kube::api::{self, Health, Settings, Target};
use crate::kube::diff;
use crate::kube::feed::{self, Change};
use crate::kube::manifest_source;
use crate::kube::manifests::Loaded;
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
    source: Option<Source>,
    tasks: Vec<AbortHandle>,
}

/// A source, and what it was started with: another one of that is another source.
enum Source {
    Manifests { path: PathBuf, bytes: u64, selection: Selection, reread: mpsc::Sender<()>, task: AbortHandle },
    Nothing(AbortHandle),
    Api { target: Target, settings: Box<Settings>, selection: Selection, _running: api::Source },
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
        let health = Arc::new(Health::new(Settings::default().complain));
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
        let mut feed = Self { changes, metrics: Arc::clone(metrics), health, source: None, tasks };
        feed.read_from(config);
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
        self.read_from(config);
    }

    fn read_from(&mut self, config: &Config) {
        let source = &config.kubernetes.source;
        let target = match (source, Target::of(source)) {
            (KubernetesSource::Manifests(path), _) => return self.read_manifests(path.clone(), config),
            (_, Some(target)) => target,
            (_, None) => return self.read_nothing(),
        };
        let (selection, settings) = (Selection::of(config), Box::new(Settings::of(&config.limits)));
        let same = |old: &Source| match old {
            Source::Api { target: t, settings: s, selection: w, .. } => (t, s, w) == (&target, &settings, &selection),
            Source::Manifests { .. } | Source::Nothing(_) => false,
        };
        if self.source.as_ref().is_some_and(same) {
            return;
        }
        // The old one first: two would tell of one zone in turns.
        self.source = None;
        let running = api::Source::start(target.clone(), &selection, &settings, &self.changes, &self.health);
        self.source = Some(Source::Api { target, settings, selection, _running: running });
    }

    /// The zone of no cluster is known at once: it is empty.
    fn read_nothing(&mut self) {
        if matches!(self.source, Some(Source::Nothing(_))) {
            return;
        }
        self.source = None;
        let changes = self.changes.clone();
        let told = tokio::spawn(async move {
            // The task that takes them lives as long as we do.
            let _ = changes.send(Change::Events(diff::whole(&[]))).await;
            let _ = changes.send(Change::Synced).await;
        });
        self.source = Some(Source::Nothing(told.abort_handle()));
    }

    fn read_manifests(&mut self, path: PathBuf, config: &Config) {
        let limits = &config.limits;
        let (bytes, selection) = (limits.manifest_bytes, Selection::of(config));
        let same = |old: &Source| match old {
            Source::Manifests { path: p, bytes: b, selection: w, .. } => (p, b, w) == (&path, &bytes, &selection),
            Source::Api { .. } | Source::Nothing(_) => false,
        };
        if self.source.as_ref().is_some_and(same) {
            return;
        }
        // The old one first: two would tell of one zone in turns.
        self.source = None;
        let (reread, rereads) = mpsc::channel(WISHES);
        let (metrics, changes) = (Arc::clone(&self.metrics), self.changes.clone());
        let told = move |loaded: &Loaded| report(loaded, &metrics);
        let task = manifest_source::run(path.clone(), limits.clone(), selection.clone(), rereads, changes, told);
        let task = tokio::spawn(task).abort_handle();
        self.source = Some(Source::Manifests { path, bytes, selection, reread, task });
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        match self {
            Self::Manifests { task, .. } | Self::Nothing(task) => task.abort(),
            Self::Api { .. } => {}
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
        KubernetesSource::Api
        | KubernetesSource::Url(_)
        | KubernetesSource::Certified { .. }
        | KubernetesSource::Kubeconfig { .. } => "zone: waiting for the Kubernetes API".to_owned(),
        KubernetesSource::None => "zone: a moment".to_owned(),
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
