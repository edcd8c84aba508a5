//! Watches files and says when what is in them changed. It does not read them for anybody: whoever is told parses, and keeps
//! the last good value if that fails.
//!
//! Any event in a folder on the way to a file makes it compare contents, so that it does not matter how an editor, `kubectl cp`
//! or the kubelet replaces a file. What the system does not tell, a poll finds.

mod content;
mod folders;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use content::Content;
use folders::Folders;

/// One change comes as several events; a short wait makes them one look.
const SETTLE: Duration = Duration::from_millis(20);
/// Looks at files that change at each of them; then it is told all the same.
const LOOKS: usize = 20;
/// Files that changed and whose reader is behind; more are told as soon as it has caught up.
const BACKLOG: usize = 16;

/// Folders that may come into being one inside the other during one look.
const MAX_DEPTH: usize = 16;

/// A file or a folder is not what it was: edited, replaced, made or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// As it was given.
    pub path: PathBuf,
}

/// Watches until it is dropped.
pub struct Watcher {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    orders: Mutex<Orders>,
    wake: Notify,
}

/// What the task is to do when it wakes.
#[derive(Default)]
struct Orders {
    paths: Option<Vec<PathBuf>>,
    all: bool,
}

impl Watcher {
    /// Each path is a file or a folder; a folder stands for the files that lie in it. What is there now is what later
    /// contents are compared with, so make the watcher first and read the files then: no edit falls in between. Reads
    /// the files, and needs a tokio runtime.
    #[must_use]
    pub fn new(paths: Vec<PathBuf>, poll: Duration) -> (Self, mpsc::Receiver<Changed>) {
        let shared = Arc::new(Shared { orders: Mutex::default(), wake: Notify::new() });
        let waker = Arc::clone(&shared);
        let folders = Folders::new(move || waker.wake.notify_one());
        Self::start(shared, folders, paths, poll)
    }

    /// Compares at once, and tells of every path whether it changed or not: for SIGHUP.
    pub fn poke(&self) {
        self.shared.orders.lock().all = true;
        self.shared.wake.notify_one();
    }

    /// Watches these from now on. Paths that were not watched before are told once, since nobody knows what was read of them.
    pub fn set_paths(&self, paths: Vec<PathBuf>) {
        self.shared.orders.lock().paths = Some(paths);
        self.shared.wake.notify_one();
    }

    fn start(
        shared: Arc<Shared>,
        folders: Folders,
        paths: Vec<PathBuf>,
        poll: Duration,
    ) -> (Self, mpsc::Receiver<Changed>) {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let mut look = Look { folders, contents: BTreeMap::new() };
        look.compare(Orders { paths: Some(paths), all: false });
        let task = tokio::spawn(run(Arc::clone(&shared), look, poll, sender));
        (Self { shared, task }, receiver)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is known of the files.
struct Look {
    folders: Folders,
    /// None: not looked at yet.
    contents: BTreeMap<PathBuf, Option<Content>>,
}

impl Look {
    /// Looks at every file, and gives the paths to tell of.
    fn compare(&mut self, orders: Orders) -> Vec<PathBuf> {
        if let Some(paths) = orders.paths {
            let mut old = std::mem::take(&mut self.contents);
            self.contents = paths.into_iter().map(|path| (path.clone(), old.remove(&path).flatten())).collect();
        }
        // Watched first and read then, so that no edit falls in between. A folder that is made meanwhile is one more to watch.
        for _attempt in 0..MAX_DEPTH {
            if !self.folders.watch(self.contents.keys()) {
                break;
            }
        }
        let mut changed = Vec::new();
        for (path, known) in &mut self.contents {
            let found = Some(Content::of(path));
            if *known != found || orders.all {
                changed.push(path.clone());
            }
            *known = found;
        }
        changed
    }
}

async fn run(shared: Arc<Shared>, mut look: Look, poll: Duration, sender: mpsc::Sender<Changed>) {
    let mut next = Instant::now() + poll;
    loop {
        tokio::select! {
            () = shared.wake.notified() => tokio::time::sleep(SETTLE).await,
            () = tokio::time::sleep_until(next) => {}
        }
        next = Instant::now() + poll;
        let mut changed = BTreeSet::new();
        // A file that is being written in place is empty, or half there, for a moment, and half a file may be a valid one: it is
        // told when two looks agree.
        for _look in 0..LOOKS {
            let orders = std::mem::take(&mut *shared.orders.lock());
            let compared = tokio::task::spawn_blocking(move || {
                let changed = look.compare(orders);
                (look, changed)
            });
            // It ends otherwise only with the runtime.
            let Ok((back, found)) = compared.await else { return };
            look = back;
            if found.is_empty() {
                break;
            }
            changed.extend(found);
            tokio::time::sleep(SETTLE).await;
        }
        for path in changed {
            if sender.send(Changed { path }).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
