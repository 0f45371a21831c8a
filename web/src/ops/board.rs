//! What operators see of the fleet, from what is written down. Pure: `now` is an argument. While all is well nothing here
//! changes by time alone, so that an open page is sent nothing.

use crate::{
    actions::services::ServiceSeen,
    app::OracleStatus,
    domain::{HostRecord, Onlooker, Purpose, ServiceGoal, Snapshot, Time, Vm, VmGoal, view::MatchLine},
    pages::show,
};
use vmatrix_wire::{Network, Phase, Role, VmReport};

/// A snapshot of a game whose clock is kept stalls when it is older than 24.8 days; said some days before.
const OLD_MS: i64 = 20 * 24 * 3600 * 1000;
/// A run of the Oracle that takes longer is worth a look, milliseconds.
const SLOW_MS: f64 = 1_000.0;

/// How the Oracle is.
pub(super) struct OracleLine {
    pub(super) off: bool,
    pub(super) tone: &'static str,
    pub(super) words: &'static str,
    pub(super) text: String,
    /// When it last ran, if that is long ago.
    pub(super) ran_at: Option<Time>,
    pub(super) errors: Vec<(&'static str, Time, String)>,
}

impl OracleLine {
    pub(super) fn of(status: OracleStatus, now: Time) -> Self {
        let late = status.ran_at.is_none_or(|at| now.since(at) > 10_000);
        let (tone, words) = match (status.off, late, status.errors.is_empty()) {
            (true, ..) => ("bad", "switched off"),
            (_, true, _) => ("bad", "does not run"),
            (_, _, false) => ("busy", "runs, with errors"),
            _ => ("good", "runs"),
        };
        let text = match status.ran_at {
            None => "It has not run yet.".to_owned(),
            Some(_) if late => "Last run".to_owned(),
            Some(_) if status.took_ms > SLOW_MS => {
                format!("It is slow: its last run took {}.", show::span(&status.took_ms))
            }
            Some(_) => "It compares what was ordered with what hosts report once a second, and does what is to be done.".to_owned(),
        };
        let errors = status
            .errors
            .into_iter()
            .map(|(part, (at, error))| (part, at, error))
            .collect();
        Self {
            off: status.off,
            tone,
            words,
            text,
            ran_at: status.ran_at.filter(|_| late),
            errors,
        }
    }
}

/// One host.
pub(super) struct HostLine {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) site: String,
    pub(super) tone: &'static str,
    pub(super) words: &'static str,
    pub(super) seen: &'static str,
    /// When that was, if it is over.
    pub(super) seen_at: Option<Time>,
    pub(super) address: String,
    pub(super) ports: String,
    pub(super) reached: String,
    /// Where players measure to it.
    pub(super) doors: String,
    pub(super) machine: String,
    pub(super) vmm: String,
    pub(super) used: usize,
    pub(super) slots: u16,
    /// It is in the fleet and does not report: an operator may remove it.
    pub(super) gone: bool,
    /// VMs of matches and services that would be given up by that.
    pub(super) holds: usize,
}

impl HostLine {
    pub(super) fn of(record: &HostRecord, all: &[HostRecord], vms: &[Vm], now: Time) -> Self {
        let host = &record.host;
        let (tone, words) = match (&record.report, record.is_gone(now), host.role) {
            _ if record.left_at.is_some() => ("busy", "has left"),
            (None, ..) => ("busy", "not heard yet"),
            (_, true, _) => ("bad", "gone"),
            (_, _, Role::Loading) => ("good", "loading chamber"),
            (_, _, Role::Production) => ("good", "production"),
        };
        let (seen, seen_at) = match &record.report {
            _ if record.left_at.is_some() => ("left", record.left_at),
            None => ("joined", Some(host.joined_at)),
            Some((_, at)) if record.is_gone(now) => ("last report", Some(*at)),
            Some(_) => ("reports", None),
        };
        let facts = &host.facts;
        let network = match facts.network {
            Network::Tap => "own network per VM",
            Network::User => "user network, no root",
        };
        Self {
            id: host.id.to_string(),
            name: host.name.clone(),
            site: host.site.name.clone(),
            tone,
            words,
            seen,
            seen_at,
            address: host.public_address.to_string(),
            ports: host.ports.to_string(),
            reached: reached(record, all),
            doors: doors(&host.facts.doors),
            machine: format!(
                "{} × {}, {} memory, {} disk free",
                facts.cores,
                facts.cpu_model,
                gigabytes(facts.memory_mb),
                gigabytes(facts.disk_free_mb)
            ),
            vmm: format!(
                "{} {}, {}, {network}, agent {}",
                facts.vmm.name,
                facts.vmm.version,
                facts.accelerator.name(),
                facts.agent_version
            ),
            used: vms
                .iter()
                .filter(|vm| vm.host == host.id && takes_a_slot(vm))
                .count(),
            slots: host.slots,
            gone: record.left_at.is_none() && record.is_gone(now),
            holds: vms.iter().filter(|vm| vm.host == host.id).count(),
        }
    }
}

