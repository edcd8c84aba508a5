//! Scalars and lists as YAML takes them, whatever is in them.

use std::fmt::Display;
use std::fmt::Write as _;

/// The text between quotes (YAML 1.2.2 7.3.1).
pub(in crate::config) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => _ = write!(out, "\\U{:08x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A list on one line.
pub(super) fn flow<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| quoted(&item.to_string())).collect();
    format!("[{}]", items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_in_a_text_it_is_one_scalar() {
        assert_eq!(quoted("a\"b\\c\nd\u{7}"), r#""a\"b\\c\nd\U00000007""#);
        assert_eq!(flow(["a", "b: c"]), r#"["a", "b: c"]"#);
    }
}
