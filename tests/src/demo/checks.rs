//! What the demo claims, checked on its own summary and on what it saw with its own eyes. Pure, and computed here anew from
//! the definition.

use crate::players::RoundTrips;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// How far a measured round trip may be from the promised one, milliseconds.
pub const CLOSE_ENOUGH_MS: f64 = 5.0;
/// Fewer answers than this make no measured value.
pub const FEWEST_ANSWERS: usize = 7;
/// How far two ways of computing one figure may be apart, milliseconds.
const SAME_MS: f64 = 1e-3;

/// What was seen of the match by those who played it, whatever the server says.
#[derive(Debug, Clone)]
pub struct Seen {
    /// All hosts of the world.
    pub hosts: BTreeSet<String>,
    /// Where players connected.
    pub server: SocketAddr,
    /// Of everybody who plays, the round trips of their questions to the game during the match.
    pub measured: BTreeMap<String, RoundTrips>,
    /// When the match was ended.
    pub ended: Timestamp,
}

/// Mean absolute difference of all pairs: the definition, O(n²).
#[must_use]
pub fn closeness_ms(rtts: &[f64]) -> Option<f64> {
    let mut sum = 0.0;
    let mut pairs = 0.0;
    for (index, a) in rtts.iter().enumerate() {
        for b in &rtts[index + 1..] {
            sum += (a - b).abs();
            pairs += 1.0;
        }
    }
    (pairs > 0.0).then(|| sum / pairs)
}

type Check = fn(&Value, &Matrix, &Seen, &mut Vec<String>);

/// What is claimed of the match that was played, and what checks it.
pub const CLAIMS: [(&str, Check); 7] = [
    (
        "all hosts and all players are in what was measured, and nobody else",
        whole_matrix,
    ),
    (
        "the chosen host has the smallest closeness factor under the cap, by the definition",
        choice,
    ),
    (
        "each host has the verdict and the closeness factor that the definition gives it, and a reason",
        reasons,
    ),
    (
        "each player's round trip to the game, measured from their place, is within 5 ms of what was promised",
        promises,
    ),
    (
        "the directory lists the address that players connect to, during the match",
        directory,
    ),
    ("the match is over", ended),
    ("the time of each step is there, and what ran it", figures),
];

/// Everything that is not as it should be, one sentence each. Empty if all is true.
#[must_use]
pub fn faults(summary: &Value, seen: &Seen) -> Vec<String> {
    let mut faults = Vec::new();
    let matrix = match serde_json::from_value(summary["matrix_ms"].clone()) {
        Ok(matrix) => matrix,
        Err(error) => {
            faults.push(format!("matrix_ms is no matrix: {error}"));
            Matrix::new()
        }
    };
    for (_, check) in CLAIMS {
        check(summary, &matrix, seen, &mut faults);
    }
    faults
}

fn ended(summary: &Value, _: &Matrix, _: &Seen, faults: &mut Vec<String>) {
    if summary["match"]["state"] != "over" {
        faults.push(format!(
            "the match ended as {}, not as over",
            summary["match"]["state"]
        ));
    }
}

fn figures(summary: &Value, _: &Matrix, _: &Seen, faults: &mut Vec<String>) {
    for name in [
        "probe",
        "choose",
        "resume_to_answer",
        "cont_to_answer",
        "configure",
        "order_to_answer",
        "book_to_ready",
    ] {
        if !summary["times_ms"][name].is_number() {
            faults.push(format!("times_ms.{name} is missing"));
        }
    }
    for pointer in [
        "/vmm/name",
        "/vmm/accelerator",
        "/boot_ms",
        "/policy",
        "/cap_ms",
        "/chosen/site",
    ] {
        if summary.pointer(pointer).is_none_or(Value::is_null) {
            faults.push(format!("{pointer} is missing"));
        }
    }
}

/// Host, player, milliseconds; nothing where somebody did not answer.
type Matrix = BTreeMap<String, BTreeMap<String, Option<f64>>>;

