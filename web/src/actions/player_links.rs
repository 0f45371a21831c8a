//! Links by which a clan's players come to a match.

use super::{
    ActionError, freezes,
    matches::{load, tell},
    roster,
};
use crate::{
    app::App,
    domain::{
        ClanId, LinkStage, Match, MatchId, PlayerLink, SideStands, Time, User, gathers_no_longer,
        takes_visits,
    },
    secrets::{self, TokenKind},
    store::{StoreError, Tx, clans, matches, player_links, rosters},
};
use vmatrix_placement::Role;
use vmatrix_wire::Secret;

/// Where a link's token leads to, below the server's URL.
#[must_use]
pub fn path_of(token: &Secret) -> String {
    format!("/play/{}", token.reveal())
}

/// Makes a clan's link to a match, for all its players; the one before dies. It is good until the match is over, and shown
/// this once.
///
/// # Errors
/// `NotFound`; `Forbidden` for another clan's admin; `Invalid` for a clan that does not play; `Conflict` once the server is woken.
pub async fn make_player_link(
    app: &App,
    by: &User,
    id: MatchId,
    clan: ClanId,
) -> Result<Secret, ActionError> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let of = theirs(&mut tx, by, id, clan).await?;
    if takes_visits(&of, now).is_err() {
        return Err(ActionError::Conflict(format!(
            "players come until the server is woken; the match is {}",
            of.state.name()
        )));
    }
    // Of two that are made at this moment, the second replaces the first.
    clans::lock(&mut tx, clan).await?;
    let before = player_links::of_match(&mut tx, id).await?;
    let before = before
        .iter()
        .find(|link| link.clan == clan)
        .map(|link| link.stage);
    player_links::revoke(&mut tx, id, clan).await?;
    let both = freezes::sides(&mut tx, &of, now).await?;
    let side = both.iter().find(|side| side.clan == clan);
    let stands = side.map_or(SideStands::Absent, |side| side.stands);
    let token = secrets::token(TokenKind::Players, rand::random());
    let hash = secrets::hash_of(TokenKind::Players, token.reveal()).unwrap_or_default();
    let link = PlayerLink {
        match_id: id,
        clan,
        created_by: by.id,
        created_at: now,
        stage: LinkStage::of_new(before, of.freeze, stands, of.state.held().is_some()),
    };
    player_links::insert(&mut tx, &hash, &link).await?;
    tx.commit().await?;
    tracing::info!(by = %by.id, match_id = %id, clan = %clan, "link for players made");
    app.changed();
    Ok(token)
}

/// Takes a clan's link to a match back: nobody comes by it any more. Who came stays, and is the roster if the match waited for
/// them.
///
/// # Errors
/// As [`make_player_link`]; `NotFound` also if there is no link.
pub async fn revoke_player_link(app: &App, by: &User, id: MatchId, clan: ClanId) -> Result<(), ActionError> {
    let mut tx = app.db.begin().await?;
    theirs(&mut tx, by, id, clan).await?;
    clans::lock(&mut tx, clan).await?;
    let of = theirs(&mut tx, by, id, clan).await?;
    let waited = player_links::of_match(&mut tx, id)
        .await?
        .iter()
        .any(|link| link.clan == clan && link.stage == LinkStage::Gathering);
    if !player_links::revoke(&mut tx, id, clan).await? {
        return Err(ActionError::not_found("link for players of clan", clan));
    }
    if waited && of.state.players_may_change() {
        roster::measure_in_turn(&mut tx, app, &of, app.now()).await?;
    }
    tx.commit().await?;
    tracing::info!(by = %by.id, match_id = %id, clan = %clan, "link for players revoked");
    app.changed();
    Ok(())
}

