//! The Kubernetes API as a stream of changes: each resource is listed and watched by a task of its own. Only this folder
//! knows the `kube` crates, and only `access` what they are. Its watcher is not used: one odd object would end its stream, it
//! knows no `Retry-After`, and it lists anew where we go on.

mod access;
mod backoff;
mod calls;
mod failure;
mod guard;
mod health;
mod lines;
mod listing;
mod message;
mod programming;
mod resource;
pub mod rights;
mod served;
mod settings;
mod single;
mod sync;
mod watcher;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub use access::Target;
pub use health::Health;
pub use settings::Settings;
pub use single::{Object, Single, Told};

use access::Access;
use resource::Resource;
use sync::Sync;
use watcher::Watcher;

use super::Selection;
use super::feed::Change;
use crate::zone::Event;
use crate::zone::object::Kind;

/// Before a task that panicked begins anew.
const AFTER_PANIC: Duration = Duration::from_secs(1);

/// A running source. Dropping it ends its tasks.
pub struct Source {
    _tasks: JoinSet<()>,
}

impl Source {
    /// Starts reading what of the cluster is to be served. Must be called inside a tokio runtime.
    #[must_use]
    pub fn start(
        target: Target,
        selection: &Selection,
        settings: &Settings,
        changes: &mpsc::Sender<Change>,
        health: &Arc<Health>,
    ) -> Self {
        let kinds = selection.kinds();
        health.begin(&kinds);
        let selection = Arc::new(selection.clone());
        let access = Arc::new(Access::new(target, settings.clone(), Arc::clone(&selection), Arc::clone(&health.calls)));
        let sync = Arc::new(Sync::new(&kinds));
        let mut tasks = JoinSet::new();
        for kind in &kinds {
            let (settings, changes, access) = (settings.clone(), changes.clone(), Arc::clone(&access));
            let (health, sync, resource) = (Arc::clone(health), Arc::clone(&sync), Resource::of(*kind));
            let selection = Arc::clone(&selection);
            let begin = move || {
                let (settings, changes, access) = (settings.clone(), changes.clone(), Arc::clone(&access));
                let (selection, health, sync) = (Arc::clone(&selection), Arc::clone(&health), Arc::clone(&sync));
                Watcher::new(resource, settings, selection, access, changes, health, sync).run()
            };
            tasks.spawn(supervise(begin, resource.name));
        }
        for kind in [Kind::Slice, Kind::Pod].into_iter().filter(|kind| !kinds.contains(kind)) {
            let changes = changes.clone();
            // What an earlier source may have left.
            tasks.spawn(async move { drop(changes.send(Change::Event(Event::Replace(kind, Vec::new()))).await) });
        }
        Self { _tasks: tasks }
    }
}

/// A watch that panics begins anew: one that silently stopped would be worse.
async fn supervise<F: Future<Output = ()> + Send + 'static>(begin: impl Fn() -> F, resource: &'static str) {
    loop {
        // It ends with us, and its panic stays its own.
        let mut task = JoinSet::new();
        task.spawn(begin());
        match task.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                tracing::error!(resource, "the watch panicked and begins anew");
                tokio::time::sleep(AFTER_PANIC).await;
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_panics_begins_anew() {
        let begun = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&begun);
        let begin = move || {
            let round = count.fetch_add(1, Relaxed);
            async move { assert!(round == 2, "round {round}") }
        };
        supervise(begin, "services").await;
        assert_eq!(begun.load(Relaxed), 3);
    }
}
