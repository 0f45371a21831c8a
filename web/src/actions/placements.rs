//! Where a match would be fair, without booking one; and where one that was booked is, for anybody to compute again.

use super::{ActionError, matches::load, staff_only};
use crate::{
    app::App,
    domain::{BookingError, MatchId, User, misnamed},
    store::choices,
};
use tokio::sync::Semaphore;
use vmatrix_placement::{BadRequest, Inputs, Report};

/// Previews come one at a time: what is large takes a second of a whole core, which bookings need, too.
static PREVIEWS: Semaphore = Semaphore::const_new(1);
/// And so do reports of matches, which do not wait for what others try out.
static REPORTS: Semaphore = Semaphore::const_new(1);

/// The report of a choice with these inputs, as JSON; nothing is kept of it. For anybody signed in.
///
/// # Errors
/// `Invalid` if the policy compares sides, and there are none; or if it has the name of a preset that is another.
pub async fn preview(_user: &User, inputs: Inputs) -> Result<String, ActionError> {
    let policy = inputs.policy.name().to_owned();
    if let Some(preset) = misnamed(&inputs.policy) {
        let wrong = BookingError::Misnamed { rule: policy, preset };
        return Err(ActionError::Invalid(vec![wrong.into()]));
    }
    compute(&PREVIEWS, inputs)
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
    compute(&REPORTS, inputs)
        .await?
        .map_err(|bad| ActionError::Task(bad.to_string()))
}

async fn compute(
    turns: &'static Semaphore,
    inputs: Inputs,
) -> Result<Result<String, BadRequest>, ActionError> {
    let work = move || Report::of(inputs).map(|report| report.to_json());
    match in_turn(turns, work).await? {
        Ok(text) => Ok(Ok(text.map_err(|error| ActionError::Task(error.to_string()))?)),
        Err(bad) => Ok(Err(bad)),
    }
}

/// Does work on another thread. The turn belongs to the work, not to whoever waits for it: who hangs up does not let the next
/// one in beside it.
async fn in_turn<T: Send + 'static>(
    turns: &'static Semaphore,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ActionError> {
    let turn = turns
        .acquire()
        .await
        .map_err(|error| ActionError::Task(error.to_string()))?;
    let work = move || {
        let done = work();
        drop(turn);
        done
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ActionError::Task(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn who_hangs_up_does_not_end_the_turn_of_the_work() {
        static TURNS: Semaphore = Semaphore::const_new(1);
        let (begun, has_begun) = oneshot::channel();
        let (finish, may_finish) = mpsc::channel::<()>();
        let asked = tokio::spawn(in_turn(&TURNS, move || {
            begun.send(()).unwrap();
            may_finish.recv().unwrap();
        }));
        has_begun.await.unwrap();
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
        assert_eq!(TURNS.available_permits(), 0);
        finish.send(()).unwrap();
        assert_eq!(in_turn(&TURNS, || 7).await.unwrap(), 7);
        assert_eq!(TURNS.available_permits(), 1);
    }
}
