//! The emulated world keeps what its file says. Needs root.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use vmatrix_tests::client::{self, Join, Outcome};
use vmatrix_tests::players;
use vmatrix_tests::up::{self, Running};
use vmatrix_tests::world::World;
use vmatrix_wire::Secret;

fn atlantic() -> Running {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/worlds/atlantic.toml");
    Running::start(World::load(Path::new(path)).unwrap()).unwrap()
}

/// The round trips that the real `ping` measures, milliseconds, the smallest first.
fn ping(running: &Running, from: &str, to: &str) -> [f64; PINGS] {
    ping_at(running, from, running.address(to).unwrap().into())
}

fn ping_at(running: &Running, from: &str, address: IpAddr) -> [f64; PINGS] {
    let address = address.to_string();
    let mut command = Command::new("ping");
    command
        .args(["-n", "-i", "0.1", "-c", &PINGS.to_string(), &address])
        .stdout(Stdio::piped());
    let output = running
        .spawn_in(from, &mut command)
        .unwrap()
        .wait_with_output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let times = text
        .lines()
        .filter_map(|line| line.split("time=").nth(1)?.split(' ').next()?.parse().ok());
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    times
        .try_into()
        .unwrap_or_else(|_| panic!("{from} to {address}: {text}"))
}

/// Of each pair.
const PINGS: usize = 21;
/// What `ping` rounds away of the longest round trips, and some more, milliseconds.
const ROUNDED_MS: f64 = 1.0;

/// A busy machine makes single packets late, and the file's own deviation moves the median of so few. So of each pair the quickest
/// packet must be neither too early, which no machine can bring about, nor late; and the median of a pair is as told in the middle.
#[test]
fn pings_are_what_the_file_says() {
    let running = atlantic();
    let world = running.world();
    let mut off = Vec::new();
    for host in &world.hosts {
        // All players at once, as the agents measure.
        std::thread::scope(|scope| {
            let players = world.players.iter();
            let running = &running;
            let all: Vec<_> = players
                .map(|p| (p, scope.spawn(move || ping(running, &host.name, &p.name))))
                .collect();
            for (player, measured) in all {
                let (told, times) = (
                    world.rtt(&host.name, &player.name).unwrap(),
                    measured.join().unwrap(),
                );
                let (quickest, earliest) = (times[0], told.ms - 3.0 * told.deviation_ms);
                assert!(
                    (earliest - ROUNDED_MS..told.ms + ROUNDED_MS).contains(&quickest),
                    "{} to {}: {told:?}, measured {times:?}",
                    host.name,
                    player.name
                );
                off.push(times[PINGS / 2] - told.ms);
            }
        });
    }
    off.sort_by(f64::total_cmp);
    let middle = off[off.len() / 2];
    assert!(middle.abs() < 1.0, "{middle} ms off; all: {off:?}");
}

#[test]
fn packets_of_ipv6_take_as_long_as_those_of_ipv4() {
    let running = atlantic();
    let world = running.world();
    std::thread::scope(|scope| {
        let running = &running;
        let pairs = [("denver", "corsac"), ("london", "akela"), ("prague", "website")];
        let all: Vec<_> = pairs
            .into_iter()
            .map(|(from, to)| {
                let address = running.address6(to).unwrap().into();
                (from, to, scope.spawn(move || ping_at(running, from, address)))
            })
            .collect();
        for (from, to, measured) in all {
            let (told, times) = (world.rtt(from, to).unwrap(), measured.join().unwrap());
            let earliest = told.ms - 3.0 * told.deviation_ms;
            assert!(
                (earliest - ROUNDED_MS..told.ms + ROUNDED_MS).contains(&times[0]),
                "{from} to {to}: {told:?}, measured {times:?}"
            );
        }
    });
    // Who has no IPv4 address answers nobody there, and can reach nobody by it.
    let address = SocketAddr::from((running.address("denver").unwrap(), 9));
    let unreachable = running.in_namespace("corsac", || {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.send_to(&[0], address).is_err()
    });
    assert!(unreachable.unwrap());
}

#[test]
fn what_a_killed_world_left_is_removed_by_the_next() {
    let first = atlantic();
    let mut sleep = Command::new("sleep");
    let mut stray = first.spawn_in("denver", sleep.arg("1000")).unwrap();
    // As an agent does: a namespace behind the host's, with somebody in it.
    let slot = "vmx-00000000-s0";
    let ip = |args: &str| {
        assert!(
            Command::new("ip")
                .args(args.split(' '))
                .status()
                .unwrap()
                .success(),
            "{args}"
        )
    };
    ip(&format!("netns add {slot}"));
    ip(&format!(
        "-netns {slot} link add up0 type veth peer name v0 netns vmx-denver"
    ));
    let mut inside = Command::new("ip")
        .args(["netns", "exec", slot, "sleep", "1000"])
        .spawn()
        .unwrap();
    // A killed run does not tidy up after itself, and its lock goes with it.
    first.abandon();
    let second = atlantic();
    assert!(!stray.wait().unwrap().success() && !inside.wait().unwrap().success());
    assert!(!Path::new("/run/netns").join(slot).exists());
    assert!(ping(&second, "denver", "lupa")[0] > 0.0);
    drop(second);
    up::clean().unwrap();
    assert!(!Path::new("/run/netns/vmx-denver").exists());
}

