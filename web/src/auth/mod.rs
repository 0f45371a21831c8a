//! Who asks. One extractor per handler is the visible line of authorisation:
//!
//! ```text
//! async fn handler(Viewer(user): Viewer, …)        // anybody signed in
//! async fn handler(Organiser(user): Organiser, …)  // organisers and operators
//! async fn handler(Operator(user): Operator, …)    // operators
//! async fn handler(MaybeViewer(user): MaybeViewer) // also strangers
//! ```
//!
//! A page asks the session, the API the bearer token, and never the other way round: a cookie does nothing at the
//! API, so that no other website can make a browser act there. Which of the two it is, is said by the router
//! ([`Door`]), not by the request.

pub mod session;

use crate::{
    actions::{tokens, users},
    api::{Problem, seconds},
    app::App,
    domain::{Role, User, UserId, limits::WRITES},
    pages::error::PageError,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header::AUTHORIZATION, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// Which way a request came in. Pages have no mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// By the API.
    Api,
    /// By the part of the API that takes a snapshot's chunks, thousands of them: they do not count as what a user writes.
    Nest,
}

/// Somebody signed in.
#[derive(Debug, Clone)]
pub struct Viewer(pub User);

/// An organiser or an operator.
#[derive(Debug, Clone)]
pub struct Organiser(pub User);

/// An operator.
#[derive(Debug, Clone)]
pub struct Operator(pub User);

/// Somebody signed in, or a stranger.
#[derive(Debug, Clone)]
pub struct MaybeViewer(pub Option<User>);

/// Whose session a page was asked for with. What outlives its request asks again who that is: the session may be over.
#[derive(Debug, Clone, Copy)]
pub struct Lasting {
    id: UserId,
    epoch: i64,
}

impl Lasting {
    /// The user, as they are now.
    ///
    /// # Errors
    /// If the session is over because the password was changed, or if the store cannot be read.
    pub(crate) async fn user(self, app: &App) -> Result<User, PageError> {
        let user = users::find_user(app, self.id, self.epoch).await?;
        user.ok_or_else(|| PageError::forbidden("Your session is over."))
    }
}

/// A request that goes no further.
#[derive(Debug)]
pub enum Denied {
    /// A stranger at a page: may sign in and come back here.
    SignIn {
        /// Where they wanted to go.
        next: String,
    },
    /// Somebody whose role does not do at a page.
    Page(&'static str),
    /// Nobody can be recognised, at a page.
    Broken,
    /// Somebody who has written too much, at a page, and how long to wait.
    TooMany(Duration),
    /// At the API.
    Api(Box<Problem>),
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn { next } => {
                let query: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
                Redirect::to(&format!("/sign-in?next={query}")).into_response()
            }
            Self::Page(text) => PageError::forbidden(text).into_response(),
            Self::Broken => PageError::broken().into_response(),
            Self::TooMany(wait) => PageError::too_many(too_many(wait), Some(wait)).into_response(),
            Self::Api(problem) => problem.into_response(),
        }
    }
}

/// The token behind `Authorization: Bearer`.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn is_api(parts: &Parts) -> bool {
    parts.extensions.get::<Door>().is_some()
}

/// Who asks, once it is known: a request's copies share it.
#[derive(Clone, Default)]
pub(crate) struct Known(Arc<OnceLock<Option<User>>>);

impl Known {
    /// The user, or that it is nobody; `None` while nobody has looked.
    pub(crate) fn get(&self) -> Option<&Option<User>> {
        self.0.get()
    }
}

/// The user who asks, if any. Asked for once in a request, then remembered.
pub(crate) async fn who(parts: &mut Parts, app: &App) -> Result<Option<User>, Unrecognised> {
    let known = parts.extensions.get_or_insert_default::<Known>().clone();
    if let Some(user) = known.get() {
        return Ok(user.clone());
    }
    let found = if is_api(parts) {
        match bearer(&parts.headers) {
            Some(token) => tokens::user_of(app, token).await.map_err(Unrecognised::of)?,
            None => None,
        }
    } else {
        match session::begun_by(parts).await.map_err(Unrecognised::of)? {
            Some((id, epoch)) => users::find_user(app, id, epoch).await.map_err(Unrecognised::of)?,
            None => None,
        }
    };
    // Nobody else sets it: a request is handled by one task.
    let _ = known.0.set(found.clone());
    Ok(found)
}

