//! A record as a text with holes: the part of Go's templates that says something about a question. Everything else of that language is
//! refused when the file is read, so that nothing can fail but a number that is none. It must not know records.

use super::pattern::{Captures, Pattern};
use crate::config::error::Fault;

/// One record of a template, in the form of a zone file once its holes are filled.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordTemplate {
    text: String,
    parts: Vec<Part>,
}

/// What the holes may name.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// In lower case, with the final dot; so is the zone.
    pub name: &'a str,
    /// As it was asked.
    pub question: &'a str,
    pub zone: &'a str,
    pub class: &'a str,
    pub rtype: &'a str,
    pub numbers: (u16, u16),
    pub remote: &'a str,
    /// None: the template has no pattern, and everything matched.
    pub found: Option<&'a Captures<'a, 'a>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Hole(Value),
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Name,
    QuestionName,
    Zone,
    Class,
    Type,
    TypeNumber,
    ClassNumber,
    Remote,
    Match(usize),
    Group(String),
    Literal(String),
    /// A number in another base, and how many bits it may take.
    ParseInt(Box<Value>, u32, u32),
}

impl RecordTemplate {
    /// Reads the text. `patterns` are those of its rule: a group that none of them has is an error.
    ///
    /// # Errors
    /// What it says that is not understood.
    pub fn new(text: &str, patterns: &[Pattern]) -> Result<Self, Fault> {
        let (mut parts, mut rest) = (Vec::new(), text);
        let mut trim = false;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (action, after) = behind.split_once("}}").ok_or_else(|| {
                Fault::new(format!("`{text}` has no `}}}}`"))
                    .help("write it behind what the `{{` begins: `{{ .Name }}`")
            })?;
            // `{{- ` and ` -}}` take the blanks around with them.
            let (action, left) = action.strip_prefix("- ").map_or((action, false), |action| (action, true));
            let (action, right) = action.strip_suffix(" -").map_or((action, false), |action| (action, true));
            let before = if trim { before.trim_start() } else { before };
            parts.push(Part::Text(if left { before.trim_end() } else { before }.to_owned()));
            let action = action.trim();
            if !(action.starts_with("/*") && action.ends_with("*/")) {
                let value = Value::parse(action)?;
                value.check(patterns)?;
                parts.push(Part::Hole(value));
            }
            (trim, rest) = (right, after);
        }
        parts.push(Part::Text(if trim { rest.trim_start() } else { rest }.to_owned()));
        parts.retain(|part| *part != Part::Text(String::new()));
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The record as a text; none if a hole cannot be filled.
    #[must_use]
    pub fn fill(&self, facts: &Facts<'_>) -> Option<String> {
        self.parts.iter().try_fold(String::new(), |text, part| {
            Some(match part {
                Part::Text(more) => text + more,
                Part::Hole(value) => text + &value.of(facts)?,
            })
        })
    }