/// `matrix_ms`: its rows are exactly the hosts, its columns exactly the players.
fn whole_matrix(summary: &Value, matrix: &Matrix, seen: &Seen, faults: &mut Vec<String>) {
    let mut same = |what: &str, found: BTreeSet<&str>, right: BTreeSet<&str>| {
        if found != right {
            let (more, less) = (&found - &right, &right - &found);
            faults.push(format!("{what}: {more:?} should not be there, {less:?} should"));
        }
    };
    let hosts = || seen.hosts.iter().map(String::as_str).collect::<BTreeSet<_>>();
    let players = || seen.measured.keys().map(String::as_str).collect::<BTreeSet<_>>();
    same(
        "the rows of matrix_ms",
        matrix.keys().map(String::as_str).collect(),
        hosts(),
    );
    for (host, row) in matrix {
        let what = format!("the row of {host} in matrix_ms");
        same(&what, row.keys().map(String::as_str).collect(), players());
    }
    same("hosts", names(summary, "hosts", "host"), hosts());
    same("players", names(summary, "players", "name"), players());
    for (list, entries) in [("hosts", hosts().len()), ("players", players().len())] {
        if summary[list].as_array().map_or(0, Vec::len) != entries {
            faults.push(format!("{list} should have {entries} entries"));
        }
    }
}

/// One field of each entry of a list.
fn names<'a>(summary: &'a Value, list: &str, field: &str) -> BTreeSet<&'a str> {
    let entries = summary[list].as_array().into_iter().flatten();
    entries.filter_map(|entry| entry[field].as_str()).collect()
}

/// A row without gaps.
fn whole(row: &BTreeMap<String, Option<f64>>) -> Option<Vec<f64>> {
    row.values().copied().collect()
}

/// The chosen host is the argmin of the definition over `matrix_ms`, under the cap. Nothing else plays a part: all hosts
/// of the demo are fit, and free.
fn choice(summary: &Value, matrix: &Matrix, _: &Seen, faults: &mut Vec<String>) {
    let cap = summary["cap_ms"].as_f64().unwrap_or(0.0);
    let mut fairness = BTreeMap::new();
    for (host, row) in matrix {
        if let Some(rtts) = whole(row).filter(|rtts| rtts.iter().all(|rtt| *rtt <= cap)) {
            fairness.extend(closeness_ms(&rtts).map(|closeness| (host.as_str(), closeness)));
        }
    }
    let chosen = summary["chosen"]["host"].as_str().unwrap_or("none");
    let said = summary["chosen"]["closeness_ms"].as_f64().unwrap_or(f64::NAN);
    let Some((best, least)) = fairness.iter().min_by(|a, b| a.1.total_cmp(b.1)) else {
        return faults.push("the matrix has no host for this match".into());
    };
    let own = fairness.get(chosen).copied().unwrap_or(f64::INFINITY);
    if own > least + SAME_MS {
        faults.push(format!(
            "{chosen} was chosen, and {best} is the fairest with {least:.3} ms"
        ));
    }
    if !same(own, said) {
        faults.push(format!(
            "the closeness factor of {chosen} is {own:.3} ms, and was said to be {said:.3} ms"
        ));
    }
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= SAME_MS
}

/// What the definition says of a host that was not chosen. All hosts of the demo are fit and free, and its policy has no limit
/// but the cap.
fn verdict(row: &BTreeMap<String, Option<f64>>, cap: f64) -> &'static str {
    if row.values().flatten().any(|rtt| *rtt > cap) {
        "over_cap"
    } else if whole(row).is_none() {
        "undecided"
    } else {
        "worse"
    }
}

