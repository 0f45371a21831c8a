//! Links by which a clan's players come to a match.

use super::{ActionError, matches::load};
use crate::{
    app::App,
    domain::{ClanId, Match, MatchId, PlayerLink, User, takes_visits},
    secrets::{self, TokenKind},
    store::{Tx, clans, player_links},
};
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
    player_links::revoke(&mut tx, id, clan).await?;
    let token = secrets::token(TokenKind::Players, rand::random());
    let hash = secrets::hash_of(TokenKind::Players, token.reveal()).unwrap_or_default();
    let link = PlayerLink {
        match_id: id,
        clan,
        created_by: by.id,
        created_at: now,
    };
    player_links::insert(&mut tx, &hash, &link).await?;
    tx.commit().await?;
    tracing::info!(by = %by.id, match_id = %id, clan = %clan, "link for players made");
    app.changed();
    Ok(token)
}

/// Takes a clan's link to a match back: nobody comes by it any more. Who came stays.
///
/// # Errors
/// As [`make_player_link`]; `NotFound` also if there is no link.
pub async fn revoke_player_link(app: &App, by: &User, id: MatchId, clan: ClanId) -> Result<(), ActionError> {
    let mut tx = app.db.begin().await?;
    theirs(&mut tx, by, id, clan).await?;
    if !player_links::revoke(&mut tx, id, clan).await? {
        return Err(ActionError::not_found("link for players of clan", clan));
    }
    tx.commit().await?;
    tracing::info!(by = %by.id, match_id = %id, clan = %clan, "link for players revoked");
    app.changed();
    Ok(())
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
