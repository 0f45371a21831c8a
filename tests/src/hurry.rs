//! Threads whose waking late would be measured as distance.

use std::process::{Command, Stdio};

/// Who is in a hurry: the first before the second.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hurry {
    /// The emulated internet, which must pass packets on when they are due.
    Internet,
    /// A player's watch.
    Watch,
}

/// Real-time priority for this thread: on busy cores an ordinary one wakes up milliseconds late. Where it is not allowed,
/// round trips are a little longer under load.
pub(crate) fn hurry(who: Hurry) {
    let priority = match who {
        Hurry::Internet => "20",
        Hurry::Watch => "10",
    };
    let thread = nix::unistd::gettid().to_string();
    let mut chrt = Command::new("chrt");
    chrt.args(["--fifo", "--pid", priority, &thread])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if !chrt.status().is_ok_and(|status| status.success()) {
        tracing::warn!(
            ?who,
            "no real-time priority: round trips are less exact under load"
        );
    }
}