    /// The record itself, if it has no holes.
    #[must_use]
    pub fn fixed(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Value {
    fn parse(action: &str) -> Result<Self, Fault> {
        let words: Vec<&str> = action.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["index", ".Match", number] => {
                let wrong = || {
                    Fault::new(format!("`{number}` is no number of a group"))
                        .help("0 is all that matched, 1 the first part in parentheses: `{{ index .Match 1 }}`")
                };
                number.parse().map(Self::Match).map_err(|_| wrong())
            }
            ["index", ".Group", name] => Ok(Self::Group(unquoted(name).unwrap_or(name).to_owned())),
            ["parseInt", .., base, bits] if words.len() > 3 => {
                let number = |word: &str, most: u32| {
                    let number = word.parse().ok().filter(|number| *number <= most);
                    number.ok_or_else(|| Fault::new(format!("`{word}` is out of range")).help(format!("0 to {most}")))
                };
                let inner = words[1..words.len() - 2].join(" ");
                let inner = inner.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(&inner);
                let base = match number(base, 36)? {
                    0 => 10,
                    1 => return Err(Fault::new("there is no base 1").help("write 2 to 36")),
                    base => base,
                };
                let bits = match number(bits, 64)? {
                    0 => 64,
                    bits => bits,
                };
                Ok(Self::ParseInt(Box::new(Self::parse(inner.trim())?), base, bits))
            }
            [word] => Self::word(word),
            _ => Err(unknown(action)),
        }
    }

    fn word(word: &str) -> Result<Self, Fault> {
        Ok(match word {
            ".Name" => Self::Name,
            ".Question.Name" => Self::QuestionName,
            ".Zone" => Self::Zone,
            ".Class" => Self::Class,
            ".Type" => Self::Type,
            ".Question.Qtype" => Self::TypeNumber,
            ".Question.Qclass" => Self::ClassNumber,
            ".Remote" => Self::Remote,
            _ => match (word.strip_prefix(".Group."), unquoted(word)) {
                (Some(group), _) if !group.is_empty() => Self::Group(group.to_owned()),
                (_, Some(text)) => Self::Literal(text.to_owned()),
                _ => return Err(unknown(word)),
            },
        })
    }

    /// Is there such a group, in one of the patterns at least?
    fn check(&self, patterns: &[Pattern]) -> Result<(), Fault> {
        let groups = patterns.iter().map(Pattern::groups).max().unwrap_or(0);
        match self {
            Self::ParseInt(inner, ..) => inner.check(patterns),
            Self::Match(number) if *number > groups => Err(Fault::new(format!("there is no group {number}"))
                .help(format!("the patterns of `match` have {groups}; put the part in parentheses"))),
            Self::Group(name) if !patterns.iter().any(|pattern| pattern.has(name)) && name != "0" => {
                Err(Fault::new(format!("there is no group `{name}`"))
                    .help(format!("name it in the pattern of `match`: `(?P<{name}>…)`")))
            }
            _ => Ok(()),
        }
    }

    fn of(&self, facts: &Facts<'_>) -> Option<String> {
        Some(match self {
            Self::Name => facts.name.to_owned(),
            Self::QuestionName => facts.question.to_owned(),
            Self::Zone => facts.zone.to_owned(),
            Self::Class => facts.class.to_owned(),
            Self::Type => facts.rtype.to_owned(),
            Self::TypeNumber => facts.numbers.0.to_string(),
            Self::ClassNumber => facts.numbers.1.to_string(),
            Self::Remote => facts.remote.to_owned(),
            Self::Literal(text) => text.clone(),
            Self::Match(number) => match facts.found {
                Some(found) => (*number < found.count()).then(|| found.get(*number).to_owned())?,
                None => (*number == 0).then(|| facts.name.to_owned())?,
            },
            Self::Group(name) => match facts.found {
                Some(found) => found.named(name)?.to_owned(),
                None => (name == "0").then(|| facts.name.to_owned())?,
            },
            Self::ParseInt(inner, base, bits) => {
                let text = inner.of(facts)?;
                let number = u64::from_str_radix(&text, *base).ok().filter(|_| !text.starts_with('+'))?;
                (*bits == 64 || number < 1 << bits).then(|| number.to_string())?
            }
        })
    }
}

fn unknown(action: &str) -> Fault {
    Fault::new(format!("`{{{{ {action} }}}}` is not understood")).help(
        "known: .Name, .Zone, .Class, .Type, .Remote, .Question.Name, .Question.Qtype, .Question.Qclass, .Group.NAME, \
         index .Match NUMBER, index .Group \"NAME\", parseInt VALUE BASE BITS",
    )
}

fn unquoted(text: &str) -> Option<&str> {
    let quoted = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    quoted('"').or_else(|| quoted('`'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, pattern: &str, name: &str) -> Option<String> {
        let pattern = Pattern::new(pattern).unwrap();
        let template = RecordTemplate::new(text, std::slice::from_ref(&pattern)).unwrap();
        let found = pattern.captures(name).unwrap();
        let facts = Facts {
            name,
            question: "Web.X.",
            zone: "x.",
            class: "IN",
            rtype: "A",
            numbers: (1, 1),
            remote: "10.0.0.1",
            found: Some(&found),
        };
        template.fill(&facts)
    }

    #[test]
    fn holes_are_filled() {
        let pattern = r"^ip-(?P<a>[0-9a-f]+)-(\d+)\.x\.$";
        for (text, expected) in [
            ("{{ .Name }} 60 IN A 1.2.3.4", "ip-1f-2.x. 60 IN A 1.2.3.4"),
            ("{{.Zone}} {{ .Class }} {{ .Type }} {{ .Remote }}", "x. IN A 10.0.0.1"),
            ("{{ .Question.Name }} {{ .Question.Qtype }}", "Web.X. 1"),
            ("{{ index .Match 2 }} {{ .Group.a }} {{ index .Group \"2\" }}", "2 1f 2"),
            ("{{ parseInt .Group.a 16 8 }} {{ parseInt (index .Match 2) 10 8 }}", "31 2"),
            ("a {{- .Zone -}} b{{/* why */}}", "ax.b"),
        ] {
            assert_eq!(filled(text, pattern, "ip-1f-2.x.").as_deref(), Some(expected), "{text}");
        }
        assert_eq!(filled("{{ parseInt .Group.a 16 8 }}", pattern, "ip-fff-2.x."), None, "more than eight bits");
        assert_eq!(filled("{{ parseInt .Group.a 10 8 }}", pattern, "ip-ff-2.x."), None, "no number");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let pattern = [Pattern::new("(?P<a>.)").unwrap()];
        for (text, message) in [
            ("{{ .Name", "`{{ .Name` has no `}}`"),
            ("{{ if .Name }}", "`{{ if .Name }}` is not understood"),
            ("{{ .Meta \"x/y\" }}", "`{{ .Meta \"x/y\" }}` is not understood"),
            ("{{ .Group.b }}", "there is no group `b`"),
            ("{{ index .Match 2 }}", "there is no group 2"),
            ("{{ parseInt .Group.a 99 8 }}", "`99` is out of range"),
        ] {
            assert_eq!(RecordTemplate::new(text, &pattern).unwrap_err().message, message);
        }
        assert_eq!(RecordTemplate::new("x. 60 IN A 1.2.3.4", &[]).unwrap().fixed(), Some("x. 60 IN A 1.2.3.4"));
        assert_eq!(RecordTemplate::new("{{ .Name }}", &[]).unwrap().fixed(), None);
    }
}
