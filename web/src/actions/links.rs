//! One-time links: the first operator's, and those that invite a clan's admin.

use super::{ActionError, users::check_password, users::name_taken};
use crate::{
    app::App,
    domain::{
        Clan, ClanId, Link, LinkKind, MatchId, Name, Role, Time, User, UserId,
        limits::{LIVE_LINKS_OF_A_CAPTAIN, LIVE_LINKS_OF_STAFF},
    },
    secrets::{self, TokenKind},
    store::{Tx, clans, links, players, users},
};
use vmatrix_wire::Secret;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Where a link's token leads to, below the server's URL.
#[must_use]
pub fn path_of(token: &Secret) -> String {
    format!("/join/{}", token.reveal())
}

/// Invites a clan by name: the clan is made if there is none. Gives the token of a link for its admin, good for a
/// week. Staff may invite admins to any clan; a clan admin to the own clan, and to one that has neither admin nor players.
///
/// # Errors
/// `Forbidden` for a clan that has an admin or players already; `Full`.
pub async fn invite_clan(
    app: &App,
    by: &User,
    name: Name,
    match_id: Option<MatchId>,
) -> Result<(Clan, Secret), ActionError> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let clan = match clans::by_name(&mut tx, &name).await? {
        Some(clan) => {
            clans::lock(&mut tx, clan.id).await?;
            clan
        }
        None => {
            let clan = Clan {
                id: ClanId(app.new_id()),
                name,
            };
            clans::insert(&mut tx, &clan, now)
                .await
                .map_err(name_taken(&clan.name))?;
            clan
        }
    };
    if !speaks_for(by, clan.id) && !is_untouched(&mut tx, clan.id).await? {
        return Err(ActionError::Forbidden(format!(
            "{} has an admin or players already: it can be challenged, and its admins or an organiser invite others.",
            clan.name
        )));
    }
    check_room(&mut tx, by, now).await?;
    let link = Link {
        kind: LinkKind::ClanAdmin(clan.id),
        match_id,
        created_by: Some(by.id),
        created_at: now,
        expires_at: now.plus(7 * DAY_MS),
    };
    let token = insert(&mut tx, TokenKind::Link, &link).await?;
    tx.commit().await?;
    tracing::info!(by = %by.id, clan = %clan.id, "clan invited");
    app.changed();
    Ok((clan, token))
}

/// Somebody hands out so many links at a time and no more. Theirs are nobody else's to count until the transaction ends.
async fn check_room(tx: &mut Tx, by: &User, now: Time) -> Result<(), ActionError> {
    let most = if by.role.is_staff() {
        LIVE_LINKS_OF_STAFF
    } else {
        LIVE_LINKS_OF_A_CAPTAIN
    };
    users::lock(tx, by.id).await?;
    let have = links::live_of(tx, by.id, now).await?;
    if have < most {
        return Ok(());
    }
    let way = "wait until one is used or too old";
    Err(ActionError::full(
        "name",
        have,
        most,
        "links that were not used yet",
        way,
    ))
}

/// Whether somebody may give a clan admins as they like.
fn speaks_for(user: &User, clan: ClanId) -> bool {
    user.role.is_staff() || user.role.clan() == Some(clan)
}

/// Whether a clan has nothing yet that an admin would get to see or speak for.
async fn is_untouched(tx: &mut Tx, clan: ClanId) -> Result<bool, ActionError> {
    let all = users::list(tx).await?;
    let has_admin = all.iter().any(|user| user.role.clan() == Some(clan));
    Ok(!has_admin && players::list(tx, clan).await?.is_empty())
}

/// Looks again when a link is used: who made it for a clan that was not theirs may have kept it until there was something to
/// see, the players' addresses above all.
async fn check_still_good(tx: &mut Tx, link: &Link) -> Result<(), ActionError> {
    let LinkKind::ClanAdmin(clan) = link.kind else {
        return Ok(());
    };
    let good = is_by_its_own(tx, link, clan).await? || is_untouched(tx, clan).await?;
    if good { Ok(()) } else { Err(unknown()) }
}

async fn is_by_its_own(tx: &mut Tx, link: &Link, clan: ClanId) -> Result<bool, ActionError> {
    let maker = match link.created_by {
        Some(id) => users::get(tx, id).await?,
        None => None,
    };
    Ok(maker.is_some_and(|maker| speaks_for(&maker, clan)))
}

/// A clan that has an admin is invited by its own from now on: what others have handed out before is forgotten.
async fn forget_strangers(tx: &mut Tx, clan: ClanId) -> Result<(), ActionError> {
    for (token_hash, link) in links::unused_of(tx, clan).await? {
        if !is_by_its_own(tx, &link, clan).await? {
            links::delete(tx, &token_hash).await?;
        }
    }
    Ok(())
}

