//! Where a match would be fair, without booking one; and where one that was booked is, for anybody to compute again.

use super::{ActionError, matches::load, staff_only};
use crate::{
    app::App,
    domain::{MatchId, User},
    store::choices,
};
use tokio::sync::Semaphore;
use vmatrix_placement::{BadRequest, Inputs, Report};

/// One at a time: what is large takes a second of a whole core, which bookings need, too.
static TURNS: Semaphore = Semaphore::const_new(1);

/// The report of a choice with these inputs, as JSON; nothing is kept of it. For anybody signed in.
///
/// # Errors
/// The policy compares sides, and there are none.
pub async fn preview(_user: &User, inputs: Inputs) -> Result<String, ActionError> {
    let policy = inputs.policy.name().to_owned();
    compute(inputs)
        .await?
        .map_err(|bad| ActionError::invalid("policy", policy, bad.to_string()))
}

/// The report of the choice that a match's state rests on, as JSON. For staff: it has everybody's round trips.
///
/// # Errors
/// `NotFound`, also if there is no choice yet; `Forbidden` for clan admins.
pub async fn report(app: &App, user: &User, id: MatchId) -> Result<String, ActionError> {
    let mut tx = app.db.read().await?;
    let of = load(&mut tx, user, id).await?;
    staff_only(user)?;
    let record = match of.state.choice() {
        Some(choice) => choices::get(&mut tx, choice).await?,
        None => None,
    };
    drop(tx);
    let body = record.ok_or(ActionError::NoChoice(of.state.name()))?.body;
    let inputs = Inputs {
        policy: body.choice.policy,
        matrix: body.matrix,
        states: body.states,
    };
    // What was chosen once can be chosen again.
    compute(inputs)
        .await?
        .map_err(|bad| ActionError::Task(bad.to_string()))
}

async fn compute(inputs: Inputs) -> Result<Result<String, BadRequest>, ActionError> {
    let task = |error: &dyn std::fmt::Display| ActionError::Task(error.to_string());
    let _turn = TURNS.acquire().await.map_err(|error| task(&error))?;
    let work = move || Report::of(inputs).map(|report| report.to_json());
    match tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| task(&error))?
    {
        Ok(text) => Ok(Ok(text.map_err(|error| task(&error))?)),
        Err(bad) => Ok(Err(bad)),
    }
}
