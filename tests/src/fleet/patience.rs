//! Waiting for what will come, and running what ends.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Asks again and again until the answer is `Ok(Ok(value))`; says what was last seen if it takes too long.
pub async fn wait<T>(
    limit: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<Result<T, Value>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        match ask().await? {
            Ok(value) => return Ok(value),
            Err(seen) if start.elapsed() > limit => {
                bail!(
                    "waited {} s in vain until {what}; last seen: {seen}",
                    limit.as_secs()
                )
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Runs a program to its end and gives what it printed.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{:?}", command.get_program()))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{:?} failed: {complaint}",
        command.get_program()
    );
    Ok(String::from_utf8(output.stdout)?)
}
