//! `./run bench placement`: how fast the choice is, against numpy and against one plain read; how few probes are
//! enough (these alone with `adaptive` as an argument; with `packets` what they cost in the server's rounds). Prints goal and result, writes `target/bench/placement.json`.
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
    // `cargo bench` hands its own `--bench` on.
    let asked = |word: &str| std::env::args().any(|argument| argument == word);
    if asked("packets") {
        return write(&dir, "packets.json", &adaptive::packets());
    }
    let mut rows = adaptive::rows();
    if !asked("adaptive") {
        rows.extend(speed::rows(&dir));
        rows.extend(csv::rows(&dir));
    }
    write(&dir, "placement.json", &rows);
}

fn write(dir: &Path, name: &str, rows: &[row::Row]) {
    let json = serde_json::json!({ "rows": row::tell(rows) });
    std::fs::write(dir.join(name), serde_json::to_vec_pretty(&json).unwrap()).unwrap();
    println!("\nwritten to target/bench/{name}");
}
