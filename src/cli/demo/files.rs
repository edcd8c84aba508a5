//! The demo's files: built in, and written to a folder of their own so that they can be edited while it runs; or the user's.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Every file of `config/demo`, by its path there.
macro_rules! built_in {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../config/demo/", $path)))),*]
    };
}

const FILES: &[(&str, &str)] = built_in![
    "peers.yaml",
    "central/interlocal.yaml",
    "central/manifests/busybox.yaml",
    "central/manifests/cluster.yaml",
    "central/manifests/services.yaml",
    "east/interlocal.yaml",
    "east/manifests/busybox.yaml",
    "east/manifests/cluster.yaml",
    "east/manifests/services.yaml",
    "west/interlocal.yaml",
    "west/manifests/busybox.yaml",
    "west/manifests/cluster.yaml",
    "west/manifests/services.yaml",
];

/// A folder laid out like `config/demo`; one that we made goes when the demo ends.
pub(super) struct Folder {
    path: PathBuf,
    ours: bool,
}

/// One region's part of it.
#[derive(Debug, Clone)]
pub(super) struct Region {
    pub label: String,
    pub config: PathBuf,
    pub manifests: PathBuf,
}

impl Folder {
    /// The given folder, or the built-in files in a new one.
    pub(super) fn open(dir: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(dir) = dir {
            return Ok(Self { path: dir.to_path_buf(), ours: false });
        }
        let path = std::env::temp_dir().join(format!("interlocal-demo-{}", std::process::id()));
        let folder = Self { path, ours: true };
        for (name, text) in FILES {
            let file = folder.path.join(name);
            let parent = file.parent().unwrap_or(&folder.path);
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
            fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Each folder with an `interlocal.yaml`, by name.
    pub(super) fn regions(&self) -> anyhow::Result<Vec<Region>> {
        let unreadable = || format!("cannot read {}", self.path.display());
        let mut regions = Vec::new();
        for entry in fs::read_dir(&self.path).with_context(unreadable)? {
            let folder = entry.with_context(unreadable)?.path();
            let config = folder.join("interlocal.yaml");
            let label = folder.file_name().map(|name| name.to_string_lossy().into_owned());
            if let (Some(label), true) = (label, config.is_file()) {
                regions.push(Region { label, config, manifests: folder.join("manifests") });
            }
        }
        regions.sort_by(|a, b| a.label.cmp(&b.label));
        anyhow::ensure!(regions.len() > 1, "{} has no two folders with an interlocal.yaml", self.path.display());
        Ok(regions)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_built_in() {
        fn list(folder: &Path, into: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").path()) {
                if entry.is_dir() { list(&entry, into) } else { into.push(entry) }
            }
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo");
        let mut found = Vec::new();
        list(&root, &mut found);
        let mut built_in: Vec<PathBuf> = FILES.iter().map(|(name, _)| root.join(name)).collect();
        found.sort();
        built_in.sort();
        assert_eq!(found, built_in);
    }

    #[test]
    fn the_built_in_files_are_written_and_taken_away() {
        let folder = Folder::open(None).expect("a temporary folder");
        let path = folder.path().to_path_buf();
        let labels: Vec<String> = folder.regions().expect("three").into_iter().map(|region| region.label).collect();
        assert_eq!(labels, ["central", "east", "west"]);
        drop(folder);
        assert!(!path.exists());
    }
}
