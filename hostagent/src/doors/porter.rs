//! The gate with the clock and the lock: what the doors share.

use super::gate::{Gate, Refusal, Verdict, VisitId};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use vmatrix_wire::Pass;

/// Asked by each door.
#[derive(Debug, Clone, Default)]
pub(super) struct Porter(Arc<Mutex<Gate>>);

impl Porter {
    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn intend(&self, passes: &[Pass]) {
        self.gate().intend(passes);
    }

    pub(super) fn knock(&self, from: Option<IpAddr>) -> bool {
        self.gate().knock(from, Instant::now())
    }

    pub(super) fn enter(&self, ticket: &str, from: Option<IpAddr>) -> Result<Visit, Refusal> {
        let id = self.gate().enter(ticket, from, Instant::now())?;
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
#[derive(Debug)]
pub(super) struct Visit {
    porter: Porter,
    id: VisitId,
}

impl Visit {
    pub(super) fn hear(&self, length: usize) -> Verdict {
        self.porter.gate().hear(self.id, length, Instant::now())
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.porter.gate().leave(self.id);
    }
}