/// Who asks cannot be known at this moment: not the same as nobody. The cause is in the log.
pub(crate) struct Unrecognised;

impl Unrecognised {
    fn of(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "nobody can be recognised");
        Self
    }
}

async fn require(
    parts: &mut Parts,
    app: &App,
    allowed: impl Fn(Role) -> bool,
    refusal: &'static str,
) -> Result<User, Denied> {
    let user = match who(parts, app).await {
        Ok(Some(user)) => user,
        Ok(None) => return Err(stranger(parts)),
        Err(Unrecognised) => return Err(broken(parts)),
    };
    if allowed(user.role) {
        return may_write(parts, app, &user).map(|()| user);
    }
    Err(if is_api(parts) {
        Denied::Api(Box::new(Problem::forbidden(refusal)))
    } else {
        Denied::Page(refusal)
    })
}

/// Counts what a user writes, whichever door it comes by.
fn may_write(parts: &Parts, app: &App, user: &User) -> Result<(), Denied> {
    let door = parts.extensions.get::<Door>();
    if parts.method.is_safe() || door == Some(&Door::Nest) {
        return Ok(());
    }
    app.limits.writes.count(&user.id).map_err(|wait| match door {
        Some(_) => Denied::Api(Box::new(Problem::too_many(too_many(wait), wait))),
        None => Denied::TooMany(wait),
    })
}

fn too_many(wait: Duration) -> String {
    let (seconds, most) = (seconds(wait), WRITES.a_minute);
    format!(
        "You change more than {most} things a minute: wait {seconds} s, then send it again. Nothing was done."
    )
}

fn stranger(parts: &Parts) -> Denied {
    if is_api(parts) {
        return Denied::Api(Box::new(Problem::unauthorised()));
    }
    // What was posted is lost by signing in: go to the start instead.
    let here = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
    Denied::SignIn {
        next: here.map_or_else(|| "/".to_owned(), ToString::to_string),
    }
}

/// Nobody can be recognised: that is our fault, and makes nobody a stranger.
fn broken(parts: &Parts) -> Denied {
    if is_api(parts) {
        Denied::Api(Box::new(Problem::broken()))
    } else {
        Denied::Broken
    }
}

impl FromRequestParts<App> for MaybeViewer {
    type Rejection = Denied;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Denied> {
        match who(parts, app).await {
            Ok(user) => Ok(Self(user)),
            Err(Unrecognised) => Err(broken(parts)),
        }
    }
}

impl FromRequestParts<App> for Lasting {
    type Rejection = Denied;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Denied> {
        match session::begun_by(parts).await.map_err(Unrecognised::of) {
            Ok(Some((id, epoch))) => Ok(Self { id, epoch }),
            Ok(None) => Err(stranger(parts)),
            Err(Unrecognised) => Err(broken(parts)),
        }
    }
}

impl FromRequestParts<App> for Viewer {
    type Rejection = Denied;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Denied> {
        require(parts, app, |_| true, "").await.map(Self)
    }
}

impl FromRequestParts<App> for Organiser {
    type Rejection = Denied;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Denied> {
        let refusal = "Only organisers and operators may do that.";
        require(parts, app, Role::is_staff, refusal).await.map(Self)
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = Denied;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Denied> {
        let refusal = "Only operators may do that.";
        require(parts, app, |role| role == Role::Operator, refusal)
            .await
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_token_is_one() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(with("Bearer abc"), Some("abc".to_owned()));
        assert_eq!(with("bearer  abc "), Some("abc".to_owned()));
        assert_eq!(with("Basic abc"), None);
        assert_eq!(with("abc"), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
