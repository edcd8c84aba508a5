//! Which folders the system is asked to watch for a set of paths, and the asking. Nothing else knows the `notify` crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::log::{Every, every};

/// Folders under watch, with what they were when that began: a folder that was deleted and made anew is another.
pub(super) struct Folders {
    /// None: the system does not give events, and polling has to do.
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, Option<Identity>>,
    limit: Every,
}

type Identity = (u64, u64);

impl Folders {
    pub(super) fn new(on_event: impl Fn() + Send + 'static) -> Self {
        let handler = move |event: notify::Result<Event>| {
            // An error may stand for lost events.
            if event.is_ok_and(|event| is_read(event.kind)) {
                return;
            }
            on_event();
        };
        let watcher = notify::recommended_watcher(handler)
            .inspect_err(|error| tracing::warn!(%error, "no events for files; polling finds changes later"))
            .ok();
        Self { watcher, ..Self::polled() }
    }

    /// Asks for no events.
    pub(super) fn polled() -> Self {
        Self { watcher: None, watched: BTreeMap::new(), limit: every(Duration::from_secs(600)) }
    }

    /// Watches what these paths need now, and nothing else. True: a folder is new, and what it holds is not known yet.
    pub(super) fn watch<P: AsRef<Path>>(&mut self, paths: impl IntoIterator<Item = P>) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        let wanted: BTreeSet<PathBuf> = paths.into_iter().flat_map(|path| needed(path.as_ref())).collect();
        self.watched.retain(|folder, identity| {
            let keep = wanted.contains(folder) && identity.is_some() && *identity == identity_of(folder);
            if !keep {
                // A folder that is gone takes its watch with it.
                let _ = watcher.unwatch(folder);
            }
            keep
        });
        let mut any_new = false;
        for folder in wanted {
            if self.watched.contains_key(&folder) {
                continue;
            }
            let identity = identity_of(&folder);
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(folder, identity);
                    any_new = true;
                }
                Err(error) => {
                    if self.limit.due(crate::clock::now()).is_some() {
                        tracing::warn!(folder = %folder.display(), %error, "folder cannot be watched; polling finds changes later");
                    }
                }
            }
        }
        any_new
    }
}

/// Reading files makes events too, our own reading among them.
fn is_read(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

/// The folder that the path lies in, the path itself if it is a folder, and the same for the place that it leads to. What does
/// not exist yet will be made in the nearest folder that does.
fn needed(path: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let target = path.canonicalize().ok();
    let places = [Some(path.to_path_buf()), target];
    places.into_iter().flatten().flat_map(|place| {
        let inside = place.is_dir().then(|| place.clone());
        [existing_parent(&place), inside].into_iter().flatten()
    })
}

fn existing_parent(path: &Path) -> Option<PathBuf> {
    path.ancestors().skip(1).find_map(|folder| {
        // The parent of a bare file name is empty, and means here.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        folder.is_dir().then(|| folder.to_path_buf())
    })
}

#[cfg(unix)]
fn identity_of(folder: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let meta = folder.metadata().ok()?;
    Some((meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn identity_of(folder: &Path) -> Option<Identity> {
    folder.is_dir().then_some((0, 0))
}
