//! What is known of a round-trip time beside its value.

use serde::{Deserialize, Serialize};

/// Where a value comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Somebody wrote it down.
    #[default]
    Given,
    /// Echo requests of the host.
    Icmp,
    /// Datagrams of the player's own program.
    Udp,
    /// The player's browser.
    Browser,
    /// Name servers near both ends (King).
    King,
    /// Predicted, from landmarks or coordinates.
    Predicted,
}

/// Source, age and error of one value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Where it comes from.
    pub source: Source,
    /// How old it is, seconds.
    pub age_s: u32,
    /// How wrong it usually is, microseconds.
    pub error_us: u32,
}
