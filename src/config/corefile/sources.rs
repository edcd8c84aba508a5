//! The texts that a Corefile is made of, and what is wrong with them: a Corefile and its imports are several files, and
//! each problem names its own. It reads no file.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use crate::config::error::{Fault, Problem, Severity};
use crate::config::node::Place;

/// Where something stands: in which file, and where in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) source: usize,
    pub(super) place: Place,
}

/// What a directive became, for whoever wants to know what their Corefile means here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub file: PathBuf,
    pub line: u32,
    /// The directive or the option, as it is written.
    pub of: String,
    pub text: String,
}

#[derive(Debug, Default)]
struct Source {
    path: PathBuf,
    text: String,
}

/// Shared by everything that reads a Corefile, hence the cells.
#[derive(Debug, Default)]
pub(super) struct Sources {
    sources: RefCell<Vec<Source>>,
    problems: RefCell<Vec<(Spot, Problem)>>,
    notes: RefCell<Vec<(Spot, Note)>>,
    /// Files and folders that were read: a change of one of them is a change of the Corefile.
    watched: RefCell<Vec<PathBuf>>,
}

impl Sources {
    /// The number of this text from now on.
    pub(super) fn add(&self, path: &Path, text: &str) -> usize {
        let mut sources = self.sources.borrow_mut();
        // A file that is imported everywhere is kept once.
        if let Some(known) = sources.iter().position(|source| source.path == path && source.text == text) {
            return known;
        }
        sources.push(Source { path: path.into(), text: text.into() });
        sources.len() - 1
    }

    pub(super) fn path(&self, source: usize) -> PathBuf {
        self.sources.borrow().get(source).map(|source| source.path.clone()).unwrap_or_default()
    }

    /// The folder that relative paths of this file start from.
    pub(super) fn folder(&self, source: usize) -> PathBuf {
        self.path(source).parent().map(Path::to_path_buf).unwrap_or_default()
    }

    pub(super) fn watch(&self, path: PathBuf) {
        let mut watched = self.watched.borrow_mut();
        if !watched.contains(&path) {
            watched.push(path);
        }
    }

    pub(super) fn error(&self, spot: Spot, fault: Fault) {
        self.problem(Severity::Error, spot, fault);
    }

    pub(super) fn has_errors(&self) -> bool {
        self.problems.borrow().iter().any(|(_, problem)| problem.severity == Severity::Error)
    }

    pub(super) fn warning(&self, spot: Spot, fault: Fault) {
        self.problem(Severity::Warning, spot, fault);
    }

    /// Something that is no line of a file, such as a flag.
    pub(super) fn other(&self, problem: Problem) {
        let place = Place { line: 0, column: 0, width: 0 };
        self.problems.borrow_mut().push((Spot { source: 0, place }, problem));
    }

    pub(super) fn note(&self, spot: Spot, of: &str, text: impl Into<String>) {
        let note = Note { file: self.path(spot.source), line: spot.place.line, of: of.into(), text: text.into() };
        self.notes.borrow_mut().push((spot, note));
    }

    /// Errors, warnings, notes, each in the order of the files, and what was read.
    pub(super) fn finish(self) -> Finished {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|(spot, _)| *spot);
        let mut notes = self.notes.into_inner();
        notes.sort_by_key(|(spot, _)| *spot);
        // One directive can serve several zones, and one text is enough.
        notes.dedup();
        let mut problems: Vec<Problem> = problems.into_iter().map(|(_, problem)| problem).collect();
        problems.dedup();
        let (errors, warnings) = problems.into_iter().partition(|problem| problem.severity == Severity::Error);
        Finished {
            errors,
            warnings,
            notes: notes.into_iter().map(|(_, note)| note).collect(),
            watched: self.watched.into_inner(),
        }
    }

    fn problem(&self, severity: Severity, spot: Spot, fault: Fault) {
        let sources = self.sources.borrow();
        let Some(source) = sources.get(spot.source) else { return };
        let line = spot.place.line.checked_sub(1).and_then(|line| usize::try_from(line).ok());
        let line = line.and_then(|line| source.text.split('\n').nth(line)).map(|line| line.trim_end_matches('\r'));
        let problem = Problem::at(severity, &source.path, spot.place, line, fault);
        self.problems.borrow_mut().push((spot, problem));
    }
}

pub(super) struct Finished {
    pub(super) errors: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    pub(super) notes: Vec<Note>,
    pub(super) watched: Vec<PathBuf>,
}
