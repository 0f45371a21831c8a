//! One verb each: page, API and tests call the same. One transaction per action; no action spans two.
//!
//! An action is `async fn verb(app: &App, user: &User, request…) -> Result<T, ActionError>`. It authorises, checks,
//! writes, commits, and calls [`App::changed`](crate::app::App::changed).

pub mod accounting;
mod booking;
pub mod clans;
pub mod forget;
pub(crate) mod freezes;
pub mod health;
pub mod hosts;
mod king;
pub mod latency;
pub mod links;
mod match_view;
pub mod matches;
pub mod nest;
pub mod placements;
pub mod player_links;
pub mod players;
mod rematch;
#[cfg(test)]
pub(crate) mod room_tests;
mod roster;
pub(crate) mod rounds;
pub mod services;
pub mod tokens;
pub(crate) mod turns;
pub mod users;
mod visitors;
pub mod visits;
pub mod vms;

use crate::{
    domain::{Refusal, Role, User},
    nest::NestError,
    secrets::PasswordError,
    store::StoreError,
};

/// Why an action was not done. Nothing is half done.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// Something is wrong with the request (HTTP 422).
    #[error("{}", list(.0))]
    Invalid(Vec<Refusal>),
    /// There is no such thing, or it is not for this user to know (404).
    #[error("there is no {what} {id}")]
    NotFound {
        /// `match`, `clan` …
        what: &'static str,
        /// What was asked for, cut to 80 characters.
        id: String,
    },
    /// No host was looked for yet (404).
    #[error("there is no choice of a host yet: the match is {0}")]
    NoChoice(&'static str),
    /// The user may not do that (403).
    #[error("{0}")]
    Forbidden(String),
    /// It cannot be done as things are now (409).
    #[error("{0}")]
    Conflict(String),
    /// It can be done if whoever asks says that they mean it (409).
    #[error("{question}")]
    Unsure {
        /// The field that is to be `true` then.
        field: &'static str,
        /// What they are asked, for people.
        question: String,
    },
    /// There is room for no more: see [`crate::domain::limits`] (409).
    #[error("{0}")]
    Full(Refusal),
    /// There is no room now, and there will be (429).
    #[error("{what} in {} s", .wait.as_millis().div_ceil(1000))]
    Busy {
        /// What there is too much of, and what to do.
        what: &'static str,
        /// In how long.
        wait: std::time::Duration,
    },
    /// Something is wrong here, not with the request (500).
    #[error(transparent)]
    Store(#[from] StoreError),
    /// As above, in the password hasher.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// As above, in the nest's files.
    #[error(transparent)]
    Nest(NestError),
    /// As above, in work that is done on another thread.
    #[error("work on another thread: {0}")]
    Task(String),
}

impl ActionError {
    /// One thing that is wrong with a request.
    pub fn invalid(field: impl Into<String>, value: impl ToString, expected: impl Into<String>) -> Self {
        Self::Invalid(vec![Refusal::new(field, value, expected)])
    }

    /// There are `have` of `what` (`tokens`, say), and no more than `most` are to be; `way` is what can be done about it.
    /// The refused value is what there would have been.
    pub fn full(field: impl Into<String>, have: usize, most: usize, what: &str, way: &str) -> Self {
        let value = format!("{} {what}", have.saturating_add(1));
        Self::Full(Refusal::new(
            field,
            value,
            format!("at most {most} {what}: {way}"),
        ))
    }

    /// There is no such thing.
    pub fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound {
            what,
            id: id.to_string().chars().take(80).collect(),
        }
    }
}

impl ActionError {
    /// What is wrong with the request, if it is that.
    #[must_use]
    pub fn refusals(self) -> Vec<Refusal> {
        match self {
            Self::Invalid(refusals) => refusals,
            _ => Vec::new(),
        }
    }
}

/// Lets operators pass.
fn operators_only(user: &User) -> Result<(), ActionError> {
    if user.role == Role::Operator {
        Ok(())
    } else {
        Err(ActionError::Forbidden("Only operators may do that.".into()))
    }
}

/// Lets organisers and operators pass.
fn staff_only(user: &User) -> Result<(), ActionError> {
    if user.role.is_staff() {
        Ok(())
    } else {
        Err(ActionError::Forbidden(
            "Only organisers and operators may do that.".into(),
        ))
    }
}

fn list(refusals: &[Refusal]) -> String {
    refusals
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
