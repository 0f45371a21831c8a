//! The same players once more: a match is booked like one that has begun, and goes by its measurements if they still hold.

use super::{
    ActionError,
    booking::{Booking, Roster, Start, book},
    matches::{Resolved, change, load, probe, tell},
    rounds::from_where,
};
use crate::{
    app::App,
    domain::{
        HostId, Match, MatchId, MatchState, Measured, PlayerId, Present, Round, RoundId, RoundReason,
        RoundTarget, Time, User, WhyNot, may_reuse,
    },
    store::{StoreError, Tx, clans, matches, rematches, rosters, rounds},
};
use std::net::IpAddr;
use vmatrix_wire::RttSample;

/// When a match is played again, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// When.
    pub start: Start,
    /// How long, minutes; as long as before if absent.
    pub length_minutes: Option<i64>,
}

/// Books a match once more: image, map, rule, and who plays as what. Staff book it for both clans; a clan admin's is a challenge
/// with the own roster of before, and the other clan chooses its own.
///
/// # Errors
/// `NotFound`; `Conflict` for a match that has not begun, whose rematch is booked already, that had no roster to repeat, or of which
/// somebody is no player any more; as `book_match` otherwise.
pub async fn rematch(app: &App, user: &User, id: MatchId, again: Again) -> Result<MatchId, ActionError> {
    let mut tx = app.db.read().await?;
    let of = load(&mut tx, user, id).await?;
    if !of.may_be_repeated() {
        let instead = match of.state {
            MatchState::Unplaced { .. } => ": try it again instead",
            _ => "",
        };
        return Err(ActionError::Conflict(format!(
            "a match is played again once it has begun; this one is {}{instead}",
            of.state.name()
        )));
    }
    let mut roster = rosters::list(&mut tx, id).await?;
    let has_roster = |clan| roster.iter().any(|entry| entry.clan == clan);
    if let Some(clan) = of.lacks_roster(user, has_roster) {
        let clan = clans::get(&mut tx, clan).await?;
        let name = clan.as_ref().map_or("a clan", |clan| clan.name.as_str());
        return Err(ActionError::Conflict(format!(
            "{name} had chosen no players for it: book a match instead"
        )));
    }
    drop(tx);
    roster.retain(|entry| user.role.clan().is_none_or(|own| own == entry.clan));
    if let Some(gone) = roster.iter().find(|entry| entry.address.is_none()) {
        return Err(ActionError::Conflict(format!(
            "{} played then and was removed since: book a match with others",
            gone.name
        )));
    }
    let side = |clan| Roster {
        clan,
        players: roster
            .iter()
            .filter(|entry| entry.clan == clan)
            .map(|entry| (entry.player, entry.seat))
            .collect(),
        by_link: false,
    };
    let booking = Booking {
        rosters: vec![side(of.home), side(of.away)],
        image: of.image,
        map: Some(of.map),
        policy: of.policy,
        start: again.start,
        zone: None,
        freeze: false,
        length_minutes: again.length_minutes.unwrap_or(of.length_ms / 60_000),
    };
    book(app, user, booking, Some(id)).await
}

/// One rematch at a time: two clicks, or two captains, book one match.
pub(super) async fn only_one(tx: &mut Tx, of: MatchId) -> Result<(), ActionError> {
    // Of two that come at this moment, the second sees what the first has booked.
    rematches::lock(tx, of).await?;
    match rematches::open(tx, of).await? {
        Some(_) => Err(ActionError::Conflict(
            "its rematch is booked already: it is in the list of matches".into(),
        )),
        None => Ok(()),
    }
}

/// The first round of a match: that of the match before if this is a rematch and it holds, or a new one.
pub(super) async fn measure(
    tx: &mut Tx,
    app: &App,
    of: &Match,
    roster: &Resolved,
    now: Time,
) -> Result<(), ActionError> {
    let Some(before) = of.rematch_of else {
        return probe(tx, app, of, RoundReason::Booking, roster, now).await;
    };
    let last = Last::of(tx, before).await?;
    let players: Vec<(PlayerId, Option<IpAddr>)> = roster
        .iter()
        .map(|(entry, address)| (entry.player, address.as_ref().ok().copied()))
        .collect();
    let present = Present {
        players: &players,
        hosts: &from_where(tx, now).await?,
        now,
    };
    let reuse = may_reuse(last.as_ref().map(Last::measured), present);
    let (Some(last), Ok(reuse)) = (last, reuse) else {
        let why = reuse.err().unwrap_or(WhyNot::NeverMeasured);
        tell(
            tx,
            app,
            of.id,
            now,
            &format!("What was measured for the match before is not taken over: {why}."),
        )
        .await?;
        return probe(tx, app, of, RoundReason::Booking, roster, now).await;
    };
    let round = take_over(tx, app, of, before, last.round).await?;
    let reason = RoundReason::Booking;
    let again = false;
    change(tx, of, &MatchState::Probing { round, reason, again }).await?;
    let minutes = reuse.age_ms / 60_000;
    let text = format!(
        "Nobody is measured: the measurements of the match before, {} old, are taken over.",
        match minutes {
            0 => "less than a minute".to_owned(),
            1 => "a minute".to_owned(),
            more => format!("{more} minutes"),
        }
    );
    tell(tx, app, of.id, now, &text).await
}

async fn take_over(
    tx: &mut Tx,
    app: &App,
    of: &Match,
    before: MatchId,
    last: Round,
) -> Result<RoundId, StoreError> {
    let from = last.id;
    let new = Round {
        id: vmatrix_wire::ProbeId(app.new_id()),
        match_id: of.id,
        reason: RoundReason::Booking,
        taken_from: Some(before),
        ..last
    };
    rematches::take_over(tx, &new, from).await?;
    Ok(new.id)
}

/// The newest round of a match that has ended.
struct Last {
    round: Round,
    targets: Vec<RoundTarget>,
    hosts: Vec<HostId>,
    samples: Vec<(HostId, RttSample)>,
    frozen: bool,
}

impl Last {
    async fn of(tx: &mut Tx, id: MatchId) -> Result<Option<Self>, StoreError> {
        let all = rounds::of_match(tx, id).await?;
        let Some(round) = all.into_iter().rev().find(|round| round.ended_at.is_some()) else {
            return Ok(None);
        };
        let hosts = rounds::hosts(tx, round.id).await?.into_iter();
        Ok(Some(Self {
            targets: rounds::targets(tx, round.id).await?,
            hosts: hosts.map(|(host, _)| host).collect(),
            samples: rounds::measurements(tx, round.id).await?,
            frozen: matches::get(tx, id).await?.is_some_and(|of| of.freeze),
            round,
        }))
    }

    fn measured(&self) -> Measured<'_> {
        Measured {
            round: &self.round,
            targets: &self.targets,
            hosts: &self.hosts,
            samples: &self.samples,
            frozen: self.frozen,
        }
    }
}
