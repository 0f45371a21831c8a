//! Sessions of browsers: an id in a cookie, and behind it one user's id in our own database.

use crate::{
    app::App,
    domain::{Time, User, UserId},
    store::{StoreError, sessions},
};
use async_trait::async_trait;
use axum::http::request::Parts;
use std::fmt;
use tower_sessions::{
    Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::{
        SameSite,
        time::{Duration, OffsetDateTime},
    },
    session::{Error, Id, Record},
    session_store,
};

/// Whose session it is, and in which epoch of theirs it began.
const BEGUN_BY: &str = "begun_by";

/// The layer that gives pages their [`Session`]. `secure` says that browsers come by https.
#[must_use]
pub fn layer(app: &App, secure: bool) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(Sessions(app.clone()))
        .with_name("vmatrix")
        .with_http_only(true)
        // Lax: a link from elsewhere finds its reader signed in, a form from elsewhere does not.
        .with_same_site(SameSite::Lax)
        .with_secure(secure)
        .with_expiry(Expiry::OnInactivity(Duration::days(14)))
}

/// Signs a user in: from now on the session is theirs, under a new id, so that one planted before is worth nothing.
///
/// # Errors
/// If the session cannot be written.
pub async fn sign_in(session: &Session, user: &User, epoch: i64) -> Result<(), Error> {
    session.cycle_id().await?;
    session.insert(BEGUN_BY, (user.id, epoch)).await
}

/// Signs out: the session is no more, here and in the browser.
///
/// # Errors
/// If the session cannot be deleted.
pub async fn sign_out(session: &Session) -> Result<(), Error> {
    session.flush().await
}

/// Whose session this request has, and in which epoch of theirs it began.
pub(super) async fn begun_by(parts: &Parts) -> Result<Option<(UserId, i64)>, Error> {
    match parts.extensions.get::<Session>() {
        Some(session) => session.get(BEGUN_BY).await,
        None => Ok(None),
    }
}

/// Sessions in our own database.
#[derive(Clone)]
pub struct Sessions(App);

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

/// Key, data and end of a session as they are stored. The key is a hash: who reads the database gets no cookie.
fn row(record: &Record) -> session_store::Result<(String, String, Time)> {
    let until = record.expiry_date.unix_timestamp();
    let data = serde_json::to_string(&(until, &record.data))
        .map_err(|error| session_store::Error::Encode(error.to_string()))?;
    Ok((
        key(&record.id),
        data,
        Time::from_millis(until.saturating_mul(1000)),
    ))
}

fn key(id: &Id) -> String {
    blake3::hash(id.to_string().as_bytes()).to_hex().to_string()
}

fn backend(error: StoreError) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let mut tx = self.0.db.begin().await.map_err(backend)?;
        loop {
            let (id, data, until) = row(record)?;
            if sessions::insert(&mut tx, &id, &data, until)
                .await
                .map_err(backend)?
            {
                return tx.commit().await.map_err(backend);
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let (id, data, until) = row(record)?;
        let mut tx = self.0.db.begin().await.map_err(backend)?;
        sessions::put(&mut tx, &id, &data, until).await.map_err(backend)?;
        tx.commit().await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let mut tx = self.0.db.read().await.map_err(backend)?;
        let found = sessions::get(&mut tx, &key(id), self.0.now())
            .await
            .map_err(backend)?;
        let Some(text) = found else {
            return Ok(None);
        };
        let decode = |error: &dyn fmt::Display| session_store::Error::Decode(error.to_string());
        let (until, data) = serde_json::from_str(&text).map_err(|error| decode(&error))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(until).map_err(|error| decode(&error))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date,
        }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let mut tx = self.0.db.begin().await.map_err(backend)?;
        sessions::delete(&mut tx, &key(id)).await.map_err(backend)?;
        tx.commit().await.map_err(backend)
    }
}
