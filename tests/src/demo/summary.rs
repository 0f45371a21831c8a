//! What came of a match, in lines for people: whether it is fair, by what, and how sure that is. Pure.

use serde_json::Value;
use std::fmt::Write;

/// Whether a match is fair: rule, choice, runner-up, and what each player was promised.
#[must_use]
pub fn fairness(view: &Value) -> String {
    let mut text = String::new();
    let mut line = |head: &str, rest: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {head:<12}{rest}");
    };
    let chosen = &view["chosen"];
    let host = word(&chosen["host"]);
    line("match", word(&view["match"]["title"]).to_owned());
    line(
        "rule",
        format!(
            "{}, nobody above {}",
            word(&view["policy"]),
            ms(&view["cap_ms"], 0)
        ),
    );
    line(
        "chosen",
        format!(
            "{host}, closeness factor {}{} (smaller is fairer)",
            ms(&chosen["closeness_ms"], 2),
            error(&chosen["closeness_error_ms"])
        ),
    );
    line("runner-up", runner_up(view));
    if let Some(names) = names(&chosen["could_be_as_fair"]) {
        line("but", format!("within the error {names} could be as fair"));
    }
    line("spread", spread(view));
    line("rules", agreement(view, host));
    text.push('\n');
    text.push_str(&players(view));
    text.push_str(&remarks(view));
    text
}

/// How long the steps took.
#[must_use]
pub fn times(view: &Value) -> String {
    let steps = [
        ("probe", "measuring"),
        ("choose", "choosing"),
        ("fetch", "fetching"),
        ("resume_to_answer", "from QEMU started to the first answer"),
        ("cont_to_answer", "of that, from running on"),
        ("configure", "configuring"),
        ("order_to_answer", "from the order to the first answer"),
        ("book_to_ready", "from the booking to ready"),
    ];
    let row = |(field, words): (&str, &str)| {
        let time = view["times_ms"][field].as_f64()?;
        let time = match time {
            time if time < 10.0 => format!("{time:.1} ms"),
            time if time < 1_000.0 => format!("{time:.0} ms"),
            time => format!("{:.1} s", time / 1000.0),
        };
        Some(format!("  {words:<40}{time:>9}\n"))
    };
    steps.into_iter().filter_map(row).collect()
}

fn runner_up(view: &Value) -> String {
    let closeness = |host: &&Value| host["closeness_ms"].as_f64().unwrap_or(f64::INFINITY);
    let possible = list(&view["hosts"])
        .iter()
        .filter(|host| host["verdict"] == "worse");
    match possible.min_by(|a, b| closeness(a).total_cmp(&closeness(b))) {
        Some(next) => format!(
            "{}, {}{}",
            word(&next["host"]),
            ms(&next["closeness_ms"], 2),
            error(&next["closeness_error_ms"])
        ),
        None => "none: no other host is possible".to_owned(),
    }
}

fn spread(view: &Value) -> String {
    let promised = list(&view["players"])
        .iter()
        .filter_map(|player| player["predicted_ms"].as_f64());
    let (least, most) = promised.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), ms| {
        (least.min(ms), most.max(ms))
    });
    if least > most {
        return "nothing was promised".to_owned();
    }
    format!("{least:.0} to {most:.0} ms, from the nearest player to the furthest")
}

fn agreement(view: &Value, host: &str) -> String {
    let all = list(&view["alternatives"]);
    let (same, others): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|one| one["host"] == host);
    let other = |one: &&Value| {
        let host = one["host"].as_str().unwrap_or("no host");
        format!("{}: {host}", word(&one["preset"]))
    };
    let others: Vec<String> = others.iter().map(other).collect();
    let mut text = format!("{} of {} would choose it", same.len(), all.len());
    if !others.is_empty() {
        text.push_str(&format!(" ({})", others.join(", ")));
    }
    text
}

