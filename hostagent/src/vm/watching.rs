//! Keeps an eye on a VM that is open: its death, its silence, its settings; and has it send heartbeats.

use super::driver::Driver;
use super::game::{Inside, is_as_ordered};
use super::machine::Turn;
use super::service;
use super::trouble::{Quiet, hopeless};
use super::truth::SAMPLE_EVERY;
use crate::net::NetError;
use std::time::Duration;
use tokio::time::{Instant, interval_at, sleep_until};
use vmatrix_wire::Proof;

/// How often the guest is asked how it is.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A second heartbeat soon after the first, as packets are lost; then as often as games do by themselves, and a little more.
const SECOND_HEARTBEAT: Duration = Duration::from_secs(3);
const HEARTBEAT_EVERY: Duration = Duration::from_secs(60);

/// How often a guest that was stopped because the disk was full is let go on.
const CONTINUE_EVERY: Duration = Duration::from_secs(3);

impl Driver {
    /// Returns when something is to be done: the order has changed, the guest has died or lost its settings.
    pub(super) async fn watch(&mut self) {
        let Ok((snapshot, slot)) = self.parts() else {
            return;
        };
        let contract = snapshot.manifest.contract.clone();
        let inside = Inside::of(&slot);
        let mut looks = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
        let mut samples = interval_at(Instant::now() + SAMPLE_EVERY, SAMPLE_EVERY);
        let mut heartbeat = Instant::now() + SECOND_HEARTBEAT;
        let mut quiet = Quiet::since(Instant::now());
        let mut go_on: Option<Instant> = None;
        loop {
            let Some(machine) = self.machine.as_mut() else {
                return self.bury().await;
            };
            tokio::select! {
                _ = self.intent.changed() => return,
                turn = machine.turned() => {
                    let Turn::Died(death) = turn else {
                        tracing::warn!(vm = %self.kept.order.vm, "the disk cannot be written: the guest stands still");
                        let full = self.disk_full();
                        self.with_report(|report| report.problem = Some(full));
                        go_on = Some(Instant::now() + CONTINUE_EVERY);
                        continue;
                    };
                    tracing::warn!(vm = %self.kept.order.vm, ?death, "the guest died; it is resumed");
                    return self.bury().await;
                }
                () = sleep_until(go_on.unwrap_or(heartbeat)), if go_on.is_some() => {
                    // If there is no room yet it is stopped again, and says so.
                    go_on = None;
                    if let Err(error) = machine.run().await {
                        tracing::warn!(vm = %self.kept.order.vm, %error, "the guest does not go on");
                        go_on = Some(Instant::now() + CONTINUE_EVERY);
                    }
                    // It was silent for a reason.
                    quiet = Quiet::since(Instant::now());
                }
                () = sleep_until(heartbeat) => {
                    heartbeat = Instant::now() + HEARTBEAT_EVERY;
                    if let Some(settings) = &self.kept.order.game {
                        inside.heartbeat(settings).await;
                    }
                }
                _ = samples.tick(), if contract.proof == Proof::Quake3 => self.sample_pings(&inside).await,
                _ = looks.tick() => {
                    self.rewire().await;
                    let answered = match &contract.proof {
                        Proof::Http { path } => service::answers(slot.inside(), path).await,
                        Proof::Quake3 => match inside.info().await {
                            Some(info) => {
                                self.with_report(|report| report.game = Some(info.seen()));
                                if self.kept.order.game.as_ref().is_some_and(|order| !is_as_ordered(&info, order)) {
                                    // Its game was started anew inside the guest: with the snapshot's settings.
                                    self.seen.ready = false;
                                    return;
                                }
                                true
                            }
                            None => false,
                        },
                    };
                    if answered && !self.rewire_owed && go_on.is_none() {
                        self.with_report(|report| report.problem = None);
                    }
                    let packets = match slot.players_packets().await {
                        Ok(count) => Some(count),
                        Err(NetError::Uncounted) => None,
                        Err(error) => {
                            tracing::warn!(vm = %self.kept.order.vm, %error, "its rules cannot be looked at");
                            None
                        }
                    };
                    quiet.note(answered, packets, Instant::now());
                    let silent = quiet.is_silent(Instant::now());
                    self.with_report(|report| report.silent = silent);
                    if hopeless(&quiet, Instant::now()) {
                        tracing::warn!(vm = %self.kept.order.vm, "silent, and nobody plays: it is resumed");
                        return self.bury().await;
                    }
                }
            }
        }
    }
}
