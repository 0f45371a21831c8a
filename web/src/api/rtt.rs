//! Milliseconds in a body.

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use std::fmt;
use vmatrix_placement::{
    Micros,
    read::{Unit, round_trip},
};

/// Milliseconds, read as those in a file are.
pub(super) struct Rtt(pub(super) Micros);

const RIGHT: &str = "milliseconds from 0.001 to 60000, or null";

impl<'de> Deserialize<'de> for Rtt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RttVisitor)
    }
}

struct RttVisitor;

impl Visitor<'_> for RttVisitor {
    type Value = Rtt;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(RIGHT)
    }

    fn visit_f64<E: Error>(self, ms: f64) -> Result<Rtt, E> {
        let rtt = round_trip(&ms.to_string(), Unit::Milliseconds);
        rtt.map(Rtt).map_err(|_| E::custom(RIGHT))
    }

    fn visit_u64<E: Error>(self, ms: u64) -> Result<Rtt, E> {
        let rtt = round_trip(&ms.to_string(), Unit::Milliseconds);
        rtt.map(Rtt).map_err(|_| E::custom(RIGHT))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Rtt, E> {
        // Whole numbers come here only if they are below zero.
        Err(E::custom(RIGHT))
    }
}
