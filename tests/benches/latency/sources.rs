//! How wrong each source is: real agents, real name servers, a real browser, against what the emulated world is made of.

use crate::{project, row::Row};
use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
};
use vmatrix_tests::{
    demo::sources::{self, BY_BROWSER, Has},
    fleet::{Fleet, Options},
};

/// Round trips below this are not what browsers are judged by, milliseconds.
const SHORT_MS: f64 = 20.0;

/// Distances from the truth, milliseconds, by source.
type Errors = BTreeMap<&'static str, Vec<f64>>;

pub fn rows() -> Vec<Row> {
    let Some(mut options) = Options::for_test("bench-latency") else {
        return Vec::new();
    };
    options.world = project("tests/worlds/atlantic.toml");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let fleet = Fleet::up(options, &|line| println!("{line}")).await.unwrap();
        let (organiser, _) = fleet.organiser("otto").unwrap();
        let booked = sources::book(&fleet, &organiser, &|line| println!("{line}"))
            .await
            .unwrap();
        let mut errors = Errors::new();
        measured(&fleet, &booked.view, &mut errors);
        let mut browser = least(&fleet, &booked.seen, "webtransport, least", &mut errors);
        let without = sources::come(&fleet, &booked.link, Has::NoWebTransport).unwrap();
        browser.extend(least(&fleet, &without, "webrtc, least", &mut errors));
        echoes(&fleet, &mut errors);
        tell(&errors);
        let furthest = browser.iter().copied().fold(0.0, f64::max);
        let mut rows = vec![Row::at_most("browser_error_ms", furthest, "ms", 3.0)];
        for (source, all) in &mut errors {
            all.sort_by(f64::total_cmp);
            let name = source.replace(", ", "_");
            rows.push(Row::beside(format!("error_{name}_ms"), all[all.len() / 2], "ms"));
        }
        rows
    })
}

fn truth(fleet: &Fleet, host: &str, player: &str) -> f64 {
    fleet.running.world().rtt_ms(host, player).unwrap()
}

/// The medians that the choice rests on, each guest by the source that is left to them.
fn measured(fleet: &Fleet, view: &serde_json::Value, errors: &mut Errors) {
    for (host, row) in view["matrix_ms"].as_object().unwrap() {
        for (player, source) in [
            ("reynard", "icmp"),
            ("bubo", "icmp"),
            ("strix", "king"),
            (BY_BROWSER, "browser"),
        ] {
            if let Some(ms) = row[player].as_f64() {
                errors
                    .entry(source)
                    .or_default()
                    .push((ms - truth(fleet, host, player)).abs());
            }
        }
    }
}

/// What the page says: "newyork: 86.1 ms, least 85.2 ms, …". Gives the errors of those far enough away.
fn least(fleet: &Fleet, lines: &[String], source: &'static str, errors: &mut Errors) -> Vec<f64> {
    let mut far = Vec::new();
    for line in lines {
        let (host, rest) = line.split_once(':').unwrap();
        let figure = rest
            .split("least ")
            .nth(1)
            .and_then(|text| text.split(' ').next());
        let ms: f64 = figure.unwrap_or_else(|| panic!("{line}")).parse().unwrap();
        let truth = truth(fleet, host, BY_BROWSER);
        let error = (ms - truth).abs();
        errors.entry(source).or_default().push(error);
        if truth >= SHORT_MS {
            far.push(error);
        }
    }
    far
}

/// `vmatrix ping` of a guest to all hosts: the median is the third column of its table.
fn echoes(fleet: &Fleet, errors: &mut Errors) {
    let hosts: Vec<String> = fleet.hosts();
    let addresses = hosts
        .iter()
        .map(|host| fleet.running.address(host).unwrap().to_string());
    let mut command = Command::new(project("target/release/vmatrix"));
    command.arg("ping").args(addresses).stdout(Stdio::piped());
    let child = fleet.running.spawn_in(BY_BROWSER, &mut command).unwrap();
    let output = child.wait_with_output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    for host in &hosts {
        let address = fleet.running.address(host).unwrap().to_string();
        let line = table
            .lines()
            .find(|line| line.split_whitespace().next() == Some(&*address));
        let median = line.and_then(|line| line.split_whitespace().nth(2)?.parse::<f64>().ok());
        let median = median.unwrap_or_else(|| panic!("{host} is not in:\n{table}"));
        errors
            .entry("udp")
            .or_default()
            .push((median - truth(fleet, host, BY_BROWSER)).abs());
    }
}

fn tell(errors: &Errors) {
    println!(
        "\n{:<22}{:>6}{:>12}{:>12}{:>12}",
        "error of", "pairs", "median ms", "90 % ms", "largest ms"
    );
    for (source, all) in errors {
        let mut sorted = all.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |share: usize| sorted[(sorted.len() - 1) * share / 100];
        println!(
            "{source:<22}{:>6}{:>12.2}{:>12.2}{:>12.2}",
            all.len(),
            at(50),
            at(90),
            at(100)
        );
    }
}