/// Each host has the verdict and the closeness factor that the definition gives it, and a reason; one is the chosen one.
fn reasons(summary: &Value, matrix: &Matrix, _: &Seen, faults: &mut Vec<String>) {
    let cap = summary["cap_ms"].as_f64().unwrap_or(0.0);
    let hosts = summary["hosts"].as_array().map_or(&[][..], Vec::as_slice);
    for host in hosts {
        let name = host["host"].as_str().unwrap_or_default();
        if host["reason"].as_str().unwrap_or_default().is_empty() {
            faults.push(format!("no reason is given for host {name}"));
        }
        let is_chosen = summary["chosen"]["host"] == name;
        let by_definition = matrix.get(name).map(|row| verdict(row, cap));
        let right = if is_chosen { Some("chosen") } else { by_definition };
        if host["verdict"].as_str() != right {
            faults.push(format!(
                "the verdict on {name} is {}, and should be {}",
                host["verdict"],
                right.unwrap_or("none")
            ));
        }
        let own = matrix
            .get(name)
            .and_then(whole)
            .and_then(|rtts| closeness_ms(&rtts));
        if let (Some(own), Some(said)) = (own, host["closeness_ms"].as_f64())
            && !same(own, said)
        {
            faults.push(format!(
                "the closeness factor of {name} is {own:.3} ms, and is listed as {said:.3} ms"
            ));
        }
    }
}

/// Each player's measured round trip is a median of enough answers, and what was promised.
fn promises(summary: &Value, matrix: &Matrix, seen: &Seen, faults: &mut Vec<String>) {
    let players = summary["players"].as_array().map_or(&[][..], Vec::as_slice);
    if players.is_empty() {
        faults.push("there are no players".into());
    }
    let chosen = summary["chosen"]["host"].as_str().unwrap_or_default();
    for player in players {
        let name = player["name"].as_str().unwrap_or_default();
        let (predicted, measured) = (player["predicted_ms"].as_f64(), player["measured_ms"].as_f64());
        let (Some(predicted), Some(measured)) = (predicted, measured) else {
            faults.push(format!(
                "{name}: nothing was promised, or the game did not answer"
            ));
            continue;
        };
        let trips = seen.measured.get(name).cloned().unwrap_or_default();
        if trips.ms.len() < FEWEST_ANSWERS {
            faults.push(format!(
                "{name}: the game gave {} answers to {} questions, and {FEWEST_ANSWERS} are needed",
                trips.ms.len(),
                trips.sent
            ));
        }
        if !trips.median_ms().is_some_and(|median| same(median, measured)) {
            faults.push(format!(
                "{name}: {measured:.3} ms is not the median of {:?}",
                trips.ms
            ));
        }
        let cell = matrix
            .get(chosen)
            .and_then(|row| row.get(name).copied().flatten());
        if cell != Some(predicted) {
            faults.push(format!(
                "{name}: {predicted} ms were promised, which is not what {chosen} measured"
            ));
        }
        if (measured - predicted).abs() > CLOSE_ENOUGH_MS {
            faults.push(format!(
                "{name}: {predicted:.1} ms were promised, and {measured:.1} ms came"
            ));
        }
    }
}

/// The directory had the very address that players connect to, during the match.
fn directory(summary: &Value, _: &Matrix, seen: &Seen, faults: &mut Vec<String>) {
    let directory = &summary["directory"];
    if directory["listed"] != true {
        faults.push("the server was not seen in the directory".into());
    }
    if directory["address"] != seen.server.to_string() {
        faults.push(format!(
            "the directory lists {}, and players connect to {}",
            directory["address"], seen.server
        ));
    }
    let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    let (start, at) = (time(&summary["match"]["start"]), time(&directory["listed_at"]));
    let during = start
        .zip(at)
        .is_some_and(|(start, at)| start <= at && at <= seen.ended);
    if !during {
        faults.push(format!(
            "the server was listed at {}, and the match was from {} to {}",
            directory["listed_at"], summary["match"]["start"], seen.ended
        ));
    }
}

#[cfg(test)]
#[path = "checks_tests.rs"]
mod tests;
