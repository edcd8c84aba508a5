//! The label of a region.

use std::fmt;

use super::RegionLabel;
use super::error::Fault;
use super::field::Leaf;
use crate::wire::name::MAX_LABEL;

impl RegionLabel {
    /// Reads a label: lower-case letters, digits and `-`, neither first nor last a `-` (RFC 1123 2.1), as a namespace has
    /// it, because it takes the place of one.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let wrong = || Fault::new(format!("`{text}` is not a region label"));
        let lower = text.to_ascii_lowercase();
        if !is_label(&lower) {
            return Err(wrong().help("a label has lower-case letters, digits and `-` inside, at most 63 in all"));
        }
        if lower != text {
            return Err(wrong().help(format!("write it in lower case: `{lower}`")));
        }
        Ok(Self(lower.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(super) fn is_label(text: &str) -> bool {
    (1..=MAX_LABEL).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

impl fmt::Display for RegionLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Leaf for RegionLabel {
    const EXPECTED: &'static str = "a region label such as `east`";

    fn read(text: &str) -> Result<Self, Fault> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_of_namespaces() {
        for text in ["east", "us-east-2", "1e3", "a", &"x".repeat(63)] {
            assert_eq!(RegionLabel::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "-a", "a-", "a.b", "a_b", "ost\u{e4}", &"x".repeat(64)] {
            assert!(RegionLabel::parse(text).is_err(), "{text}");
        }
        let help = RegionLabel::parse("East").unwrap_err().help;
        assert_eq!(help.as_deref(), Some("write it in lower case: `east`"));
    }
}
