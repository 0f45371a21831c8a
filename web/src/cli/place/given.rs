//! What the command is given: files.

use super::Failed;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};
use vmatrix_placement::{
    Policy, Preset,
    read::{MAX_LINE, Reader, Table},
};

/// The table of a file, read line by line: no more of it is kept than its values.
pub(super) fn table(path: &Path) -> Result<Table, Failed> {
    let unreadable = |error| unreadable(path, &error);
    let bad = |bad| Failed::Given(format!("{}: {bad}", path.display()));
    let mut file = BufReader::with_capacity(1 << 18, File::open(path).map_err(unreadable)?);
    let mut reader = Reader::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        // One byte more than a line may have, so that the reader can say so.
        let mut limited = file.by_ref().take(MAX_LINE as u64 + 1);
        if limited.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            return reader.end().map_err(bad);
        }
        reader.line(&line).map_err(bad)?;
    }
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failed {
    Failed::Given(format!("{}: {error}", path.display()))
}

/// A preset by its name, or what a file holds.
pub(super) fn policy(given: &str) -> Result<Policy, Failed> {
    if let Some(preset) = Preset::parse(given) {
        return Ok(preset.policy());
    }
    let bad = |why: String| Failed::Given(format!("--policy {given}: {why}"));
    let text = std::fs::read_to_string(given).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            let names: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name()).collect();
            bad(format!("neither a file nor one of {}", names.join(", ")))
        } else {
            bad(error.to_string())
        }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if is_json(given, text) {
        if !text.trim_start().starts_with('{') {
            return Err(bad(
                "a rule in JSON is an object: {\"name\": \"our league\", \"cap_ms\": 120}".into(),
            ));
        }
        return serde_json::from_str(text).map_err(|error| bad(error.to_string()));
    }
    toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| {
            1 + text
                .as_bytes()
                .iter()
                .take(span.start)
                .filter(|b| **b == b'\n')
                .count()
        });
        bad(match line {
            Some(line) if line > 1 => format!("line {line}: {}", error.message()),
            _ => error.message().into(),
        })
    })
}

/// Whether a rule is meant to be JSON: by its file's name, by how it begins, or because it is.
fn is_json(name: &str, text: &str) -> bool {
    let named = Path::new(name)
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("json"));
    named || text.trim_start().starts_with('{') || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
