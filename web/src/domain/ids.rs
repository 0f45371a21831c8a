//! One newtype per noun, so that a player's id cannot be handed over as a clan's.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

pub use vmatrix_wire::{HostId, ProbeId as RoundId, SnapshotId, TargetId, VmId};

/// A text that is not the id it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a {what} id")]
pub struct BadUuid {
    /// What it should have been.
    pub what: &'static str,
    /// The text as it came, cut to 80 characters.
    pub value: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadUuid;
            fn from_str(text: &str) -> Result<Self, BadUuid> {
                Uuid::parse_str(text)
                    .map(Self)
                    .map_err(|_| BadUuid { what: $what, value: text.chars().take(80).collect() })
            }
        }
    )*};
}

ids! {
    /// Somebody who can sign in.
    UserId = "user";
    /// A clan.
    ClanId = "clan";
    /// A player of a clan.
    PlayerId = "player";
    /// A hosting network.
    SiteId = "site";
    /// A match.
    MatchId = "match";
    /// What was chosen when, and why.
    ChoiceId = "choice";
    /// A slot and a port of a host for some time.
    ReservationId = "reservation";
    /// A web service.
    ServiceId = "service";
    /// A token of the API.
    ApiTokenId = "API token";
    /// A sentence of a match's story.
    StoryId = "story";
}
