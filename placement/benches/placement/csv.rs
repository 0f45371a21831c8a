//! A file with many hosts from beginning to end: `vmatrix place` against a script with `np.loadtxt`, whole processes.

use crate::numpy::python;
use crate::row::Row;
use crate::speed::{median, time};
use crate::worlds::Values;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const HOSTS: usize = 100_000;
const PLAYERS: usize = 64;
const ROUNDS: usize = 15;

/// None if there is no release build of the command.
pub fn rows(scratch: &Path) -> Vec<Row> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let command = std::env::var_os("VMATRIX_BENCH_COMMAND")
        .map_or(here.join("../target/release/vmatrix"), PathBuf::from);
    if !command.exists() {
        eprintln!("there is no {}: place_csv_x is not measured", command.display());
        return Vec::new();
    }
    let file = scratch.join("hosts.csv");
    std::fs::write(&file, text(&Values::any(HOSTS, PLAYERS))).unwrap();
    let script = here.join("benches/placement/loadtxt.py");
    let (mut theirs, mut ours, mut json) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut chosen = String::new();
        theirs.push(time(|| {
            chosen = output(Command::new(python()).arg(&script).arg(&file))
        }));
        let place = |more: &[&str]| {
            output(
                Command::new(&command)
                    .args(["place", "--rtt"])
                    .arg(&file)
                    .args(more),
            )
        };
        let mut said = String::new();
        ours.push(time(|| said = place(&[])));
        let host = chosen.split_whitespace().next().unwrap();
        assert!(
            words(&said).any(|word| word == host),
            "numpy chooses {host}; vmatrix place says: {said}"
        );
        json.push(time(|| said = place(&["--json"])));
        assert!(
            said.contains(&format!("\"chosen\":\"{host}\"")),
            "{host}: {}",
            &said[..200.min(said.len())]
        );
    }
    std::fs::remove_file(&file).unwrap();
    let (theirs, ours, json) = (median(&mut theirs), median(&mut ours), median(&mut json));
    vec![
        Row::at_least("place_csv_x", theirs / ours, "x", 3.0),
        Row::beside("place_csv_json_x", theirs / json, "x"),
        Row::beside("place_csv", ours, "s"),
        Row::beside("place_csv_json", json, "s"),
        Row::beside("numpy_csv", theirs, "s"),
    ]
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
}

/// Milliseconds.
fn text(values: &Values) -> String {
    let mut text = String::new();
    for row in values.us.chunks_exact(values.players) {
        for (at, us) in row.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(text, "{comma}{}.{:03}", us / 1000, us % 1000).unwrap();
        }
        text.push('\n');
    }
    text
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
