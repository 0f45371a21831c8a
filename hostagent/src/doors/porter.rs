//! The gate with the clock and the lock: what the doors share.

use super::gate::{Door, Gate, Refusal, Verdict, VisitId};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use vmatrix_wire::Pass;

/// Asked by each door.
#[derive(Clone)]
pub(super) struct Porter {
    gate: Arc<Mutex<Gate>>,
    begun: Instant,
}

impl Default for Porter {
    fn default() -> Self {
        Self {
            gate: Arc::default(),
            begun: Instant::now(),
        }
    }
}

impl Porter {
    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn intend(&self, passes: &[Pass]) {
        self.gate().intend(passes);
    }

    pub(super) fn knock(&self, door: Door, from: Option<IpAddr>) -> bool {
        self.gate().knock(door, from, self.begun.elapsed())
    }

    pub(super) fn enter(&self, ticket: &str, from: Option<IpAddr>) -> Result<Visit, Refusal> {
        let id = self.gate().enter(ticket, from, self.begun.elapsed())?;
        Ok(Visit {
            porter: self.clone(),
            id,
        })
    }

    pub(super) fn visits(&self) -> usize {
        self.gate().visits()
    }
}

/// Somebody who was let in, and is gone when this is dropped.
pub(super) struct Visit {
    porter: Porter,
    id: VisitId,
}

impl Visit {
    pub(super) fn hear(&self, length: usize) -> Verdict {
        self.porter
            .gate()
            .hear(self.id, length, self.porter.begun.elapsed())
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.porter.gate().leave(self.id);
    }
}
