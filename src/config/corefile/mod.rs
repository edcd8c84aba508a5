//! A Corefile, CoreDNS's configuration, to the same [`Config`] as `interlocal.yaml` gives: words, blocks, one file a
//! plugin, and what they come to together. What would change answers and is not understood is refused. It reads no
//! file: whoever calls it lends it [`Inputs`].

mod assemble;
mod directive;
mod duration;
mod expand;
mod key;
mod lexer;
mod plugins;
mod sources;
mod variables;
pub mod write;

use std::io;
use std::path::{Path, PathBuf};

use super::error::{Fault, Parsed, Problem};
use super::{Config, Overrides};

pub use plugins::directives;
pub use sources::Note;

/// What a Corefile is read from: itself and what it imports, and the environment.
pub trait Inputs {
    /// # Errors
    /// If it cannot be read.
    fn read(&self, file: &Path) -> io::Result<String>;

    /// The names of what lies in a folder.
    ///
    /// # Errors
    /// If it cannot be read.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;
}

/// A Corefile that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Corefile {
    pub config: Config,
    /// What its directives became.
    pub notes: Vec<Note>,
    /// The file, its imports, and the folders of patterns: whatever changes of these, changes it.
    pub read: Vec<PathBuf>,
}

/// What can be made of a Corefile, and all that is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Without what is wrong; none if nothing is left.
    pub corefile: Option<Corefile>,
    pub errors: Vec<Problem>,
    pub warnings: Vec<Problem>,
}

/// Reads a Corefile as far as it can be understood. Flags and variables win over it, as they do over `interlocal.yaml`.
#[must_use]
pub fn attempt(file: &Path, inputs: &dyn Inputs, overrides: &Overrides) -> Attempt {
    let sources = sources::Sources::default();
    let text = match inputs.read(file) {
        Ok(text) => text,
        Err(error) => {
            let problem = Fault::new(format!("cannot be read: {error}")).of(&file.display().to_string());
            return Attempt { corefile: None, errors: vec![problem], warnings: Vec::new() };
        }
    };
    let source = sources.add(file, &text);
    sources.watch(file.to_path_buf());
    let written = expand::blocks(source, &text, inputs, &sources);
    let blocks: Vec<plugins::Block> = written.iter().map(|block| plugins::block(block, &sources)).collect();
    let config = assemble::config(&blocks, overrides, &sources);
    let finished = sources.finish();
    let corefile = config.map(|config| Corefile { config, notes: finished.notes, read: finished.watched });
    Attempt { corefile, errors: finished.errors, warnings: finished.warnings }
}

/// Reads a Corefile.
///
/// # Errors
/// All that is wrong with it, in the order of the files, and the warnings behind that.
pub fn parse(file: &Path, inputs: &dyn Inputs, overrides: &Overrides) -> Result<Parsed<Corefile>, Vec<Problem>> {
    match attempt(file, inputs, overrides) {
        Attempt { corefile: Some(value), errors, warnings } if errors.is_empty() => Ok(Parsed { value, warnings }),
        Attempt { errors, warnings, .. } => Err(errors.into_iter().chain(warnings).collect()),
    }
}

#[cfg(test)]
mod tests;
