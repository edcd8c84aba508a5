//! Label selectors as Kubernetes writes them: `app=web,tier in (front, back),!internal`. Read once, judged for objects from
//! manifests, and shown as the API server takes them. It knows no object.

use std::fmt;

use super::error::Fault;
use super::field::Leaf;

/// "Valid label values must be 63 characters or less", and so is the name of a key.
const MAX_NAME: usize = 63;
/// "must not be longer than 253 characters": the prefix of a key.
const MAX_PREFIX: usize = 253;

/// What an object's labels must be like, all of it. An empty one takes every object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    rule: Rule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Exists,
    Absent,
    In(Vec<String>),
    /// True of objects without the label too.
    NotIn(Vec<String>),
}

impl Selector {
    /// Reads a selector; an empty text is the empty one.
    ///
    /// # Errors
    /// If it is not what `kubectl get -l` takes.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        pieces(text).map(|piece| requirement(piece.trim())).collect::<Result<_, _>>().map(Self)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Does it take an object with these labels?
    pub fn takes<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.0.iter().all(|Requirement { key, rule }| match (rule, label(key)) {
            (Rule::Exists, value) => value.is_some(),
            (Rule::Absent, value) => value.is_none(),
            (Rule::In(values), value) => value.is_some_and(|value| values.iter().any(|it| it == value)),
            (Rule::NotIn(values), value) => value.is_none_or(|value| values.iter().all(|it| it != value)),
        })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Requirement { key, rule }) in self.0.iter().enumerate() {
            f.write_str(if number == 0 { "" } else { "," })?;
            match rule {
                Rule::Exists => write!(f, "{key}")?,
                Rule::Absent => write!(f, "!{key}")?,
                Rule::In(values) => write!(f, "{key} in ({})", values.join(","))?,
                Rule::NotIn(values) => write!(f, "{key} notin ({})", values.join(","))?,
            }
        }
        Ok(())
    }
}

impl Leaf for Selector {
    const EXPECTED: &'static str = "a label selector such as `app=web`";

    fn read(text: &str) -> Result<Self, Fault> {
        Self::parse(text)
    }
}

/// The parts between commas, but for commas inside of parentheses.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.split(move |c| {
        inside = (inside || c == '(') && c != ')';
        c == ',' && !inside
    })
}

fn requirement(piece: &str) -> Result<Requirement, Fault> {
    let made = |wanted: &str, rule| Ok(Requirement { key: key(wanted.trim())?, rule });
    if let Some(absent) = piece.strip_prefix('!') {
        return made(absent, Rule::Absent);
    }
    if let Some((name, rest)) = piece.split_once("!=") {
        return made(name, Rule::NotIn(vec![value(rest)?]));
    }
    if let Some((name, rest)) = piece.split_once('=') {
        return made(name, Rule::In(vec![value(rest.strip_prefix('=').unwrap_or(rest))?]));
    }
    let Some((name, rest)) = piece.split_once(|c: char| c.is_whitespace() || c == '(') else {
        return made(piece, Rule::Exists);
    };
    let rest = piece[name.len()..].trim_start().strip_suffix(')').ok_or_else(|| wrong(piece, rest))?;
    let (operator, values) = rest.split_once('(').ok_or_else(|| wrong(piece, rest))?;
    let values = values.split(',').map(value).collect::<Result<_, _>>()?;
    match operator.trim_end() {
        "in" => made(name, Rule::In(values)),
        "notin" => made(name, Rule::NotIn(values)),
        odd => Err(wrong(piece, odd)),
    }
}

fn wrong(piece: &str, at: &str) -> Fault {
    let fault = Fault::new(format!("`{piece}` is no part of a label selector: it ends at `{}`", at.trim()));
    fault.help(
        "write `key`, `!key`, `key=value`, `key!=value`, `key in (a, b)` or `key notin (a, b)`, with commas between",
    )
}

fn key(text: &str) -> Result<String, Fault> {
    let (prefix, name) = text.rsplit_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    let fine = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
    };
    let prefixed = prefix.is_none_or(|prefix| (1..=MAX_PREFIX).contains(&prefix.len()) && fine(prefix));
    if prefixed && !name.is_empty() && is_value(name) {
        return Ok(text.to_owned());
    }
    Err(Fault::new(format!("`{text}` is no label key"))
        .help("a key is a name such as `app`, or one behind a domain: `example.com/app`"))
}

fn value(text: &str) -> Result<String, Fault> {
    let text = text.trim();
    if is_value(text) {
        return Ok(text.to_owned());
    }
    let fault = Fault::new(format!("`{text}` is no label value"));
    Err(fault.help(format!("a value has letters, digits, and `-`, `_` and `.` inside, at most {MAX_NAME} in all")))
}

/// "an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric".
fn is_value(text: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= MAX_NAME
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        && ends(bytes.first())
        && ends(bytes.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(selector: &str, labels: &[(&str, &'static str)]) -> bool {
        let selector = Selector::parse(selector).unwrap_or_else(|fault| panic!("{selector}: {}", fault.message));
        let again = Selector::parse(&selector.to_string()).unwrap();
        assert_eq!(again, selector, "what the API server is told means the same");
        selector.takes(|key| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value))
    }

    #[test]
    fn every_form_takes_what_kubectl_takes() {
        let labels = [("app", "web"), ("example.com/tier", "front"), ("empty", "")];
        for yes in [
            "",
            " ",
            "app",
            "app=web",
            "app==web",
            " app = web , empty= ",
            "app!=db",
            "none!=db",
            "!none",
            "app in (db, web)",
            "app in(web)",
            "app notin (db)",
            "none notin (db)",
            "example.com/tier in (front,back),app=web,!none",
            "empty in ()",
        ] {
            assert!(takes(yes, &labels), "{yes}");
        }
        for no in [
            "none",
            "app=db",
            "app!=web",
            "!app",
            "app in (db)",
            "none in (web)",
            "app notin (db,web)",
            "app,none",
            "empty=x",
        ] {
            assert!(!takes(no, &labels), "{no}");
        }
    }

    #[test]
    fn what_kubectl_refuses_is_refused_with_a_reason() {
        for (text, part) in [
            ("app=web,", "`` is no label key"),
            ("=web", "`` is no label key"),
            ("!", "`` is no label key"),
            ("app=we b", "`we b` is no label value"),
            ("app=-x", "`-x` is no label value"),
            ("app in web", "`app in web` is no part of a label selector: it ends at `in web`"),
            ("app within (web)", "it ends at `within`"),
            ("app in (web", "is no part"),
            ("app > 1", "is no part"),
            ("Example.com/app", "is no label key"),
            ("a/b/c", "is no label key"),
            (&"x".repeat(64), "is no label key"),
        ] {
            let fault = Selector::parse(text).expect_err(text);
            assert!(fault.message.contains(part) && fault.help.is_some(), "{text}: {}", fault.message);
        }
    }
}
