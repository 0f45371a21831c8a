//! What the policies do to real matches: makes the table and the pictures of `docs/policies.md`.
//!
//! `cargo run --release -p vmatrix-placement --example policies -- DATA OUT`, where DATA holds the matrices
//! (`planetlab490_median.csv`, `wonder_cities_avg.csv`, unpacked) and OUT is `docs/policies`.

#![allow(
    clippy::expect_used,
    reason = "a tool for our own pages: it stops where its data is not as expected"
)]

mod plot;
mod world;

use plot::{Dot, Line};
use std::path::Path;
use vmatrix_placement::{Choice, HostAnswer, HostState, Matrix, Policy, Preset, choose, choose_index};
use world::World;

const MATCHES: usize = 1500;

/// One way to choose.
struct Way {
    name: &'static str,
    choose: fn(&Matrix, &[HostState]) -> Option<HostAnswer>,
}

/// What came of it in one match.
struct Outcome {
    closeness: f64,
    spread: f64,
    gap: f64,
    mean: f64,
}

const WAYS: [Way; 8] = [
    Way {
        name: "clan A's own server",
        choose: |matrix, states| at_home(matrix, states),
    },
    Way {
        name: "lowest mean",
        choose: |matrix, states| chosen(&lowest_mean(), matrix, states),
    },
    Way {
        name: "thesis",
        choose: |matrix, states| preset(Preset::Thesis, matrix, states),
    },
    Way {
        name: "valid-first",
        choose: |matrix, states| preset(Preset::ValidFirst, matrix, states),
    },
    Way {
        name: "team-gap-25",
        choose: |matrix, states| preset(Preset::TeamGap25, matrix, states),
    },
    Way {
        name: "cap-65",
        choose: |matrix, states| preset(Preset::Cap65, matrix, states),
    },
    Way {
        name: "floor-51",
        choose: |matrix, states| preset(Preset::Floor51, matrix, states),
    },
    Way {
        name: "lowest spread",
        choose: |matrix, states| chosen(&lowest_spread(), matrix, states),
    },
];

fn lowest_mean() -> Policy {
    toml::from_str("name = \"mean\"\n[metric]\nmean = 1").expect("a policy")
}

fn lowest_spread() -> Policy {
    toml::from_str("name = \"spread\"\n[metric]\nspread = 1").expect("a policy")
}

fn preset(preset: Preset, matrix: &Matrix, states: &[HostState]) -> Option<HostAnswer> {
    chosen(&preset.policy(), matrix, states)
}

/// The chosen host's figures, without the policy's floor under them, so that they can be compared.
fn chosen(policy: &Policy, matrix: &Matrix, states: &[HostState]) -> Option<HostAnswer> {
    let index = choose_index(policy, matrix, states).expect("belongs together")?;
    let plain = choose(&Policy::default(), matrix, states).expect("belongs together");
    plain.hosts.into_iter().nth(index)
}

/// The host that is nearest to clan A, whatever that does to clan B.
fn at_home(matrix: &Matrix, states: &[HostState]) -> Option<HostAnswer> {
    let choice: Choice = choose(&lowest_mean(), matrix, states).expect("belongs together");
    let of_a = matrix.players().len() / 2;
    let near = |host: &usize| -> u32 {
        let row = matrix.row(*host).unwrap_or_default();
        row.iter().take(of_a).flatten().map(|rtt| rtt.us()).sum()
    };
    let index = (0..choice.hosts.len())
        .filter(|host| choice.hosts[*host].closeness.is_some())
        .min_by_key(near)?;
    choice.hosts.into_iter().nth(index)
}

fn outcome(host: &HostAnswer) -> Outcome {
    Outcome {
        closeness: host.closeness.map_or(0.0, |c| c.ms()),
        spread: f64::from(host.spread_us.unwrap_or_default()) / 1000.0,
        gap: host.team_gap.map_or(0.0, |gap| gap.ms()),
        mean: host.mean.map_or(0.0, |mean| mean.ms()),
    }
}

fn average(outcomes: &[Outcome], of: impl Fn(&Outcome) -> f64) -> f64 {
    outcomes.iter().map(of).sum::<f64>() / outcomes.len().max(1) as f64
}