#[test]
fn a_flood_of_large_packets_passes_without_loss_and_in_order() {
    let running = atlantic();
    let bind = || UdpSocket::bind("0.0.0.0:27960").unwrap();
    let (from, to) = (
        running.in_namespace("denver", bind).unwrap(),
        running.in_namespace("lupa", bind).unwrap(),
    );
    let address = SocketAddr::from((running.address("lupa").unwrap(), 27960));
    socket2::SockRef::from(&to).set_recv_buffer_size(8 << 20).unwrap();
    to.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // Ten megabits a second for two seconds: more than ten players make.
    let sender = std::thread::spawn(move || {
        let start = Instant::now();
        for number in 0u32..2_000 {
            let mut packet = [0; 1_250];
            packet[..4].copy_from_slice(&number.to_be_bytes());
            std::thread::sleep(
                (start + Duration::from_millis(u64::from(number))).duration_since(Instant::now()),
            );
            from.send_to(&packet, address).unwrap();
        }
    });
    let mut buffer = [0; 1_500];
    for number in 0u32..2_000 {
        assert_eq!(to.recv(&mut buffer).unwrap(), 1_250);
        assert_eq!(buffer[..4], number.to_be_bytes());
    }
    sender.join().unwrap();
}

/// The dedicated server of Debian's `ioquake3-server` with the client's own data, without a VM. Not `openarena-server`: that
/// package would start a public game on whoever's machine runs the tests.
fn game(running: &Running, host: &str) -> (std::process::Child, SocketAddr, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    // Before others on a busy machine: how late it answers would be measured as distance.
    let mut command = Command::new("nice");
    command
        .args(["--adjustment=-20", "/usr/lib/ioquake3/ioq3ded"])
        .env("HOME", home.path())
        .args([
            "+set",
            "com_basegame",
            "baseoa",
            "+set",
            "fs_basepath",
            "/usr/lib/openarena",
        ])
        .args([
            "+set",
            "com_homepath",
            ".openarena",
            "+set",
            "com_legacyprotocol",
            "71",
            "+set",
            "com_protocol",
            "71",
        ])
        .args(["+set", "dedicated", "2", "+set", "g_password", "letmein"]);
    for master in 1..=5 {
        command.args(["+set", &format!("sv_master{master}"), ""]);
    }
    command
        .args(["+map", "oa_dm1"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = running.spawn_in(host, &mut command).unwrap();
    (
        child,
        SocketAddr::from((running.address(host).unwrap(), 27960)),
        home,
    )
}

#[test]
fn a_real_client_plays_with_the_password_and_is_refused_without() {
    let running = atlantic();
    let (_server, address, _home) = game(&running, "newyork");
    let start = Instant::now();
    while players::status(&running, "urs", address).unwrap().is_none() {
        assert!(
            start.elapsed() < Duration::from_secs(90),
            "the server does not come up"
        );
    }
    assert_as_far_as_told(&running, address);
    let patience = Duration::from_secs(120);
    let mut how = Join {
        server: address,
        name: "paddington".into(),
        password: None,
        patience,
    };
    let refused = client::join(&running, "paddington", &how).unwrap();
    assert!(
        matches!(&refused, Outcome::Refused { message } if message == "Invalid password"),
        "{refused:?}"
    );
    how.password = Some(Secret::new("letmein"));
    let Outcome::Playing { ping_ms, mut client } = client::join(&running, "paddington", &how).unwrap() else {
        panic!("refused with the password");
    };
    assert!(client.runs());
    // The game counts in frames of its own, so what it shows is up to one of them short; and it first has to hear from the client.
    let told = running.world().rtt_ms("newyork", "paddington").unwrap();
    let mut ping = ping_ms;
    let start = Instant::now();
    while f64::from(ping) <= told - GAME_FRAME_MS {
        assert!(
            start.elapsed() < patience,
            "a ping of {ping} ms, {told} ms in the world"
        );
        // The game rations its answers.
        std::thread::sleep(Duration::from_secs(1));
        let status = players::status(&running, "urs", address)
            .unwrap()
            .unwrap_or_default();
        let own = status.players.iter().find(|other| other.plain_name() == how.name);
        ping = own.map_or(ping, |own| own.ping);
    }
    eprintln!("a ping of {ping} ms in the game, {told} ms in the world");
    assert!(client.runs());
}

/// Between two steps of the game, which runs at 20 a second.
const GAME_FRAME_MS: f64 = 50.0;

/// Players' round trips to a game in New York are what the world's file says. Who was held up by something else on a busy
/// machine is measured again.
fn assert_as_far_as_told(running: &Running, server: SocketAddr) {
    let mut left = vec!["baloo", "misha", "skoll", "akela"];
    for _ in 0..10 {
        let measured = players::measure_getinfo(running, &left, server, 7).unwrap();
        left.retain(|player| {
            let (trips, told) = (
                &measured[*player],
                running.world().rtt_ms("newyork", player).unwrap(),
            );
            let off = trips.median_ms().unwrap_or(f64::NAN) - told;
            eprintln!("{player} is {off:.3} ms off: {trips:?}");
            off.is_nan() || off.abs() >= 5.0 || trips.ms.len() < 7
        });
        if left.is_empty() {
            return;
        }
    }
    panic!("not as far from New York as the world's file says: {left:?}");
}
