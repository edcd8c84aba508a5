//! Fields of objects that somebody else wrote. A field of the wrong type is remembered as that, so that it costs its object
//! and not the list or the document around it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// Not there, or null.
    #[default]
    Absent,
    Is(T),
    /// What is there instead.
    Wrong(&'static str),
}

/// A field had the wrong type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: expected {expected}, found {found}")]
pub struct WrongType {
    pub field: &'static str,
    pub expected: &'static str,
    pub found: &'static str,
}

impl<T: Shape> Field<T> {
    /// The value, if there is one; `field` is its path, for people.
    ///
    /// # Errors
    /// If the type is wrong.
    pub fn get(&self, field: &'static str) -> Result<Option<&T>, WrongType> {
        match self {
            Self::Absent => Ok(None),
            Self::Is(value) => Ok(Some(value)),
            Self::Wrong(found) => Err(WrongType { field, expected: T::EXPECTED, found }),
        }
    }
}

impl Field<String> {
    /// The text, empty if there is none.
    ///
    /// # Errors
    /// If it is not text.
    pub fn text(&self, field: &'static str) -> Result<&str, WrongType> {
        Ok(self.get(field)?.map_or("", String::as_str))
    }
}

impl<T> Field<Vec<T>> {
    /// The items, none if there is no list.
    ///
    /// # Errors
    /// If it is not a list.
    pub fn items(&self, field: &'static str) -> Result<&[T], WrongType>
    where
        Vec<T>: Shape,
    {
        Ok(self.get(field)?.map_or(&[][..], Vec::as_slice))
    }
}

/// What a type takes of what may be there; the rest is wrong.
pub trait Shape: Sized {
    const EXPECTED: &'static str;

    fn from_text(_: &str) -> Option<Self> {
        None
    }
    fn from_number(_: u64) -> Option<Self> {
        None
    }
    fn from_flag(_: bool) -> Option<Self> {
        None
    }
    /// Reads the list to its end, whatever comes of it.
    ///
    /// # Errors
    /// If the text itself is broken.
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
    /// Reads the mapping to its end, whatever comes of it.
    ///
    /// # Errors
    /// If the text itself is broken.
    fn from_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Option<Self>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

impl Shape for String {
    const EXPECTED: &'static str = "text";
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Shape for u64 {
    const EXPECTED: &'static str = "a number";
    fn from_number(number: u64) -> Option<Self> {
        Some(number)
    }
}

impl Shape for bool {
    const EXPECTED: &'static str = "true or false";
    fn from_flag(flag: bool) -> Option<Self> {
        Some(flag)
    }
}

impl<T: for<'de> Deserialize<'de>> Shape for Vec<T> {
    const EXPECTED: &'static str = "a list";
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut items = Self::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Some(items))
    }
}

/// Makes structs of fields a shape: a mapping.
macro_rules! mappings {
    ($($name:ty),+ $(,)?) => {$(
        impl $crate::kube::lax::Shape for $name {
            const EXPECTED: &'static str = "a mapping";
            fn from_map<'de, A: serde::de::MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
                serde::Deserialize::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Some)
            }
        }
    )+};
}
pub(super) use mappings;

impl<'de, T: Shape> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

fn or_wrong<T>(value: Option<T>, found: &'static str) -> Field<T> {
    value.map_or(Field::Wrong(found), Field::Is)
}

impl<'de, T: Shape> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }
    fn visit_unit<E>(self) -> Result<Field<T>, E> {
        Ok(Field::Absent)
    }
    fn visit_none<E>(self) -> Result<Field<T>, E> {
        Ok(Field::Absent)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_str<E>(self, text: &str) -> Result<Field<T>, E> {
        Ok(or_wrong(T::from_text(text), "text"))
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Field<T>, E> {
        Ok(or_wrong(T::from_flag(flag), "true or false"))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Field<T>, E> {
        Ok(or_wrong(T::from_number(number), "a number"))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Field<T>, E> {
        Ok(or_wrong(u64::try_from(number).ok().and_then(T::from_number), "a number"))
    }
    fn visit_u128<E>(self, _: u128) -> Result<Field<T>, E> {
        Ok(Field::Wrong("a number"))
    }
    fn visit_i128<E>(self, _: i128) -> Result<Field<T>, E> {
        Ok(Field::Wrong("a number"))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Field<T>, E> {
        Ok(Field::Wrong("a fraction"))
    }
    fn visit_bytes<E>(self, _: &[u8]) -> Result<Field<T>, E> {
        Ok(Field::Wrong("binary data"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Field<T>, A::Error> {
        Ok(or_wrong(T::from_list(list)?, "a list"))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Field<T>, A::Error> {
        Ok(or_wrong(T::from_map(map)?, "a mapping"))
    }
}