/// The token of a link that makes the first operator, if there is no user yet. Earlier ones become useless.
///
/// # Errors
/// Only the store's.
pub async fn first_admin_link(app: &App) -> Result<Option<Secret>, ActionError> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    if !users::list(&mut tx).await?.is_empty() {
        return Ok(None);
    }
    links::delete_kind(&mut tx, LinkKind::FirstAdmin).await?;
    let link = Link {
        kind: LinkKind::FirstAdmin,
        match_id: None,
        created_by: None,
        created_at: now,
        expires_at: now.plus(30 * DAY_MS),
    };
    let token = insert(&mut tx, TokenKind::Link, &link).await?;
    tx.commit().await?;
    Ok(Some(token))
}

/// A token that enrols one host within a day. Operators only.
///
/// # Errors
/// `Forbidden`; `Full`.
pub async fn create_join_token(app: &App, by: &User) -> Result<Secret, ActionError> {
    super::operators_only(by)?;
    let now = app.now();
    let mut tx = app.db.begin().await?;
    check_room(&mut tx, by, now).await?;
    let token = insert(&mut tx, TokenKind::Join, &to_join(Some(by.id), now)).await?;
    tx.commit().await?;
    Ok(token)
}

/// As [`create_join_token`], for whoever has a shell on the server.
///
/// # Errors
/// Only the store's.
pub async fn add_join_token(app: &App) -> Result<Secret, ActionError> {
    let mut tx = app.db.begin().await?;
    let token = insert(&mut tx, TokenKind::Join, &to_join(None, app.now())).await?;
    tx.commit().await?;
    Ok(token)
}

fn to_join(by: Option<UserId>, now: Time) -> Link {
    Link {
        kind: LinkKind::JoinHost,
        match_id: None,
        created_by: by,
        created_at: now,
        expires_at: now.plus(DAY_MS),
    }
}

async fn insert(tx: &mut Tx, kind: TokenKind, link: &Link) -> Result<Secret, ActionError> {
    let token = secrets::token(kind, rand::random());
    let hash = secrets::hash_of(kind, token.reveal()).unwrap_or_default();
    links::insert(tx, &hash, link).await?;
    Ok(token)
}

/// A link that can still be used, with its clan: for the page that asks for name and password.
///
/// # Errors
/// `NotFound`, also if it was used or is too old.
pub async fn look_at(app: &App, token: &str) -> Result<(Link, Option<Clan>), ActionError> {
    let hash = secrets::hash_of(TokenKind::Link, token).ok_or_else(unknown)?;
    let mut tx = app.db.read().await?;
    let link = links::usable(&mut tx, &hash, app.now())
        .await?
        .ok_or_else(unknown)?;
    let clan = match link.kind {
        LinkKind::ClanAdmin(clan) => clans::get(&mut tx, clan).await?,
        LinkKind::FirstAdmin | LinkKind::JoinHost => None,
    };
    Ok((link, clan))
}

/// Uses a link up: makes its user. Also says where the invited is taken to, if the link knows.
///
/// # Errors
/// `NotFound` if it was used or is too old; `Invalid` if the name is taken or the password too short, and then the
/// link can be used again.
pub async fn accept(
    app: &App,
    token: &str,
    name: Name,
    password: &Secret,
) -> Result<(User, Option<MatchId>), ActionError> {
    check_password("password", password)?;
    let hash = secrets::hash_of(TokenKind::Link, token).ok_or_else(unknown)?;
    // Hashing is dear: not for strangers without a link.
    let (seen, _) = look_at(app, token).await?;
    let password_hash = app.passwords.hash(password).await?;
    let now = app.now();
    let mut tx = app.db.begin().await?;
    // Of several links to one clan that are used at this moment, the first may spoil the others.
    if let LinkKind::ClanAdmin(clan) = seen.kind {
        clans::lock(&mut tx, clan).await?;
    }
    let link = links::use_up(&mut tx, &hash, now).await?.ok_or_else(unknown)?;
    check_still_good(&mut tx, &link).await?;
    let user = User {
        id: UserId(app.new_id()),
        name,
        role: role_of(&link).ok_or_else(unknown)?,
        created_at: now,
    };
    users::insert(&mut tx, &user, &password_hash)
        .await
        .map_err(name_taken(&user.name))?;
    if let LinkKind::ClanAdmin(clan) = link.kind {
        forget_strangers(&mut tx, clan).await?;
    }
    tx.commit().await?;
    tracing::info!(user = %user.id, role = user.role.name(), "link used: user added");
    app.changed();
    Ok((user, link.match_id))
}

fn role_of(link: &Link) -> Option<Role> {
    match link.kind {
        LinkKind::FirstAdmin => Some(Role::Operator),
        LinkKind::ClanAdmin(clan) => Some(Role::ClanAdmin(clan)),
        LinkKind::JoinHost => None,
    }
}

fn unknown() -> ActionError {
    ActionError::NotFound {
        what: "link",
        id: "that can still be used: it was used, is too old, or was not copied whole".into(),
    }
}

/// Forgets links, and sessions, that nobody can use any more.
///
/// # Errors
/// Only the store's.
pub async fn sweep(app: &App, now: Time) -> Result<(), ActionError> {
    let mut tx = app.db.begin().await?;
    links::delete_expired(&mut tx, now).await?;
    crate::store::sessions::delete_expired(&mut tx, now).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
#[path = "links_tests.rs"]
mod tests;
