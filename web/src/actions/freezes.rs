//! How the two sides of a match stand: who is there, and in one whose sides are frozen, who is frozen.

use crate::{
    app::App,
    domain::{
        ClanId, FrozenSide, LinkStage, Match, PlayerId, PlayerLink, Seat, SideStands, StoryId, Time,
        hides_opponent, may_measure, side_stands,
    },
    store::{StoreError, Tx, clans, frozen_sides, player_links, rosters, story},
};
use std::collections::{BTreeMap, BTreeSet};

/// One side.
pub(crate) struct Side {
    pub(crate) clan: ClanId,
    /// Its players.
    pub(crate) seats: BTreeMap<PlayerId, Seat>,
    /// What is frozen, whether it still holds or not.
    pub(crate) frozen: Option<FrozenSide>,
    pub(crate) stands: SideStands,
}

impl Side {
    pub(crate) fn players(&self) -> BTreeSet<PlayerId> {
        self.seats.keys().copied().collect()
    }
}

/// Both sides, home first.
pub(crate) async fn sides(tx: &mut Tx, of: &Match, now: Time) -> Result<[Side; 2], StoreError> {
    let entries = rosters::list(tx, of.id).await?;
    let frozen = frozen_sides::of_match(tx, of.id).await?;
    let links = player_links::of_match(tx, of.id).await?;
    let gathers = |clan| {
        let is_gathering = |link: &PlayerLink| link.clan == clan && link.stage == LinkStage::Gathering;
        links.iter().any(is_gathering)
    };
    let side = |clan: ClanId| {
        let own = entries.iter().filter(|entry| entry.clan == clan);
        let mut side = Side {
            clan,
            seats: own.map(|entry| (entry.player, entry.seat)).collect(),
            frozen: frozen.iter().find(|side| side.clan == clan).cloned(),
            stands: SideStands::Absent,
        };
        side.stands = side_stands(side.frozen.as_ref(), &side.players(), gathers(clan), now);
        side
    };
    Ok([of.home, of.away].map(side))
}

/// Whether there is anything to measure for a match as it is now.
pub(super) async fn can_measure(tx: &mut Tx, of: &Match, now: Time) -> Result<bool, StoreError> {
    let both = sides(tx, of, now).await?;
    Ok(may_measure(of.freeze, both.map(|side| side.stands)))
}

/// The clans that a round of a match measures. Where what was frozen of one holds no more, the match's story says why.
pub(super) async fn measured_now(
    tx: &mut Tx,
    app: &App,
    of: &Match,
    now: Time,
) -> Result<BTreeSet<ClanId>, StoreError> {
    if !of.freeze {
        return Ok(BTreeSet::from([of.home, of.away]));
    }
    let mut open = BTreeSet::new();
    for side in sides(tx, of, now).await? {
        if side.stands != SideStands::Open {
            continue;
        }
        open.insert(side.clan);
        let why = side
            .frozen
            .as_ref()
            .and_then(|frozen| frozen.check(&side.players(), now).err());
        if let (Some(why), Some(clan)) = (why, clans::get(tx, side.clan).await?) {
            // Who was frozen may know whom they play against.
            let text = format!(
                "{} was measured and frozen, but {why}: it is measured anew, and may know its opponent by now.",
                clan.name
            );
            story::add(tx, StoryId(app.new_id()), of.id, now, &text).await?;
        }
    }
    Ok(open)
}

/// Whether somebody of this clan may not know yet whom they play against.
pub(super) async fn opponent_is_hidden(tx: &mut Tx, of: &Match, viewer: ClanId) -> Result<bool, StoreError> {
    if !of.freeze {
        return Ok(false);
    }
    let sides = frozen_sides::of_match(tx, of.id).await?;
    let frozen = sides.into_iter().map(|side| side.clan).collect();
    Ok(hides_opponent(of, &frozen, viewer))
}
