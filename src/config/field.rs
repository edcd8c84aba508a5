//! What the specs are made of: a value with its place, a scalar read from its text, a mapping with free keys. They are
//! generic serde types, but only [`super::reader::Reader`] gives places.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::error::Fault;
use super::node::Place;
use super::reader::{AT, carried};

/// A value of a file with its place. It is never an error: what cannot be read was reported, and is no value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct At<T> {
    value: Option<T>,
    place: Option<Place>,
}

/// A scalar with its place: most keys are one.
pub(super) type Field<T> = At<Scalar<T>>;

/// A list of scalars.
pub(super) type FieldList<T> = At<Vec<Field<T>>>;

/// A type that is read from the text of a scalar.
pub(super) trait Leaf: Sized {
    /// What an error says was expected: "a duration such as `5s`".
    const EXPECTED: &'static str;

    fn read(text: &str) -> Result<Self, Fault>;

    /// What a key without a value means, if it is not the default.
    fn null() -> Option<Self> {
        None
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scalar<T>(pub(super) T);

/// A mapping whose keys are data, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mapping<T>(pub(super) Vec<(Field<String>, At<T>)>);

impl<T> Default for At<T> {
    fn default() -> Self {
        Self { value: None, place: None }
    }
}

impl<T> At<T> {
    /// Where it stands, if the file names it with a value.
    pub(super) fn place(&self) -> Option<Place> {
        self.place
    }

    pub(super) fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    pub(super) fn into_value(self) -> Option<T> {
        self.value
    }

    /// The value with its place.
    pub(super) fn both(&self) -> Option<(Place, &T)> {
        self.place.zip(self.value.as_ref())
    }

    /// Named, but unreadable: that was reported.
    pub(super) fn failed(&self) -> bool {
        self.place.is_some() && self.value.is_none()
    }
}

impl<T: Clone> Field<T> {
    /// The value of the scalar.
    pub(super) fn scalar(&self) -> Option<T> {
        self.value.as_ref().map(|scalar| scalar.0.clone())
    }
}

impl<T: Clone> FieldList<T> {
    /// The readable ones with their places.
    pub(super) fn items(&self) -> impl Iterator<Item = (Place, T)> {
        self.value.iter().flatten().filter_map(|item| item.place.zip(item.scalar()))
    }

    /// Is an item unreadable, or the list itself? Both were reported.
    pub(super) fn any_failed(&self) -> bool {
        self.failed() || self.value.iter().flatten().any(At::failed)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(AT, AtVisitor(PhantomData))
    }
}

struct AtVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AtVisitor<T> {
    type Value = At<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value with its place")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<At<T>, A::Error> {
        let mut number = || parts.next_element::<u32>()?.ok_or_else(|| A::Error::custom("place is incomplete"));
        let null = number()? != 0;
        let place = Place { line: number()?, column: number()?, width: number()? };
        let value = parts.next_element()?;
        let named = !null || value.is_some();
        Ok(At { value, place: named.then_some(place) })
    }
}

impl<'de, T: Leaf> Deserialize<'de> for Scalar<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ScalarVisitor(PhantomData))
    }
}

struct ScalarVisitor<T>(PhantomData<T>);

impl<T: Leaf> Visitor<'_> for ScalarVisitor<T> {
    type Value = Scalar<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Scalar<T>, E> {
        T::read(text).map(Scalar).map_err(carried)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Scalar<T>, E> {
        T::null().map(Scalar).ok_or_else(|| E::custom("no value"))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Mapping<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MappingVisitor(PhantomData))
    }
}

struct MappingVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MappingVisitor<T> {
    type Value = Mapping<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Mapping<T>, A::Error> {
        let mut mapping = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            mapping.push(entry);
        }
        Ok(Mapping(mapping))
    }
}
