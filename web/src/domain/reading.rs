//! What a player's own program has measured to a host.

use super::{HostId, PlayerId, Time};
use vmatrix_placement::Source;
use vmatrix_wire::RttSample;

/// The newest of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Who measured.
    pub player: PlayerId,
    /// To where.
    pub host: HostId,
    /// By what: [`Source::Browser`] or [`Source::Udp`].
    pub source: Source,
    /// When it was sent in.
    pub taken_at: Time,
    /// The figures; its target is the player.
    pub sample: RttSample,
}

/// Stored name of a source.
#[must_use]
pub fn source_name(source: Source) -> &'static str {
    match source {
        Source::Given => "given",
        Source::Icmp => "icmp",
        Source::Udp => "udp",
        Source::Browser => "browser",
        Source::King => "king",
        Source::Predicted => "predicted",
    }
}

/// From the stored name.
#[must_use]
pub fn source_of(name: &str) -> Option<Source> {
    use Source::{Browser, Given, Icmp, King, Predicted, Udp};
    [Given, Icmp, Udp, Browser, King, Predicted]
        .into_iter()
        .find(|source| source_name(*source) == name)
}
