//! Many hosts measure many players at once: 200 real agents in 200 namespaces, 64 players in theirs.

use crate::{project, row::Row, server::Server};
use std::{
    fs::{self, File},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use uuid::Uuid;
use vmatrix_hostagent::{
    accel,
    agent::{Home, Joined},
    facts,
};
use vmatrix_tests::{
    up::{CONTROL, Running},
    world::World,
};
use vmatrix_wire::{HostId, ProbeId, ProbeOrder, ProbeReport, Role, Secret, Target, TargetId, Way};

const HOSTS: usize = 200;
const PLAYERS: usize = 64;
const ROUNDS: u128 = 5;
const SAMPLES: u16 = 10;
const INTERVAL_MS: u64 = 200;
const PORT: u16 = 8094;

pub fn rows() -> Vec<Row> {
    let atlantic = World::load(&project("tests/worlds/atlantic.toml")).unwrap();
    let running = Running::start(atlantic.crowded(HOSTS, PLAYERS).unwrap()).unwrap();
    let dir = tempfile::Builder::new()
        .prefix("vmatrix-world.")
        .tempdir_in("/var/tmp")
        .unwrap();
    let server = Server::start(SocketAddr::from((CONTROL, PORT)));
    println!("starting {HOSTS} agents");
    let agents = start_agents(&running, dir.path());
    server.wait_for(HOSTS);
    std::thread::sleep(Duration::from_secs(5));

    let targets = targets(&running);
    let longest = longest_ms(running.world()) / 1000.0;
    let mut took = Vec::new();
    let (mut cores, mut errors, mut lost) = (0.0_f64, Vec::new(), 0_usize);
    for round in 1..=ROUNDS {
        let probe = ProbeId(Uuid::from_u128(round));
        let order = ProbeOrder {
            probe,
            samples: SAMPLES,
            interval_ms: INTERVAL_MS,
            timeout_ms: 1_000,
            targets: targets.clone(),
        };
        let before: Vec<f64> = agents.iter().map(|agent| cpu_seconds(agent.0.id())).collect();
        let begun = Instant::now();
        server.order(order);
        let (last, reports) = server.measured(probe, HOSTS);
        let seconds = last.duration_since(begun).as_secs_f64();
        let used = agents
            .iter()
            .zip(before)
            .map(|(agent, before)| cpu_seconds(agent.0.id()) - before);
        cores = cores.max(used.fold(0.0, f64::max) / seconds);
        lost += reports
            .iter()
            .flat_map(|report| &report.samples)
            .filter(|sample| sample.received < sample.sent)
            .count();
        errors.extend(errors_ms(&running, &reports));
        println!("round {round} of {ROUNDS}: {seconds:.2} s");
        took.push(seconds);
    }
    let memory = agents
        .iter()
        .map(|agent| memory_mb(agent.0.id()))
        .fold(0.0, f64::max);
    took.sort_by(f64::total_cmp);
    errors.sort_by(f64::total_cmp);
    let ideal = f64::from(SAMPLES - 1) * INTERVAL_MS as f64 / 1000.0 + longest;
    println!(
        "ideal {ideal:.2} s; pairs with a lost packet: {lost} of {}",
        HOSTS * PLAYERS * ROUNDS as usize
    );
    vec![
        Row::at_most("probe_over_ideal", took[took.len() / 2] / ideal, "ratio", 1.3),
        Row::at_most("agent_mb", memory, "MB", 64.0),
        Row::at_most("agent_cores", cores, "cores", 0.5),
        Row::beside("crowd_error_ms", errors[errors.len() / 2], "ms"),
    ]
}

struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// With the homes of hosts that have joined, as joining is not what is measured.
fn start_agents(running: &Running, dir: &Path) -> Vec<Agent> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let tried = dir.join("accelerator");
    fs::create_dir_all(&tried).unwrap();
    let facts = runtime
        .block_on(facts::find(&tried, vmatrix_wire::Network::User))
        .unwrap();
    runtime.block_on(accel::accelerator(&tried, &facts.vmm.version));
    let program = project("target/release/vmatrix-agent");
    let hosts = running.world().hosts.iter().zip(1_u128..);
    hosts
        .map(|(host, number)| {
            let id = HostId(Uuid::from_u128(number));
            let home = Home::open(&dir.join(&host.name)).unwrap();
            for file in fs::read_dir(&tried).unwrap().flatten() {
                fs::copy(file.path(), home.dir().join(file.file_name())).unwrap();
            }
            home.keep_joined(&Joined {
                server: format!("http://{CONTROL}:{PORT}").parse().unwrap(),
                insecure: true,
                host: id,
                secret: Secret::new(id.to_string()),
                name: host.name.clone(),
                site: host.site.clone(),
                public_address: running.address(&host.name).unwrap().into(),
                ports: "27960-27999".parse().unwrap(),
                slots: 1,
                role: Role::Production,
            })
            .unwrap();
            let log = File::create(home.dir().join("log")).unwrap();
            let mut command = Command::new(&program);
            command
                .args(["run", "--data"])
                .arg(home.dir())
                .env("VMATRIX_IN_WORLD", "1");
            command
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log);
            Agent(running.spawn_in(&host.name, &mut command).unwrap())
        })
        .collect()
}

fn targets(running: &Running) -> Vec<Target> {
    let players = running.world().players.iter().zip(0..);
    let target = |(player, number): (&vmatrix_tests::world::Player, u128)| Target {
        target: TargetId(Uuid::from_u128(number)),
        address: running.address(&player.name).unwrap().into(),
        by: Way::Icmp,
    };
    players.map(target).collect()
}

fn longest_ms(world: &World) -> f64 {
    let hosts = world.hosts.iter();
    let pairs = hosts.flat_map(|host| world.players.iter().map(move |player| (&host.name, &player.name)));
    pairs
        .filter_map(|(host, player)| world.rtt_ms(host, player))
        .fold(0.0, f64::max)
}

/// How far each median is from the truth.
fn errors_ms(running: &Running, reports: &[ProbeReport]) -> Vec<f64> {
    let world = running.world();
    let of_host = |(report, host): (&ProbeReport, &vmatrix_tests::world::Host)| -> Vec<f64> {
        let samples = report.samples.iter().filter_map(|sample| {
            let player = world.players.get(sample.target.0.as_u128() as usize)?;
            let truth = world.rtt_ms(&host.name, &player.name)?;
            Some((f64::from(sample.median_us?) / 1000.0 - truth).abs())
        });
        samples.collect()
    };
    reports.iter().zip(&world.hosts).flat_map(of_host).collect()
}

/// Processor time of a process so far.
fn cpu_seconds(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    // Hundredths of a second on Linux.
    (ticks(11) + ticks(12)) / 100.0
}

/// The most memory that a process had.
fn memory_mb(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|text| text.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kb.unwrap_or(0.0) / 1024.0
}
