//! A secret has no way to be printed by accident.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A password, token or key. `Debug` shows nothing of it; [`Secret::reveal`] is the one, searchable, way to read it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes a text as secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that must send or compare it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn debug_shows_nothing_of_a_secret() {
        assert!(!format!("{:?}", super::Secret::new("hunter2")).contains("hunter2"));
    }
}
