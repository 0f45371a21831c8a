//! `vmatrix place`: the program itself, with files.
#![allow(clippy::unwrap_used)]

#[path = "common/desk.rs"]
mod desk;

use desk::{Desk, texts};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, Stdio},
};

const RTT: &str = "host,ann,bob,cid,dan\n\
                   denver,40,44,61.5,60\n\
                   london,95,91.25,20,180.001\n\
                   montreal,30,30,30,\n\
                   new york,50,51,52,53\n\
                   vienna,180,180,100,100\n";

#[test]
fn the_choice_is_told_in_a_few_lines() {
    let desk = Desk::new(&[
        ("rtt.csv", RTT),
        ("far.csv", "a,200,44,61,60\nb,190,191,20,20\nc,30,30,30,\n"),
    ]);
    let told = [
        desk.prints(0, &["--rtt", "rtt.csv"]),
        desk.prints(
            0,
            &[
                "--rtt",
                "rtt.csv",
                "--policy",
                "valid-first",
                "--teams",
                "A=ann,bob;B=cid,dan",
            ],
        ),
        desk.prints(3, &["--rtt", "far.csv"]),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

/// The first few hosts that are not possible, with the reasons, and how many more there are.
#[test]
fn why_hosts_are_out_is_told_in_the_text_too() {
    let many: String = (0..6).map(|host| format!("h{host},200,10\n")).collect();
    let desk = Desk::new(&[
        ("rtt.csv", "near,10,20\nwide,10,90\nfar,10,200\nopen,10,\n"),
        ("many.csv", &many),
        ("narrow.toml", "name = \"narrow\"\n[limits]\nspread_ms = 60\n"),
        (
            "or.toml",
            "name = \"or\"\n[limits]\nspread_ms = 60\n[otherwise]\nmean = 1\n",
        ),
    ]);
    let told = [
        desk.prints(0, &["--rtt", "rtt.csv", "--policy", "narrow.toml"]),
        desk.prints(0, &["--rtt", "rtt.csv", "--policy", "or.toml"]),
        desk.prints(3, &["--rtt", "many.csv"]),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

/// Nothing else changes by it.
#[test]
fn a_first_row_that_only_looks_like_a_header_is_noted() {
    let desk = Desk::new(&[
        ("host.csv", "host,1,2\nlondon,10,20\n"),
        ("empty.csv", ",1,2\n7,10,20\n8,10,20\n"),
    ]);
    for (file, code, note) in [
        (
            "host.csv",
            0,
            "note: row 1 is read as the round-trip times of \"host\": a header has a cell after the first that is no number\n",
        ),
        (
            "empty.csv",
            0,
            "note: row 1 is read as the round-trip times of \"h1\": a header has a cell after the first that is no number\n",
        ),
    ] {
        for words in [&["--rtt", file][..], &["--rtt", file, "--json"]] {
            let output = desk.place(words);
            let (said, noted) = texts(&output);
            assert_eq!((output.status.code(), noted.as_str()), (Some(code), note));
            assert!(said.starts_with("chosen ") || said.starts_with('{'), "{said}");
        }
    }
}

/// As Windows saves it, and as people end a list.
#[test]
fn a_mark_before_a_file_and_a_semicolon_behind_the_teams_are_fine() {
    let desk = Desk::new(&[("rtt.csv", RTT), ("own.toml", "\u{feff}name = \"own\"\n")]);
    let asked = [
        "--rtt",
        "rtt.csv",
        "--policy",
        "own.toml",
        "--json",
        "--teams",
        "A=ann,bob;B=cid,dan;",
    ];
    let text = desk.prints(0, &asked);
    desk.write("report.json", format!("\u{feff}{text}"));
    assert!(
        desk.prints(0, &["--replay", "report.json"])
            .starts_with("The same bytes come out")
    );
}

#[test]
fn json_holds_the_choice_every_host_and_the_digest() {
    let desk = Desk::new(&[("rtt.csv", RTT)]);
    let mut report = desk.json(
        0,
        &["--rtt", "rtt.csv", "--teams", "B=ann,cid;A=bob,dan", "--json"],
    );
    assert_eq!(report["chosen"], "new york");
    assert_eq!(report["closeness_ms"], 1.667);
    let lines: Vec<Value> = report["hosts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|host| {
            json!([
                host["host"],
                host["verdict"],
                host["closeness_ms"],
                host["mean_ms"],
                host["max_ms"],
                host["spread_ms"],
                host["team_gap_ms"]
            ])
        })
        .collect();
    assert_eq!(
        lines,
        [
            json!(["denver", "worse", 13.417, 51.375, 61.5, 21.5, 1.25]),
            json!(["london", "over_cap", 80.626, 96.563, 180.001, 160.001, 78.126]),
            json!(["montreal", "undecided", null, 30.0, 30.0, 0.0, null]),
            json!(["new york", "chosen", 1.667, 51.5, 53.0, 3.0, 1.0]),
            json!(["vienna", "worse", 53.333, 140.0, 180.0, 80.0, 0.0]),
        ]
    );
    assert_eq!(report["pareto"], json!(["denver", "new york"]));
    assert_eq!(
        report["alternatives"],
        json!({"thesis": "new york", "valid-first": "new york", "team-gap-25": "vienna", "cap-65": "new york", "floor-51": "new york"})
    );
    assert_eq!(report["digest"].as_str().unwrap().len(), 64);
    for changing in ["digest", "engine"] {
        report[changing].take();
    }
    insta::assert_json_snapshot!("report", report);
}

#[test]
fn the_digest_is_that_of_the_rest_of_the_bytes() {
    let desk = Desk::new(&[("rtt.csv", RTT)]);
    let text = desk.prints(0, &["--rtt", "rtt.csv", "--json"]);
    let (rest, digest) = text.rsplit_once(",\"digest\":\"").unwrap();
    let expected = blake3::hash(format!("{rest}}}").as_bytes()).to_hex();
    assert_eq!(digest, format!("{expected}\"}}\n"));
}

#[test]
fn where_nobody_can_play_the_json_is_the_same_with_null_and_help() {
    let desk = Desk::new(&[("rtt.csv", "a,200,44\nb,190,191\n")]);
    let report = desk.json(3, &["--rtt", "rtt.csv", "--json"]);
    assert_eq!(report["chosen"], Value::Null);
    assert_eq!(report["hosts"][0]["verdict"], "over_cap");
    assert!(
        report["help"][0]["sentence"].as_str().unwrap().contains("191 ms"),
        "{report}"
    );
}

#[test]
fn the_cap_is_inclusive() {
    let desk = Desk::new(&[("at.csv", "180,180\n"), ("above.csv", "180,180.001\n")]);
    assert!(desk.prints(0, &["--rtt", "at.csv"]).contains("chosen     h1"));
    assert!(
        desk.prints(3, &["--rtt", "above.csv"])
            .contains("chosen     none")
    );
}

#[test]
fn names_and_the_form_of_the_file_change_nothing() {
    let desk = Desk::new(&[
        ("plain.csv", "40,44,61.5,60\n50,51,,53\n50,51,52,53\n"),
        (
            "named.csv",
            "\u{feff}host,p1,p2,p3,p4\r\nh1,40,44,61.5,60\r\nh2, 50,51,,53\r\nh3,50,51,52,53\r\n\r\n",
        ),
        (
            "pairs.txt",
            "1 1 40000\n1 2 44000\n1 3 61500\n1 4 60000\n2 4 53000\n2 2 51000\n2 1 50000\n3\t1\t50000\n3 2 51000\n3 3 52000\n3 4 53000\n",
        ),
    ]);
    let whole = ["plain.csv", "named.csv", "pairs.txt"].map(|file| {
        let mut report = desk.json(0, &["--rtt", file, "--json", "--teams", "A=p1,p2;B=p3,p4"]);
        report["digest"].take();
        report["inputs"].take();
        report
    });
    assert_eq!(whole[0], whole[1]);
    assert_eq!(whole[0], whole[2]);
}

#[test]
fn a_report_comes_out_again_byte_by_byte_or_it_is_told_what_does_not() {
    let desk = Desk::new(&[("rtt.csv", RTT), ("text", "hello"), ("latin", "x")]);
    let text = desk.prints(0, &["--rtt", "rtt.csv", "--policy", "valid-first", "--json"]);
    let nobody = desk.place(&["--rtt", "rtt.csv", "--policy", "cap-65", "--json"]);
    desk.write("report.json", &text);
    desk.write("again.json", text.trim_end());
    desk.write("other.json", &nobody.stdout);
    for file in ["report.json", "again.json", "other.json"] {
        let said = desk.prints(0, &["--replay", file]);
        assert!(said.starts_with("The same bytes come out"), "{said}");
    }
    desk.write(
        "digit.json",
        text.replacen("\"closeness_ms\":1", "\"closeness_ms\":2", 1),
    );
    desk.write("input.json", text.replacen("50000", "50001", 1));
    desk.write("blank.json", text.replacen(':', ": ", 1));
    desk.write(
        "engine.json",
        text.replacen(
            "\"engine\":\"vmatrix-placement ",
            "\"engine\":\"vmatrix-placement 9",
            1,
        ),
    );
    desk.write("latin", b"{\xff}");
    for (file, why) in [
        ("digit.json", "byte "),
        ("input.json", "byte "),
        ("blank.json", "byte "),
        ("engine.json", "it was made by \"vmatrix-placement 9"),
        ("text", "this is no report: expected value at line 1"),
        ("latin", "this is no report: it is not UTF-8"),
        ("rtt.csv", "this is no report"),
    ] {
        let said = desk.refuses(1, &["--replay", file]);
        assert!(said.starts_with("vmatrix: ") && said.contains(why), "{said}");
    }
    assert!(desk.refuses(2, &["--replay", "none.json"]).contains("none.json"));
}

#[test]
fn what_is_given_in_a_wrong_way_exits_with_two_and_says_why() {
    let desk = Desk::new(&[
        ("rtt.csv", RTT),
        ("bad.csv", "host,ann,bob\nlondon,10,nan\n"),
        ("one.csv", "host,ann\nlondon,10\n"),
        ("empty.csv", ""),
        ("cap.toml", "name = \"x\"\ncap_ms = 0\n"),
        ("floor.toml", "name = \"x\"\ncap_ms = 50\nfloor_ms = 60\n"),
        (
            "limit.json",
            "{\"name\": \"x\", \"cap_ms\": 50, \"limits\": {\"spread_ms\": 60}}",
        ),
        ("weight.toml", "name = \"x\"\n\n[metric]\ncloseness = -1\n"),
        ("word.toml", "name = \"x\"\ncolour = \"red\"\n"),
        ("half.toml", "name = \"x\"\n[metric\n"),
        ("half.json", "{\"name\": \"x\""),
        ("list.json", "[]"),
        ("list.toml", "[\"x\", 120]"),
        ("text.toml", "name = \"x\"\ncap_ms = \"120\"\n"),
        ("line.toml", "name = \"x\"\n\n[metric]\ncloseness = \"x\"\n"),
        ("tabs.csv", "host\tann\tbob\nlondon\t10\t20\n"),
        ("semicolons.csv", "host;ann;bob\nlondon;10,5;20\n"),
        ("wide.csv", "h\0o\0s\0t\0"),
    ]);
    let rtt = |more: &[&'static str]| [&["--rtt", "rtt.csv"], more].concat();
    let asked: Vec<Vec<&str>> = vec![
        vec!["--rtt", "none.csv"],
        vec!["--rtt", "bad.csv"],
        vec!["--rtt", "bad.csv", "--json"],
        vec!["--rtt", "one.csv"],
        vec!["--rtt", "empty.csv"],
        rtt(&["--teams", "A=ann,bob;B=cid,eve"]),
        rtt(&["--teams", "A=ann,bob;B=cid"]),
        rtt(&["--teams", "A=ann,bob;B=bob,cid,dan"]),
        rtt(&["--teams", "A=ann,bob,cid,dan;B="]),
        rtt(&["--teams", "A=ann,bob,cid,dan"]),
        rtt(&["--policy", "fair"]),
        rtt(&["--policy", "team-gap-25"]),
        rtt(&["--policy", "cap.toml"]),
        rtt(&["--policy", "floor.toml"]),
        rtt(&["--policy", "limit.json"]),
        rtt(&["--policy", "weight.toml"]),
        rtt(&["--policy", "word.toml"]),
        rtt(&["--policy", "half.toml"]),
        rtt(&["--policy", "half.json"]),
        rtt(&["--policy", "list.json"]),
        rtt(&["--policy", "list.toml"]),
        rtt(&["--policy", "text.toml"]),
        rtt(&["--policy", "line.toml"]),
        rtt(&["--policy", "."]),
        vec!["--rtt", "tabs.csv"],
        vec!["--rtt", "semicolons.csv"],
        vec!["--rtt", "wide.csv"],
    ];
    let told = asked
        .iter()
        .map(|words| format!("{}\n  {}", words.join(" "), desk.refuses(2, words)));
    insta::assert_snapshot!(told.collect::<String>());
    // What clap itself refuses.
    for words in [
        &[][..],
        &["--rtt"],
        &["--rtt", "rtt.csv", "--replay", "x"],
        &["--replay", "x", "--json"],
        &["--colour"],
    ] {
        desk.refuses(2, words);
    }
}

#[test]
fn a_rule_of_ones_own_is_followed() {
    let desk = Desk::new(&[
        ("rtt.csv", RTT),
        ("near.toml", "name = \"near\"\n[metric]\nmean = 1\n"),
        ("near.json", "{\"name\": \"near\", \"metric\": {\"mean\": 1}}"),
    ]);
    let reports = ["near.toml", "near.json"]
        .map(|policy| desk.prints(0, &["--rtt", "rtt.csv", "--policy", policy, "--json"]));
    assert!(reports[0].contains("\"chosen\":\"denver\""), "{}", reports[0]);
    assert_eq!(reports[0], reports[1]);
}

#[test]
fn nobody_reading_on_is_no_fault() {
    let desk = Desk::new(&[]);
    desk.write("rtt.csv", "10,20\n".repeat(20_000));
    let mut child = desk
        .command(&["--rtt", "rtt.csv", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), texts(&output).1.as_str()), (Some(0), ""));
}

/// A million columns: refused at once, after the first piece of the first line, however long the file is.
#[test]
fn a_million_columns_are_refused_without_being_kept() {
    let desk = Desk::new(&[]);
    let row = format!("{}1\n", "1,".repeat(999_999));
    desk.write("wide.csv", row.repeat(4));
    // Less memory than the file has bytes, beside what the program itself needs.
    let program = env!("CARGO_BIN_EXE_vmatrix");
    let script = format!("ulimit -v 400000; exec {program} place --rtt wide.csv");
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(desk.dir())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let wrong = texts(&output).1;
    assert!(wrong.contains("row 1, column 1026"), "{wrong}");
}

/// What the text says is what the JSON says.
fn agree(dir: &Path, text: &str) {
    let desk = Desk::new(&[]);
    desk.write("rtt.csv", text);
    let told = desk.place(&["--rtt", "rtt.csv"]);
    let whole = desk.place(&["--rtt", "rtt.csv", "--json"]);
    assert_eq!(told.status.code(), whole.status.code(), "{}", dir.display());
    let report: Value = serde_json::from_slice(&whole.stdout).unwrap();
    let first = texts(&told).0.lines().next().unwrap().to_owned();
    let chosen = report["chosen"].as_str().unwrap_or("none: no host is possible");
    assert_eq!(first, format!("chosen     {chosen}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn text_and_json_agree(rows in prop::collection::vec(prop::collection::vec(prop::option::weighted(0.95, 150_u32..190), 3), 1..9)) {
        let row = |row: &Vec<Option<u32>>| row.iter().map(|ms| ms.map(|ms| ms.to_string()).unwrap_or_default()).collect::<Vec<_>>().join(",") + "\n";
        agree(Path::new("."), &rows.iter().map(row).collect::<String>());
    }
}