/// Who has seen the public address: what a server on the same machine sees is no proof that players do.
fn reached(record: &HostRecord, all: &[HostRecord]) -> String {
    match record.reached {
        Some((_, Onlooker::Server)) => "seen by the server".to_owned(),
        Some((_, Onlooker::Host(by))) => match all.iter().find(|other| other.host.id == by) {
            Some(other) => format!("seen by host {}", other.host.name),
            None => "seen by another host".to_owned(),
        },
        None => "not seen from outside yet".to_owned(),
    }
}

/// Which doors are open and which are not, as the agent says. Without one of them some players are not measured.
fn doors(doors: &vmatrix_wire::Doors) -> String {
    let udp = |name: &str, port: Option<u16>| (name.to_owned(), port.map(|port| format!("{name} {port}")));
    let websocket = doors.websocket.as_ref().map(|url| format!("WebSocket {url}"));
    let all = [
        udp("echo", doors.echo),
        udp("WebTransport", doors.webtransport.as_ref().map(|door| door.port)),
        udp("WebRTC", doors.webrtc.as_ref().map(|door| door.port)),
        ("WebSocket".to_owned(), websocket),
    ];
    let open: Vec<String> = all.iter().filter_map(|(_, open)| open.clone()).collect();
    let closed = all.iter().filter(|(_, open)| open.is_none());
    let closed: Vec<&str> = closed.map(|(name, _)| name.as_str()).collect();
    match (open.as_slice(), closed.as_slice()) {
        ([], _) => "no door open to measure by: players are only pinged".to_owned(),
        (open, []) => format!("open to measure by: {}", open.join(", ")),
        (open, closed) => format!(
            "open to measure by: {}; not: {}",
            open.join(", "),
            closed.join(", ")
        ),
    }
}

fn gigabytes(mb: u64) -> String {
    format!("{:.1} GB", mb as f64 / 1024.0)
}

fn takes_a_slot(vm: &Vm) -> bool {
    (Phase::Wired..=Phase::Draining).contains(&vm.phase())
}

/// One VM.
pub(super) struct VmLine {
    pub(super) id: String,
    pub(super) what: String,
    pub(super) href: Option<String>,
    pub(super) host: String,
    pub(super) tone: &'static str,
    pub(super) phase: &'static str,
    pub(super) goal: &'static str,
    pub(super) port: u16,
    pub(super) notes: String,
}

impl VmLine {
    pub(super) fn of(vm: &Vm, hosts: &[HostRecord], services: &[ServiceSeen], matches: &[MatchLine]) -> Self {
        let host = hosts.iter().find(|record| record.host.id == vm.host);
        let report = host
            .and_then(|record| record.report.as_ref())
            .and_then(|(report, _)| report.vms.iter().find(|seen| seen.vm == vm.id))
            .or(vm.seen.report.as_ref());
        let (what, href) = match vm.purpose {
            Purpose::Match(id) => {
                let line = matches.iter().find(|line| line.id == id);
                let title = line.map(|line| format!("{} against {}", line.home.name, line.away.name));
                (
                    title.unwrap_or_else(|| "a match".into()),
                    Some(format!("/matches/{id}")),
                )
            }
            Purpose::Service(id) => {
                let seen = services.iter().find(|seen| seen.service.id == id);
                (
                    seen.map_or_else(|| "a service".into(), |seen| seen.service.name.clone()),
                    None,
                )
            }
        };
        Self {
            id: vm.id.to_string(),
            what,
            href,
            host: host.map_or_else(String::new, |record| record.host.name.clone()),
            tone: tone(vm, report),
            phase: words(vm, report),
            goal: vm.goal.name(),
            port: vm.port,
            notes: notes(vm, report),
        }
    }
}

fn words(vm: &Vm, report: Option<&VmReport>) -> &'static str {
    match report.map_or(Phase::Absent, |report| report.phase) {
        Phase::Absent => "absent",
        Phase::Fetched => "fetched",
        Phase::Wired => "wired",
        Phase::Paused => "paused",
        Phase::Running => "running",
        Phase::Answering => "answering",
        Phase::Open if vm.seen.listed_at.is_some() => "open, verified, listed",
        Phase::Open if vm.seen.verified_at.is_some() => "open, verified",
        Phase::Open => "open",
        Phase::Draining => "draining",
        Phase::Suspended => "suspended",
    }
}

