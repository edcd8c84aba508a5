//! The zone's source and the task that builds snapshots from it, started together.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::config::{Config, KubernetesSource};
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

/// The source of the zone. Dropping it ends its tasks.
pub(super) struct Feed {
    changes: mpsc::Sender<Change>,
    metrics: Arc<Registry>,
    source: Option<Source>,
    builder: AbortHandle,
}

struct Source {
    path: PathBuf,
    reread: mpsc::Sender<()>,
    task: AbortHandle,
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
        let pending = ready.task(waiting_for(&config.kubernetes.source));
        let builder = tokio::spawn(feed::run(Builder::new(settings), received, zone, move || Pending::done(pending)));
        let mut feed = Self { changes, metrics: Arc::clone(metrics), source: None, builder: builder.abort_handle() };
        feed.read_from(&config.kubernetes.source, &config.limits);
        feed
    }

    /// Reads the source again.
    pub(super) fn reread(&self) {
        if let Some(source) = &self.source {
            // A full channel is a wish that is already there.
            let _ = source.reread.try_send(());
        }
    }

    /// What a reload may have changed: how the zone is served, and where it comes from.
    pub(super) async fn reconfigure(&mut self, config: &Config, settings: ZoneSettings) {
        // The feed's task lives as long as we do.
        let _ = self.changes.send(Change::Reconfigure(settings)).await;
        self.read_from(&config.kubernetes.source, &config.limits);
    }

    fn read_from(&mut self, source: &KubernetesSource, limits: &Limits) {
        let path = match source {
            KubernetesSource::Manifests(path) => path.clone(),
            KubernetesSource::Api => {
                tracing::error!(
                    "kubernetes.source `api` is not there yet: give a manifest file or folder with --manifests; \
                     until then the cluster's own names are answered with SERVFAIL"
                );
                return;
            }
        };
        if self.source.as_ref().is_some_and(|old| old.path == path) {
            return;
        }
        if let Some(old) = self.source.take() {
            old.task.abort();
        }
        let (reread, rereads) = mpsc::channel(WISHES);
        let metrics = Arc::clone(&self.metrics);
        let task = manifest_source::run(path.clone(), limits.clone(), rereads, self.changes.clone(), move |loaded| {
            report(loaded, &metrics);
        });
        let task = tokio::spawn(task).abort_handle();
        self.source = Some(Source { path, reread, task });
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.builder.abort();
        if let Some(source) = &self.source {
            source.task.abort();
        }
    }
}

fn waiting_for(source: &KubernetesSource) -> String {
    match source {
        KubernetesSource::Api => "zone: waiting for the Kubernetes API".to_owned(),
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
