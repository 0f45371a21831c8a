//! Who can sign in.

use super::ActionError;
use crate::{
    app::App,
    domain::{BadName, LinkKind, Name, Role, User, UserId},
    secrets::{self, Passwords},
    store::{clans, links, tokens, users},
};
use vmatrix_wire::Secret;

/// The user of this name, in capitals or not, and password; `None` if there is none, without saying which of the two was wrong.
///
/// # Errors
/// Only if something is wrong here.
pub async fn sign_in(app: &App, name: &str, password: &Secret) -> Result<Option<User>, ActionError> {
    if password.reveal().len() > Passwords::LONGEST {
        return Ok(None);
    }
    let (user, hash) = find_named(app, name).await?.unzip();
    let right = app.passwords.verify(password, hash).await?;
    Ok(user.filter(|_| right))
}

/// The user whom this text names, with the password's hash.
pub(super) async fn find_named(app: &App, text: &str) -> Result<Option<(User, String)>, ActionError> {
    let Ok(name) = text.parse::<Name>() else {
        return Ok(None);
    };
    let mut tx = app.db.read().await?;
    Ok(users::by_name(&mut tx, &name).await?)
}

/// The user of this id, for a session that began in this epoch; `None` if the password was changed since.
///
/// # Errors
/// Only the store's.
pub async fn find_user(app: &App, id: UserId, epoch: i64) -> Result<Option<User>, ActionError> {
    let mut tx = app.db.read().await?;
    if users::epoch(&mut tx, id).await? != Some(epoch) {
        return Ok(None);
    }
    Ok(users::get(&mut tx, id).await?)
}

/// The epoch in which a session of this user begins.
///
/// # Errors
/// `NotFound`.
pub async fn epoch_of(app: &App, id: UserId) -> Result<i64, ActionError> {
    let mut tx = app.db.read().await?;
    users::epoch(&mut tx, id)
        .await?
        .ok_or_else(|| ActionError::not_found("user", id))
}

/// Makes a user with a password that is shown once. Operators only.
///
/// # Errors
/// `Forbidden`; `Invalid` if the name is taken or the clan does not exist.
pub async fn create_user(
    app: &App,
    by: &User,
    name: Name,
    role: Role,
) -> Result<(User, Secret), ActionError> {
    super::operators_only(by)?;
    add_user(app, name, role).await
}

/// As [`create_user`], for whoever has a shell on the server.
///
/// # Errors
/// As there, without `Forbidden`.
pub async fn add_user(app: &App, name: Name, role: Role) -> Result<(User, Secret), ActionError> {
    let password = secrets::password(rand::random());
    let hash = app.passwords.hash(&password).await?;
    let user = User {
        id: UserId(app.new_id()),
        name,
        role,
        created_at: app.now(),
    };
    let mut tx = app.db.begin().await?;
    if let Role::ClanAdmin(clan) = role
        && !clans::lock(&mut tx, clan).await?
    {
        return Err(ActionError::invalid("clan", clan, "the id of a clan"));
    }
    users::insert(&mut tx, &user, &hash)
        .await
        .map_err(name_taken(&user.name))?;
    if role == Role::Operator {
        // The link to the first one is of no use any more, but for whoever finds it.
        links::delete_kind(&mut tx, LinkKind::FirstAdmin).await?;
    }
    tx.commit().await?;
    tracing::info!(user = %user.id, role = role.name(), "user added");
    app.changed();
    Ok((user, password))
}

/// Changes one's own password: all sessions are over. Tokens of the API stay good until they are withdrawn.
///
/// # Errors
/// `Invalid` if the old one is wrong or the new one too short.
pub async fn change_password(app: &App, user: &User, old: &Secret, new: &Secret) -> Result<(), ActionError> {
    check_password("new", new)?;
    if sign_in(app, user.name.as_str(), old).await?.is_none() {
        return Err(ActionError::invalid(
            "old",
            "(not shown)",
            "your present password",
        ));
    }
    let hash = app.passwords.hash(new).await?;
    let mut tx = app.db.begin().await?;
    if !users::set_password(&mut tx, user.id, &hash).await? {
        return Err(ActionError::not_found("user", user.id));
    }
    tx.commit().await?;
    // Their live pages elsewhere end.
    app.changed();
    Ok(())
}

/// Gives a user another password, which is shown once: for who has forgotten theirs, and to lock somebody out. Their sessions are
/// over, and their tokens of the API are withdrawn. For whoever has a shell on the server.
///
/// # Errors
/// `NotFound`.
pub async fn reset_password(app: &App, name: &str) -> Result<Secret, ActionError> {
    let (user, _) = find_named(app, name)
        .await?
        .ok_or_else(|| ActionError::not_found("user", name))?;
    let password = secrets::password(rand::random());
    let hash = app.passwords.hash(&password).await?;
    let mut tx = app.db.begin().await?;
    users::set_password(&mut tx, user.id, &hash).await?;
    tokens::delete_all(&mut tx, user.id).await?;
    tx.commit().await?;
    tracing::info!(user = %user.id, "password reset, tokens withdrawn");
    app.changed();
    Ok(password)
}

/// All users by name. Operators only.
///
/// # Errors
/// `Forbidden`.
pub async fn list_users(app: &App, by: &User) -> Result<Vec<User>, ActionError> {
    super::operators_only(by)?;
    let mut tx = app.db.read().await?;
    Ok(users::list(&mut tx).await?)
}

/// Refuses a password that is too short or too long.
pub(crate) fn check_password(field: &str, password: &Secret) -> Result<(), ActionError> {
    let text = password.reveal();
    if text.chars().count() < Passwords::SHORTEST || text.len() > Passwords::LONGEST {
        let expected = format!("at least {} characters", Passwords::SHORTEST);
        return Err(ActionError::invalid(field, "(not shown)", expected));
    }
    Ok(())
}

/// Reads a name out of a form or a body.
pub(crate) fn parse_name(field: &str, text: &str) -> Result<Name, ActionError> {
    Name::entered(text)
        .map_err(|bad: BadName| ActionError::invalid(field, bad.value, "1 to 40 characters, none invisible"))
}

/// A clash of names as the refusal that it is.
pub(crate) fn name_taken(name: &Name) -> impl FnOnce(crate::store::StoreError) -> ActionError {
    move |error| {
        if error.is_taken() {
            ActionError::invalid("name", name, "a name that nobody else has, in capitals or not")
        } else {
            error.into()
        }
    }
}