fn table(title: &str, results: &[(&str, Vec<Outcome>)]) -> String {
    let mut text = format!(
        "\n{title}\n\n| policy | closeness | spread | gap of team means | mean | spread ≤ 90 | spread ≤ 50 | no host |\n|---|---|---|---|---|---|---|---|\n"
    );
    for (name, all) in results {
        // A match without a host is no valid match.
        let share =
            |most: f64| 100.0 * all.iter().filter(|one| one.spread <= most).count() as f64 / MATCHES as f64;
        let none = 100.0 * (MATCHES - all.len()) as f64 / MATCHES as f64;
        text.push_str(&format!(
            "| {name} | {:.1} | {:.0} | {:.1} | {:.0} | {:.1} % | {:.1} % | {none:.1} % |\n",
            average(all, |one| one.closeness),
            average(all, |one| one.spread),
            average(all, |one| one.gap),
            average(all, |one| one.mean),
            share(90.0),
            share(50.0),
        ));
    }
    text
}

fn run(world: &World, apart: std::ops::Range<f64>) -> Vec<(&'static str, Vec<Outcome>)> {
    let matches: Vec<Matrix> = world.matches(MATCHES, apart, 0x76_4d_61_74).collect();
    WAYS.iter()
        .map(|way| {
            let one = |matrix: &Matrix| {
                let states = vec![HostState::free(); matrix.hosts().len()];
                (way.choose)(matrix, &states).map(|host| outcome(&host))
            };
            (way.name, matches.iter().filter_map(one).collect())
        })
        .collect()
}

/// All hosts of one match, as the match page draws them.
fn one_match(world: &World) -> String {
    let matrix = world.matches(1, 90.0..110.0, 11).next().expect("a match");
    let states = vec![HostState::free(); matrix.hosts().len()];
    let choice = choose(&Policy::default(), &matrix, &states).expect("belongs together");
    let marks: Vec<(usize, &str)> = Preset::ALL
        .iter()
        .filter_map(|preset| {
            let index = choose(&preset.policy(), &matrix, &states)
                .expect("belongs together")
                .chosen?;
            Some((index, preset.name()))
        })
        .collect();
    let dots = choice.hosts.iter().enumerate().filter_map(|(index, host)| {
        let possible = host.max? <= choice.policy.cap();
        let names: Vec<&str> = marks
            .iter()
            .filter(|(at, _)| *at == index)
            .map(|(_, name)| *name)
            .collect();
        Some(Dot {
            x: host.mean?.ms(),
            y: host.closeness?.ms(),
            label: names.join(", "),
            strong: choice.pareto.contains(&index),
        })
        .filter(|_| possible)
    });
    plot::scatter(
        "mean round trip, ms",
        "closeness factor, ms",
        &dots.collect::<Vec<_>>(),
    )
}

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(data), Some(out)) = (arguments.next(), arguments.next()) else {
        eprintln!("policies DATA OUT");
        std::process::exit(2);
    };
    let (data, out) = (Path::new(&data), Path::new(&out));
    std::fs::create_dir_all(out)?;
    for (file, title) in [
        ("planetlab490_median.csv", "PlanetLab"),
        ("wonder_cities_avg.csv", "WonderNetwork"),
    ] {
        let world = World::read(&data.join(file))?;
        for (range, name) in [(40.0..100.0, "40–100"), (100.0..180.0, "100–180")] {
            let results = run(&world, range.clone());
            println!("{}", table(&format!("{title}, clans {name} ms apart"), &results));
            if range.start > 40.0 {
                continue;
            }
            let slug = title.to_lowercase();
            let dots = results.iter().map(|(name, all)| Dot {
                x: average(all, |one| one.mean),
                y: average(all, |one| one.closeness),
                label: (*name).into(),
                strong: true,
            });
            let picture = plot::scatter(
                "mean round trip, ms",
                "closeness factor, ms",
                &dots.collect::<Vec<_>>(),
            );
            std::fs::write(out.join(format!("{slug}-fair-and-near.svg")), picture)?;
            let lines = results.iter().map(|(name, all)| {
                let mut spreads: Vec<f64> = all.iter().map(|one| one.spread).collect();
                spreads.sort_by(f64::total_cmp);
                Line {
                    name,
                    values: spreads,
                    of: MATCHES,
                }
            });
            let picture = plot::shares(
                "spread of the match at most, ms",
                "matches, per cent",
                &lines.collect::<Vec<_>>(),
            );
            std::fs::write(out.join(format!("{slug}-spread.svg")), picture)?;
        }
        if title == "PlanetLab" {
            std::fs::write(out.join("one-match.svg"), one_match(&world))?;
        }
    }
    Ok(())
}
