//! The Oracle: makes what is intended come true, again and again.
//!
//! It has no input. Each pass reads what is intended and what was reported, asks `domain` what is to be done, and does
//! that in small transactions, each of which leaves everything whole. So it can be killed between any two of them.
//!
//! ```text
//!   measure   players' names are looked up, and a round is begun: apart, so that nobody waits for name servers
//!   observe   reports -> what is seen of VMs, hosts and rounds; slots of VMs that are gone are given back
//!   matches   each match: one step of its life
//!   services  each service: how far its VM should be, and on which port
//!   orders    what each host should be doing; a generation only if something is different
//!   witness   what the server asks itself, where no other host can or none had an answer
//! ```
//!
//! A timer of one second, or a nudge; a status for operators with the last error of each part; an off switch.

mod choose;
mod few;
mod freeze;
mod gather;
mod look;
mod matches;
mod measure;
mod observe;
mod orders;
mod placing;
mod ports;
mod services;
#[cfg(test)]
mod tests;
mod truth;
mod witness;

use crate::{
    app::App,
    domain::{Time, all_heard},
    store::{StoreError, hosts},
};
use std::time::{Duration, Instant};

/// The longest pause between two passes.
const PAUSE: Duration = Duration::from_secs(1);
/// Passes in a row while one thing leads to the next; what is left is done by the next timer.
const PASSES: usize = 12;

/// Runs until the future is dropped.
pub async fn run(app: App) {
    let started = app.now();
    // Apart, so that nobody waits for an answer that does not come.
    tokio::join!(decide(&app, started), measure(&app, started), look(&app));
}

async fn decide(app: &App, started: Time) {
    let mut timer = every(PAUSE);
    let mut heard = false;
    loop {
        tokio::select! {
            _ = timer.tick() => {}
            () = app.nudge.notified() => {}
        }
        if !app.oracle.status().off {
            heard = heard || has_heard(app, started).await;
            pass(app, heard).await;
        }
    }
}

/// See [`all_heard`]; false also if the hosts cannot be read.
async fn has_heard(app: &App, started: Time) -> bool {
    let read = async {
        let mut tx = app.db.read().await?;
        hosts::list(&mut tx).await
    };
    read.await
        .is_ok_and(|hosts| all_heard(&hosts, started, app.now()))
}

async fn measure(app: &App, started: Time) {
    let mut timer = every(PAUSE);
    let mut heard = false;
    loop {
        timer.tick().await;
        if !app.oracle.status().off {
            heard = heard || has_heard(app, started).await;
            if heard {
                note(app, "measure", measure::step(app).await.map(|()| false));
            }
        }
    }
}

async fn look(app: &App) {
    let mut timer = every(PAUSE);
    loop {
        timer.tick().await;
        if !app.oracle.status().off {
            note(app, "witness", witness::step(app).await.map(|()| false));
        }
    }
}

fn every(pause: Duration) -> tokio::time::Interval {
    let mut timer = tokio::time::interval(pause);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    timer
}

/// Passes until nothing changes any more. What goes wrong in one part is logged and noted, and stops no other.
pub async fn step(app: &App) {
    note(app, "measure", measure::step(app).await.map(|()| false));
    pass(app, true).await;
}

/// `heard`: whether a host that is silent may be taken for gone; until then nothing is decided that rests on that.
async fn pass(app: &App, heard: bool) {
    let begun = Instant::now();
    for _ in 0..PASSES {
        let mut changed = note(app, "observe", observe::step(app).await);
        if heard {
            changed |= note(app, "matches", matches::step(app).await);
            changed |= note(app, "services", services::step(app).await);
        }
        changed |= note(app, "orders", orders::step(app).await);
        if !changed {
            break;
        }
        app.changes.bump();
    }
    let (now, took_ms) = (app.now(), begun.elapsed().as_secs_f64() * 1000.0);
    app.oracle.update(|status| {
        status.ran_at = Some(now);
        status.took_ms = took_ms;
    });
}

/// Keeps a part's error for operators; says whether the part changed anything.
fn note(app: &App, part: &'static str, result: Result<bool, StoreError>) -> bool {
    match result {
        Ok(changed) => {
            app.oracle.update(|status| {
                status.errors.remove(part);
            });
            changed
        }
        Err(error) => {
            tracing::error!(part, %error, "the Oracle could not do its work");
            let now = app.now();
            app.oracle.update(|status| {
                status.errors.insert(part, (now, error.to_string()));
            });
            false
        }
    }
}
