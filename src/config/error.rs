//! What is wrong with a file, and where: the text that an operator reads. It must not decide what is wrong.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

use super::node::Place;
use super::yaml::YamlError;

/// What to do about a key that this version does not know: old and new versions read one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownKeys {
    /// An error, as `validate` wants it.
    Refuse,
    /// A warning, as `serve` wants it.
    Warn,
}

/// A value with what was odd about its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed<T> {
    pub value: T,
    pub warnings: Vec<Problem>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// One thing that is wrong, with all that is needed to mend it. Shown as rustc shows its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    pub severity: Severity,
    /// A file, or the flag or variable that said it.
    pub file: PathBuf,
    /// From 1; 0 if it is not about a line.
    pub line: u32,
    pub column: u32,
    pub message: String,
    pub help: Option<String>,
    pub snippet: Option<Snippet>,
}

/// The line that a problem is about, with the part to underline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    pub text: String,
    /// Characters before the part.
    pub indent: usize,
    pub width: usize,
}

/// What is wrong with a value, before anybody knows where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub message: String,
    pub help: Option<String>,
}

impl Fault {
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: one_line(message.into()), help: None }
    }

    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(one_line(help.into())), ..self }
    }

    /// "did you mean", if the word is near to one of those that are known; else what is known, if anything is.
    #[must_use]
    pub fn did_you_mean(self, word: &str, known: &[&str]) -> Self {
        match super::distance::suggest(word, known.iter().copied()) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => self,
            None => self.help(format!("known: {}", known.join(", "))),
        }
    }

    /// The problem of something that no file says: a flag, a variable.
    #[must_use]
    pub fn of(self, source: &str) -> Problem {
        Problem {
            severity: Severity::Error,
            file: source.into(),
            line: 0,
            column: 0,
            message: self.message,
            help: self.help,
            snippet: None,
        }
    }
}