fn players(view: &Value) -> String {
    let mut text = format!(
        "  {:<12}{:<10}{:>10}{:>11}  {:<9}{:>10}{:>13}\n",
        "player", "clan", "promised", "error", "by", "measured", "in the game"
    );
    for player in list(&view["players"]) {
        let by = &player["predicted_by"];
        let _ = writeln!(
            text,
            "  {:<12}{:<10}{:>10}{:>11}  {:<9}{:>10}{:>13}",
            word(&player["name"]),
            word(&player["clan"]),
            ms(&player["predicted_ms"], 1),
            error(&by["error_ms"]).trim(),
            word(&by["source"]),
            ms(&player["measured_ms"], 1),
            ms(&player["in_game_ms"], 0),
        );
    }
    text
}

/// What the league reads beside the figures.
fn remarks(view: &Value) -> String {
    let mut text = String::new();
    if let Some(names) = names(&view["unchecked"]) {
        let _ = writeln!(
            text,
            "\n  not checked by hosts: {names}. Measured by their own browser or program only; nothing contradicts it, and\n  \
             nobody is suspected of anything."
        );
    }
    for flag in list(&view["flags"]) {
        let said = names(&flag["sentences"]).unwrap_or_default();
        let _ = writeln!(
            text,
            "\n  does not fit together: {}: {said}. It is a reason to look, no verdict.",
            word(&flag["player"])
        );
    }
    text
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("–")
}

fn names(value: &Value) -> Option<String> {
    let all: Vec<&str> = list(value).iter().filter_map(Value::as_str).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

fn ms(value: &Value, digits: usize) -> String {
    let figure = |ms: f64| format!("{ms:.digits$} ms");
    value.as_f64().map_or_else(|| "–".to_owned(), figure)
}

fn error(value: &Value) -> String {
    match value.as_f64() {
        Some(ms) if ms < 9.95 => format!(" ± {ms:.1} ms"),
        Some(ms) => format!(" ± {ms:.0} ms"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn view() -> Value {
        let player = |name: &str, ms: f64, source: &str, error_ms: f64| {
            json!({ "name": name, "clan": "Owls", "predicted_ms": ms, "measured_ms": ms + 1.04,
                "predicted_by": { "source": source, "age_s": 0, "error_ms": error_ms }, "in_game_ms": 60.0 })
        };
        json!({
            "match": { "title": "Foxes – Owls" }, "policy": "thesis", "cap_ms": 180.0,
            "chosen": { "host": "newyork", "closeness_ms": 23.05, "closeness_error_ms": 16.7, "could_be_as_fair": ["montreal"] },
            "hosts": [
                { "host": "london", "verdict": "worse", "closeness_ms": 82.5 },
                { "host": "newyork", "verdict": "chosen", "closeness_ms": 23.05 },
                { "host": "montreal", "verdict": "worse", "closeness_ms": 26.12, "closeness_error_ms": 17.2 },
                { "host": "perth", "verdict": "over_cap", "closeness_ms": 1.0 },
            ],
            "alternatives": [{ "preset": "thesis", "host": "newyork" }, { "preset": "cap-65", "host": null }],
            "players": [player("strix", 99.1, "king", 32.3), player("vixen", 85.8, "browser", 1.0)],
            "unchecked": ["vixen"],
            "flags": [{ "player": "bubo", "sentences": ["near to a and to b at once"] }],
            "times_ms": { "probe": 3351.0, "choose": 0.135, "resume_to_answer": 180.4, "fetch": null },
        })
    }

    #[test]
    fn a_match_is_told_with_all_that_makes_it_fair_and_how_sure_that_is() {
        insta::assert_snapshot!(fairness(&view()));
    }

    #[test]
    fn times_are_rounded_and_those_that_are_not_known_left_out() {
        let told = times(&view());
        let figures: Vec<&str> = told.lines().map(|line| line[40..].trim()).collect();
        assert_eq!(figures, ["3.4 s", "0.1 ms", "180 ms"]);
    }

    #[test]
    fn what_is_missing_is_a_dash_and_no_panic() {
        let told = fairness(&json!({}));
        assert!(
            told.contains("none: no other host") && told.contains("nothing was promised"),
            "{told}"
        );
    }
}
