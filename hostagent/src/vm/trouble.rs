//! What can go wrong in a step, as it is reported; and when silence means death.

use super::game::GameError;
use super::machine::MachineError;
use crate::command::CommandError;
use crate::net::NetError;
use std::{io, time::Duration};
use tokio::time::Instant;
use vmatrix_wire::{LoadKey, Problem};

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Something that the server has words for.
    #[error(transparent)]
    Problem(#[from] Problem),
    #[error(transparent)]
    Machine(#[from] MachineError),
    #[error(transparent)]
    Net(#[from] NetError),
    #[error(transparent)]
    Game(#[from] GameError),
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The disk could not be made what it was in the suspension.
    #[error(transparent)]
    Disk(#[from] CommandError),
    /// The machine is gone.
    #[error("the VM died")]
    Died,
    /// QEMU has stopped the guest, as its disk could not be written.
    #[error("the guest was stopped, as its disk could not be written")]
    OutOfDisk,
    #[error("{0}")]
    Other(String),
}

impl Trouble {
    /// What is reported to the server. `full` is [`Problem::DiskFull`] with this host's numbers.
    pub(super) fn problem(self, step: &str, full: Problem) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Net(NetError::PortTaken(port)) => Problem::PortTaken { port },
            Self::OutOfDisk => full,
            Self::Io(error) if error.kind() == io::ErrorKind::StorageFull => full,
            other => Problem::Failed {
                step: step.to_owned(),
                reason: other.plain(),
            },
        }
    }

    /// The reason in few words for whoever sees the report, clans too: no paths, command lines or addresses, which are in
    /// the agent's log.
    fn plain(&self) -> String {
        let short = match self {
            Self::Problem(problem) => return problem.to_string(),
            // Made of our own words only.
            Self::Game(
                error @ (GameError::Silent { .. }
                | GameError::Rcon
                | GameError::Stalled
                | GameError::Unsafe { .. }),
            ) => {
                return error.to_string();
            }
            Self::Game(GameError::Socket(_)) => "no socket could be made towards the guest",
            Self::Machine(MachineError::Start(_)) => "QEMU could not be started",
            Self::Machine(MachineError::NotUp { .. }) => "QEMU did not come up",
            Self::Machine(MachineError::Monitor(_)) => "QEMU did not do as it was told",
            Self::Machine(MachineError::State { .. }) => {
                "memory and device state could not be read or written"
            }
            Self::Net(NetError::PortTaken(_)) => "the port is taken by another program",
            Self::Net(_) => "the host's network could not be set up",
            Self::Io(error) => return format!("a file on the host could not be used: {}", error.kind()),
            Self::Disk(_) => "the guest's disk could not be put back to its last suspension",
            Self::Died => "the VM died",
            Self::OutOfDisk => "the guest's disk could not be written",
            Self::Other(_) => "the guest did not do as it was told",
        };
        format!("{short}; the agent's log says more")
    }
}

/// Refuses a snapshot of another key, with the first field that differs.
pub(super) fn unless_same(here: &LoadKey, needs: &LoadKey) -> Result<(), Problem> {
    let fields = [
        ("vmm", here.vmm.clone(), needs.vmm.clone()),
        (
            "accelerator",
            here.accelerator.name().into(),
            needs.accelerator.name().into(),
        ),
        (
            "machine type",
            here.machine_type.clone(),
            needs.machine_type.clone(),
        ),
        ("CPU model", here.cpu.clone(), needs.cpu.clone()),
        ("devices", here.devices.short(), needs.devices.short()),
    ];
    match fields.into_iter().find(|(_, here, needs)| here != needs) {
        None => Ok(()),
        Some((field, here, needs)) => Err(Problem::Key {
            field: field.into(),
            here,
            needs,
        }),
    }
}

/// A guest that has not answered for this long is shown as silent.
const SILENT_AFTER: Duration = Duration::from_secs(15);
/// Silence means death only if nobody who plays has sent it a packet for this long, too.
const HOPELESS_AFTER: Duration = Duration::from_secs(60);

/// Since when a guest is silent, and since when nobody sends to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quiet {
    answered: Instant,
    /// The counter of players' packets, which leaves out queries, and since when it stands; `None` where nobody counts.
    packets: Option<(u64, Instant)>,
}

impl Quiet {
    pub(super) fn since(now: Instant) -> Self {
        Self {
            answered: now,
            packets: None,
        }
    }

    /// Takes what was seen.
    pub(super) fn note(&mut self, answered: bool, packets: Option<u64>, now: Instant) {
        if answered {
            self.answered = now;
        }
        self.packets = match (packets, self.packets) {
            (Some(count), Some((before, since))) if count == before => Some((count, since)),
            (Some(count), _) => Some((count, now)),
            (None, _) => None,
        };
    }

    pub(super) fn is_silent(&self, now: Instant) -> bool {
        now - self.answered >= SILENT_AFTER
    }
}

/// Whether a silent guest is to be given up. Anyone can silence a game's queries with a small flood, so never while packets
/// of players come, and never where they are not counted. Queries, which witnesses send all the time, are not players'.
pub(super) fn hopeless(quiet: &Quiet, now: Instant) -> bool {
    let nobody_sends = quiet
        .packets
        .is_some_and(|(_, since)| now - since >= HOPELESS_AFTER);
    now - quiet.answered >= HOPELESS_AFTER && nobody_sends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(answered: bool, packets: impl Fn(u64) -> Option<u64>) -> (Quiet, Instant) {
        let start = Instant::now();
        let mut quiet = Quiet::since(start);
        let mut now = start;
        for second in (0..=120).step_by(5) {
            now = start + Duration::from_secs(second);
            quiet.note(answered, packets(second), now);
        }
        (quiet, now)
    }

    #[test]
    fn reports_hold_no_paths_command_lines_or_words_of_qemu() {
        let secret = "/var/lib/agent 10.1.2.3";
        let said = || secret.to_owned();
        let command = || CommandError {
            line: format!("nft -f {secret}"),
            failure: crate::command::Failure::Slow(Duration::ZERO),
            stdout: said(),
            stderr: said(),
        };
        let gone = crate::qmp::QmpError::Refused {
            command: "cont".into(),
            reason: said(),
        };
        let state = MachineError::State {
            what: "freezing",
            reason: said(),
        };
        let troubles: [Trouble; 10] = [
            MachineError::Start(command()).into(),
            MachineError::NotUp { log: said() }.into(),
            MachineError::Monitor(gone).into(),
            state.into(),
            NetError::Command(command()).into(),
            command().into(),
            NetError::Monitor(said()).into(),
            GameError::Socket(said()).into(),
            io::Error::other(said()).into(),
            Trouble::Other(said()),
        ];
        for trouble in troubles {
            assert!(trouble.to_string().contains(secret), "the log has it: {trouble}");
            let reported = trouble
                .problem("a step", Problem::NoSlot { slots: 0 })
                .to_string();
            assert!(
                !reported.contains('/') && !reported.contains("10.1"),
                "{reported}"
            );
        }
    }

    #[test]
    fn a_flood_that_silences_queries_does_not_cost_a_match() {
        let (quiet, now) = after(false, |second| Some(second * 1000));
        assert!(quiet.is_silent(now));
        assert!(!hopeless(&quiet, now));
    }

    #[test]
    fn silence_where_nobody_plays_is_death() {
        let (quiet, now) = after(false, |_| Some(7));
        assert!(hopeless(&quiet, now));
    }

    #[test]
    fn where_packets_are_not_counted_silence_is_only_shown() {
        let (quiet, now) = after(false, |_| None);
        assert!(quiet.is_silent(now) && !hopeless(&quiet, now));
    }

    #[test]
    fn an_idle_game_that_answers_lives() {
        let (quiet, now) = after(true, |_| Some(7));
        assert!(!quiet.is_silent(now) && !hopeless(&quiet, now));
    }
}
