//! The two loops of a running agent.

use super::pace::{self, Wanted};
use super::{Home, HomeError, Server, ServerError};
use crate::beacon::Beacons;
use crate::doors::Doors;
use crate::facts;
use crate::lookout::Lookouts;
use crate::probe::Probes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use vmatrix_wire::{Facts, HostId, Orders, PROTOCOL, Report, VmOrder, VmReport};

/// The VMs of this host, as the loops see them.
pub trait Machines: Send + Sync + 'static {
    /// Takes the whole intention; never blocks.
    fn intend(&self, orders: &[VmOrder]);
    /// Each VM that is here, ordered or not.
    fn observe(&self) -> Vec<VmReport>;
    /// Changes whenever a VM does.
    fn changed(&self) -> watch::Receiver<u64>;
}

struct Agent<M> {
    home: Home,
    host: HostId,
    server: Server,
    machines: M,
    probes: Mutex<Probes>,
    lookouts: Mutex<Lookouts>,
    beacons: Mutex<Beacons>,
    doors: Doors,
    generation: watch::Sender<u64>,
}

/// Runs until the future is dropped. VMs go on then.
///
/// # Errors
/// If the start cannot be counted on disk, or there is no HTTP client for lookouts.
pub async fn run<M: Machines>(
    home: Home,
    host: HostId,
    server: Server,
    facts: Facts,
    machines: M,
    doors: Doors,
) -> Result<(), RunError> {
    let incarnation = home.next_incarnation()?;
    let kept = home
        .orders()
        .filter(|orders| orders.host == host && orders.protocol == PROTOCOL);
    let agent = Arc::new(Agent {
        home,
        host,
        server,
        machines,
        probes: Mutex::default(),
        lookouts: Mutex::new(Lookouts::new()?),
        beacons: Mutex::default(),
        doors,
        generation: watch::Sender::new(0),
    });
    tracing::info!(%host, incarnation, generation = kept.as_ref().map(|orders| orders.generation), "agent runs");
    if let Some(orders) = kept {
        agent.obey(&orders);
    }
    let orders = tokio::spawn(agent.clone().take_orders());
    let _end = AbortOnDrop(orders);
    agent.tell(facts, incarnation).await;
    Ok(())
}

/// Why an agent cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its directory.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The HTTP library.
    #[error("no HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<M: Machines> Agent<M> {
    /// Makes these orders the intention of everything here.
    fn obey(&self, orders: &Orders) {
        self.machines.intend(&orders.vms);
        lock(&self.probes).intend(&orders.probes);
        lock(&self.lookouts).intend(&orders.lookouts);
        lock(&self.beacons).intend(orders.beacon.as_ref());
        self.doors.intend(&orders.passes);
        self.generation.send_replace(orders.generation);
    }

    async fn take_orders(self: Arc<Self>) {
        let mut failures = 0;
        loop {
            let since = *self.generation.borrow();
            match self.server.orders(since).await {
                Ok(Some(orders)) if orders.host == self.host => {
                    tell_recovery(&mut failures, "orders");
                    tracing::debug!(generation = orders.generation, vms = orders.vms.len(), "orders");
                    // Obeying comes first: what is on disk matters only after a restart.
                    self.obey(&orders);
                    if let Err(error) = self.home.keep_orders(&orders) {
                        tracing::error!(%error, "orders could not be kept: a restart will have to ask again");
                    }
                }
                Ok(Some(orders)) => {
                    tracing::error!(other = %orders.host, "orders are for another host");
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
                Ok(None) => tell_recovery(&mut failures, "orders"),
                Err(error) => fail(&mut failures, "orders", &error).await,
            }
        }
    }

    /// Reports for ever.
    async fn tell(&self, mut facts: Facts, incarnation: u64) {
        let mut sequence = 0;
        let mut failures = 0;
        let mut machines = self.machines.changed();
        let (mut probes, mut rounds) = {
            let probes = lock(&self.probes);
            (probes.changed(), probes.ended())
        };
        let mut lookouts = lock(&self.lookouts).changed();
        let mut generation = self.generation.subscribe();
        let mut doors = self.doors.changed();
        let mut wanted = Wanted {
            now: true,
            soon: false,
        };
        let mut last = Instant::now();
        loop {
            let wait = pace::report_in(wanted, last.elapsed());
            if wait > Duration::ZERO {
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    _ = machines.changed() => { wanted.now = true; continue }
                    _ = lookouts.changed() => { wanted.now = true; continue }
                    _ = generation.changed() => { wanted.now = true; continue }
                    _ = doors.changed() => { wanted.now = true; continue }
                    _ = rounds.changed() => { wanted.now = true; continue }
                    // Answers come by the hundred: one is enough to know that there is something to tell.
                    _ = probes.changed(), if !wanted.soon => { wanted.soon = true; continue }
                }
            }
            // What changes from here on is told by the next report.
            machines.mark_unchanged();
            lookouts.mark_unchanged();
            generation.mark_unchanged();
            probes.mark_unchanged();
            rounds.mark_unchanged();
            doors.mark_unchanged();
            wanted = Wanted::default();
            last = Instant::now();
            sequence += 1;
            facts::refresh(&mut facts, self.home.dir());
            self.doors.describe(&mut facts.doors);
            let report = self.report(&facts, incarnation, sequence);
            match self.server.report(&report).await {
                Ok(()) => tell_recovery(&mut failures, "reports"),
                Err(error) => {
                    fail(&mut failures, "reports", &error).await;
                    wanted.now = true;
                }
            }
        }
    }

    fn report(&self, facts: &Facts, incarnation: u64, sequence: u64) -> Report {
        Report {
            protocol: PROTOCOL,
            incarnation,
            sequence,
            generation: *self.generation.borrow(),
            facts: facts.clone(),
            vms: self.machines.observe(),
            probes: lock(&self.probes).observe(),
            lookouts: lock(&self.lookouts).observe(),
        }
    }
}

/// Says it at the first failure and then ever more seldom, and waits.
async fn fail(failures: &mut u32, what: &str, error: &ServerError) {
    *failures = failures.saturating_add(1);
    if failures.is_power_of_two() {
        tracing::warn!(%error, failures = *failures, "{what}: no luck with the server; going on with the last orders");
    }
    tokio::time::sleep(pace::retry_in(*failures, rand::random())).await;
}

fn tell_recovery(failures: &mut u32, what: &str) {
    if *failures > 0 {
        tracing::info!(failures = *failures, "{what}: the server is back");
        *failures = 0;
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
