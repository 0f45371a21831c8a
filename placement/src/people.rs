//! For whom a host is chosen: not all people of a match count alike.

use crate::Micros;
use serde::{Deserialize, Serialize};

/// One of the two clans of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The one that booked.
    A,
    /// The other.
    B,
}

/// What somebody does in a match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Is in the line-up: everything counts.
    #[default]
    Player,
    /// May come into the line-up of their side for any of its players.
    Substitute,
    /// Advises a side. Without a weight or a cap of their own nothing depends on them.
    Coach,
    /// Shows the match to others. As a coach.
    Caster,
}

impl Role {
    /// As it stands in JSON: `substitute`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Player => "player",
            Self::Substitute => "substitute",
            Self::Coach => "coach",
            Self::Caster => "caster",
        }
    }

    /// Whether they may play: then the policy's cap holds for them.
    #[must_use]
    pub const fn plays(self) -> bool {
        matches!(self, Self::Player | Self::Substitute)
    }
}

/// How much somebody beside the players counts in the mean and in the closeness factor, per cent of a player.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Weight(u8);

/// A number that is no weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("weight {per_cent}: must be between 0 and 100 per cent of a player")]
pub struct BadWeight {
    /// The number.
    pub per_cent: u8,
}

impl Weight {
    /// Counts as a player does.
    pub const FULL: Self = Self(100);

    /// Takes 0 to 100.
    ///
    /// # Errors
    /// Another number.
    pub const fn new(per_cent: u8) -> Result<Self, BadWeight> {
        if per_cent > 100 {
            return Err(BadWeight { per_cent });
        }
        Ok(Self(per_cent))
    }

    /// 0 to 100.
    #[must_use]
    pub const fn per_cent(self) -> u64 {
        self.0 as u64
    }

    fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl TryFrom<u8> for Weight {
    type Error = BadWeight;
    fn try_from(per_cent: u8) -> Result<Self, BadWeight> {
        Self::new(per_cent)
    }
}

impl From<Weight> for u8 {
    fn from(weight: Weight) -> Self {
        weight.0
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Player {
    /// Unlike any other's.
    pub id: String,
    /// For sentences.
    pub name: String,
    /// Whom they are with. Absent if the match has no two sides, or for casters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// What they do.
    #[serde(default)]
    pub role: Role,
    /// For coaches and casters: how much they count. Whoever plays counts in full.
    #[serde(default, skip_serializing_if = "Weight::is_zero")]
    pub weight: Weight,
    /// A cap of their own instead of the policy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Micros>,
}

impl Player {
    /// Somebody in the line-up.
    #[must_use]
    pub fn new(id: impl Into<String>, name: impl Into<String>, side: impl Into<Option<Side>>) -> Self {
        let (id, name, side) = (id.into(), name.into(), side.into());
        Self {
            id,
            name,
            side,
            role: Role::Player,
            weight: Weight::default(),
            cap: None,
        }
    }

    /// The same with another role.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// The cap that holds for them under a policy with `cap`: their own, or the policy's if they may play.
    #[must_use]
    pub fn cap_under(&self, cap: Micros) -> Option<Micros> {
        self.cap.or_else(|| self.role.plays().then_some(cap))
    }

    /// How much they count in means of the line-up: players in full, substitutes not until they play.
    #[must_use]
    pub fn counts(&self) -> u64 {
        match self.role {
            Role::Player => Weight::FULL.per_cent(),
            Role::Substitute => 0,
            Role::Coach | Role::Caster => self.weight.per_cent(),
        }
    }
}
