//! What people do with matches.

use super::ActionError;
use crate::{
    app::App,
    domain::{
        ClanId, MatchId, PlayerId, Time, User,
        view::{MatchLine, MatchView},
    },
};

/// When a match is to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// As soon as its players are measured.
    Now,
    /// At this time.
    At(Time),
}

/// What is booked. The edge parses into this; [`book_match`] checks it against what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// Name of the image, such as `openarena`.
    pub image: String,
    /// Map to start with; the image's own if absent.
    pub map: Option<String>,
    /// When.
    pub start: Start,
    /// How long: 5 to 480.
    pub length_minutes: i64,
    /// Exactly two: home, then away. A challenge has no players on the other clan's side.
    pub rosters: Vec<Roster>,
}

/// One clan's players.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// The clan.
    pub clan: ClanId,
    /// Its players, each once.
    pub players: Vec<PlayerId>,
}

/// Books a match. Staff give both rosters; a clan admin gives their own clan's, and the other clan's empty: then
/// the match is *gathering* until [`set_roster`] by the other side. With both rosters it is *probing* at once.
///
/// # Errors
/// `Invalid` with each field that is wrong; `Forbidden` if a clan admin books for others.
pub async fn book_match(_app: &App, _user: &User, _booking: Booking) -> Result<MatchId, ActionError> {
    Err(ActionError::Conflict("not yet".into()))
}

/// Gives one clan's players, anew. A match that has not begun to wake is measured again.
///
/// # Errors
/// `Invalid`; `Forbidden` for another clan's admin; `Conflict` once the VM is being woken.
pub async fn set_roster(
    _app: &App,
    _user: &User,
    _id: MatchId,
    _clan: ClanId,
    _players: &[PlayerId],
) -> Result<(), ActionError> {
    Err(ActionError::Conflict("not yet".into()))
}

/// Ends a running match, or cancels one that has not begun. Twice is once.
///
/// # Errors
/// `NotFound`; `Forbidden` for clans that do not play.
pub async fn end_match(_app: &App, _user: &User, _id: MatchId) -> Result<(), ActionError> {
    Err(ActionError::Conflict("not yet".into()))
}

/// Measures and chooses again: for a match that is *unplaced* or *failed* and whose time is not over.
///
/// # Errors
/// `NotFound`; `Forbidden`; `Conflict` in any other state.
pub async fn retry_match(_app: &App, _user: &User, _id: MatchId) -> Result<(), ActionError> {
    Err(ActionError::Conflict("not yet".into()))
}

/// A match as this user may see it.
///
/// # Errors
/// `NotFound` also for clans that do not play in it.
pub async fn view_match(_app: &App, _user: &User, id: MatchId) -> Result<MatchView, ActionError> {
    Err(ActionError::not_found("match", id))
}

/// The matches that this user may see, newest start first, at most 200.
///
/// # Errors
/// Only the store's.
pub async fn list_matches(_app: &App, _user: &User) -> Result<Vec<MatchLine>, ActionError> {
    Ok(Vec::new())
}
