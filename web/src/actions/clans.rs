//! Clans.

use super::ActionError;
use crate::{
    app::App,
    domain::{Clan, ClanId, Name, User},
    store::clans,
};

/// Makes a clan. Staff only: clans are invited by [`super::links::invite_clan`].
///
/// # Errors
/// `Forbidden`; `Invalid` if the name is taken.
pub async fn create_clan(app: &App, by: &User, name: Name) -> Result<Clan, ActionError> {
    super::staff_only(by)?;
    add_clan(app, name).await
}

/// As [`create_clan`], for whoever has a shell on the server.
///
/// # Errors
/// `Invalid` if the name is taken.
pub async fn add_clan(app: &App, name: Name) -> Result<Clan, ActionError> {
    let clan = Clan {
        id: ClanId(app.new_id()),
        name,
    };
    let mut tx = app.db.begin().await?;
    clans::insert(&mut tx, &clan, app.now())
        .await
        .map_err(super::users::name_taken(&clan.name))?;
    tx.commit().await?;
    app.changed();
    Ok(clan)
}

/// The clan of this name, in capitals or not, for whoever has a shell on the server.
///
/// # Errors
/// Only the store's.
pub async fn clan_by_name(app: &App, name: &Name) -> Result<Option<Clan>, ActionError> {
    let mut tx = app.db.read().await?;
    Ok(clans::by_name(&mut tx, name).await?)
}

/// All clans by name; anybody signed in may see them, to challenge one.
///
/// # Errors
/// Only the store's.
pub async fn list_clans(app: &App, _user: &User) -> Result<Vec<Clan>, ActionError> {
    let mut tx = app.db.read().await?;
    Ok(clans::list(&mut tx).await?)
}

/// A clan.
///
/// # Errors
/// `NotFound`.
pub async fn view_clan(app: &App, _user: &User, id: ClanId) -> Result<Clan, ActionError> {
    let mut tx = app.db.read().await?;
    clans::get(&mut tx, id)
        .await?
        .ok_or_else(|| ActionError::not_found("clan", id))
}
