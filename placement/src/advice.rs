//! What would help when no host is possible.

use crate::explain::{Reason, list, list_by};
use crate::figures::Figures;
use crate::judge::limit_breaks;
use crate::{
    Host, HostAnswer, HostState, Limit, Matrix, Micros, Ms, Player, Policy, Role, Side, Standing, Verdict,
    choose_index,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The smallest change of one kind that would make a host possible. In JSON a cap is in whole microseconds, as round-trip
/// times are; a limit in milliseconds, as policies have it. The fields' names say which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "help", rename_all = "snake_case")]
pub enum Help {
    /// The smallest cap under which a host is possible.
    RaiseCap {
        /// To this.
        #[serde(rename = "to_us", alias = "to")]
        to: Micros,
        /// Which host it would be.
        host: String,
        /// Who is over the cap there as it is.
        players: Vec<String>,
    },
    /// The smallest own cap of one person under which a host is possible.
    RaiseOwnCap {
        /// Whose.
        player: String,
        /// To this.
        #[serde(rename = "to_us", alias = "to")]
        to: Micros,
        /// Which host it would be.
        host: String,
    },
    /// The smallest limit under which a host is possible.
    RaiseLimit {
        /// Which.
        limit: Limit,
        /// To this.
        #[serde(rename = "to_ms", alias = "to")]
        to: Ms,
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
            raise_cap(policy, &free_hosts),
            raise_own_cap(policy, &free_hosts),
            raise_limit(policy, &free_hosts),
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

/// Whether a host whose people are all within their caps would be possible: within the limits, or the policy says
/// what to do beyond them.
fn valid(policy: &Policy, host: &HostAnswer) -> bool {
    let figures = Figures {
        closeness: host.closeness,
        mean: host.mean,
        max: host.max,
        spread_us: host.spread_us,
        team_gap: host.team_gap,
    };
    host.closeness.is_some()
        && (policy.otherwise().is_some() || limit_breaks(policy, &figures).next().is_none())
}

/// Among the hosts where all is known and only the policy's cap is broken.
fn raise_cap(policy: &Policy, hosts: &[&HostAnswer]) -> Option<Help> {
    let over = hosts
        .iter()
        .filter(|host| valid(policy, host))
        .filter_map(|host| match &host.reason {
            Reason::OverCap { breaks, .. } if breaks.iter().all(|one| one.cap.is_none()) => Some((
                breaks.iter().map(|one| one.rtt).max()?,
                host.closeness,
                host.id.as_str(),
                *host,
                breaks,
            )),
            _ => None,
        });
    let (to, _, _, host, breaks) = over.min_by_key(|(to, closeness, id, ..)| (*to, *closeness, *id))?;
    let players = breaks.iter().map(|one| one.player.clone()).collect();
    Some(Help::RaiseCap {
        to,
        host: host.name.clone(),
        players,
    })
}

/// Among the hosts where all is known and only one person's own cap is broken.
fn raise_own_cap(policy: &Policy, hosts: &[&HostAnswer]) -> Option<Help> {
    let over = hosts
        .iter()
        .filter(|host| valid(policy, host))
        .filter_map(|host| match &host.reason {
            Reason::OverCap { breaks, .. } => match breaks.as_slice() {
                [one] if one.cap.is_some() => Some((one.over_us, host.id.as_str(), *host, one)),
                _ => None,
            },
            _ => None,
        });
    let (_, _, host, one) = over.min_by_key(|(over, id, ..)| (*over, *id))?;
    Some(Help::RaiseOwnCap {
        player: one.player.clone(),
        to: one.rtt,
        host: host.name.clone(),
    })
}

/// Among the hosts that break nothing but one limit.
fn raise_limit(policy: &Policy, hosts: &[&HostAnswer]) -> Option<Help> {
    let over = hosts.iter().filter_map(|host| {
        let Reason::OverLimit { breaks } = &host.reason else {
            return None;
        };
        let [one] = breaks.as_slice() else { return None };
        // Exact: what `over_us` has rounded may be the same for two hosts.
        let (total, count) = one.value.parts();
        let to = u32::try_from(total.div_ceil(count)).ok()?;
        let raise = to.saturating_sub(one.at.us());
        (to <= policy.cap().us()).then_some((raise, host.id.as_str(), to, *host, one))
    });
    let (_, _, to, host, one) = over.min_by_key(|(raise, id, ..)| (*raise, *id))?;
    Some(Help::RaiseLimit {
        limit: one.limit,
        to: Ms::from_us(to),
        host: host.name.clone(),
    })
}

/// How many hosts are looked at for whom to leave out: those with the fewest.
const LEAVE_OUT_HOSTS: usize = 64;

fn leave_out(policy: &Policy, matrix: &Matrix, hosts: &[&HostAnswer]) -> Option<Help> {
    let free: std::collections::BTreeMap<&str, &HostAnswer> =
        hosts.iter().map(|host| (host.id.as_str(), *host)).collect();
    let bad = |(player, rtt): (&Player, &Option<Micros>)| {
        let within = rtt.is_some_and(|rtt| player.cap_under(policy.cap()).is_none_or(|cap| rtt <= cap));
        player.role != Role::Substitute && !within && (player.counts() > 0 || player.cap.is_some())
    };
    let mut candidates: Vec<(usize, &str, usize)> = matrix
        .rows()
        .enumerate()
        .filter_map(|(index, (head, row))| {
            let out = matrix.players().iter().zip(row).filter(|pair| bad(*pair)).count();
            let stay = matrix.players().iter().zip(row).filter(|pair| !bad(*pair));
            let enough = enough_play(matrix.has_sides(), stay.map(|(player, _)| player));
            let barred = matches!(
                free.get(head.id.as_str())?.verdict(),
                Verdict::OverCap | Verdict::Undecided
            );
            (barred && enough && out > 0).then_some((out, head.id.as_str(), index))
        })
        .collect();
    candidates.sort_unstable();
    candidates
        .into_iter()
        .take(LEAVE_OUT_HOSTS)
        .find_map(|(.., index)| {
            let row = matrix.row(index)?;
            let (stay, out): (Vec<_>, Vec<_>) =
                matrix.players().iter().zip(row).partition(|pair| !bad(*pair));
            let head = matrix.hosts().get(index)?;
            possible_with(policy, head, &stay)?;
            let players = out.into_iter().map(|(player, _)| player.name.clone()).collect();
            Some(Help::LeaveOut {
                players,
                host: head.name.clone(),
            })
        })
}

/// Whether these are a match: both sides keep a player, or two players stay where there are no sides.
fn enough_play<'a>(sides: bool, stay: impl Iterator<Item = &'a Player>) -> bool {
    let (mut on_a, mut on_b, mut all) = (0, 0, 0);
    for player in stay.filter(|player| player.role == Role::Player) {
        all += 1;
        on_a += usize::from(player.side == Some(Side::A));
        on_b += usize::from(player.side == Some(Side::B));
    }
    all >= 2 && (!sides || (on_a > 0 && on_b > 0))
}

/// Whether the host would be possible with these people alone.
fn possible_with(policy: &Policy, head: &Host, stay: &[(&Player, &Option<Micros>)]) -> Option<usize> {
    let players: Vec<Player> = stay.iter().map(|(player, _)| (*player).clone()).collect();
    let row = stay.iter().map(|(_, rtt)| **rtt).collect();
    let matrix = Matrix::new(players, vec![head.clone()], vec![row]).ok()?;
    choose_index(policy, &matrix, &[HostState::free()]).ok()?
}

impl fmt::Display for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |names: &[String]| list(names.iter().cloned());
        match self {
            Self::RaiseCap { to, host, players } => write!(
                f,
                "with a cap of {to} or more, {host} would be possible: {} {} over the cap there",
                names(players),
                if players.len() == 1 { "is" } else { "are" }
            ),
            Self::RaiseOwnCap { player, to, host } => {
                write!(
                    f,
                    "with an own cap of {to} or more for {player}, {host} would be possible"
                )
            }
            Self::RaiseLimit { limit, to, host } => {
                write!(
                    f,
                    "with a limit of {to} ms or more on the {}, {host} would be possible",
                    limit.words()
                )
            }
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
            Self::Free { hosts } => {
                let hosts = list_by(hosts.iter().cloned(), "or");
                write!(f, "another time, when {hosts} has a free slot")
            }
            Self::AddHosts => f.write_str("no host can run it at that time: another host is needed"),
        }
    }
}
