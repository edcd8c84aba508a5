//! YAML text to values: the only file that knows the YAML crate. It finds documents, reads one into a type of the
//! caller's or into a tree with positions, and bounds what a document may cost. It must not know what any key means.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, MessageFormatter as _, Options, Spanned, UserMessageFormatter};

use super::error::one_line;
use super::node::{Content, Node, Place};

/// Nested sequences and mappings of a document that becomes a type of the caller's, which bounds the recursion itself.
const MAX_DEPTH: usize = 64;
/// The same for a tree. Our files nest five deep, and the reader recurses, with large frames, once for each.
const MAX_TREE_DEPTH: usize = 16;
/// Nodes that aliases may add to one document. Anchors are a convenience, so a document that lives off them is an
/// alias bomb.
const MAX_ALIASED: usize = 10_000;

/// One document of a file of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a> {
    /// With its `---` line, so that columns are those of the file.
    pub text: &'a str,
    /// The line of the file, from 1, that the text starts at.
    pub first_line: u32,
}

/// Why a text is not the YAML, or not the type, that was wanted. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct YamlError {
    pub line: u32,
    pub column: u32,
    pub message: String,
}

/// The documents of a file; those without content are left out. A `---` separates only at column 0, where the text of
/// a block scalar or a quoted scalar cannot stand (YAML 1.2.2 9.1.2, `c-forbidden`).
#[must_use]
pub fn split_documents(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let mut open = Open { start: 0, line: 1, marked: false, content: false };
    let mut at = 0;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let next = at + line.len();
        if is_marker(line, "---") {
            if open.marked || open.content {
                open.close(text, at, &mut documents);
                open = Open { start: at, line: number, marked: false, content: false };
            }
            open.marked = true;
            open.content |= has_content(&line[3..]);
        } else if is_marker(line, "...") {
            open.close(text, at, &mut documents);
            open = Open { start: next, line: number + 1, marked: false, content: false };
        } else {
            let directive = !open.marked && !open.content && line.starts_with('%');
            open.content |= !directive && has_content(line.trim_start_matches('\u{feff}'));
        }
        at = next;
    }
    open.close(text, text.len(), &mut documents);
    documents
}

/// Reads one document into a type.
///
/// # Errors
/// If it is not YAML, not of that type, or too costly.
pub fn from_str<T: DeserializeOwned>(text: &str, first_line: u32) -> Result<T, YamlError> {
    serde_saphyr::from_str_with_options(text, options(text, MAX_DEPTH, DuplicateKeyPolicy::Error))
        .map_err(|error| located(&error, first_line))
}

/// Reads a file of one document into a tree. Equal keys are all in it, for the caller to name.
///
/// # Errors
/// If it is not YAML, more than one document, or too costly.
pub(super) fn tree(text: &str) -> Result<Node, YamlError> {
    let documents = split_documents(text);
    if documents.is_empty() {
        return Ok(Node { place: Place { line: 1, column: 1, width: 1 }, content: Content::Null });
    }
    if let Some(second) = documents.get(1) {
        let message = "a second document starts here, and this file may hold only one".into();
        return Err(YamlError { line: second.first_line, column: 1, message });
    }
    serde_saphyr::from_str_with_options::<Tree>(text, options(text, MAX_TREE_DEPTH, DuplicateKeyPolicy::PassThrough))
        .map(|tree| tree.into_node(text))
        .map_err(|error| located(&error, 1))
}

/// A value of a document, with the line and column of its text that it starts at.
#[derive(Debug, Clone)]
pub struct Placed<T> {
    pub line: u32,
    pub column: u32,
    pub value: T,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::deserialize(deserializer)?;
        let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).max(1);
        let place = spanned.referenced;
        Ok(Self { line: number(place.line()), column: number(place.column()), value: spanned.value })
    }
}

/// The document that is being looked for the end of.
struct Open {
    start: usize,
    line: u32,
    marked: bool,
    content: bool,
}

impl Open {
    fn close<'a>(&self, text: &'a str, end: usize, into: &mut Vec<Document<'a>>) {
        if self.content {
            into.push(Document { text: &text[self.start..end], first_line: self.line });
        }
    }
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn has_content(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

fn options(text: &str, depth: usize, duplicate_keys: DuplicateKeyPolicy) -> Options {
    // A node takes at least one byte and at most two events, so a text without aliases never meets these two.
    let nodes = text.len() + MAX_ALIASED;
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: depth,
            flow_nesting_limit: depth,
            max_nodes: nodes,
            max_events: 2 * nodes + 8,
            max_total_scalar_bytes: text.len() + (1 << 20),
            max_total_comment_bytes: text.len(),
            max_buffered_comment_events: text.len(),
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_ALIASED },
        duplicate_keys: duplicate_keys,
        strict_booleans: true,
        // `1e999` is a fine label.
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
        emit_comments: false,
    }
}

fn located(error: &serde_saphyr::Error, first_line: u32) -> YamlError {
    let place = error.location().unwrap_or(Location::UNKNOWN);
    let line = u32::try_from(place.line()).unwrap_or(u32::MAX).max(1);
    YamlError {
        line: line.saturating_add(first_line.saturating_sub(1)),
        column: u32::try_from(place.column()).unwrap_or(u32::MAX).max(1),
        message: one_line(UserMessageFormatter.format_message(error.without_snippet()).into_owned()),
    }
}

/// A node as the crate gives it: where it is, and what it looks like.
struct Tree(Spanned<Shape>);

