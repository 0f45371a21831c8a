//! What came back, as a table.

use super::asking::{Asking, Ignored};
use std::fmt::Write;
use std::net::SocketAddr;
use uuid::Uuid;
use vmatrix_wire::{RttSample, TargetId};

/// A line per host, in the order of the names, and one about what was heard and not counted.
pub(super) fn of(asking: &Asking, names: &[String]) -> String {
    let width = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        .max(4);
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "{:width$}  {:>9}  {:>9}  {:>9}  {:>9}  {:>6}",
        "host", "min ms", "median ms", "p90 ms", "jitter ms", "loss"
    );
    for (index, name) in names.iter().enumerate() {
        let sample = RttSample::of(TargetId(Uuid::nil()), asking.samples(), &asking.rtts_us(index));
        let _ = writeln!(out, "{name:width$}  {}", figures(&sample));
    }
    if let Some(words) = ignored(asking.ignored()) {
        let _ = writeln!(out, "not counted: {words}");
    }
    out
}

fn figures(sample: &RttSample) -> String {
    let ms = |us: Option<u32>| match us {
        Some(us) => format!("{:>9.2}", f64::from(us) / 1_000.0),
        None => format!("{:>9}", "-"),
    };
    let lost = f64::from(sample.sent.saturating_sub(sample.received));
    let loss = 100.0 * lost / f64::from(sample.sent.max(1));
    [
        ms(sample.min_us),
        ms(sample.median_us),
        ms(sample.p90_us),
        ms(sample.jitter_us),
        format!("{loss:>4.0} %"),
    ]
    .join("  ")
}

fn ignored(counts: Ignored) -> Option<String> {
    let Ignored {
        malformed,
        foreign,
        unasked,
        repeated,
        late,
    } = counts;
    let words: Vec<String> = [
        (late, "late"),
        (malformed, "damaged or no frame"),
        (foreign, "from another address"),
        (unasked, "to no question of ours"),
        (repeated, "repeated"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// What may be wrong where nothing at all came back from these echoes.
pub(super) fn of_silence(mute: &[SocketAddr]) -> String {
    let all: Vec<String> = mute.iter().map(ToString::to_string).collect();
    format!(
        "nothing came back from {}: the echo may be off there, or have another port (say HOST:PORT), or a firewall drops UDP on the way, here or there",
        all.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_never_answers_has_dashes_and_all_is_lost() {
        let of = |rtts: &[u32]| figures(&RttSample::of(TargetId(Uuid::nil()), 4, rtts));
        assert_eq!(of(&[]), "        -          -          -          -   100 %");
        assert_eq!(
            of(&[40_000, 42_000, 41_000]),
            "    40.00      41.00      42.00       1.50    25 %"
        );
    }

    #[test]
    fn only_what_there_was_is_said_of_what_was_not_counted() {
        assert_eq!(ignored(Ignored::default()), None);
        let counts = Ignored {
            late: 2,
            foreign: 1,
            ..Ignored::default()
        };
        assert_eq!(ignored(counts).as_deref(), Some("2 late, 1 from another address"));
    }
}
