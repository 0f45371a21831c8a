//! A thread for measuring alone: whatever else this process does, no answer looks late because of it.

use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;

/// Started with the first round.
#[derive(Default)]
pub(super) struct OwnThread(Option<Runtime>);

impl OwnThread {
    /// Does the work there; where the system gives no thread, among the rest.
    pub(super) fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        if self.0.is_none() {
            let mut thread = Builder::new_multi_thread();
            let thread = thread.worker_threads(1).thread_name("probes").enable_all();
            self.0 = thread
                .build()
                .inspect_err(|error| tracing::warn!(%error, "no thread for measuring: round trips look longer under load"))
                .ok();
        }
        match &self.0 {
            Some(runtime) => runtime.spawn(work).abort_handle(),
            None => tokio::spawn(work).abort_handle(),
        }
    }
}

impl Drop for OwnThread {
    fn drop(&mut self) {
        // Waiting for it is not allowed inside another runtime, and there is nothing to wait for.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
