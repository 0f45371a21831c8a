//! A policy in a body: the name of a preset, or the whole rule.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};
use std::fmt;
use vmatrix_placement::{Policy, Preset};

/// For `#[serde(deserialize_with)]`.
pub(super) fn named_or_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Policy, D::Error> {
    deserializer.deserialize_any(PolicyVisitor)
}

struct PolicyVisitor;

impl<'de> Visitor<'de> for PolicyVisitor {
    type Value = Policy;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let names: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name()).collect();
        write!(f, "one of {}, or a whole policy as an object", names.join(", "))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Policy, E> {
        let preset =
            Preset::parse(name).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(name), &self))?;
        Ok(preset.policy())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Policy, A::Error> {
        Policy::deserialize(MapAccessDeserializer::new(map))
    }
}
