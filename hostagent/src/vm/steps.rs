//! What the steps of [`super::reconcile`] do.

use super::arguments::{Launch, Start, arguments};
use super::driver::Driver;
use super::game::{ANSWER_LIMIT, GameError, Inside};
use super::lock;
use super::machine::{Death, Machine, Memory};
use super::reconcile::Vmm;
use super::service;
use super::suspension::OVERLAY;
use super::trouble::Trouble;
use crate::images::LocalSnapshot;
use crate::net::{SlotNet, Transport};
use std::time::Duration;
use tokio::time::Instant;
use vmatrix_wire::{Clock, Proof, VmTimes};

/// How long a farewell may take to reach the players.
const FAREWELL_TIME: Duration = Duration::from_millis(300);

impl Driver {
    pub(super) async fn fetch(&mut self) -> Result<(), Trouble> {
        let snapshot = self.shared.fetcher.fetch(self.kept.order.snapshot).await?;
        self.shared.loads(&snapshot)?;
        self.with_times(|times| times.fetch = snapshot.fetch_ms);
        self.snapshot = Some(snapshot);
        self.seen.fetched = true;
        Ok(())
    }

    pub(super) async fn take_slot(&mut self) -> Result<(), Trouble> {
        let (index, slot) = self.shared.take_slot(self.kept.order.vm).await?;
        self.kept.slot = Some(index);
        self.slot = Some(slot);
        // Kept before anything is made in it, so that a killed agent finds it again.
        self.keep();
        self.wire().await?;
        (self.seen.wired, self.rewire_owed) = (true, false);
        Ok(())
    }

    pub(super) async fn wire(&self) -> Result<(), Trouble> {
        let (Some(slot), Some(snapshot)) = (&self.slot, &self.snapshot) else {
            return Ok(());
        };
        let contract = &snapshot.manifest.contract;
        let transport = match contract.proof {
            Proof::Quake3 => Transport::Udp,
            Proof::Http { .. } => Transport::Tcp,
        };
        let masters = self
            .kept
            .order
            .game
            .as_ref()
            .map_or(&[][..], |game| &game.masters);
        slot.wire(contract.port, transport, masters).await?;
        Ok(())
    }

    pub(super) async fn launch(&mut self) -> Result<(), Trouble> {
        let (snapshot, slot) = self.parts()?;
        let overlay = self.dir.join(OVERLAY);
        let frozen_memory = snapshot.dir.join("memory");
        self.put_back().await?;
        let (start, state, memory) = if let Some(suspension) = self.kept.suspension {
            let state = self.dir.join(suspension.place.name());
            (Start::Suspended, state, Memory::InTheState)
        } else {
            // Memory is that of the snapshot, so the disk must be, too.
            tokio::fs::copy(snapshot.dir.join("overlay.qcow2"), &overlay).await?;
            let start = Start::Snapshot {
                memory: &frozen_memory,
            };
            (start, snapshot.dir.join("state"), Memory::InItsFile)
        };
        let netdev = slot.netdev();
        let launch = Launch {
            contract: &snapshot.manifest.contract,
            accelerator: self.shared.accelerator,
            start,
            kernel: &snapshot.dir.join("kernel"),
            disk: (&overlay, "qcow2"),
            netdev: &netdev,
            dir: &self.dir,
        };
        let intended = self.intent.borrow().since;
        let begun = Instant::now();
        self.with_times(|times| {
            *times = VmTimes {
                fetch: times.fetch,
                order_to_vmm: times.order_to_vmm.or(Some(ms(intended))),
                ..VmTimes::default()
            };
        });
        let mut machine = Machine::start(&slot.launcher(), &arguments(&launch), &self.dir).await?;
        if let Err(error) = machine.load(&state, memory).await {
            machine.end().await;
            return Err(error.into());
        }
        self.machine = Some(machine);
        self.launched = begun;
        self.seen.vmm = Vmm::Paused;
        Ok(())
    }

