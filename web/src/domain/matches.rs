//! A match and the states of its life.
//!
//! ```text
//!   Gathering -> Probing -> Reserved -> Waking -> Ready -> Ending -> Over
//!                  ^  |        |          |
//!                  |  v        v          v
//!                Unplaced <-- (no host is left)          any but Over: -> Failed, Cancelled
//! ```

use super::{ChoiceId, ClanId, HostId, MatchId, ReservationId, RoundId, Time, User, UserId, VmId};
use serde::{Deserialize, Serialize};
use vmatrix_placement::Policy;
use vmatrix_wire::Secret;

/// A booked match.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Its id.
    pub id: MatchId,
    /// Name of the image.
    pub image: String,
    /// Map that it starts with.
    pub map: String,
    /// The rule by which its host is chosen.
    pub policy: Policy,
    /// The clan named first.
    pub home: ClanId,
    /// The other.
    pub away: ClanId,
    /// When it starts.
    pub start_at: Time,
    /// How long it lasts, milliseconds.
    pub length_ms: i64,
    /// Where it is in its life.
    pub state: MatchState,
    /// What players need to join.
    pub password: Secret,
    /// The game's remote-console password.
    pub rcon: Secret,
    /// Who booked it.
    pub created_by: UserId,
    /// When.
    pub created_at: Time,
    /// The match that it repeats, if it is a rematch.
    pub rematch_of: Option<MatchId>,
    /// Each side is measured and frozen before it knows the other: see [`FrozenSide`](super::FrozenSide).
    pub freeze: bool,
    /// Grows with each write: a step writes only over the revision that it has read.
    pub revision: i64,
}

impl Match {
    /// When it is ended if nobody does so before.
    #[must_use]
    pub fn end_at(&self) -> Time {
        self.start_at.plus(self.length_ms)
    }

    /// Whether this user, who may know of it, may end or cancel it now. Before it is ready either side may withdraw; then only
    /// staff, and whoever booked it.
    #[must_use]
    pub fn may_be_ended_by(&self, user: &User) -> bool {
        match self.state {
            MatchState::Ready { .. } => user.role.is_staff() || self.created_by == user.id,
            MatchState::Ending { .. } => false,
            _ => !self.state.is_final(),
        }
    }

    /// Whether its players may be booked once more: it has begun, or will not any more.
    #[must_use]
    pub fn may_be_repeated(&self) -> bool {
        self.state.is_final() || matches!(self.state, MatchState::Ready { .. } | MatchState::Ending { .. })
    }

    /// The clan without whose roster this user cannot book it once more, if it has none: staff give both, a clan's admin the own.
    #[must_use]
    pub fn lacks_roster(&self, user: &User, has_roster: impl Fn(ClanId) -> bool) -> Option<ClanId> {
        let needed = |clan: &ClanId| user.role.clan().is_none_or(|own| own == *clan);
        let mut needed = [self.home, self.away].into_iter().filter(needed);
        needed.find(|clan| !has_roster(*clan))
    }
}

/// Where a match is in its life, with exactly what that state has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MatchState {
    /// Waits for the other clan's roster.
    Gathering,
    /// The players are measured; nothing is held yet.
    Probing {
        /// The round.
        round: RoundId,
        /// Why it is measured.
        reason: RoundReason,
        /// Somebody has come since the round began: another follows it.
        #[serde(default)]
        again: bool,
    },
    /// A slot and a port are held; the snapshot is fetched there.
    Reserved {
        /// What is held.
        held: Held,
        /// Whether the players are measured once more.
        recheck: Recheck,
    },
    /// The VM is ordered to be open.
    Waking {
        /// What is held.
        held: Held,
        /// Since when.
        since: Time,
    },
    /// Seen from outside: people can join.
    Ready {
        /// What is held.
        held: Held,
        /// Since when.
        since: Time,
    },
    /// The VM is ordered to go.
    Ending {
        /// What was held.
        held: Held,
        /// Why.
        how: EndedHow,
        /// Since when.
        since: Time,
    },
    /// Nothing of it is left on any host.
    Over {
        /// Why it ended.
        how: EndedHow,
        /// What was held.
        held: Held,
        /// Since when.
        since: Time,
    },
    /// No host can be given. A changed roster or a retry measures again, and so does time if hosts were the reason.
    Unplaced {
        /// Why, for people.
        why: String,
        /// What was found, if the players were measured.
        choice: Option<ChoiceId>,
        /// When it is tried again by itself, if that may help.
        #[serde(default)]
        again_at: Option<Time>,
    },
    /// It did not take place. A retry measures again if there is time left.
    Failed {
        /// Why, for people.
        why: String,
        /// The last choice, if there was one.
        choice: Option<ChoiceId>,
    },
    /// Ended before it began.
    Cancelled,
}

