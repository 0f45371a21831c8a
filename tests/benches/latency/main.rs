//! `./run bench latency`: how quickly many hosts measure many players, what an agent costs meanwhile, and how wrong each
//! source is, in the emulated world. Prints goal and result, writes `target/bench/latency.json`. Needs root.
//!
//! `crowd` or `sources` as an argument: that part alone.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people"
)]

mod crowd;
#[path = "../../../placement/benches/placement/row.rs"]
#[allow(dead_code, reason = "shared with another bench")]
mod row;
mod server;
mod sources;

use row::Row;
use std::path::{Path, PathBuf};

/// A file of the project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The rows that another bench has just written.
fn of_another(file: &str) -> Vec<Row> {
    let text = std::fs::read(project("target/bench").join(file)).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let row = |row: &serde_json::Value| {
        let (name, value) = (row["name"].as_str()?, row["value"].as_f64()?);
        let unit = match row["unit"].as_str()? {
            "%" => "%",
            "matches" => "matches",
            _ => "ratio",
        };
        let bound = row["goal"].as_str().and_then(|goal| {
            let (sign, value) = goal.split_once(' ')?;
            let bound = if sign == ">=" {
                row::Bound::AtLeast
            } else {
                row::Bound::AtMost
            };
            Some((bound, value.parse().ok()?))
        });
        Some(Row {
            name: name.to_owned(),
            value,
            unit,
            goal: bound,
        })
    };
    json["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(row)
        .collect()
}

fn main() {
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let wanted = |part: &str| only.is_empty() || only.iter().any(|word| word == part);
    let mut rows: Vec<Row> = Vec::new();
    if wanted("crowd") {
        rows.extend(crowd::rows());
    }
    if wanted("sources") {
        rows.extend(sources::rows());
    }
    if only.is_empty() {
        rows.extend(["echo.json", "packets.json"].into_iter().flat_map(of_another));
    }
    let dir = project("target/bench");
    std::fs::create_dir_all(&dir).unwrap();
    let json = serde_json::json!({ "rows": row::tell(&rows) });
    std::fs::write(
        dir.join("latency.json"),
        serde_json::to_vec_pretty(&json).unwrap(),
    )
    .unwrap();
    println!("\nwritten to target/bench/latency.json");
}