impl Problem {
    /// What is wrong at a place of a file, with the line if there is one.
    pub(super) fn at(severity: Severity, file: &Path, place: Place, line: Option<&str>, fault: Fault) -> Self {
        Self {
            severity,
            file: file.into(),
            line: place.line,
            column: place.column,
            message: fault.message,
            help: fault.help,
            snippet: line.map(|line| Snippet::new(line, place)),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, " {severity}: {}", self.message)?;
        if let Some(snippet) = &self.snippet {
            let (indent, marks) = (" ".repeat(snippet.indent), "^".repeat(snippet.width));
            write!(f, "\n{:>4} | {}\n     | {indent}{marks}", self.line, snippet.text)?;
        }
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// Gathers the problems of one file while it is read. Shared by everything that reads it, hence the cells.
#[derive(Debug)]
pub(super) struct Report<'a> {
    file: &'a Path,
    lines: Vec<&'a str>,
    unknown: UnknownKeys,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Report<'a> {
    #[must_use]
    pub(super) fn new(text: &'a str, file: &'a Path, unknown: UnknownKeys) -> Self {
        Self { file, lines: lines(text), unknown, problems: RefCell::default() }
    }

    pub(super) fn error(&self, place: Place, fault: Fault) {
        self.add(Severity::Error, place, fault);
    }

    pub(super) fn warning(&self, place: Place, fault: Fault) {
        self.add(Severity::Warning, place, fault);
    }

    pub(super) fn unknown_key(&self, place: Place, key: &str, known: &[&str]) {
        let severity = match self.unknown {
            UnknownKeys::Refuse => Severity::Error,
            UnknownKeys::Warn => Severity::Warning,
        };
        self.add(severity, place, Fault::new(format!("unknown key `{key}`")).did_you_mean(key, known));
    }

    pub(super) fn not_yaml(&self, error: YamlError) {
        self.error(Place { line: error.line, column: error.column, width: 1 }, Fault::new(error.message));
    }

    /// Something that is no line of this file, such as a flag.
    pub(super) fn other(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// The errors and the warnings, in the order of the file.
    #[must_use]
    pub(super) fn finish(self) -> (Vec<Problem>, Vec<Problem>) {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems.into_iter().partition(|problem| problem.severity == Severity::Error)
    }

    fn add(&self, severity: Severity, place: Place, fault: Fault) {
        let line = place.line.checked_sub(1).and_then(|line| self.lines.get(usize::try_from(line).ok()?));
        self.problems.borrow_mut().push(Problem::at(severity, self.file, place, line.copied(), fault));
    }
}

impl Snippet {
    /// Longest line that is shown; config lines are short, and a log line must stay one.
    const MAX: usize = 160;

    fn new(line: &str, place: Place) -> Self {
        // One character of the file is one on the screen, so that the marks stand under what they mean.
        let text: String =
            line.chars().take(Self::MAX).map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
        let text = text.trim_end();
        let length = text.chars().count();
        let indent = usize::try_from(place.column).unwrap_or(usize::MAX).saturating_sub(1).min(length);
        let width = usize::try_from(place.width).unwrap_or(usize::MAX).min(length - indent).max(1);
        Self { text: text.into(), indent, width }
    }
}

/// The lines as YAML counts them: a carriage return alone ends one too (YAML 1.2.2 5.4).
fn lines(text: &str) -> Vec<&str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r')).collect()
}

/// What a file says ends in log lines and on terminals, so it may hold neither line breaks nor escape sequences.
pub fn one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problem_is_shown_with_its_line_and_marks() {
        let text = "regions:\n  east:\n    endpoint: [a]\n";
        let report = Report::new(text, Path::new("peers.yaml"), UnknownKeys::Refuse);
        report.unknown_key(Place { line: 3, column: 5, width: 8 }, "endpoint", &["endpoints", "zones"]);
        report.warning(Place { line: 1, column: 1, width: 900 }, Fault::new("odd"));
        let (errors, warnings) = report.finish();
        assert_eq!(
            errors[0].to_string(),
            "peers.yaml:3:5: error: unknown key `endpoint`\n   3 |     endpoint: [a]\n     |     ^^^^^^^^\n  help: did you mean `endpoints`?"
        );
        assert_eq!(warnings[0].to_string(), "peers.yaml:1:1: warning: odd\n   1 | regions:\n     | ^^^^^^^^");
    }

    #[test]
    fn unknown_keys_can_be_warnings() {
        let report = Report::new("x: 1\n", Path::new("f"), UnknownKeys::Warn);
        report.unknown_key(Place { line: 1, column: 1, width: 1 }, "x", &["listen", "log"]);
        let (errors, warnings) = report.finish();
        assert_eq!(errors, []);
        assert_eq!(warnings[0].help.as_deref(), Some("known: listen, log"));
    }

    /// A region without a row in a table without rows, as it is shipped.
    #[test]
    fn nothing_is_known_where_there_is_nothing() {
        assert_eq!(Fault::new("no row").did_you_mean("east", &[]).help, None);
    }

    #[test]
    fn a_carriage_return_alone_ends_a_line_too() {
        let text = "a: 1\r\nb: 2\rc: ]\n";
        let error = super::super::yaml::tree(text).unwrap_err();
        let report = Report::new(text, Path::new("f"), UnknownKeys::Warn);
        report.not_yaml(error);
        let (errors, _) = report.finish();
        assert_eq!((errors[0].line, errors[0].snippet.as_ref().map(|snippet| &*snippet.text)), (3, Some("c: ]")));
    }

    #[test]
    fn places_beyond_the_text_are_harmless() {
        let report = Report::new("", Path::new("f"), UnknownKeys::Warn);
        report.error(Place { line: 7, column: 3, width: 2 }, Fault::new("gone").help("look"));
        report.other(Fault::new("bad").of("--region"));
        let (errors, _) = report.finish();
        assert_eq!(errors[0].to_string(), "--region: error: bad");
        assert_eq!(errors[1].to_string(), "f:7:3: error: gone\n  help: look");
    }
}
