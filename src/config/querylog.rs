//! How lines of questions are written: the words of CoreDNS's log plugin, read once. It writes no line.

use std::fmt;

use super::error::Fault;

/// What CoreDNS writes if nobody says otherwise.
pub const COMMON: &str = r#"{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" {rcode} {>rflags} {rsize} {duration}"#;
const COMBINED: &str = r#"{common} "{>opcode}""#;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryLogFormat {
    /// The lines of CoreDNS's log plugin.
    CoreDns,
    Json,
    /// Lines with what is wanted in them.
    Template(LogTemplate),
}

/// A line with holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTemplate {
    text: String,
    parts: Vec<LogPart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogPart {
    Text(String),
    Field(LogField),
}

/// What a hole is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogField {
    Type,
    Name,
    Class,
    Proto,
    Size,
    Remote,
    Port,
    Id,
    Opcode,
    Do,
    Bufsize,
    Rcode,
    ReplySize,
    Duration,
    ReplyFlags,
}

const FIELDS: [(&str, LogField); 15] = [
    ("{type}", LogField::Type),
    ("{name}", LogField::Name),
    ("{class}", LogField::Class),
    ("{proto}", LogField::Proto),
    ("{size}", LogField::Size),
    ("{remote}", LogField::Remote),
    ("{port}", LogField::Port),
    ("{>id}", LogField::Id),
    ("{>opcode}", LogField::Opcode),
    ("{>do}", LogField::Do),
    ("{>bufsize}", LogField::Bufsize),
    ("{rcode}", LogField::Rcode),
    ("{rsize}", LogField::ReplySize),
    ("{duration}", LogField::Duration),
    ("{>rflags}", LogField::ReplyFlags),
];

impl LogTemplate {
    /// Reads a line with holes. A word in braces that is none stays as it is, as in CoreDNS.
    ///
    /// # Errors
    /// If a hole is one of CoreDNS's that nothing here could fill.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let whole = text.replace("{combined}", COMBINED).replace("{common}", COMMON);
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = whole.as_str();
        while let Some(end) = rest.find('}') {
            let start = rest[..end].rfind('{').unwrap_or(end);
            let word = &rest[start..=end];
            plain.push_str(&rest[..start]);
            rest = &rest[end + 1..];
            if let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == word) {
                if !plain.is_empty() {
                    parts.push(LogPart::Text(std::mem::take(&mut plain)));
                }
                parts.push(LogPart::Field(*field));
            } else if word == "{local}" || word.starts_with("{/") {
                let fault = Fault::new(format!("a line of the log cannot say `{word}`: it is not known here"));
                let known = FIELDS.map(|(word, _)| word).join(", ");
                return Err(fault.help(format!("known: {known}, {{common}}, {{combined}}")));
            } else {
                plain.push_str(word);
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(LogPart::Text(plain));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    #[must_use]
    pub fn parts(&self) -> &[LogPart] {
        &self.parts
    }
}

/// As the configuration has it.
impl fmt::Display for QueryLogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CoreDns => "coredns",
            Self::Json => "json",
            Self::Template(template) => &template.text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_parted_as_coredns_does() {
        let text = |text: &str| LogPart::Text(text.into());
        for (line, parts) in [
            ("a {name} b", vec![text("a "), LogPart::Field(LogField::Name), text(" b")]),
            ("{ {name} }", vec![text("{ "), LogPart::Field(LogField::Name), text(" }")]),
            ("A } {type}", vec![text("A } "), LogPart::Field(LogField::Type)]),
            ("{nothing}{>ID}", vec![text("{nothing}{>ID}")]),
            ("", vec![]),
        ] {
            assert_eq!(LogTemplate::parse(line).unwrap().parts(), parts, "{line}");
        }
        let (common, combined) = (LogTemplate::parse(COMMON).unwrap(), LogTemplate::parse("{combined}").unwrap());
        assert_eq!(combined.parts()[..common.parts().len()], *common.parts());
        assert_eq!(combined.parts()[common.parts().len() + 1..], [LogPart::Field(LogField::Opcode), text("\"")]);
        for wrong in ["{local}", "x {/log/class}"] {
            assert!(LogTemplate::parse(wrong).is_err(), "{wrong}");
        }
    }
}
