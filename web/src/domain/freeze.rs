//! Measurements that are taken of each side before it knows the other, and used as they were: so that nobody slows their line,
//! or goes another way, because of whom they play against. What is frozen holds for its very players, for a day.

use super::{ClanId, Fused, HostId, PlayerId, Seat, Smelt, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use vmatrix_placement::{
    Micros, Note, Role,
    fusion::{Smell, TOO_OLD_S, later},
};

/// What was measured of one side of a match, as it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct FrozenSide {
    /// Whose.
    pub clan: ClanId,
    /// Since when.
    pub at: Time,
    /// What.
    pub measured: FrozenValues,
}

/// See [`FrozenSide`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FrozenValues {
    /// From where it was measured. Of any other host nothing is known.
    pub hosts: Vec<HostId>,
    /// The side's players.
    pub players: Vec<FrozenPlayer>,
}

/// One player's values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrozenPlayer {
    /// Who.
    pub player: PlayerId,
    /// To each host at which there is one: the fused value, and its note as it was then.
    pub values: Vec<(HostId, Micros, Note)>,
    /// What did not fit together.
    pub smells: Vec<Smell>,
}

/// Why a side that was frozen is measured anew. Both clans read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HoldsNoMore {
    /// Somebody came or went.
    #[error("its players have changed since")]
    Players,
    /// [`TOO_OLD_S`] have passed.
    #[error("that is more than {} hours ago", TOO_OLD_S / 3600)]
    TooOld,
}

/// How far a side of a match is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SideStands {
    /// Its players are not chosen, or still come.
    Absent,
    /// Its players are to be measured.
    Open,
    /// What is frozen holds.
    Frozen,
}

/// What follows when a round of a match has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterRound {
    /// Both sides are frozen: the host can be chosen.
    Choose,
    /// There is nobody to be measured until a clan has chosen its players.
    Gather,
    /// Somebody could not be measured yet.
    MeasureAgain,
}

impl FrozenSide {
    /// Whether it holds for who plays for the side now.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, roster: &BTreeSet<PlayerId>, now: Time) -> Result<(), HoldsNoMore> {
        let measured: BTreeSet<PlayerId> = self.measured.players.iter().map(|one| one.player).collect();
        if measured != *roster {
            return Err(HoldsNoMore::Players);
        }
        if now.since(self.at) > i64::from(TOO_OLD_S) * 1000 {
            return Err(HoldsNoMore::TooOld);
        }
        Ok(())
    }
}

/// How a side stands, of which this is frozen; `gathers` says that its players still come.
#[must_use]
pub fn side_stands(
    frozen: Option<&FrozenSide>,
    roster: &BTreeSet<PlayerId>,
    gathers: bool,
    now: Time,
) -> SideStands {
    match frozen {
        _ if gathers || roster.is_empty() => SideStands::Absent,
        Some(side) if side.check(roster, now).is_ok() => SideStands::Frozen,
        _ => SideStands::Open,
    }
}

/// What follows when a round has ended and all that it has measured is frozen.
#[must_use]
pub fn after_round(sides: [SideStands; 2]) -> AfterRound {
    if sides.contains(&SideStands::Open) {
        AfterRound::MeasureAgain
    } else if sides.contains(&SideStands::Absent) {
        AfterRound::Gather
    } else {
        AfterRound::Choose
    }
}

impl FrozenValues {
    /// What is known of a side's players at this moment, from these hosts. `fused` has a row per host and a column per player.
    #[must_use]
    pub fn of(hosts: &[HostId], from: &BTreeSet<HostId>, players: &[PlayerId], fused: &Fused) -> Self {
        let rows = || hosts.iter().zip(fused.rows.iter().zip(&fused.notes));
        let player = |(column, player): (usize, &PlayerId)| FrozenPlayer {
            player: *player,
            values: rows()
                .filter(|(host, _)| from.contains(host))
                .filter_map(|(host, (row, notes))| {
                    let value = row.get(column).copied().flatten()?;
                    Some((*host, value, notes.get(column).copied().flatten()?))
                })
                .collect(),
            smells: fused
                .smells
                .iter()
                .filter(|smelt| smelt.player == column)
                .flat_map(|smelt| smelt.smells.clone())
                .collect(),
        };
        Self {
            hosts: from.iter().copied().collect(),
            players: players.iter().enumerate().map(player).collect(),
        }
    }

    /// How many who matter for the choice have no value at all: with one of them nothing is frozen, as what came later would be
    /// measured when the opponent is known.
    #[must_use]
    pub fn unmeasured(&self, seat: impl Fn(PlayerId) -> Seat) -> usize {
        let matters = |id: PlayerId| {
            let seat = seat(id);
            !matches!(seat.role, Role::Coach | Role::Caster) || seat.cap.is_some()
        };
        let unknown = self.players.iter().filter(|one| one.values.is_empty());
        unknown.filter(|one| matters(one.player)).count()
    }
}

/// What a choice at this time is made from: a row per host, a column per player. The values are those that were frozen, as much
/// older as they are.
#[must_use]
pub fn as_frozen(sides: &[FrozenSide], hosts: &[HostId], players: &[PlayerId], now: Time) -> Fused {
    let mut fused = Fused {
        rows: vec![Vec::new(); hosts.len()],
        notes: vec![Vec::new(); hosts.len()],
        smells: Vec::new(),
    };
    for (column, player) in players.iter().enumerate() {
        let found = sides.iter().find_map(|side| {
            let one = side.measured.players.iter().find(|one| one.player == *player)?;
            let age_s = u32::try_from(now.since(side.at).max(0) / 1000).unwrap_or(u32::MAX);
            Some((one, age_s))
        });
        let both = fused.rows.iter_mut().zip(&mut fused.notes);
        for ((row, notes), host) in both.zip(hosts) {
            let value = found.and_then(|(one, age_s)| {
                let (_, value, note) = one.values.iter().find(|(at, ..)| at == host)?;
                Some((*value, later(*value, *note, age_s)))
            });
            row.push(value.map(|(value, _)| value));
            notes.push(value.map(|(_, note)| note));
        }
        let smells = found.map(|(one, _)| one.smells.clone()).unwrap_or_default();
        if !smells.is_empty() {
            fused.smells.push(Smelt {
                player: column,
                smells,
            });
        }
    }
    fused
}

/// Whether a host was there when both sides were measured: of another nothing is known.
#[must_use]
pub fn was_there(sides: &[FrozenSide], host: HostId) -> bool {
    sides.iter().all(|side| side.measured.hosts.contains(&host))
}

#[cfg(test)]
#[path = "freeze_tests.rs"]
mod tests;
