//! Which names a rewrite is for, and what it makes of them: by the text of the name in lower case, with its final dot, as CoreDNS
//! has it. It knows no questions.

use super::pattern::{Captures, Pattern};
use crate::config::error::Fault;

/// How the text of a name is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchKind {
    Exact,
    Prefix,
    Suffix,
    Substring,
    Regex,
}

/// Fits some names.
#[derive(Debug, Clone, PartialEq)]
pub enum Matcher {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Substring(String),
    Regex(Pattern),
}

/// What takes the place of the part that was found; `{1}` is the first group of the pattern, `{0}` all that it found.
#[derive(Debug, Clone, PartialEq)]
pub struct Replacement(String);

impl MatchKind {
    /// The words that a file has for them.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("exact", Self::Exact),
        ("prefix", Self::Prefix),
        ("suffix", Self::Suffix),
        ("substring", Self::Substring),
        ("regex", Self::Regex),
    ];
}

impl Matcher {
    /// A final dot is added to whatever has none, so that a prefix or a part ends with a label.
    ///
    /// # Errors
    /// If a pattern is none.
    pub fn new(kind: MatchKind, text: &str) -> Result<Self, Fault> {
        Ok(match kind {
            MatchKind::Exact => Self::Exact(dotted(text)),
            MatchKind::Prefix => Self::Prefix(dotted(text)),
            MatchKind::Suffix => Self::Suffix(dotted(text)),
            MatchKind::Substring => Self::Substring(dotted(text)),
            MatchKind::Regex => Self::Regex(Pattern::new(text)?),
        })
    }

    /// The same for the target of a CNAME, where only a whole name gets its dot.
    ///
    /// # Errors
    /// If a pattern is none.
    pub fn of_target(kind: MatchKind, text: &str) -> Result<Self, Fault> {
        let text = text.to_ascii_lowercase();
        Ok(match kind {
            MatchKind::Exact => Self::Exact(dotted(&text)),
            MatchKind::Prefix => Self::Prefix(text),
            MatchKind::Suffix => Self::Suffix(text),
            MatchKind::Substring => Self::Substring(text),
            MatchKind::Regex => Self::Regex(Pattern::new(&text)?),
        })
    }

    #[must_use]
    pub fn fits(&self, name: &str) -> bool {
        match self {
            Self::Exact(whole) => name == whole,
            Self::Prefix(start) => name.starts_with(start.as_str()),
            Self::Suffix(end) => name.ends_with(end.as_str()),
            Self::Substring(part) => name.contains(part.as_str()),
            Self::Regex(pattern) => pattern.is_match(name),
        }
    }

    /// The name with what was found replaced; none if it does not fit.
    #[must_use]
    pub fn replace(&self, name: &str, to: &Replacement) -> Option<String> {
        let Replacement(to) = to;
        Some(match self {
            Self::Exact(whole) => (name == whole).then(|| to.clone())?,
            Self::Prefix(start) => [to, name.strip_prefix(start.as_str())?].concat(),
            Self::Suffix(end) => [name.strip_suffix(end.as_str())?, to].concat(),
            Self::Substring(part) => name.contains(part.as_str()).then(|| name.replace(part.as_str(), to))?,
            Self::Regex(pattern) => Replacement::fill(to, &pattern.captures(name)?),
        })
    }

    #[must_use]
    pub fn kind(&self) -> MatchKind {
        match self {
            Self::Exact(_) => MatchKind::Exact,
            Self::Prefix(_) => MatchKind::Prefix,
            Self::Suffix(_) => MatchKind::Suffix,
            Self::Substring(_) => MatchKind::Substring,
            Self::Regex(_) => MatchKind::Regex,
        }
    }

    /// Groups that a replacement may name.
    #[must_use]
    pub fn groups(&self) -> usize {
        match self {
            Self::Regex(pattern) => pattern.groups(),
            _ => 0,
        }
    }
}

impl Replacement {
    /// What takes the place of what `matcher` finds, with a final dot.
    ///
    /// # Errors
    /// If it names a group that the pattern has not.
    pub fn new(text: &str, matcher: &Matcher) -> Result<Self, Fault> {
        Self::with_groups(dotted(text), matcher.groups(), matches!(matcher, Matcher::Regex(_)))
    }

