//! Manifests as a stream of changes: read at start, read again when somebody says that they changed.

use std::path::PathBuf;

use tokio::sync::mpsc;

use super::diff::{diff, whole};
use super::feed::Change;
use super::manifests::{self, Loaded};
use super::selection::Selection;
use crate::limits::Limits;
use crate::zone::Object;

/// Runs until `trigger` or `changes` is closed. Every load is told to `on_load`, whether anything changed or not. While the path
/// itself cannot be read, what was read before stays; if nothing ever was, the zone is not synced.
pub async fn run(
    path: PathBuf,
    limits: Limits,
    selection: Selection,
    mut trigger: mpsc::Receiver<()>,
    changes: mpsc::Sender<Change>,
    mut on_load: impl FnMut(&Loaded) + Send,
) {
    let mut current: Vec<Object> = Vec::new();
    let mut hash = None;
    loop {
        let (path, limits, selection) = (path.clone(), limits.clone(), selection.clone());
        // A load that panics is a load that read nothing.
        let load = move || manifests::load(&path, &limits, &selection);
        let loaded = tokio::task::spawn_blocking(load).await.unwrap_or_default();
        on_load(&loaded);
        if loaded.readable && hash != Some(loaded.hash) {
            let first = hash.replace(loaded.hash).is_none();
            // There may have been another source before this one.
            let events = if first { whole(&loaded.objects) } else { diff(&current, &loaded.objects) };
            current = loaded.objects;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Event;
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
        tokio::spawn(run(path, Limits::default(), Selection::default(), triggered, sender, move |loaded| {
            told.send(loaded.readable).unwrap();
        }));
        Source { folder, trigger, changes, loads }
    }

    impl Source {
        async fn rewrite(&self, text: &str) {
            // As a whole, as whoever triggers a load has made sure.
            let written = self.folder.path().join("new");
            fs::write(&written, text).unwrap();
            fs::rename(written, self.folder.path().join("all.yaml")).unwrap();
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
