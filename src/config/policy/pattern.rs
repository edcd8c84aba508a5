//! A regular expression on names: bounded in size, and linear in time whatever it is asked. The only place of the crate that
//! carries it out; it must not know what is done with a match.

use regex::bytes::{Regex, RegexBuilder};

use crate::config::error::Fault;

/// Characters of the longest pattern, as CoreDNS has it.
pub const MAX_PATTERN: usize = 10_000;
/// Bytes of a compiled pattern: enough for any that fits the length and was meant for names.
const MAX_COMPILED: usize = 1 << 20;

/// A compiled pattern. Equal if it is written alike.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

/// What a pattern found: the whole match is group 0.
#[derive(Debug)]
pub struct Captures<'p, 't> {
    pattern: &'p Pattern,
    found: regex::bytes::Captures<'t>,
}

impl Pattern {
    /// Compiles the pattern, which is for lower-case names with the final dot.
    ///
    /// # Errors
    /// If it is too long, or none.
    pub fn new(text: &str) -> Result<Self, Fault> {
        if text.len() > MAX_PATTERN {
            let fault = Fault::new(format!("the pattern has {} characters", text.len()));
            return Err(fault.help(format!("at most {MAX_PATTERN}")));
        }
        // Names are ASCII once they are written out, and so `\d` and `\w` mean what they mean in Go.
        let regex = RegexBuilder::new(&unquoted(text)).unicode(false).size_limit(MAX_COMPILED).build();
        regex.map(Self).map_err(|error| {
            let reason = match error {
                regex::Error::CompiledTooBig(_) => "it is too large once compiled".to_owned(),
                other => other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
            };
            Fault::new(format!("`{text}` is not a pattern: {reason}"))
        })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text.as_bytes())
    }

    #[must_use]
    pub fn captures<'p, 't>(&'p self, text: &'t str) -> Option<Captures<'p, 't>> {
        self.0.captures(text.as_bytes()).map(|found| Captures { pattern: self, found })
    }

    /// Is there a group of this name, or with this number?
    #[must_use]
    pub fn has(&self, group: &str) -> bool {
        let numbered = group.parse().is_ok_and(|number: usize| number <= self.groups());
        numbered || self.0.capture_names().any(|name| name == Some(group))
    }

    /// Groups, the whole match not counted.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.0.captures_len() - 1
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl<'t> Captures<'_, 't> {
    /// How many groups there are, the whole match included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// The text of a group; empty if it took no part in the match.
    #[must_use]
    pub fn get(&self, number: usize) -> &'t str {
        self.found.get(number).and_then(|group| std::str::from_utf8(group.as_bytes()).ok()).unwrap_or_default()
    }

    /// The text of a group by its name, or by its number as a text.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&'t str> {
        let number = self.pattern.0.capture_names().position(|found| found == Some(name));
        let number = number.or_else(|| name.parse().ok().filter(|number| *number < self.count()))?;
        Some(self.get(number))
    }
}

/// `\Q…\E`, text to be taken as it is, which Go knows and this crate does not.
fn unquoted(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, quoted)) = rest.split_once("\\Q") {
        let (quoted, behind) = quoted.split_once("\\E").unwrap_or((quoted, ""));
        out.push_str(before);
        out.push_str(&regex::escape(quoted));
        rest = behind;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_by_number_and_by_name() {
        let pattern = Pattern::new(r"^(?P<a>[0-9]+)-(\d+)\.x\.$").unwrap();
        let found = pattern.captures("10-2.x.").unwrap();
        assert_eq!((found.count(), pattern.groups()), (3, 2));
        assert_eq!((found.get(0), found.get(1), found.get(2), found.get(7)), ("10-2.x.", "10", "2", ""));
        assert_eq!((found.named("a"), found.named("2"), found.named("b")), (Some("10"), Some("2"), None));
        assert!(pattern.captures("a-2.x.").is_none());
        assert_eq!(Pattern::new(r"\Qa.b\E.").unwrap(), Pattern::new(r"a\.b.").unwrap());
    }

    #[test]
    fn patterns_are_bounded() {
        assert!(Pattern::new(&"a".repeat(MAX_PATTERN + 1)).is_err());
        let fault = Pattern::new("(((a{1000}){1000}){1000})").unwrap_err();
        assert!(fault.message.ends_with("it is too large once compiled"), "{}", fault.message);
        assert_eq!(Pattern::new("(a").unwrap_err().message, "`(a` is not a pattern: unclosed group");
    }
}