    /// The same for what a pattern finds in a reply.
    ///
    /// # Errors
    /// As [`Replacement::new`].
    pub fn of_pattern(text: &str, pattern: &Pattern) -> Result<Self, Fault> {
        Self::with_groups(dotted(text), pattern.groups(), true)
    }

    /// The same for the target of a CNAME, see [`Matcher::of_target`].
    ///
    /// # Errors
    /// As [`Replacement::new`].
    pub fn of_target(text: &str, matcher: &Matcher) -> Result<Self, Fault> {
        let text = text.to_ascii_lowercase();
        let text = if matches!(matcher, Matcher::Exact(_)) { dotted(&text) } else { text };
        Self::with_groups(text, matcher.groups(), matches!(matcher, Matcher::Regex(_)))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text with the groups in it.
    #[must_use]
    pub fn expand(&self, found: &Captures<'_, '_>) -> String {
        Self::fill(&self.0, found)
    }

    fn with_groups(text: String, groups: usize, pattern: bool) -> Result<Self, Fault> {
        let named = pattern.then(|| numbers(&text).max()).flatten().unwrap_or(0);
        if named > groups {
            let fault = Fault::new(format!("`{text}` names group {named}"));
            return Err(fault.help(format!("the pattern has {groups}; put the part in parentheses")));
        }
        Ok(Self(text))
    }

    fn fill(text: &str, found: &Captures<'_, '_>) -> String {
        (0..found.count())
            .fold(text.to_owned(), |text, number| text.replace(&format!("{{{number}}}"), found.get(number)))
    }
}

/// The numbers that stand in braces.
fn numbers(text: &str) -> impl Iterator<Item = usize> {
    text.split('{').skip(1).filter_map(|part| part.split_once('}')?.0.parse().ok())
}

/// In lower case, with the final dot.
fn dotted(text: &str) -> String {
    let mut text = text.to_ascii_lowercase();
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(kind: MatchKind, from: &str, to: &str, name: &str) -> Option<String> {
        let matcher = Matcher::new(kind, from).unwrap();
        let to = Replacement::new(to, &matcher).unwrap();
        assert_eq!(matcher.fits(name), matcher.replace(name, &to).is_some());
        matcher.replace(name, &to)
    }

    #[test]
    fn each_kind_finds_and_replaces_its_part() {
        for (kind, from, to, name, becomes) in [
            (MatchKind::Exact, "Foo.x", "bar.y", "foo.x.", Some("bar.y.")),
            (MatchKind::Exact, "foo.x", "bar.y", "a.foo.x.", None),
            (MatchKind::Prefix, "a.", "b.", "a.x.", Some("b.x.")),
            (MatchKind::Prefix, "a", "b", "ab.x.", None),
            (MatchKind::Suffix, ".x", ".y.z", "a.x.", Some("a.y.z.")),
            (MatchKind::Suffix, ".x", ".y.z", "x.", None),
            (MatchKind::Substring, "us.x", "eu.x", "a.us.x.b.", Some("a.eu.x.b.")),
            (MatchKind::Regex, r"(.*)-(us)\.x", "{1}.{2}.y", "ftp-us.x.", Some("ftp.us.y.")),
            (MatchKind::Regex, r"(.*)-(us)\.x", "{1}.{2}.y", "ftp-eu.x.", None),
        ] {
            assert_eq!(rewritten(kind, from, to, name).as_deref(), becomes, "{kind:?} {from} {name}");
        }
    }

    #[test]
    fn groups_that_are_not_there_are_refused() {
        let matcher = Matcher::new(MatchKind::Regex, "(a)b").unwrap();
        assert!(Replacement::new("{1}.x", &matcher).is_ok());
        assert_eq!(Replacement::new("{2}.x", &matcher).unwrap_err().message, "`{2}.x.` names group 2");
    }

    #[test]
    fn parts_of_a_target_get_no_dot() {
        let matcher = Matcher::of_target(MatchKind::Substring, "CDN").unwrap();
        let to = Replacement::of_target("other", &matcher).unwrap();
        assert_eq!(matcher.replace("a.cdn.net.", &to).as_deref(), Some("a.other.net."));
        let matcher = Matcher::of_target(MatchKind::Exact, "a.net").unwrap();
        assert_eq!(Replacement::of_target("b.net", &matcher).unwrap().as_str(), "b.net.");
    }
}
