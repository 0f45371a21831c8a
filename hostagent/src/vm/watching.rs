//! Keeps an eye on a VM that is open: its death, its silence, its settings; and has it send heartbeats.

use super::driver::Driver;
use super::game::{Inside, is_as_ordered};
use super::service;
use super::trouble::{Quiet, hopeless};
use std::time::Duration;
use tokio::time::{Instant, interval_at, sleep_until};
use vmatrix_wire::Proof;

/// How often the guest is asked how it is.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A second heartbeat soon after the first, as packets are lost; then as often as games do by themselves, and a little more.
const SECOND_HEARTBEAT: Duration = Duration::from_secs(3);
const HEARTBEAT_EVERY: Duration = Duration::from_secs(60);

impl Driver {
    /// Returns when something is to be done: the order has changed, the guest has died or lost its settings.
    pub(super) async fn watch(&mut self) {
        let Ok((snapshot, slot)) = self.parts() else {
            return;
        };
        let contract = snapshot.manifest.contract.clone();
        let inside = Inside::of(&slot);
        let mut looks = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
        let mut heartbeat = Instant::now() + SECOND_HEARTBEAT;
        let mut quiet = Quiet::since(Instant::now());
        loop {
            let Some(machine) = self.machine.as_mut() else {
                return self.bury().await;
            };
            tokio::select! {
                _ = self.intent.changed() => return,
                death = machine.died() => {
                    tracing::warn!(vm = %self.kept.order.vm, ?death, "the guest died; it is resumed from its snapshot");
                    return self.bury().await;
                }
                () = sleep_until(heartbeat) => {
                    heartbeat = Instant::now() + HEARTBEAT_EVERY;
                    if let Some(settings) = &self.kept.order.game {
                        inside.heartbeat(settings).await;
                    }
                }
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
                    quiet.note(answered, slot.players_packets().await.ok(), Instant::now());
                    let silent = quiet.is_silent(Instant::now());
                    self.with_report(|report| report.silent = silent);
                    if hopeless(&quiet, Instant::now()) {
                        tracing::warn!(vm = %self.kept.order.vm, "silent, and nobody plays: it is resumed from its snapshot");
                        return self.bury().await;
                    }
                }
            }
        }
    }
}
