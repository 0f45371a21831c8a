//! What would help when no host is possible.

use crate::explain::{Reason, list};
use crate::{HostAnswer, HostState, Matrix, Micros, Policy, Side, Standing};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The smallest change of one kind that would make a host possible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "help", rename_all = "snake_case")]
pub enum Help {
    /// The smallest cap under which a host is possible.
    RaiseCap {
        /// To this.
        to: Micros,
        /// Which host it would be.
        host: String,
    },
    /// The fewest players, over the cap or without an answer, without whom a host is possible; both sides keep
    /// at least one.
    LeaveOut {
        /// Who.
        players: Vec<String>,
        /// Which host it would be.
        host: String,
    },
    /// Nobody else's answer is missing at these hosts, and nobody known is over the cap there.
    Measure {
        /// Who must answer.
        players: Vec<String>,
        /// Where.
        hosts: Vec<String>,
    },
    /// These hosts are good for all players but have no free slot.
    Free {
        /// Best closeness factor first.
        hosts: Vec<String>,
    },
    /// No free host comes near: another is needed.
    AddHosts,
}

impl Help {
    /// What would help; `hosts` are the answers, none of them chosen.
    pub(crate) fn find(
        policy: &Policy,
        matrix: &Matrix,
        states: &[HostState],
        hosts: &[HostAnswer],
    ) -> Vec<Self> {
        let free_hosts: Vec<&HostAnswer> = hosts
            .iter()
            .zip(states)
            .filter(|(_, s)| s.standing == Standing::Free)
            .map(|(h, _)| h)
            .collect();
        let mut help: Vec<Self> = [
            full(hosts),
            measure(&free_hosts),
            raise_cap(&free_hosts),
            leave_out(policy, matrix, &free_hosts),
        ]
        .into_iter()
        .flatten()
        .collect();
        if help.is_empty() {
            help.push(Self::AddHosts);
        }
        help
    }
}

fn full(hosts: &[HostAnswer]) -> Option<Help> {
    let mut full: Vec<_> = hosts
        .iter()
        .filter(|h| matches!(h.reason, Reason::NoCapacity { .. }))
        .collect();
    full.sort_by_key(|host| (host.closeness, host.mean, host.id.as_str()));
    let hosts: Vec<String> = full.iter().map(|host| host.name.clone()).collect();
    (!hosts.is_empty()).then_some(Help::Free { hosts })
}

/// The smallest set of missing players, with all hosts that miss just them.
fn measure(hosts: &[&HostAnswer]) -> Option<Help> {
    let undecided = hosts.iter().filter_map(|host| match &host.reason {
        Reason::Undecided { unknown } => Some((unknown, *host)),
        _ => None,
    });
    let mut undecided: Vec<(&Vec<String>, &HostAnswer)> = undecided.collect();
    undecided.sort_by_key(|(unknown, host)| (unknown.len(), *unknown, host.id.as_str()));
    let players = (*undecided.first()?.0).clone();
    let same = undecided.iter().take_while(|(unknown, _)| **unknown == players);
    Some(Help::Measure {
        hosts: same.map(|(_, host)| host.name.clone()).collect(),
        players,
    })
}

/// Among the hosts where all is known and only the cap is broken.
fn raise_cap(hosts: &[&HostAnswer]) -> Option<Help> {
    let over = hosts
        .iter()
        .filter(|h| matches!(h.reason, Reason::OverCap { .. }) && h.closeness.is_some());
    let host = over.min_by_key(|host| (host.max, host.closeness, host.id.as_str()))?;
    Some(Help::RaiseCap {
        to: host.max?,
        host: host.name.clone(),
    })
}

fn leave_out(policy: &Policy, matrix: &Matrix, hosts: &[&HostAnswer]) -> Option<Help> {
    let mut best: Option<(usize, &HostAnswer, Vec<String>)> = None;
    for host in hosts {
        let row = matrix
            .rows()
            .find(|(head, _)| head.id == host.id)
            .map(|(_, row)| row)
            .unwrap_or_default();
        let all = || matrix.players().iter().zip(row);
        let good = |rtt: &Option<Micros>| rtt.is_some_and(|rtt| rtt <= policy.cap);
        let stays = |side: Side| all().any(|(player, rtt)| player.side == side && good(rtt));
        if !stays(Side::A) || !stays(Side::B) {
            continue;
        }
        let out: Vec<String> = all()
            .filter(|(_, rtt)| !good(rtt))
            .map(|(player, _)| player.name.clone())
            .collect();
        let rank = (out.len(), host.id.as_str());
        if !out.is_empty()
            && best
                .as_ref()
                .is_none_or(|(len, other, _)| rank < (*len, other.id.as_str()))
        {
            best = Some((out.len(), host, out));
        }
    }
    best.map(|(_, host, players)| Help::LeaveOut {
        players,
        host: host.name.clone(),
    })
}

impl fmt::Display for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |names: &[String]| list(names.iter().cloned());
        match self {
            Self::RaiseCap { to, host } => write!(f, "with a cap of {to} or more, {host} would be possible"),
            Self::LeaveOut { players, host } => {
                write!(f, "without {}, {host} would be possible", names(players))
            }
            Self::Measure { players, hosts } => {
                write!(
                    f,
                    "{} must answer before {} can be judged",
                    names(players),
                    names(hosts)
                )
            }
            Self::Free { hosts } => write!(f, "at a time when {} has a free slot", either(hosts)),
            Self::AddHosts => f.write_str("no host can run it at that time: another host is needed"),
        }
    }
}

fn either(hosts: &[String]) -> String {
    list(hosts.iter().cloned()).replace(" and ", " or ")
}
