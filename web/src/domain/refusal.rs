//! How something that cannot be done is told to whoever asked.

use serde::Serialize;

/// One thing that is wrong with a request: where, what came, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: {value:?} cannot be taken: {expected}")]
pub struct Refusal {
    /// Field of the form or of the JSON body, such as `rosters[0].players`.
    pub field: String,
    /// What came, cut to 80 characters. Never a secret.
    pub value: String,
    /// What would be right, as a sentence for people.
    pub expected: String,
}

impl Refusal {
    /// Names a field, what it held, and what would be right.
    pub fn new(field: impl Into<String>, value: impl ToString, expected: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            value: value.to_string().chars().take(80).collect(),
            expected: expected.into(),
        }
    }
}
