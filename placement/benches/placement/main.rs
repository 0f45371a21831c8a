//! `./run bench placement`: how fast the choice is, against numpy and against one plain read; how few probes are
//! enough (these alone with `adaptive` as an argument). Prints goal and result, writes `target/bench/placement.json`.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people"
)]

mod adaptive;
mod csv;
mod numpy;
mod read;
mod row;
mod speed;
mod worlds;

use std::path::Path;

fn main() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    std::fs::create_dir_all(&dir).unwrap();
    let mut rows = adaptive::rows();
    // `cargo bench` hands its own `--bench` on.
    if !std::env::args().any(|argument| argument == "adaptive") {
        rows.extend(speed::rows(&dir));
        rows.extend(csv::rows(&dir));
    }
    let json = serde_json::json!({ "rows": row::tell(&rows) });
    std::fs::write(
        dir.join("placement.json"),
        serde_json::to_vec_pretty(&json).unwrap(),
    )
    .unwrap();
    println!("\nwritten to target/bench/placement.json");
}
