//! A tree as a serde deserializer, so that the specs are ordinary serde structs. What is wrong inside a [`super::field::At`]
//! is reported and read over, so that one run names everything. It must not know any key.

use std::fmt;

use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::error::{Fault, Report};
use super::node::{Content, Node};

/// The newtype name by which an `At` asks for its place; no other type has it.
pub(super) const AT: &str = "\0interlocal at";

/// One node of a file.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    node: &'a Node,
    report: &'a Report<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(node: &'a Node, report: &'a Report<'a>) -> Self {
        Self { node, report }
    }

    fn wrong(self, expected: &str) -> ReadError {
        Fault::new(format!("expected {expected}, found {}", self.node.found())).into()
    }
}

/// A fault on its way to the next `At`, which knows the place.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub(super) struct ReadError(Fault);

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl serde::de::Error for ReadError {
    /// What follows the first line break is the help: serde lets nothing but text through.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        match message.split_once('\n') {
            Some((message, help)) => Self(Fault::new(message).help(help)),
            None => Self(Fault::new(message)),
        }
    }
}

/// A fault as the text that [`ReadError`] takes apart again.
pub(super) fn carried<E: serde::de::Error>(fault: Fault) -> E {
    match fault.help {
        Some(help) => E::custom(format_args!("{}\n{help}", fault.message)),
        None => E::custom(fault.message),
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = ReadError;

    /// Scalars reach their visitor as they were written: what a `5` means is for the type to say.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.content {
            Content::Null => visitor.visit_unit(),
            Content::Typed(_, text) | Content::Text(text) => visitor.visit_str(text),
            Content::List(_) => self.deserialize_seq(visitor),
            Content::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.content {
            Content::List(_) | Content::Map(_) => Err(self.wrong(&expected(&visitor))),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, v: V) -> Result<V::Value, ReadError> {
        if name == AT { v.visit_seq(Placed { reader: self, next: 0 }) } else { v.visit_newtype_struct(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match (&self.node.content, self.node.scalar()) {
            (Content::List(items), _) => visitor.visit_seq(Items { items: items.iter(), report: self.report }),
            (_, Some(text)) => Err(ReadError(self.wrong("a list").0.help(format!("write `[{}]`", quoted(text))))),
            _ => Err(self.wrong("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let Content::Map(entries) = &self.node.content else {
            return Err(self.wrong("a mapping"));
        };
        visitor.visit_map(Entries::new(entries, None, self.report))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let Content::Map(entries) = &self.node.content else {
            let error = self.wrong("a mapping").0.help(format!("its keys are: {}", known.join(", ")));
            return Err(error.into());
        };
        visitor.visit_map(Entries::new(entries, Some(known), self.report))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf option unit unit_struct tuple
        tuple_struct enum identifier ignored_any
    }
}

/// A text as an item of a flow list must be written.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '/' | '-' | '_');
    if text.chars().all(plain) { text.into() } else { format!("\"{text}\"") }
}

fn expected(visitor: &dyn Expected) -> String {
    visitor.to_string()
}

/// What an `At` is made of: whether it is null, line, column, width, and the value if it could be read.
struct Placed<'a> {
    reader: Reader<'a>,
    next: u8,
}

impl<'de> SeqAccess<'de> for Placed<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Reader { node, report } = self.reader;
        let null = node.content == Content::Null;
        self.next += 1;
        let number = match self.next {
            1 => u32::from(null),
            2 => node.place.line,
            3 => node.place.column,
            4 => node.place.width,
            _ => {
                return match seed.deserialize(self.reader) {
                    Ok(value) => Ok(Some(value)),
                    // A key without a value says nothing: its default stays.
                    Err(_) if null => Ok(None),
                    Err(ReadError(fault)) => {
                        report.error(node.place, fault);
                        Ok(None)
                    }
                };
            }
        };
        let number: U32Deserializer<ReadError> = number.into_deserializer();
        seed.deserialize(number).map(Some)
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Node>,
    report: &'a Report<'a>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some(node) = self.items.next() else {
            return Ok(None);
        };
        if node.content == Content::Null {
            self.report.error(node.place, Fault::new("expected a value, found nothing").help("remove the empty item"));
        }
        seed.deserialize(Reader::new(node, self.report)).map(Some)
    }
}

/// The entries of a mapping whose keys may be given: unknown and repeated ones are reported and left out.
struct Entries<'a> {
    entries: std::vec::IntoIter<(&'a Node, &'a str, &'a Node)>,
    by_name: bool,
    value: Option<&'a Node>,
    report: &'a Report<'a>,
}

impl<'a> Entries<'a> {
    fn new(entries: &'a [(Node, Node)], known: Option<&[&str]>, report: &'a Report<'a>) -> Self {
        let mut usable: Vec<(&Node, &str, &Node)> = Vec::with_capacity(entries.len());
        let mut first = std::collections::HashMap::new();
        for (key, value) in entries {
            let Some(name) = key.scalar() else {
                report.error(key.place, Fault::new(format!("expected a key, found {}", key.found())));
                continue;
            };
            if known.is_some_and(|known| !known.contains(&name)) {
                report.unknown_key(key.place, name, known.unwrap_or_default());
            } else if let Some(line) = first.insert(name, key.place.line) {
                let fault = Fault::new(format!("`{name}` is given twice"));
                report.error(key.place, fault.help(format!("the first is in line {line}")));
            } else {
                usable.push((key, name, value));
            }
        }
        Self { entries: usable.into_iter(), by_name: known.is_some(), value: None, report }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some((key, name, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        if self.by_name {
            let name: StrDeserializer<'de, ReadError> = name.into_deserializer();
            return seed.deserialize(name).map(Some);
        }
        seed.deserialize(Reader::new(key, self.report)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let value = self.value.take().ok_or_else(|| Fault::new("a value was asked for before its key"))?;
        seed.deserialize(Reader::new(value, self.report))
    }
}
