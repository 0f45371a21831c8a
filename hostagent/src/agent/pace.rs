//! When to report and when to try again. Pure.

use std::time::Duration;
use vmatrix_wire::REPORT_EVERY_MS;

/// Why a report is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// A VM, a lookout or the orders changed, or a measurement is done: people wait for it.
    pub now: bool,
    /// Some echo requests were answered: they come by the hundred.
    pub soon: bool,
}

/// Pause between two reports that only tell of progress.
const PROGRESS: Duration = Duration::from_millis(500);

/// How long to wait until the next report, when the last one was sent `since` ago.
pub(crate) fn report_in(wanted: Wanted, since: Duration) -> Duration {
    let every = match wanted {
        Wanted { now: true, .. } => Duration::ZERO,
        Wanted { soon: true, .. } => PROGRESS,
        _ => Duration::from_millis(REPORT_EVERY_MS),
    };
    every.saturating_sub(since)
}

/// How long to wait after the `failures`-th failure in a row. `chance` in 0..1 spreads a fleet whose server comes back.
pub(crate) fn retry_in(failures: u32, chance: f64) -> Duration {
    let base = Duration::from_millis(100) * 2_u32.pow(failures.min(6));
    base.min(Duration::from_secs(5))
        .mul_f64(0.5 + chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn changes_are_told_at_once_and_progress_twice_a_second() {
        let (now, soon) = (
            Wanted {
                now: true,
                soon: true,
            },
            Wanted {
                now: false,
                soon: true,
            },
        );
        assert_eq!(report_in(now, Duration::ZERO), Duration::ZERO);
        assert_eq!(report_in(soon, 100 * MS), 400 * MS);
        assert_eq!(report_in(soon, 500 * MS), Duration::ZERO);
        assert_eq!(report_in(Wanted::default(), 1_000 * MS), 2_000 * MS);
    }

    proptest! {
        #[test]
        fn a_silent_server_is_asked_ever_more_seldom_but_never_given_up(failures: u32, chance in 0.0..1.0) {
            let pause = retry_in(failures, chance);
            prop_assert!(pause >= 50 * MS && pause <= 7_500 * MS);
            prop_assert!(retry_in(failures.saturating_add(1), chance) >= pause);
        }

        #[test]
        fn two_reports_are_never_further_apart_than_promised(now: bool, soon: bool, since in 0..10_000_u32) {
            let wait = report_in(Wanted { now, soon }, since * MS);
            prop_assert!(wait == Duration::ZERO || wait + since * MS <= Duration::from_millis(REPORT_EVERY_MS));
        }
    }
}
