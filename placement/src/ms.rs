//! Milliseconds as people write them.

use crate::rtt::ms_text;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::fmt;

/// A length of time up to one minute in whole microseconds, zero too; in TOML and JSON milliseconds with three
/// decimals at most: `90`, `62.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ms(u32);

impl Ms {
    /// From microseconds; more than a minute is a minute.
    #[must_use]
    pub const fn from_us(us: u32) -> Self {
        Self(if us > crate::Micros::MAX_US {
            crate::Micros::MAX_US
        } else {
            us
        })
    }

    /// In microseconds.
    #[must_use]
    pub const fn us(self) -> u32 {
        self.0
    }
}

impl Serialize for Ms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0 / 1000, self.0 % 1000) {
            (whole, 0) => serializer.serialize_u32(whole),
            _ => serializer.serialize_f64(f64::from(self.0) / 1000.0),
        }
    }
}

impl<'de> Deserialize<'de> for Ms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ms = f64::deserialize(deserializer)?;
        let us = ms * 1000.0;
        if !(0.0..=f64::from(crate::Micros::MAX_US)).contains(&us) || (us - us.round()).abs() > 1e-6 {
            return Err(D::Error::custom(format!(
                "{ms}: must be between 0 and 60000 milliseconds, with three decimals at most"
            )));
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be within one minute"
        )]
        Ok(Self(us.round() as u32))
    }
}

impl fmt::Display for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ms_text(u64::from(self.0)).trim_end_matches(" ms"))
    }
}
