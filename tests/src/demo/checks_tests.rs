use super::*;
use serde_json::json;

fn good() -> Value {
    json!({
        "match": { "id": "1", "state": "over", "start": "2026-11-21T11:03:24.987Z" }, "policy": "thesis", "cap_ms": 180.0,
        "chosen": { "host": "a", "site": "A", "closeness_ms": 10.0 },
        "hosts": [
            { "host": "a", "verdict": "chosen", "reason": "smallest", "closeness_ms": 10.0 },
            { "host": "b", "verdict": "worse", "reason": "larger", "closeness_ms": 20.0 },
            { "host": "d", "verdict": "over_cap", "reason": "too far", "closeness_ms": 0.0 },
            { "host": "e", "verdict": "undecided", "reason": "y is unknown", "closeness_ms": null },
        ],
        "matrix_ms": {
            "a": { "x": 20.0, "y": 30.0 }, "b": { "x": 20.0, "y": 40.0 },
            "d": { "x": 190.0, "y": 190.0 }, "e": { "x": 20.0, "y": null },
        },
        "players": [
            { "name": "x", "predicted_ms": 20.0, "measured_ms": 21.0 },
            { "name": "y", "predicted_ms": 30.0, "measured_ms": 34.9 },
        ],
        "directory": { "address": "10.0.0.1:27960", "listed": true, "listed_at": "2026-11-21T11:03:36.7Z" },
        "vmm": { "name": "qemu", "accelerator": "tcg" }, "boot_ms": 12000,
        "times_ms": { "probe": 1, "choose": 1, "fetch": 1, "resume_to_answer": 1, "cont_to_answer": 1, "configure": 1,
            "order_to_answer": 1, "book_to_ready": 1 },
    })
}

fn seen() -> Seen {
    let trips = |median: f64| RoundTrips {
        ms: vec![median, 1.0, 2.0, 3.0, 99.0, 98.0, 97.0],
        sent: 8,
    };
    Seen {
        hosts: ["a", "b", "d", "e"].map(String::from).into(),
        server: "10.0.0.1:27960".parse().unwrap(),
        measured: [("x".into(), trips(21.0)), ("y".into(), trips(34.9))].into(),
        ended: "2026-11-21T11:04:06.731Z".parse().unwrap(),
    }
}

#[test]
fn a_true_summary_has_no_faults() {
    assert_eq!(faults(&good(), &seen()), Vec::<String>::new());
}

#[test]
fn each_untrue_claim_is_a_fault_of_its_own() {
    let lies: [(&str, Value, &str); 26] = [
        ("/chosen/host", json!("b"), "a is the fairest"),
        ("/chosen/host", json!("d"), "a is the fairest"),
        ("/chosen/host", json!("e"), "a is the fairest"),
        ("/chosen/closeness_ms", json!(9.0), "was said to be 9.000"),
        (
            "/matrix_ms/e/y",
            json!(20.0),
            "a was chosen, and e is the fairest with 0.000 ms",
        ),
        ("/cap_ms", json!(25.0), "the matrix has no host"),
        (
            "/matrix_ms",
            json!({}),
            "the rows of matrix_ms: {} should not be there",
        ),
        (
            "/matrix_ms/b",
            json!({ "x": 20.0 }),
            "the row of b in matrix_ms: {} should not be there, {\"y\"} should",
        ),
        (
            "/matrix_ms/b",
            json!({ "x": 20.0, "y": 40.0, "z": 1.0 }),
            "the row of b in matrix_ms: {\"z\"} should not be there",
        ),
        ("/matrix_ms/b/x", json!("near"), "matrix_ms is no matrix"),
        (
            "/hosts/1/host",
            json!("f"),
            "hosts: {\"f\"} should not be there, {\"b\"} should",
        ),
        ("/hosts/1/closeness_ms", json!(21.0), "is listed as 21.000"),
        ("/hosts/1/verdict", json!("chosen"), "the verdict on b"),
        ("/hosts/0/verdict", json!("worse"), "should be chosen"),
        (
            "/hosts/1/verdict",
            json!("over_cap"),
            "the verdict on b is \"over_cap\", and should be worse",
        ),
        ("/hosts/2/verdict", json!("worse"), "should be over_cap"),
        ("/hosts/3/verdict", json!("worse"), "should be undecided"),
        ("/hosts/3/verdict", json!("no_capacity"), "should be undecided"),
        (
            "/matrix_ms/e/x",
            json!(180.1),
            "the verdict on e is \"undecided\", and should be over_cap",
        ),
        ("/hosts/1/reason", json!(""), "no reason"),
        (
            "/players/0/measured_ms",
            json!(22.0),
            "x: 22.000 ms is not the median of",
        ),
        ("/players/1/measured_ms", json!(null), "y: nothing was promised"),
        (
            "/players/0/predicted_ms",
            json!(19.0),
            "which is not what a measured",
        ),
        ("/directory/listed", json!(false), "not seen in the directory"),
        (
            "/directory/address",
            json!("10.0.0.2:27960"),
            "players connect to 10.0.0.1:27960",
        ),
        ("/match/state", json!("ending"), "ended as"),
    ];
    for (pointer, lie, told) in lies {
        let mut summary = good();
        *summary.pointer_mut(pointer).unwrap() = lie;
        assert_told(&summary, &seen(), told);
    }
}

fn assert_told(summary: &Value, seen: &Seen, told: &str) {
    let faults = faults(summary, seen);
    assert!(
        faults.iter().any(|fault| fault.contains(told)),
        "{told}: {faults:?}"
    );
}

#[test]
fn a_listing_before_or_after_the_match_is_none() {
    for at in [
        json!("2026-11-21T11:03:24.9Z"),
        json!("2026-11-21T11:04:06.732Z"),
        json!("soon"),
        json!(null),
    ] {
        let mut summary = good();
        summary["directory"]["listed_at"] = at;
        assert_told(&summary, &seen(), "the server was listed at");
    }
}

#[test]
fn what_was_seen_counts_and_not_what_is_said() {
    let mut few = seen();
    few.measured.get_mut("x").unwrap().ms = vec![21.0; 6];
    assert_told(
        &good(),
        &few,
        "x: the game gave 6 answers to 8 questions, and 7 are needed",
    );
    let mut more = seen();
    more.hosts.insert("c".into());
    assert_told(
        &good(),
        &more,
        "the rows of matrix_ms: {} should not be there, {\"c\"} should",
    );
    let mut far = seen();
    far.measured.get_mut("y").unwrap().ms = vec![35.1; 7];
    let mut summary = good();
    summary["players"][1]["measured_ms"] = json!(35.1);
    assert_told(&summary, &far, "y: 30.0 ms were promised, and 35.1 ms came");
    let mut twice = good();
    let x = twice["players"][0].clone();
    twice["players"].as_array_mut().unwrap().push(x);
    assert_told(&twice, &seen(), "players should have 2 entries");
}