enum Shape {
    Null,
    /// An unquoted scalar that YAML takes for something else than text; only its place is kept, to read it again as it
    /// was written.
    Typed(&'static str),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
}

impl Tree {
    fn into_node(self, text: &str) -> Node {
        let (used, defined) = (self.0.referenced, self.0.defined);
        let place = Place {
            line: u32::try_from(used.line()).unwrap_or(u32::MAX),
            column: u32::try_from(used.column()).unwrap_or(u32::MAX),
            width: u32::try_from(used.span().len()).unwrap_or(u32::MAX).max(1),
        };
        let content = match self.0.value {
            Shape::Null => Content::Null,
            Shape::Typed(kind) => Content::Typed(kind, written(text, defined).to_owned()),
            Shape::Text(text) => Content::Text(text),
            Shape::List(items) => Content::List(items.into_iter().map(|item| item.into_node(text)).collect()),
            Shape::Map(entries) => {
                let entries = entries.into_iter();
                Content::Map(entries.map(|(key, value)| (key.into_node(text), value.into_node(text))).collect())
            }
        };
        Node { place, content }
    }
}

fn written(text: &str, place: Location) -> &str {
    let span = place.span();
    let start = span.byte_offset().and_then(|at| usize::try_from(at).ok());
    let len = span.byte_len().and_then(|len| usize::try_from(len).ok());
    start.zip(len).and_then(|(start, len)| text.get(start..start + len)).unwrap_or_default().trim()
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any YAML")
    }
    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Typed("a boolean"))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Typed("a number"))
    }
    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Typed("a number"))
    }
    fn visit_i128<E>(self, _: i128) -> Result<Shape, E> {
        Ok(Shape::Typed("a number"))
    }
    fn visit_u128<E>(self, _: u128) -> Result<Shape, E> {
        Ok(Shape::Typed("a number"))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Typed("a number"))
    }
    fn visit_str<E>(self, text: &str) -> Result<Shape, E> {
        Ok(Shape::Text(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Shape::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Shape::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(text: &str) -> Vec<(u32, &str)> {
        split_documents(text).iter().map(|document| (document.first_line, document.text)).collect()
    }

    #[test]
    fn documents_are_found_with_their_lines() {
        assert_eq!(starts("a: 1\n---\nb: 2\n"), [(1, "a: 1\n"), (2, "---\nb: 2\n")]);
        assert_eq!(starts("# head\n---\na: 1\n...\n\n--- {b: 2}"), [(1, "# head\n---\na: 1\n"), (5, "\n--- {b: 2}")]);
        assert_eq!(starts("---\r\na: 1\r\n---\r\n---\r\n"), [(1, "---\r\na: 1\r\n")]);
        assert_eq!(starts("%YAML 1.2\n---\na: 1\n"), [(1, "%YAML 1.2\n---\na: 1\n")]);
        assert!(starts("\u{feff}\n# nothing\n---\n").is_empty());
    }

    #[test]
    fn dashes_inside_a_block_scalar_do_not_separate() {
        let text = "a: |\n  ---\n  x\n--- # next\nb: ----\n";
        assert_eq!(starts(text), [(1, "a: |\n  ---\n  x\n"), (4, "--- # next\nb: ----\n")]);
        for document in split_documents(text) {
            from_str::<std::collections::BTreeMap<String, String>>(document.text, 1).unwrap();
        }
    }

    #[test]
    fn errors_have_the_line_of_the_file() {
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only read")]
        struct Port {
            port: u16,
        }
        let text = "port: 1\n---\nport: 2\n---\n\nport: many\n---\nport: [\n";
        let read: Vec<_> =
            split_documents(text).iter().map(|document| from_str::<Port>(document.text, document.first_line)).collect();
        assert!(read[0].is_ok() && read[1].is_ok());
        let error = read[2].as_ref().unwrap_err();
        assert_eq!((error.line, error.column), (6, 7), "{error}");
        assert!(read[3].as_ref().unwrap_err().line >= 8, "{:?}", read[3]);
    }

    #[test]
    fn tree_keeps_places_and_what_was_written() {
        let text = "\u{feff}a: [1e3, yes, '2']\n\"b c\":\n  0x10: ~\nd: &x true\ne: *x\nf: 1e999\n";
        let root = tree(text).unwrap();
        assert_eq!(
            shown(&root),
            "1:1{1:1 `a`: 1:4[1:5 a number `1e3`, 1:10 `yes`, 1:15 `2`], 2:1 `b c`: 3:3{3:3 a number `0x10`: 3:9 nothing}, \
             4:1 `d`: 4:7 a boolean `true`, 5:1 `e`: 5:4 a boolean `true`, \
             6:1 `f`: 6:4 a number `1e999`}"
        );
    }

    fn shown(node: &Node) -> String {
        let place = format!("{}:{}", node.place.line, node.place.column);
        match &node.content {
            Content::List(items) => format!("{place}[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
            Content::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| format!("{}: {}", shown(key), shown(value)));
                format!("{place}{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
            _ => format!("{place} {}", node.found()),
        }
    }

    #[test]
    fn costly_documents_are_refused() {
        let deep = "[".repeat(100_000);
        assert!(tree(&deep).is_err());
        let deep: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        assert!(tree(&deep).is_err());
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let uses = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{uses}]\n"));
        }
        assert!(tree(&bomb).is_err());
        assert!(from_str::<std::collections::BTreeMap<String, serde::de::IgnoredAny>>(&bomb, 1).is_err());
    }

    #[test]
    fn large_documents_are_read() {
        let list: String = (0..100_000).map(|number| format!("- {{a: {number}}} # c\n")).collect();
        assert_eq!(from_str::<Vec<serde::de::IgnoredAny>>(&list, 1).map(|list| list.len()), Ok(100_000));
    }
}
