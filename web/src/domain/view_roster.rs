//! Who plays in a match, as one viewer sees it.

use super::{AN_OPPONENT, ClanId, PlayerId, Time, view::FrozenView};
use serde::Serialize;

/// One clan's players of a match.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RosterView {
    /// The clan.
    pub clan: RosterClan,
    /// Its players; for another clan's admin numbered and without ids.
    pub players: Vec<RosterPlayer>,
    /// Since when there is a link by which its players come; absent for another clan's admin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_since: Option<Time>,
    /// What that link still does: `open`, `gathering` or `complete`; absent for another clan's admin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_stage: Option<&'static str>,
    /// What is frozen of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<FrozenView>,
}

/// A clan in a roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RosterClan {
    /// Its id.
    pub id: ClanId,
    /// Its name.
    pub name: String,
}

impl RosterClan {
    /// A clan that the viewer may not know yet.
    #[must_use]
    pub fn an_opponent() -> Self {
        Self {
            id: ClanId(uuid::Uuid::nil()),
            name: AN_OPPONENT.into(),
        }
    }
}

/// A player in a roster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RosterPlayer {
    /// Absent for another clan's admin.
    pub id: Option<PlayerId>,
    /// See [`PlayerView::name`](super::view::PlayerView::name).
    pub name: String,
    /// `player`, `substitute`, `coach` or `caster`.
    pub role: &'static str,
    /// A cap of their own instead of the rule's, milliseconds; absent for another clan's admin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap_ms: Option<f64>,
    /// Why hosts do not ping them, and what can be done about it; absent for another clan's admin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_measured: Option<String>,
}
