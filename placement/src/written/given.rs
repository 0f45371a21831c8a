//! What stands at a field of a policy, whatever it is: so that the check, which knows the field, says what would be right.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// A number, a text, or something else, of which only its words are kept. Whole numbers are written without a point.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) enum Given {
    #[default]
    Absent,
    Whole(i64),
    Part(f64),
    Text(String),
    Other(&'static str),
}

impl Given {
    pub(super) fn is_absent(&self) -> bool {
        *self == Self::Absent
    }

    /// The number, if it is one.
    #[allow(
        clippy::cast_precision_loss,
        reason = "what is not exact is too large for any field"
    )]
    pub(super) const fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(whole) => Some(*whole as f64),
            Self::Part(part) => Some(*part),
            _ => None,
        }
    }
}

/// As a message shows it, cut where it is long.
impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("(absent)"),
            Self::Whole(whole) => whole.fmt(f),
            Self::Part(part) => part.fmt(f),
            Self::Text(text) => {
                let shown: String = text.chars().take(80).collect();
                let cut = if shown.len() < text.len() { "…" } else { "" };
                write!(f, "{shown:?}{cut}")
            }
            Self::Other(what) => write!(f, "({what})"),
        }
    }
}

impl Serialize for Given {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(whole) => serializer.serialize_i64(*whole),
            Self::Part(part) => serializer.serialize_f64(*part),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Absent | Self::Other(_) => serializer.serialize_none(),
        }
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GivenVisitor)
    }
}

struct GivenVisitor;

impl<'de> Visitor<'de> for GivenVisitor {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_i64<E: Error>(self, whole: i64) -> Result<Given, E> {
        Ok(Given::Whole(whole))
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "what is not exact is too large for any field"
    )]
    fn visit_u64<E: Error>(self, whole: u64) -> Result<Given, E> {
        Ok(i64::try_from(whole).map_or(Given::Part(whole as f64), Given::Whole))
    }

    fn visit_f64<E: Error>(self, part: f64) -> Result<Given, E> {
        Ok(Given::Part(part))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Given, E> {
        Ok(Given::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Given, E> {
        Ok(Given::Other(if value { "true" } else { "false" }))
    }

    fn visit_unit<E: Error>(self) -> Result<Given, E> {
        Ok(Given::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Given, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Given::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Given::Other("a table"))
    }
}

/// A table of fields, or what stands in its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Table<T> {
    Fields(T),
    Not(Given),
}

impl<T: Default> Default for Table<T> {
    fn default() -> Self {
        Self::Fields(T::default())
    }
}

impl<T: Serialize> Serialize for Table<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fields(fields) => fields.serialize(serializer),
            Self::Not(given) => given.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TableVisitor(PhantomData))
    }
}

struct TableVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TableVisitor<T> {
    type Value = Table<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Table<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Table::Fields)
    }

    fn visit_i64<E: Error>(self, whole: i64) -> Result<Table<T>, E> {
        GivenVisitor.visit_i64(whole).map(Table::Not)
    }

    fn visit_u64<E: Error>(self, whole: u64) -> Result<Table<T>, E> {
        GivenVisitor.visit_u64(whole).map(Table::Not)
    }

    fn visit_f64<E: Error>(self, part: f64) -> Result<Table<T>, E> {
        GivenVisitor.visit_f64(part).map(Table::Not)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Table<T>, E> {
        GivenVisitor.visit_str(text).map(Table::Not)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Table<T>, E> {
        GivenVisitor.visit_bool(value).map(Table::Not)
    }

    fn visit_unit<E: Error>(self) -> Result<Table<T>, E> {
        GivenVisitor.visit_unit().map(Table::Not)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Table<T>, A::Error> {
        GivenVisitor.visit_seq(list).map(Table::Not)
    }
}
