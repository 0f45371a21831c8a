//! Words and figures as people read them. Templates call these; arguments are references as askama passes them.

use crate::domain::{Time, view::PlayerView};
use jiff::{Timestamp, tz::TimeZone};

fn utc(time: &Time, format: &str) -> String {
    match Timestamp::from_millisecond(time.millis()) {
        Ok(at) => at.to_zoned(TimeZone::UTC).strftime(format).to_string(),
        Err(_) => time.to_string(),
    }
}

/// `Sat 21 Nov 2026, 20:00 UTC`. The browser shows its own time instead.
pub(crate) fn day(time: &Time) -> String {
    utc(time, "%a %-d %b %Y, %H:%M UTC")
}

/// `20:00:07 UTC`.
pub(crate) fn clock(time: &Time) -> String {
    utc(time, "%H:%M:%S UTC")
}

/// A span of milliseconds: `180 ms`, `2.4 s`, `3 min 05 s`.
pub(crate) fn span(ms: &f64) -> String {
    let ms = *ms;
    if ms < 999.5 {
        format!("{ms:.0} ms")
    } else if ms < 59_950.0 {
        format!("{:.1} s", ms / 1000.0)
    } else {
        let seconds = (ms / 1000.0).round();
        format!("{:.0} min {:02.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

/// A boot time in whole milliseconds as [`span`] shows it.
pub(crate) fn boot(ms: &u64) -> String {
    span(&(*ms as f64))
}

fn ms(value: &Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.digits$} ms"))
}

/// Whole milliseconds, or a dash.
pub(crate) fn ms0(value: &Option<f64>) -> String {
    ms(value, 0)
}

/// Tenths of a millisecond, or a dash.
pub(crate) fn ms1(value: &Option<f64>) -> String {
    ms(value, 1)
}

/// Hundredths of a millisecond, or a dash.
pub(crate) fn ms2(value: &Option<f64>) -> String {
    ms(value, 2)
}

/// How wrong a figure may be: `± 32 ms`, `± 0.4 ms`; empty for less than that.
pub(crate) fn error_of(ms: &f64) -> String {
    match *ms {
        ms if ms < 0.05 => String::new(),
        ms if ms < 9.95 => format!("± {ms:.1} ms"),
        ms => format!("± {ms:.0} ms"),
    }
}

/// What is promised to a player: `41.2 ms`, and of an estimate `≈ 166 ms ± 32 ms`.
pub(crate) fn promised(player: &PlayerView) -> String {
    let estimate = player.predicted_by.as_ref().filter(|by| is_estimate(by.source));
    match (player.predicted_ms, estimate) {
        (Some(ms), Some(by)) => format!("≈ {ms:.0} ms {}", error_of(&by.error_ms)),
        (ms, _) => ms1(&ms),
    }
}

/// Whether nobody has measured it.
pub(crate) fn is_estimate(source: &str) -> bool {
    matches!(source, "king" | "predicted")
}

/// `a`, `a and b`, `a, b and 3 others`.
pub(crate) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first, second] => format!("{first} and {second}"),
        [first, second, third] => format!("{first}, {second} and {third}"),
        [first, second, others @ ..] => format!("{first}, {second} and {} others", others.len()),
    }
}

/// A match's state in a word or three.
pub(crate) fn state_words(state: &str) -> &str {
    match state {
        "gathering" => "waiting for a roster",
        "probing" => "measuring",
        "reserved" => "machine reserved",
        "waking" => "waking",
        "ready" => "ready to play",
        "ending" => "ending",
        "over" => "over",
        "unplaced" => "no machine",
        "failed" => "failed",
        "cancelled" => "cancelled",
        other => other,
    }
}

/// The tone of a state's badge; the words say the same.
pub(crate) fn state_tone(state: &str) -> &'static str {
    match state {
        "gathering" | "probing" | "waking" | "ending" => "busy",
        "reserved" | "ready" => "good",
        "unplaced" | "failed" => "bad",
        _ => "",
    }
}

/// A verdict in a word or two.
pub(crate) fn verdict_words(verdict: &str) -> &'static str {
    match verdict {
        "chosen" => "chosen",
        "worse" => "possible",
        "over_cap" => super::plot::OVER_CAP,
        "over_limit" => "over a limit",
        "undecided" => "answers missing",
        "no_capacity" => "no free slot",
        "unfit" => "cannot run it",
        "not_probed" => "not probed",
        _ => "unknown",
    }
}

/// Where a round trip comes from, in words.
pub(crate) fn source_words(source: &str) -> &'static str {
    match source {
        "icmp" => "ping from the machines",
        "udp" => "their own program",
        "browser" => "their browser",
        "king" => "estimate by name servers near them",
        "given" => "as somebody wrote it down",
        _ => "predicted",
    }
}

/// The same beside a figure of a table: nothing of what hosts have pinged.
pub(crate) fn source_beside(source: &str) -> &'static str {
    match source {
        "icmp" => "",
        "udp" => "own program",
        "browser" => "browser",
        "king" => "estimated",
        "given" => "written down",
        _ => "predicted",
    }
}

/// All of them.
pub(crate) fn sources_words(sources: &[&'static str]) -> String {
    if sources.is_empty() {
        return "nothing yet".to_owned();
    }
    let words: Vec<&str> = sources.iter().map(|source| source_words(source)).collect();
    words.join(", ")
}

/// The tone of a verdict's badge.
pub(crate) fn verdict_tone(verdict: &str) -> &'static str {
    match verdict {
        "chosen" => "good",
        "worse" | "not_probed" => "",
        "no_capacity" | "undecided" => "busy",
        _ => "bad",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::view::SourceView;

    #[test]
    fn times_and_spans_read_well() {
        let time: Time = "2026-11-21T20:00:07Z".parse().unwrap();
        assert_eq!(
            (day(&time), clock(&time)),
            ("Sat 21 Nov 2026, 20:00 UTC".into(), "20:00:07 UTC".into())
        );
        let spans: Vec<_> = [0.4, 180.2, 999.6, 2_449.0, 59_960.0, 185_000.0]
            .iter()
            .map(span)
            .collect();
        assert_eq!(
            spans,
            ["0 ms", "180 ms", "1.0 s", "2.4 s", "1 min 00 s", "3 min 05 s"]
        );
    }

    #[test]
    fn an_estimate_is_marked_and_what_was_measured_is_not() {
        let player = |source| PlayerView {
            name: "strix".into(),
            clan: "Owls".into(),
            predicted_ms: Some(166.3),
            predicted_by: Some(SourceView {
                source,
                age_s: 0,
                error_ms: 32.4,
            }),
            measured_ms: None,
            samples: None,
        };
        assert_eq!(promised(&player("king")), "≈ 166 ms ± 32 ms");
        assert_eq!(promised(&player("icmp")), "166.3 ms");
        assert_eq!([error_of(&0.04), error_of(&0.42)], ["", "± 0.4 ms"]);
    }

    #[test]
    fn names_are_listed_as_people_do() {
        let names = |n: usize| {
            ["a", "b", "c", "d", "e"]
                .into_iter()
                .take(n)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let said = [1, 2, 3, 5].map(|n| listed(&names(n)));
        assert_eq!(said, ["a", "a and b", "a, b and c", "a, b and 3 others"]);
    }

    #[test]
    fn a_missing_figure_is_a_dash_and_never_zero() {
        assert_eq!((ms2(&None), ms2(&Some(0.0))), ("–".into(), "0.00 ms".into()));
    }
}
