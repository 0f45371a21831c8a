//! `vmatrix-agent ping`.

use crate::probe::Probes;
use anyhow::Context;
use clap::Args;
use std::net::IpAddr;
use std::process::ExitCode;
use uuid::Uuid;
use vmatrix_wire::{ProbeId, ProbeOrder, RttSample, Target, TargetId, Way};

#[derive(Debug, Args)]
pub(super) struct Ping {
    /// Names or addresses.
    #[arg(required = true, value_name = "HOST")]
    hosts: Vec<String>,
    /// Echo requests to each.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=1000))]
    samples: u16,
    /// Milliseconds between two requests to one host.
    #[arg(long, default_value_t = 200)]
    interval: u64,
    /// Milliseconds after which a request is lost.
    #[arg(long, default_value_t = 1000)]
    timeout: u64,
}

impl Ping {
    pub(super) async fn carry_out(self) -> anyhow::Result<ExitCode> {
        let mut targets = Vec::new();
        for (number, host) in self.hosts.iter().enumerate() {
            targets.push(Target {
                target: TargetId(Uuid::from_u128(number as u128)),
                address: resolve(host).await?,
                by: Way::Icmp,
            });
        }
        let order = ProbeOrder {
            probe: ProbeId(Uuid::nil()),
            samples: self.samples,
            interval_ms: self.interval,
            timeout_ms: self.timeout,
            targets,
        };
        let mut probes = Probes::default();
        let mut changed = probes.changed();
        probes.intend(std::slice::from_ref(&order));
        let samples = loop {
            changed.changed().await?;
            if let Some(report) = probes.observe().pop().filter(|report| report.done) {
                break report.samples;
            }
        };
        let width = self.hosts.iter().map(String::len).max().unwrap_or(0);
        println!(
            "{:width$}  {:>9}  {:>9}  {:>9}  answers",
            "host", "min ms", "median ms", "dev ms"
        );
        for (host, sample) in self.hosts.iter().zip(&samples) {
            println!("{host:width$}  {}", line(sample));
        }
        let all = samples.iter().all(|sample| sample.received > 0);
        Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

async fn resolve(host: &str) -> anyhow::Result<IpAddr> {
    if let Ok(address) = host.parse() {
        return Ok(address);
    }
    let mut found = tokio::net::lookup_host((host, 0))
        .await
        .with_context(|| format!("looking up {host}"))?;
    found
        .next()
        .map(|address| address.ip())
        .with_context(|| format!("{host} has no address"))
}

fn line(sample: &RttSample) -> String {
    let ms = |us: Option<u32>| match us {
        Some(us) => format!("{:>9.3}", f64::from(us) / 1_000.0),
        None => format!("{:>9}", "-"),
    };
    let (min, median, deviation) = (ms(sample.min_us), ms(sample.median_us), ms(sample.deviation_us));
    format!(
        "{min}  {median}  {deviation}  {}/{}",
        sample.received, sample.sent
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_shown_as_a_dash() {
        let target = TargetId(Uuid::nil());
        let unknown = RttSample {
            target,
            sent: 7,
            received: 0,
            min_us: None,
            median_us: None,
            deviation_us: None,
            p90_us: None,
            jitter_us: None,
        };
        assert_eq!(line(&unknown), "        -          -          -  0/7");
        let known = RttSample {
            received: 7,
            min_us: Some(80_600),
            median_us: Some(81_000),
            deviation_us: Some(90),
            p90_us: None,
            jitter_us: None,
            ..unknown
        };
        assert_eq!(line(&known), "   80.600     81.000      0.090  7/7");
    }
}
