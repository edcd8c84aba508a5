//! A Corefile from the disk: the files, folders and variables that its reader asks for. What they mean is for the reader.

use std::io;
use std::path::Path;

use super::text;
use crate::config::corefile::{self, Attempt, Corefile, Inputs};
use crate::config::{Overrides, Parsed, Problem};
use crate::limits::Limits;

/// Names in one folder that are looked at: more is no folder of imports.
const MOST_NAMES: usize = 10_000;

struct Disk<'a> {
    limits: &'a Limits,
}

/// Reads a Corefile with its imports.
///
/// # Errors
/// All that is wrong with it.
pub fn parse(file: &Path, limits: &Limits, overrides: &Overrides) -> Result<Parsed<Corefile>, Vec<Problem>> {
    corefile::parse(file, &Disk { limits }, overrides)
}

/// The same, as far as it can be understood.
#[must_use]
pub fn attempt(file: &Path, limits: &Limits, overrides: &Overrides) -> Attempt {
    corefile::attempt(file, &Disk { limits }, overrides)
}

impl Inputs for Disk<'_> {
    fn read(&self, file: &Path) -> io::Result<String> {
        text::config(file, self.limits)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let entries = std::fs::read_dir(folder)?.take(MOST_NAMES);
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.collect())
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}
