//! The rule by which a host is chosen.

use crate::Micros;
use serde::{Deserialize, Serialize};

/// A league's rule. The smallest closeness factor wins among the hosts where nobody is above the cap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// The largest round-trip time that any player may have, inclusive.
    pub cap: Micros,
}

impl Policy {
    /// The thesis's rule with another cap.
    #[must_use]
    pub fn with_cap(cap: Micros) -> Self {
        Self {
            cap,
            ..Self::default()
        }
    }
}

impl Default for Policy {
    /// The thesis's rule: closeness alone, cap 180 ms.
    fn default() -> Self {
        const CAP: Micros = match Micros::new(180_000) {
            Ok(cap) => cap,
            Err(_) => panic!(),
        };
        Self {
            name: "thesis".into(),
            cap: CAP,
        }
    }
}
