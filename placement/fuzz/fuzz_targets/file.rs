//! Files of round-trip times, with a line of teams in front: read, and judged if they can be.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vmatrix_placement::{
    Inputs, Policy, Report,
    read::{Reader, Teams},
    replay,
};

fuzz_target!(|bytes: &[u8]| {
    let (teams, file) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let mut reader = Reader::default();
    if file.split_inclusive(|byte| *byte == b'\n').skip(1).any(|line| reader.line(line).is_err()) {
        return;
    }
    let Ok(mut table) = reader.end() else { return };
    if let Ok(teams) = String::from_utf8_lossy(teams).parse::<Teams>() {
        let _ = table.set_teams(&teams);
    }
    let Ok(matrix) = table.into_matrix() else { return };
    let inputs = Inputs { policy: Policy::default(), matrix, states: Vec::new() };
    let report = Report::of(inputs).expect("the thesis's rule can always be followed");
    let json = report.to_json().expect("a report can be written");
    replay(&json).expect("the same bytes come out");
});