    /// Lets the guest run and waits for its first answer.
    pub(super) async fn run(&mut self) -> Result<(), Trouble> {
        let (snapshot, slot) = self.parts()?;
        let (proof, inside) = (snapshot.manifest.contract.proof.clone(), Inside::of(&slot));
        let address = slot.inside();
        let ahead = match proof {
            Proof::Quake3 => Some(inside.ask_ahead().await?),
            Proof::Http { .. } => None,
        };
        self.asleep(false)?;
        let machine = self.machine.as_mut().ok_or(Trouble::Died)?;
        let continued = Instant::now();
        machine.run().await?;
        let answered = async {
            match (ahead, &proof) {
                (Some(question), _) => question.answer_soon().await.map(drop),
                (None, Proof::Http { path }) if service::answers_soon(address, path).await => Ok(()),
                (None, _) => Err(GameError::Silent {
                    when: "after the resume",
                    within: ANSWER_LIMIT,
                }),
            }
        };
        tokio::select! {
            result = answered => result?,
            death = machine.died() => return Err(buried(death)),
        }
        self.seen.vmm = Vmm::Running;
        let launched = self.launched;
        self.with_times(|times| {
            times.resume_to_answer = Some(ms(launched));
            times.cont_to_answer = Some(ms(continued));
        });
        Ok(())
    }

    /// Makes the guest what its order says. It is closed to the outside while that goes on.
    pub(super) async fn configure(&mut self) -> Result<(), Trouble> {
        let (snapshot, slot) = self.parts()?;
        let contract = &snapshot.manifest.contract;
        let begun = Instant::now();
        if let Some(machine) = &self.machine {
            // It may have been stopped since it answered, as the disk was full. To one that runs this is nothing.
            machine.run().await?;
        }
        if contract.clock == Clock::Step {
            let now = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap_or_default();
            service::step_clock(&self.dir, now)
                .await
                .map_err(Trouble::Other)?;
        }
        if let (Some(game), Some(settings)) = (&contract.game, self.kept.order.game.clone()) {
            let machine = self.machine.as_mut().ok_or(Trouble::Died)?;
            let inside = Inside::of(&slot);
            let info = tokio::select! {
                info = inside.configure(game, &settings) => info?,
                death = machine.died() => return Err(buried(death)),
            };
            self.with_report(|report| report.game = Some(info.seen()));
        }
        self.with_times(|times| times.configure = Some(ms(begun)));
        self.seen.ready = true;
        Ok(())
    }

    /// Lets the outside in, and has a game tell its masters.
    pub(super) async fn open(&mut self) -> Result<(), Trouble> {
        let (_, slot) = self.parts()?;
        let machine = self.machine.as_ref().ok_or(Trouble::Died)?;
        slot.open(self.kept.order.port, machine.monitor()).await?;
        self.seen.open = true;
        self.keep();
        if let Some(settings) = &self.kept.order.game {
            Inside::of(&slot).register(settings).await?;
        }
        Ok(())
    }

    /// Tells the players, if they are about to be thrown out, and lets nobody in any more.
    pub(super) async fn close(&mut self) -> Result<(), Trouble> {
        let (_, slot) = self.parts()?;
        if self.seen.vmm == Vmm::Running
            && self.seen.ready
            && let Some(settings) = &self.kept.order.game
        {
            Inside::of(&slot).farewell(settings).await;
            if self.has_players() {
                // The game sends it with its next frame.
                tokio::time::sleep(FAREWELL_TIME).await;
            }
        }
        slot.close(self.machine.as_ref().map(Machine::monitor)).await?;
        self.seen.open = false;
        Ok(())
    }

    pub(super) async fn end(&mut self) -> Result<(), Trouble> {
        if let Some(machine) = self.machine.take() {
            machine.end().await;
        }
        self.seen.vmm = Vmm::Off;
        self.seen.ready = false;
        self.with_report(|report| report.game = None);
        Ok(())
    }

    pub(super) async fn give_slot_back(&mut self) -> Result<(), Trouble> {
        if let Some(slot) = &self.slot {
            slot.unwire().await?;
        }
        self.slot = None;
        self.seen.wired = false;
        self.kept.slot = None;
        self.keep();
        self.shared.give_back(self.kept.order.vm);
        Ok(())
    }

    fn has_players(&self) -> bool {
        lock(&self.report)
            .game
            .as_ref()
            .is_some_and(|game| game.clients > 0)
    }

    /// What each step beyond `Wire` needs. That it is missing cannot be: then the VM is taken down and brought up again.
    pub(super) fn parts(&self) -> Result<(LocalSnapshot, SlotNet), Trouble> {
        self.snapshot.clone().zip(self.slot.clone()).ok_or(Trouble::Died)
    }
}

fn buried(death: Death) -> Trouble {
    tracing::warn!(?death, "the guest died while it was being prepared");
    Trouble::Died
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}
