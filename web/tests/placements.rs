//! The engine's answer by the API: the same as that of the command, and problems that name the field.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Person, world};
use serde_json::{Value, json};
use std::process::Command;

const PREVIEW: &str = "/placements:preview";

fn body() -> Value {
    json!({
        "policy": "valid-first",
        "players": [{"name": "ann", "side": "a"}, {"name": "bob", "side": "a"}, {"name": "cid", "side": "b"}, {"name": "dan", "side": "b"}],
        "hosts": ["denver", "london", "montreal"],
        "rtt_ms": [[40, 44, 61.5, 60], [95, 91.25, 20, 180.001], [30, 30, 30, null]],
    })
}

/// The body with another value at a pointer.
fn with(pointer: &str, value: Value) -> Value {
    let mut body = body();
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

#[tokio::test]
async fn the_answer_is_byte_by_byte_that_of_the_command() {
    let world = world().await;
    let (_, captain) = world.clan_with_admin("Reds").await;
    let answer = world.post(&captain, PREVIEW, body()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.kind.as_str()),
        (200, "application/json"),
        "{}",
        answer.text
    );
    assert_eq!(answer.json()["chosen"], "denver");
    let file = world.dir.path().join("rtt.csv");
    std::fs::write(
        &file,
        "host,ann,bob,cid,dan\ndenver,40,44,61.5,60\nlondon,95,91.25,20,180.001\nmontreal,30,30,30,\n",
    )
    .unwrap();
    let command = Command::new(env!("CARGO_BIN_EXE_vmatrix"))
        .args([
            "place",
            "--teams",
            "A=ann,bob;B=cid,dan",
            "--policy",
            "valid-first",
            "--json",
            "--rtt",
        ])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(answer.text + "\n", String::from_utf8(command.stdout).unwrap());
}

