//! The emulated world itself: what is measured in it is what its file says.

use std::{path::Path, process::Command};
use vmatrix_tests::world::{Running, in_namespace};

#[test]
fn pings_between_namespaces_take_as_long_as_the_world_says() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: namespaces need root");
        return;
    }
    let world = Running::up(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/worlds/atlantic.toml"))).unwrap();
    let player = &world.file.players[0];
    let children: Vec<_> = world
        .file
        .hosts
        .iter()
        .map(|host| {
            let mut ping = Command::new("ping");
            ping.args(["-n", "-q", "-c", "9", "-i", "0.2", &host.address.to_string()]);
            let child = in_namespace(&player.namespace(), &ping).stdout(std::process::Stdio::piped()).spawn();
            (host, child.unwrap())
        })
        .collect();
    for (host, child) in children {
        let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        // rtt min/avg/max/mdev = 1.0/2.0/3.0/0.1 ms
        let average: f64 = output.rsplit('=').next().unwrap().split('/').nth(1).unwrap().parse().unwrap();
        let (mean, deviation) = world.file.rtt_ms(player, host).unwrap();
        println!("{:12} {mean:6.1} ± {deviation:4.2} ms, measured {average:6.1} ms", host.name);
        assert!((average - mean).abs() < 3.0 + 2.0 * deviation, "{}: {average} instead of {mean} ms", host.name);
    }
}