fn tone(vm: &Vm, report: Option<&VmReport>) -> &'static str {
    let phase = report.map_or(Phase::Absent, |report| report.phase);
    if report.is_some_and(|report| report.problem.is_some()) {
        "bad"
    } else if fulfilled(phase) == Some(vm.goal.name()) {
        "good"
    } else {
        "busy"
    }
}

/// The goal that a phase fulfils, by its name.
fn fulfilled(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::Fetched => Some("fetched"),
        Phase::Open => Some("open"),
        Phase::Suspended => Some("suspended"),
        Phase::Absent => Some(VmGoal::Gone.name()),
        _ => None,
    }
}

fn notes(vm: &Vm, report: Option<&VmReport>) -> String {
    let Some(report) = report else {
        return String::new();
    };
    let mut notes = Vec::new();
    if let Some(problem) = &report.problem {
        notes.push(problem.to_string());
    }
    if report.fetch_bytes > report.fetched_bytes {
        let mb = |bytes: u64| bytes / (1 << 20);
        notes.push(format!(
            "{} of {} MB fetched",
            mb(report.fetched_bytes),
            mb(report.fetch_bytes)
        ));
    }
    if let Some(game) = &report.game {
        notes.push(format!(
            "{} of {} players on {}",
            game.clients, game.max_clients, game.map
        ));
    }
    if report.silent {
        notes.push("does not answer queries".to_owned());
    }
    if report.revived > 0 {
        notes.push(format!("revived {} times", report.revived));
    }
    if let Some(vmm) = &vm.seen.vmm {
        notes.push(format!("{}, {}", vmm.name, vmm.accelerator.name()));
    }
    if let Some(ms) = report.times.resume_to_answer {
        notes.push(format!("woken in {}", show::span(&ms)));
    }
    notes.join(" · ")
}

/// One web service.
pub(super) struct ServiceLine {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) image: String,
    pub(super) host: String,
    pub(super) address: Option<String>,
    pub(super) tone: &'static str,
    pub(super) state: &'static str,
    pub(super) problem: Option<String>,
    pub(super) suspended: bool,
}

impl ServiceLine {
    pub(super) fn of(seen: &ServiceSeen) -> Self {
        let report = seen.vm.as_ref().and_then(|vm| vm.seen.report.as_ref());
        let suspended = seen.service.goal == ServiceGoal::Suspended;
        let (tone, state) = match (&seen.vm, report.map(|report| report.phase)) {
            (None, _) => ("busy", "ordered"),
            (_, Some(Phase::Suspended)) if suspended => ("good", "suspended"),
            (_, _) if suspended => ("busy", "being suspended"),
            (Some(vm), Some(Phase::Open)) if vm.seen.verified_at.is_some() => ("good", "open, verified"),
            (_, Some(Phase::Open)) => ("good", "open"),
            _ => ("busy", "waking"),
        };
        Self {
            id: seen.service.id.to_string(),
            name: seen.service.name.clone(),
            image: seen.service.image.clone(),
            host: seen.host.name.clone(),
            address: seen
                .vm
                .as_ref()
                .map(|vm| std::net::SocketAddr::new(seen.host.public_address, vm.port).to_string()),
            tone,
            state,
            problem: report
                .and_then(|report| report.problem.as_ref())
                .map(ToString::to_string),
            suspended,
        }
    }
}

/// One snapshot.
pub(super) struct SnapshotLine {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) digest: String,
    pub(super) key: String,
    pub(super) memory_mb: u64,
    pub(super) frozen_at: Time,
    pub(super) old: bool,
}

impl SnapshotLine {
    pub(super) fn of(snapshot: &Snapshot, now: Time) -> Self {
        let facts = &snapshot.facts;
        let frozen_at = Time::from_millis(facts.frozen_at_ms);
        Self {
            name: facts.contract.name.clone(),
            title: facts.contract.title.clone(),
            digest: snapshot.id.short(),
            key: format!(
                "{}, {}, {}, {}",
                facts.key.vmm,
                facts.key.accelerator.name(),
                facts.key.machine_type,
                facts.key.cpu
            ),
            memory_mb: facts.contract.needs.memory_mb,
            frozen_at,
            old: now.since(frozen_at) > OLD_MS,
        }
    }
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;