/// What is held on a host for a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The slot and the port in time.
    pub reservation: ReservationId,
    /// The host.
    pub host: HostId,
    /// Port of its public address.
    pub port: u16,
    /// The VM; another host or port is another VM or port.
    pub vm: VmId,
    /// Why this host.
    pub choice: ChoiceId,
    /// Hosts that were tried for this match and are not to be tried again.
    pub excluded: Vec<Excluded>,
}

/// A host that was tried and left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// Which.
    pub host: HostId,
    /// Why it was left, for people.
    pub why: String,
}

/// Whether a reservation is looked at once more before the match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "recheck", rename_all = "snake_case")]
pub enum Recheck {
    /// At this time.
    Due {
        /// When.
        at: Time,
    },
    /// Now.
    Running {
        /// The round.
        round: RoundId,
        /// When the look before the match is due, if it is still to come.
        then: Option<Time>,
        /// Somebody has come since the round began: another follows it.
        #[serde(default)]
        again: bool,
    },
    /// It was, or the match started too soon for one.
    Done,
}

/// Why players are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundReason {
    /// The match was booked.
    Booking,
    /// It starts soon.
    Recheck,
    /// A roster was changed.
    Roster,
    /// Somebody asked for another try.
    Retry,
    /// There was no host, and there may be one by now.
    Again,
}

/// Why a match ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedHow {
    /// Its time was up.
    TimeUp,
    /// Somebody ended it.
    ByHand,
    /// Its host left the fleet.
    HostLeft,
}

impl RoundReason {
    /// The stored name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Recheck => "recheck",
            Self::Roster => "roster",
            Self::Retry => "retry",
            Self::Again => "again",
        }
    }

    /// From the stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::Booking,
            Self::Recheck,
            Self::Roster,
            Self::Retry,
            Self::Again,
        ]
        .into_iter()
        .find(|reason| reason.name() == name)
    }
}

impl MatchState {
    /// The stored and shown name: `gathering`, `probing`, `reserved`, `waking`, `ready`, `ending`, `over`, `unplaced`,
    /// `failed` or `cancelled`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gathering => "gathering",
            Self::Probing { .. } => "probing",
            Self::Reserved { .. } => "reserved",
            Self::Waking { .. } => "waking",
            Self::Ready { .. } => "ready",
            Self::Ending { .. } => "ending",
            Self::Over { .. } => "over",
            Self::Unplaced { .. } => "unplaced",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// What is, or last was, held.
    #[must_use]
    pub fn held(&self) -> Option<&Held> {
        match self {
            Self::Reserved { held, .. }
            | Self::Waking { held, .. }
            | Self::Ready { held, .. }
            | Self::Ending { held, .. }
            | Self::Over { held, .. } => Some(held),
            _ => None,
        }
    }

    /// The choice that this state rests on.
    #[must_use]
    pub fn choice(&self) -> Option<ChoiceId> {
        match self {
            Self::Unplaced { choice, .. } | Self::Failed { choice, .. } => *choice,
            other => other.held().map(|held| held.choice),
        }
    }

    /// Whether it may still be changed who plays: until the VM is woken.
    #[must_use]
    pub fn players_may_change(&self) -> bool {
        matches!(
            self,
            Self::Gathering | Self::Probing { .. } | Self::Reserved { .. } | Self::Unplaced { .. }
        )
    }

    /// Whether nothing will happen to it by itself any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Over { .. } | Self::Failed { .. } | Self::Cancelled)
    }
}
