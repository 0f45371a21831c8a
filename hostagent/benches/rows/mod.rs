//! Rows of a bench: a table for people, and JSON in target/bench.

use std::path::Path;

/// One row: name, value, unit, relation (`<=` or `>=`), goal.
pub type Row = (&'static str, f64, &'static str, &'static str, f64);

/// Of an even number, the mean of the middle two.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[half - 1], sorted[half])
    } else {
        sorted[half]
    }
}

/// Prints the rows with their goals, and gives them as JSON.
pub fn told(rows: &[Row]) -> Vec<serde_json::Value> {
    println!("\n{:<22}{:>12}{:>12}  met", "row", "value", "goal");
    let told = |(name, value, unit, relation, goal): &Row| {
        let met = if *relation == "<=" {
            value <= goal
        } else {
            value >= goal
        };
        let goal = format!("{relation} {goal}");
        println!(
            "{name:<22}{value:>12.2}{goal:>12}  {}",
            if met { "yes" } else { "NO" }
        );
        serde_json::json!({ "name": name, "value": value, "unit": unit, "goal": goal, "met": met })
    };
    rows.iter().map(told).collect()
}

/// Writes target/bench/`name`.json.
pub fn write(root: &Path, name: &str, json: &serde_json::Value) {
    let dir = root.join("target/bench");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(
        dir.join(format!("{name}.json")),
        serde_json::to_vec_pretty(json).unwrap(),
    )
    .unwrap();
    println!("\nwritten to target/bench/{name}.json");
}
