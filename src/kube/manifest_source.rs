//! Manifests as a stream of changes: read at start, read again when somebody says that they changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;

use super::diff::{diff, whole};
use super::feed::Change;
use super::manifests::{self, Loaded};
use crate::limits::Limits;
use crate::zone::{Event, Object};

/// Between two looks at files in which something is missing.
const SETTLE: Duration = Duration::from_millis(50);
/// Looks at files that never stop changing; what the last one saw is taken.
const LOOKS: usize = 20;

/// Runs until `trigger` or `changes` is closed. Every load is told to `on_load`, whether anything changed or not. While the path
/// itself cannot be read, what was read before stays; if nothing ever was, the zone is not synced.
pub async fn run(
    path: PathBuf,
    limits: Limits,
    mut trigger: mpsc::Receiver<()>,
    changes: mpsc::Sender<Change>,
    mut on_load: impl FnMut(&Loaded) + Send,
) {
    let mut current: Vec<Object> = Vec::new();
    let mut hash = None;
    loop {
        let mut loaded = load(&path, &limits).await;
        let mut events = diff(&current, &loaded.objects);
        // A file that is being written is empty or half there for a moment: what is gone is looked for twice.
        for _ in 0..LOOKS {
            if !loaded.readable || !events.iter().any(|event| matches!(event, Event::Delete(_))) {
                break;
            }
            let seen = loaded.hash;
            tokio::time::sleep(SETTLE).await;
            loaded = load(&path, &limits).await;
            events = diff(&current, &loaded.objects);
            if loaded.hash == seen {
                break;
            }
        }
        on_load(&loaded);
        if loaded.readable && hash != Some(loaded.hash) {
            current = loaded.objects;
            let first = hash.replace(loaded.hash).is_none();
            if first {
                // There may have been another source before this one.
                events = whole(&current);
            }
            if changes.send(Change::Events(events)).await.is_err() {
                return;
            }
            if first && changes.send(Change::Synced).await.is_err() {
                return;
            }
        }
        if trigger.recv().await.is_none() {
            return;
        }
        // Several files of one change are one load.
        while trigger.try_recv().is_ok() {}
    }
}

async fn load(path: &Path, limits: &Limits) -> Loaded {
    let (path, limits) = (path.to_path_buf(), limits.clone());
    // A load that panics is a load that read nothing.
    tokio::task::spawn_blocking(move || manifests::load(&path, &limits)).await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    struct Source {
        folder: tempfile::TempDir,
        trigger: mpsc::Sender<()>,
        changes: mpsc::Receiver<Change>,
        loads: mpsc::UnboundedReceiver<bool>,
    }

    fn start(text: Option<&str>) -> Source {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.yaml");
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        let (trigger, triggered) = mpsc::channel(1);
        let (sender, changes) = mpsc::channel(8);
        let (told, loads) = mpsc::unbounded_channel();
        tokio::spawn(run(path, Limits::default(), triggered, sender, move |loaded| {
            told.send(loaded.readable).unwrap();
        }));
        Source { folder, trigger, changes, loads }
    }

    impl Source {
        async fn rewrite(&self, text: &str) {
            fs::write(self.folder.path().join("all.yaml"), text).unwrap();
            self.trigger.send(()).await.unwrap();
        }

        async fn events(&mut self) -> Vec<String> {
            let Some(Change::Events(events)) = self.changes.recv().await else { panic!("events") };
            let described = events.iter().flat_map(|event| match event {
                Event::Apply(object) => vec![format!("+{}", object.key())],
                Event::Delete(key) => vec![format!("-{key}")],
                Event::Replace(_, objects) => objects.iter().map(|object| format!("={}", object.key())).collect(),
            });
            described.collect()
        }
    }

    const A: &str = "kind: Namespace\nmetadata: {name: a}\n";
    const B: &str = "kind: Namespace\nmetadata: {name: b}\n";

    #[tokio::test]
    async fn a_reload_tells_what_is_different() {
        let mut source = start(Some(A));
        assert_eq!(source.events().await, ["=Namespace a"]);
        assert!(matches!(source.changes.recv().await, Some(Change::Synced)));
        source.rewrite(A).await;
        source.rewrite(&format!("{A}---\n{B}")).await;
        assert_eq!(source.events().await, ["+Namespace b"], "equal text tells nothing");
        source.rewrite(B).await;
        assert_eq!(source.events().await, ["-Namespace a"]);
    }

    #[tokio::test]
    async fn a_path_that_went_away_changes_nothing() {
        let mut source = start(None);
        assert_eq!(source.loads.recv().await, Some(false), "nothing there: not synced");
        source.rewrite(A).await;
        assert_eq!(source.events().await, ["=Namespace a"]);
        assert!(matches!(source.changes.recv().await, Some(Change::Synced)));
        fs::remove_file(source.folder.path().join("all.yaml")).unwrap();
        source.trigger.send(()).await.unwrap();
        source.loads.recv().await;
        assert_eq!(source.loads.recv().await, Some(false));
        source.rewrite(&format!("{A}---\n{B}")).await;
        assert_eq!(source.events().await, ["+Namespace b"], "what was read before stayed");
    }
}
