//! The configuration that an instance works with, as a whole file for people. A file that says something else by now is not shown as
//! if it were in use.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use super::{Adjust, FileKind, corefile, text};
use crate::config::corefile::write;
use crate::config::whole::whole;
use crate::config::{Config, Overrides, UnknownKeys, file};
use crate::server::core::Core;

/// What it was read from, and what wins over that.
pub(super) struct Origin {
    pub file: Option<PathBuf>,
    pub kind: FileKind,
    pub overrides: Overrides,
    pub adjust: Option<Arc<dyn Adjust>>,
}

impl Origin {
    /// Every key with its value.
    ///
    /// # Errors
    /// In words, if the file says something else than what is in use.
    pub(super) fn show(&self, core: &Weak<Core>) -> Result<String, String> {
        let core = core.upgrade().ok_or("stopping")?;
        let used = Arc::clone(&core.routing.load().config);
        let Some(path) = &self.file else {
            return whole("").map(|page| self.head("no file, all defaults") + &page).ok_or_else(String::new);
        };
        let (mut config, text) = self.read(path, &used)?;
        if let Some(adjust) = &self.adjust {
            adjust.config(&mut config);
        }
        if config != *used {
            let why = "says something else than what is in use: it waits for a restart, or for its reload";
            return Err(format!("{} {why}", path.display()));
        }
        whole(&text).map(|page| self.head(&path.display().to_string()) + &page).ok_or_else(|| "no mapping".to_owned())
    }

    /// The file now, and its text as `interlocal.yaml`.
    fn read(&self, path: &Path, used: &Config) -> Result<(Config, String), String> {
        let wrong = || format!("{} is wrong by now, and what was read before is in use", path.display());
        if matches!(self.kind, FileKind::Corefile(_)) {
            let read = corefile::parse(path, &used.limits, &self.overrides).map_err(|_| wrong())?.value;
            let written = write::files(&read.config, &read.notes, &path.display().to_string());
            return Ok((read.config, written.config));
        }
        let text =
            text::config(path, &used.limits).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let parsed = file::parse(&text, path, UnknownKeys::Warn, &self.overrides).map_err(|_| wrong())?;
        Ok((parsed.value, text))
    }

    /// Where it is from, and what does not stand in the file.
    fn head(&self, from: &str) -> String {
        let mut head = format!("# In use: {from}\n");
        let over = &self.overrides;
        let said = [
            ("region", over.region.clone()),
            ("listen", over.listen.as_ref().map(|listen| listen.join(","))),
            ("manifests", over.manifests.as_ref().map(|path| path.display().to_string())),
            ("workers", over.workers.clone()),
            ("plain sockets", over.plain_sockets.then(|| "yes".to_owned())),
        ];
        for (name, value) in said {
            if let Some(value) = value {
                // Writing to a text does not fail.
                let _ = writeln!(head, "# A flag or variable wins over the file: {name} {value}");
            }
        }
        head
    }
}
