//! The world's name servers: real ones, `named`, each in its own namespace, with the reverse zones of the players of its
//! provider. The first one stands for all of the DNS above them.

use crate::up::{Running, UpError};
use std::{
    fmt::Write as _,
    fs::{self, File},
    net::Ipv4Addr,
    path::Path,
    process::{Child, Command, Stdio},
};

/// The reverse zone of a player's network.
fn zone_of(address: Ipv4Addr) -> String {
    let [a, b, c, _] = address.octets();
    format!("{c}.{b}.{a}.in-addr.arpa")
}

/// Starts them all. They end with the world at the latest.
///
/// # Errors
/// No `named`, or a file that cannot be written.
pub fn start(running: &Running, dir: &Path, logs: &Path) -> Result<Vec<(String, Child)>, UpError> {
    let mut started = Vec::new();
    let servers = &running.world().name_servers;
    let Some(first) = servers.first() else {
        return Ok(started);
    };
    let above = running.address(&first.name)?;
    // Where AppArmor guards Debian's named it goes by its path, and would not let it read what is here.
    let program = dir.join("named");
    fs::create_dir_all(dir).map_err(UpError::io(dir.display().to_string()))?;
    fs::copy("/usr/sbin/named", &program).map_err(UpError::io("/usr/sbin/named"))?;
    for server in servers {
        let own = dir.join(&server.name);
        fs::create_dir_all(&own).map_err(UpError::io(own.display().to_string()))?;
        let write = |name: &str, text: &str| {
            let path = own.join(name);
            fs::write(&path, text).map_err(UpError::io(path.display().to_string()))
        };
        let address = running.address(&server.name)?;
        let zones = zones(running, &server.name)?;
        let is_first = server.name == first.name;
        write(
            "named.conf",
            &settings(&own, address, &zones, (!is_first).then_some(above)),
        )?;
        for zone in &zones {
            write(&format!("{zone}.zone"), &zone_file(&server.name))?;
        }
        if is_first {
            write("above.zone", &above_file(running, address)?)?;
        }
        let log = logs.join(format!("{}.log", server.name));
        let log = File::create(&log).map_err(UpError::io(log.display().to_string()))?;
        let mut command = Command::new(&program);
        command
            .args(["-f", "-4", "-n", "1", "-c"])
            .arg(own.join("named.conf"))
            .env("VMATRIX_IN_WORLD", "1");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        started.push((server.name.clone(), running.spawn_in(&server.name, &mut command)?));
    }
    Ok(started)
}

/// The zones that a name server has: those of its provider's players.
fn zones(running: &Running, server: &str) -> Result<Vec<String>, UpError> {
    let own = running
        .world()
        .everybody()
        .filter(|player| player.name_server.as_deref() == Some(server));
    own.map(|player| Ok(zone_of(running.address(&player.name)?)))
        .collect()
}

/// Recursive for everybody, as providers' servers near players often are; `above` knows all other zones.
fn settings(dir: &Path, address: Ipv4Addr, zones: &[String], above: Option<Ipv4Addr>) -> String {
    let mut text = format!(
        "options {{\n  directory \"{}\";\n  pid-file none;\n  session-keyfile none;\n  listen-on {{ {address}; }};\n  listen-on-v6 {{ none; }};\n  \
         recursion yes;\n  allow-query {{ any; }};\n  allow-recursion {{ any; }};\n  empty-zones-enable no;\n  dnssec-validation no;\n  \
         minimal-responses yes;\n}};\ncontrols {{ }};\nlogging {{ category default {{ default_stderr; }}; }};\n",
        dir.display()
    );
    for zone in zones {
        let _ = writeln!(text, "zone \"{zone}\" {{ type primary; file \"{zone}.zone\"; }};");
    }
    for zone in ["10.in-addr.arpa", "dns.test"] {
        let _ = match above {
            Some(above) => writeln!(
                text,
                "zone \"{zone}\" {{ type static-stub; server-addresses {{ {above}; }}; }};"
            ),
            None => writeln!(text, "zone \"{zone}\" {{ type primary; file \"above.zone\"; }};"),
        };
    }
    text
}

/// One file for both zones: their records are of names that both have.
fn above_file(running: &Running, own: Ipv4Addr) -> Result<String, UpError> {
    let mut text = format!(
        "$TTL 300\n@ SOA ns.dns.test. admin.dns.test. 1 600 600 600 60\n@ NS ns.dns.test.\nns A {own}\n"
    );
    for player in running.world().everybody() {
        if let Some(server) = &player.name_server {
            let [_, second, third, _] = running.address(&player.name)?.octets();
            let _ = writeln!(text, "{third}.{second} NS {server}.dns.test.");
        }
    }
    for server in &running.world().name_servers {
        let _ = writeln!(text, "{} A {}", server.name, running.address(&server.name)?);
    }
    Ok(text)
}

fn zone_file(server: &str) -> String {
    let server = format!("{server}.dns.test.");
    format!(
        "$TTL 300\n@ SOA {server} admin.dns.test. 1 600 600 600 60\n@ NS {server}\n1 PTR player.dns.test.\n"
    )
}
