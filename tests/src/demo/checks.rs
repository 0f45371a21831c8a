//! What the demo claims, checked on its own summary. Pure, and computed here anew from the definition.

use serde_json::Value;
use std::collections::BTreeMap;

/// How far a measured round trip may be from the promised one, milliseconds.
pub const CLOSE_ENOUGH_MS: f64 = 5.0;

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

/// Everything that is not as it should be, one sentence each. Empty if all is true.
#[must_use]
pub fn faults(summary: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    choice(summary, &mut faults);
    promises(summary, &mut faults);
    if summary["directory"]["listed"] != true || summary["directory"]["listed_at"].is_null() {
        faults.push("the server was not seen in the directory".into());
    }
    if summary["match"]["state"] != "over" {
        faults.push(format!(
            "the match ended as {}, not as over",
            summary["match"]["state"]
        ));
    }
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
    faults
}

/// The chosen host is the argmin of the definition over `matrix_ms`, under the cap, among the hosts that were free and fit.
fn choice(summary: &Value, faults: &mut Vec<String>) {
    let matrix: BTreeMap<String, BTreeMap<String, Option<f64>>> =
        serde_json::from_value(summary["matrix_ms"].clone()).unwrap_or_default();
    let cap = summary["cap_ms"].as_f64().unwrap_or(0.0);
    let verdict = |host: &str| {
        let hosts = summary["hosts"].as_array()?;
        hosts.iter().find(|seen| seen["host"] == host)?["verdict"].as_str()
    };
    let mut fairness = BTreeMap::new();
    for (host, row) in &matrix {
        let known: Vec<f64> = row.values().copied().flatten().collect();
        let away = matches!(verdict(host), Some("no_capacity" | "unfit"));
        if !away && known.len() == row.len() && known.iter().all(|rtt| *rtt <= cap) {
            fairness.extend(closeness_ms(&known).map(|closeness| (host.as_str(), closeness)));
        }
    }
    let chosen = summary["chosen"]["host"].as_str().unwrap_or("none");
    let said = summary["chosen"]["closeness_ms"].as_f64().unwrap_or(f64::NAN);
    let best = fairness.iter().min_by(|a, b| a.1.total_cmp(b.1));
    match (best, fairness.get(chosen)) {
        (None, _) => faults.push("the matrix has no host for this match".into()),
        (Some((host, least)), own) if own.is_none_or(|own| *own > least + 1e-6) => {
            faults.push(format!(
                "{chosen} was chosen, and {host} is the fairest with {least:.3} ms"
            ));
        }
        (Some((_, least)), _) if (least - said).abs().is_nan() || (least - said).abs() > 0.01 => {
            faults.push(format!(
                "the closeness factor of {chosen} is {least:.3} ms, and was said to be {said:.3} ms"
            ));
        }
        _ => {}
    }
    if let Some(hosts) = summary["hosts"].as_array() {
        for host in hosts
            .iter()
            .filter(|host| host["reason"].as_str().unwrap_or_default().is_empty())
        {
            faults.push(format!("no reason is given for host {}", host["host"]));
        }
    }
}

/// Each player's measured round trip is what was promised.
fn promises(summary: &Value, faults: &mut Vec<String>) {
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
        if summary["matrix_ms"][chosen][name].as_f64() != Some(predicted) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "match": { "id": "1", "state": "over" }, "policy": "closeness", "cap_ms": 180.0,
            "chosen": { "host": "a", "site": "A", "closeness_ms": 10.0 },
            "hosts": [
                { "host": "a", "verdict": "chosen", "reason": "smallest" },
                { "host": "b", "verdict": "worse", "reason": "larger" },
                { "host": "c", "verdict": "no_capacity", "reason": "busy" },
            ],
            "matrix_ms": {
                "a": { "x": 20.0, "y": 30.0 }, "b": { "x": 20.0, "y": 40.0 }, "c": { "x": 20.0, "y": 20.0 },
                "d": { "x": 190.0, "y": 190.0 }, "e": { "x": 20.0, "y": null },
            },
            "players": [
                { "name": "x", "predicted_ms": 20.0, "measured_ms": 21.0 },
                { "name": "y", "predicted_ms": 30.0, "measured_ms": 34.9 },
            ],
            "directory": { "address": "10.0.0.1:27960", "listed": true, "listed_at": 1 },
            "vmm": { "name": "qemu", "accelerator": "tcg" }, "boot_ms": 12000,
            "times_ms": { "probe": 1, "choose": 1, "fetch": 1, "resume_to_answer": 1, "cont_to_answer": 1, "configure": 1,
                "order_to_answer": 1, "book_to_ready": 1 },
        })
    }

    #[test]
    fn a_true_summary_has_no_faults() {
        assert_eq!(faults(&good()), Vec::<String>::new());
    }

    #[test]
    fn each_untrue_claim_is_a_fault_of_its_own() {
        let lies: [(&str, Value, &str); 7] = [
            ("/chosen/host", json!("b"), "a is the fairest"),
            ("/chosen/closeness_ms", json!(9.0), "was said to be 9.000"),
            (
                "/players/0/measured_ms",
                json!(25.1),
                "x: 20.0 ms were promised, and 25.1 ms came",
            ),
            ("/players/1/measured_ms", json!(null), "y: nothing was promised"),
            ("/directory/listed", json!(false), "directory"),
            ("/match/state", json!("ending"), "ended as"),
            ("/hosts/1/reason", json!(""), "no reason"),
        ];
        for (pointer, lie, told) in lies {
            let mut summary = good();
            *summary.pointer_mut(pointer).unwrap() = lie;
            let faults = faults(&summary);
            assert!(
                faults.iter().any(|fault| fault.contains(told)),
                "{pointer}: {faults:?}"
            );
        }
    }
}
