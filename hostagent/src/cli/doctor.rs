//! `vmatrix-agent doctor`: what is there, what is missing, and what to do about it.

use crate::agent::{Home, HomeError, Server, ServerError};
use crate::command::run;
use crate::net::{HostNet, USER_NETWORK};
use crate::{accel, facts};
use std::fmt;
use std::path::Path;
use std::process::ExitCode;
use vmatrix_wire::{Accelerator, Network};

/// The oldest QEMU that can resume from a file of its own.
const OLDEST: (u32, u32) = (8, 2);

struct Finding {
    state: State,
    what: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// It works, but less well.
    Weak,
    /// The machine cannot be a host so.
    Bad,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.state {
            State::Good => "ok  ",
            State::Weak => "weak",
            State::Bad => "BAD ",
        };
        write!(f, "{mark}  {}", self.what)
    }
}

fn good(what: impl Into<String>) -> Finding {
    Finding {
        state: State::Good,
        what: what.into(),
    }
}

fn weak(what: impl Into<String>) -> Finding {
    Finding {
        state: State::Weak,
        what: what.into(),
    }
}

fn bad(what: impl Into<String>) -> Finding {
    Finding {
        state: State::Bad,
        what: what.into(),
    }
}

pub(super) async fn carry_out(data: &Path) -> anyhow::Result<ExitCode> {
    // A check changes nothing: what is missing stays so.
    let home = Home::find(data);
    let mut findings = qemu().await;
    findings.push(judge_network(HostNet::detect().await));
    findings.push(echo());
    match &home {
        Ok(Some(home)) => {
            findings.push(disk(home.dir()));
            findings.push(server(home).await);
        }
        Ok(None) => {
            findings.extend(data.ancestors().find(|place| place.is_dir()).map(disk));
            findings.push(weak(HomeError::NotJoined(data.join("host.json")).to_string()));
        }
        Err(error) => findings.push(bad(error.to_string())),
    }
    for finding in &findings {
        println!("{finding}");
    }
    let fit = findings.iter().all(|finding| finding.state != State::Bad);
    Ok(if fit { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn qemu() -> Vec<Finding> {
    let version = match facts::qemu_version().await {
        Ok(version) => version,
        Err(error) => {
            return vec![bad(format!(
                "{error}. Install qemu-system-x86 of at least {}.{}",
                OLDEST.0, OLDEST.1
            ))];
        }
    };
    let mut findings = vec![judge_qemu(&version)];
    let found = accel::try_it().await;
    findings.push(match found.accelerator {
        Accelerator::Kvm => good(format!("accelerator kvm: {}", found.reason)),
        Accelerator::Tcg => weak(format!(
            "accelerator tcg, some ten times slower than kvm: {}",
            found.reason
        )),
    });
    for program in ["setsid", "qemu-img"] {
        findings.push(match run(program, &["--version"], None).await {
            Ok(_) => good(program),
            Err(error) => bad(error.to_string()),
        });
    }
    findings
}

fn judge_qemu(version: &str) -> Finding {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found >= OLDEST {
        good(format!("QEMU {version}"))
    } else {
        bad(format!(
            "QEMU {version} is older than {}.{}: on Debian 12 take it from bookworm-backports",
            OLDEST.0, OLDEST.1
        ))
    }
}

fn judge_network(network: Network) -> Finding {
    match network {
        Network::Tap => good(
            "network: a namespace and a firewall for each VM, players' addresses are kept; where net.ipv4.ip_forward is 0, `run` sets it to 1 for VMs (links vx*) and drops everything else that would be forwarded, also containers' packets; `leave` undoes that if nobody else may use it",
        ),
        Network::User => weak(format!("network: {USER_NETWORK}")),
    }
}

fn echo() -> Finding {
    let config = surge_ping::Config::default();
    match surge_ping::Client::new(&config) {
        Ok(client) if client.get_socket().get_type() == socket2::Type::DGRAM => {
            good("echo requests, unprivileged")
        }
        Ok(_) => good("echo requests, by a raw socket"),
        Err(error) => bad(format!(
            "no echo requests: {error}; without root they need net.ipv4.ping_group_range to have this group in it: as root, \
             sysctl -w net.ipv4.ping_group_range=\"0 2147483647\""
        )),
    }
}

fn disk(data: &Path) -> Finding {
    match facts::disk_free_mb(data) {
        Ok(free) if free >= 4_096 => good(format!("disk: {free} MB free at {}", data.display())),
        Ok(free) => weak(format!(
            "disk: only {free} MB free at {}; a snapshot needs 1,000 to 4,000",
            data.display()
        )),
        Err(error) => bad(error.to_string()),
    }
}

/// Whether the host has joined, and its server knows it.
async fn server(home: &Home) -> Finding {
    let joined = match home.joined() {
        Ok(joined) => joined,
        Err(error @ HomeError::NotJoined(_)) => return weak(error.to_string()),
        Err(error) => return bad(error.to_string()),
    };
    let started = tokio::time::Instant::now();
    let asked = match Server::new(&joined.server, joined.insecure, Some(joined.secret)) {
        // Nothing is newer than the last number, but a refusal comes at once; so does a healthy silence.
        Ok(server) => {
            tokio::time::timeout(std::time::Duration::from_secs(3), server.orders(u64::MAX >> 1)).await
        }
        Err(error) => return bad(error.to_string()),
    };
    match asked {
        Err(_) | Ok(Ok(_)) => good(format!(
            "host {} ({}) of {}",
            joined.name, joined.host, joined.server
        )),
        Ok(Err(error @ ServerError::Unreachable(_))) => bad(format!(
            "{} after {:.1?}: {error}",
            joined.server,
            started.elapsed()
        )),
        Ok(Err(error)) => bad(format!("{}: {error}", joined.server)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_network_does_not_limit_is_told() {
        let told = judge_network(Network::User);
        assert!(told.state == State::Weak);
        for word in ["all players as one", "every address", "loopback"] {
            assert!(told.what.contains(word), "{}", told.what);
        }
        let told = judge_network(Network::Tap);
        assert!(told.state == State::Good && told.what.contains("containers"));
        assert!(told.what.contains("ip_forward") && told.what.contains("`leave` undoes"));
    }

    #[tokio::test]
    async fn a_check_makes_no_directory() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("a/b");
        carry_out(&data).await.unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_old_qemu_is_told_apart_from_a_new_one() {
        for (version, state) in [
            ("7.2.17", State::Bad),
            ("8.1.9", State::Bad),
            ("8.2", State::Good),
            ("10.0.2", State::Good),
        ] {
            assert!(judge_qemu(version).state == state, "{version}");
        }
        assert!(judge_qemu("").state == State::Bad);
    }
}