/// Says that all who play for a clan have come by its link: the match waits for them no longer, and nobody new joins. Twice is
/// once.
///
/// # Errors
/// As [`make_player_link`]; `Conflict` also if there is no link, or nobody has come who plays.
pub async fn complete_roster(app: &App, by: &User, id: MatchId, clan: ClanId) -> Result<(), ActionError> {
    let mut tx = app.db.begin().await?;
    theirs(&mut tx, by, id, clan).await?;
    clans::lock(&mut tx, clan).await?;
    // As it is after whoever came at this moment.
    let of = theirs(&mut tx, by, id, clan).await?;
    roster::may_change(&of)?;
    let links = player_links::of_match(&mut tx, id).await?;
    let Some(link) = links.into_iter().find(|link| link.clan == clan) else {
        return Err(ActionError::Conflict(
            "nobody comes by a link: choose the players instead".into(),
        ));
    };
    if link.stage == LinkStage::Complete {
        return Ok(());
    }
    if !complete(&mut tx, app, &of, &link).await? {
        return Err(ActionError::Conflict(
            "nobody who plays has come by the link yet: a roster is complete with one player at least".into(),
        ));
    }
    tx.commit().await?;
    tracing::info!(by = %by.id, match_id = %id, clan = %clan, "roster complete");
    app.changed();
    Ok(())
}

/// Sides whose match has started play with who has come. Says whether any did, and what kept one from it: the others go on.
pub(crate) async fn complete_overdue(app: &App) -> Result<(bool, Option<StoreError>), StoreError> {
    let now = app.now();
    let mut tx = app.db.read().await?;
    let overdue = player_links::overdue(&mut tx, now).await?;
    drop(tx);
    let (mut any, mut wrong) = (false, None);
    for link in overdue {
        let done = match link {
            Ok(link) => {
                let done = complete_now(app, &link, now).await;
                done.map_err(|error| (Some(link.match_id), error))
            }
            // The error names it.
            Err(error) => Err((None, error.into())),
        };
        match done {
            Ok(completed) => any |= completed,
            // The others go on.
            Err((of, ActionError::Store(error))) => {
                tracing::error!(match_id = of.map(tracing::field::display), %error, "a roster cannot be completed");
                wrong = Some(error);
            }
            // Somebody else was quicker: the next pass looks again.
            Err((of, clash)) => {
                tracing::debug!(match_id = of.map(tracing::field::display), %clash, "a roster was not completed");
            }
        }
    }
    Ok((any, wrong))
}

/// Completes one side whose match has started, unless it has changed since it was read.
async fn complete_now(app: &App, link: &PlayerLink, now: Time) -> Result<bool, ActionError> {
    let mut tx = app.db.begin().await?;
    clans::lock(&mut tx, link.clan).await?;
    let of = matches::get(&mut tx, link.match_id).await?;
    let links = player_links::of_match(&mut tx, link.match_id).await?;
    let Some(of) = of.filter(|of| {
        of.state.players_may_change() && links.contains(link) && gathers_no_longer(link, of.start_at, now)
    }) else {
        return Ok(false);
    };
    let completed = complete(&mut tx, app, &of, link).await?;
    if completed {
        tx.commit().await?;
    }
    Ok(completed)
}

/// False, and nothing is written, while nobody plays for the side.
async fn complete(tx: &mut Tx, app: &App, of: &Match, link: &PlayerLink) -> Result<bool, ActionError> {
    let now = app.now();
    let roster = rosters::list(tx, of.id).await?;
    // Who was removed from the clan is in no match that is still to come.
    let own = || {
        roster
            .iter()
            .filter(|entry| entry.clan == link.clan && entry.address.is_some())
    };
    if !own().any(|entry| entry.seat.role == Role::Player) {
        return Ok(false);
    }
    player_links::set_stage(tx, of.id, link.clan, LinkStage::Complete).await?;
    if let Some(clan) = clans::get(tx, link.clan).await? {
        let text = format!(
            "The roster of {} is complete, with {} players.",
            clan.name,
            own().count()
        );
        tell(tx, app, of.id, now, &text).await?;
    }
    if link.stage == LinkStage::Gathering {
        roster::measure_in_turn(tx, app, of, now).await?;
    }
    Ok(true)
}

/// A match of this clan that this user may speak for.
async fn theirs(tx: &mut Tx, by: &User, id: MatchId, clan: ClanId) -> Result<Match, ActionError> {
    let of = load(tx, by, id).await?;
    if by.role.clan().is_some_and(|own| own != clan) {
        return Err(ActionError::Forbidden(
            "A clan admin invites the players of their own clan.".into(),
        ));
    }
    if clan != of.home && clan != of.away {
        return Err(ActionError::invalid(
            "clan",
            clan,
            "one of the two clans of the match",
        ));
    }
    Ok(of)
}
