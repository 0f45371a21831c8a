//! One-time links: whoever has one may do one thing once.

use super::{ClanId, MatchId, Time, UserId};

/// What a link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// Makes the first operator.
    FirstAdmin,
    /// Makes an admin of a clan.
    ClanAdmin(ClanId),
    /// Enrols one host.
    JoinHost,
}

impl LinkKind {
    /// The stored name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstAdmin => "first_admin",
            Self::ClanAdmin(_) => "clan_admin",
            Self::JoinHost => "join_host",
        }
    }

    /// From the stored name and clan.
    #[must_use]
    pub fn parse(name: &str, clan: Option<ClanId>) -> Option<Self> {
        match (name, clan) {
            ("first_admin", None) => Some(Self::FirstAdmin),
            ("clan_admin", Some(clan)) => Some(Self::ClanAdmin(clan)),
            ("join_host", None) => Some(Self::JoinHost),
            _ => None,
        }
    }
}

/// A link as it is kept: without its token, of which the store has the hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it is good for.
    pub kind: LinkKind,
    /// Where the invited is taken to.
    pub match_id: Option<MatchId>,
    /// Who made it; nobody for the first admin's.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: Time,
    /// Until when.
    pub expires_at: Time,
}
