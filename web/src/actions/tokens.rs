//! Tokens of the API: they do what their user may do.

use super::{ActionError, users::find_named};
use crate::{
    app::App,
    domain::{ApiTokenId, Name, Time, User, limits::TOKENS_OF_A_USER},
    secrets::{self, TokenKind},
    store::{tokens, users},
};
use vmatrix_wire::Secret;

/// Makes a token for oneself. It is shown once.
///
/// # Errors
/// `Full`.
pub async fn create_token(app: &App, user: &User, name: &Name) -> Result<(ApiTokenId, Secret), ActionError> {
    let token = secrets::token(TokenKind::Api, rand::random());
    let hash = secrets::hash_of(TokenKind::Api, token.reveal()).unwrap_or_default();
    let id = ApiTokenId(app.new_id());
    let mut tx = app.db.begin().await?;
    // Of two that ask at this moment, the second counts what the first has made.
    users::lock(&mut tx, user.id).await?;
    let have = tokens::list(&mut tx, user.id).await?.len();
    if have >= TOKENS_OF_A_USER {
        let way = "revoke one first";
        return Err(ActionError::full("name", have, TOKENS_OF_A_USER, "tokens", way));
    }
    tokens::insert(&mut tx, id, user.id, name.as_str(), &hash, app.now()).await?;
    tx.commit().await?;
    tracing::info!(user = %user.id, token = %id, "API token made");
    Ok((id, token))
}

/// As [`create_token`] for the user of this name, in capitals or not, for whoever has a shell on the server.
///
/// # Errors
/// `NotFound`.
pub async fn create_token_for(app: &App, user: &str, name: &Name) -> Result<Secret, ActionError> {
    let found = find_named(app, user).await?;
    let (user, _) = found.ok_or_else(|| ActionError::not_found("user", user))?;
    Ok(create_token(app, &user, name).await?.1)
}

/// Whose token this is.
///
/// # Errors
/// Only the store's.
pub async fn user_of(app: &App, token: &str) -> Result<Option<User>, ActionError> {
    let Some(hash) = secrets::hash_of(TokenKind::Api, token) else {
        return Ok(None);
    };
    let mut tx = app.db.read().await?;
    Ok(tokens::user(&mut tx, &hash).await?)
}

/// One's own tokens: id, name, and since when.
///
/// # Errors
/// Only the store's.
pub async fn list_tokens(app: &App, user: &User) -> Result<Vec<(ApiTokenId, String, Time)>, ActionError> {
    let mut tx = app.db.read().await?;
    Ok(tokens::list(&mut tx, user.id).await?)
}

/// Withdraws one of one's own tokens.
///
/// # Errors
/// `NotFound`.
pub async fn delete_token(app: &App, user: &User, id: ApiTokenId) -> Result<(), ActionError> {
    let mut tx = app.db.begin().await?;
    if !tokens::delete(&mut tx, id, user.id).await? {
        return Err(ActionError::not_found("API token", id));
    }
    tx.commit().await?;
    Ok(())
}