#[tokio::test]
async fn people_are_not_all_alike() {
    let world = world().await;
    let operator = world.operator().await;
    let report = world
        .post(
            &operator,
            PREVIEW,
            json!({
                "policy": {"name": "ours", "cap_ms": 150},
                "players": [{"name": "ann"}, {"name": "bob"}, {"name": "eve", "role": "coach", "weight": 20, "cap_ms": 35.5}],
                "hosts": ["denver", "london", "paris"],
                "rtt_ms": [[40, 44, 36], [60, 61, 35.5], [160, 20, 20]],
            }),
        )
        .await
        .expect(200);
    let verdicts: Vec<&str> = report["hosts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|host| host["reason"].as_str().unwrap())
        .collect();
    assert_eq!(
        verdicts,
        [
            "over the cap of 150 ms: eve by 0.5 ms (36 ms, own cap 35.5 ms)",
            "the only possible host under the cap of 150 ms, with a closeness factor of 7.857 ms",
            "over the cap of 150 ms: ann by 10 ms (160 ms)",
        ]
    );
}

#[tokio::test]
async fn where_nobody_can_play_that_is_an_answer_too() {
    let world = world().await;
    let operator = world.operator().await;
    let report = world
        .post(
            &operator,
            PREVIEW,
            with("/policy", json!({"name": "near", "cap_ms": 20})),
        )
        .await
        .expect(200);
    assert_eq!(report["chosen"], Value::Null);
    assert!(!report["help"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_wrong_is_named_by_its_field() {
    let world = world().await;
    let operator = world.operator().await;
    let wrong = [
        ("a preset that is none", with("/policy", json!("fair"))),
        (
            "a policy that contradicts itself",
            with("/policy", json!({"name": "x", "cap_ms": 50, "floor_ms": 60})),
        ),
        (
            "a policy that has the name of another",
            with("/policy", json!({"name": "Valid-First", "cap_ms": 50})),
        ),
        (
            "a policy with an unknown field",
            with("/policy", json!({"name": "x", "cap": 50})),
        ),
        ("a policy that compares sides that are not there", {
            let mut body = with("/policy", json!("team-gap-25"));
            body["players"] = json!([{"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "d"}]);
            body
        }),
        ("no players", with("/players", json!([]))),
        ("one player", with("/players", json!([{"name": "ann"}]))),
        ("a name that is empty", with("/players/1/name", json!(""))),
        (
            "a name that is there twice",
            with("/players/3/name", json!("ann")),
        ),
        ("a side that is none", with("/players/1/side", json!("c"))),
        ("a player without a side", with("/players/1/side", Value::Null)),
        ("nobody on a side", {
            let mut body = body();
            body["players"][2]["side"] = json!("a");
            body["players"][3]["side"] = json!("a");
            body
        }),
        (
            "a role that is none",
            with("/players/1", json!({"name": "bob", "side": "a", "role": "king"})),
        ),
        (
            "a weight that is none",
            with(
                "/players/1",
                json!({"name": "bob", "role": "coach", "weight": 101}),
            ),
        ),
        (
            "an own cap that is none",
            with("/players/1", json!({"name": "bob", "side": "a", "cap_ms": 0})),
        ),
        ("no hosts", with("/hosts", json!([]))),
        ("a host that is there twice", with("/hosts/2", json!("denver"))),
        (
            "more rows than hosts",
            with("/hosts", json!(["denver", "london"])),
        ),
        ("a short row", with("/rtt_ms/1", json!([1, 2, 3]))),
        ("below zero", with("/rtt_ms/1/2", json!(-5))),
        ("zero", with("/rtt_ms/1/2", json!(0))),
        ("absurd", with("/rtt_ms/1/2", json!(1e9))),
        ("a word", with("/rtt_ms/1/2", json!("abc"))),
        (
            "a field that there is not",
            with("/hosts", json!(["a"]))
                .as_object_mut()
                .map(|body| {
                    body.insert("rtt".into(), json!(1));
                    json!(body)
                })
                .unwrap(),
        ),
    ];
    let mut told = serde_json::Map::new();
    for (what, body) in wrong {
        let answer = world.post(&operator, PREVIEW, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.kind.as_str()),
            (422, "application/problem+json"),
            "{what}: {}",
            answer.text
        );
        told.insert(what.into(), answer.json()["errors"].clone());
    }
    insta::assert_json_snapshot!("preview_problems", told);
}

#[tokio::test]
async fn strangers_and_bodies_without_end_go_no_further() {
    let world = world().await;
    let operator = world.operator().await;
    assert_eq!(
        world
            .post(&Person::with_token("vmx_none"), PREVIEW, body())
            .await
            .status,
        401
    );
    assert_eq!(world.get(&operator, PREVIEW).await.status, 405);
    assert_eq!(world.post(&operator, PREVIEW, large(6_000, 10)).await.status, 200);
    assert_eq!(
        world.post(&operator, PREVIEW, large(40_000, 10)).await.status,
        413
    );
}

fn large(hosts: usize, people: usize) -> Value {
    json!({
        "players": (0..people).map(|number| json!({"name": format!("p{number}")})).collect::<Vec<_>>(),
        "hosts": (0..hosts).map(|number| format!("h{number}")).collect::<Vec<_>>(),
        "rtt_ms": vec![vec![41.2; people]; hosts],
    })
}

/// A report says of each host who is too far from it, by name: a small body could ask for a very large answer.
#[tokio::test]
async fn what_would_make_a_huge_report_is_refused_with_its_limit() {
    let world = world().await;
    let operator = world.operator().await;
    let long = |letters: usize| "\u{1d4d0}".repeat(letters);
    for (body, field, value, limit) in [
        (large(1, 129), "players", "129 people", "at most 128 people"),
        (
            large(513, 128),
            "hosts",
            "65664 values, of 513 hosts to 128 people",
            "at most 65536 values",
        ),
        (
            with("/players/2/name", json!(long(65))),
            "players[2].name",
            long(65).as_str(),
            "at most 64 characters",
        ),
        (
            with("/hosts/1", json!(long(65))),
            "hosts[1]",
            long(65).as_str(),
            "at most 64 characters",
        ),
    ] {
        let answer = world.post(&operator, PREVIEW, body).await;
        assert_eq!(answer.refused_fields(), [field]);
        let told = &answer.json()["errors"][0];
        assert_eq!(told["value"], value);
        assert!(told["expected"].as_str().unwrap().contains(limit), "{told}");
    }
    for body in [large(512, 128), with("/hosts/1", json!(long(64)))] {
        world.post(&operator, PREVIEW, body).await.expect(200);
    }
}
