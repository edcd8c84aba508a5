//! A YAML file as a tree with positions: what lies between `yaml` and the typed specs. Nothing here knows any key.

/// Where something stands in its file; line and column count from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
    /// Characters that it takes on its line, for underlining.
    pub(super) width: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Null,
    /// An unquoted scalar that YAML takes for "a number" or "a boolean", as it was written: `1e3` is a fine label.
    Typed(&'static str, String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// What it is, as an error says it.
    #[must_use]
    pub(super) fn found(&self) -> String {
        match &self.content {
            Content::Null => "nothing".into(),
            Content::Typed(kind, text) => format!("{kind} `{text}`"),
            Content::Text(text) => format!("`{text}`"),
            Content::List(_) => "a list".into(),
            Content::Map(_) => "a mapping".into(),
        }
    }

    /// The text of a scalar, as it was written.
    #[must_use]
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.content {
            Content::Typed(_, text) | Content::Text(text) => Some(text),
            Content::Null | Content::List(_) | Content::Map(_) => None,
        }
    }
}
