//! What one viewer calls each player, and which of their round trips the viewer may see.

use super::{ChoiceBody, ClanId, PlayerId};
use std::collections::{BTreeMap, BTreeSet};
use vmatrix_placement::{AtCap, Doubt, Help, HostAnswer, LineupRisk, Reason, Verdict};

/// A player by id, clan and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Who.
    pub player: PlayerId,
    /// For whom they play.
    pub clan: ClanId,
    /// Their name.
    pub name: String,
}

/// Unlike names for all players: as they are, with the clan behind them where two are alike.
#[must_use]
pub fn unlike_names(players: &[Named], clan_name: impl Fn(ClanId) -> String) -> BTreeMap<PlayerId, String> {
    let alike = |one: &Named| {
        players
            .iter()
            .any(|other| other.name == one.name && other.player != one.player)
    };
    let mut used = BTreeSet::new();
    let mut name = |one: &Named| {
        let plain = if alike(one) {
            format!("{} ({})", one.name, clan_name(one.clan))
        } else {
            one.name.clone()
        };
        (one.player, unused(&mut used, plain))
    };
    players.iter().map(&mut name).collect()
}

fn unused(used: &mut BTreeSet<String>, mut name: String) -> String {
    while !used.insert(name.clone()) {
        name.push('\'');
    }
    name
}

/// What one viewer may see of the players of a match.
#[derive(Debug)]
pub struct Labels {
    labels: BTreeMap<PlayerId, String>,
    /// Players of whom the viewer sees everything.
    open: BTreeSet<PlayerId>,
}

impl Labels {
    /// For a viewer: staff (`None`) see all by name; a clan admin sees the own players so, the others numbered.
    #[must_use]
    pub fn new(players: &[Named], viewer: Option<ClanId>, clan_name: impl Fn(ClanId) -> String) -> Self {
        let mut players = players.to_vec();
        players.sort_by_key(|named| named.player);
        players.dedup_by_key(|named| named.player);
        let (own, others): (Vec<_>, Vec<_>) = players
            .into_iter()
            .partition(|named| viewer.is_none_or(|clan| clan == named.clan));
        let mut labels = unlike_names(&own, &clan_name);
        let mut used: BTreeSet<String> = labels.values().cloned().collect();
        for (number, named) in (1..).zip(&others) {
            labels.insert(
                named.player,
                unused(&mut used, format!("{} {number}", clan_name(named.clan))),
            );
        }
        Self {
            labels,
            open: own.into_iter().map(|named| named.player).collect(),
        }
    }

    /// What the viewer calls a player.
    #[must_use]
    pub fn of(&self, player: PlayerId) -> String {
        self.labels
            .get(&player)
            .cloned()
            .unwrap_or_else(|| "somebody".into())
    }

    /// Whether the viewer sees everything of a player.
    #[must_use]
    pub fn is_open(&self, player: PlayerId) -> bool {
        self.open.contains(&player)
    }

    /// Whether there is anybody of whom the viewer does not see everything.
    fn hides(&self) -> bool {
        self.open.len() < self.labels.len()
    }

    /// Whether the viewer may see everybody's round trips at this host: the chosen one and its alternatives.
    #[must_use]
    pub fn shows(&self, host: &HostAnswer) -> bool {
        !self.hides()
            || matches!(
                host.verdict(),
                Verdict::Chosen | Verdict::Worse | Verdict::NoCapacity
            )
    }

    /// Host name to label to milliseconds, as far as the viewer may see them.
    #[must_use]
    pub fn matrix(&self, body: &ChoiceBody) -> BTreeMap<String, BTreeMap<String, Option<f64>>> {
        let row = |index: usize, host: &str| {
            let shown = body
                .choice
                .hosts
                .get(index)
                .is_some_and(|answer| self.shows(answer));
            let cells = body
                .matrix
                .players()
                .iter()
                .zip(body.matrix.row(index).unwrap_or_default());
            let cells = cells.filter_map(|(player, rtt)| {
                let id = player.id.parse().ok()?;
                (shown || self.is_open(id)).then(|| (self.of(id), rtt.map(|rtt| rtt.ms())))
            });
            (host.to_owned(), cells.collect())
        };
        body.matrix
            .hosts()
            .iter()
            .enumerate()
            .map(|(index, host)| row(index, &host.name))
            .collect()
    }

    /// The sentence about a host, with the viewer's names for players. What the viewer may not see is counted.
    #[must_use]
    pub fn reason(&self, body: &ChoiceBody, answer: &HostAnswer) -> String {
        let rename = self.renamer(body);
        match &answer.reason {
            Reason::OverCap { cap, breaks } => {
                let (open, hidden): (Vec<_>, Vec<_>) = breaks
                    .iter()
                    .cloned()
                    .partition(|one| rename(&one.player).is_some_and(|(_, open)| open));
                let mut parts = Vec::new();
                if !open.is_empty() {
                    let breaks = open.into_iter().map(|mut one| {
                        one.player = rename(&one.player).map(|(label, _)| label).unwrap_or_default();
                        one
                    });
                    parts.push(
                        Reason::OverCap {
                            cap: *cap,
                            breaks: breaks.collect(),
                        }
                        .to_string(),
                    );
                }
                match hidden.len() {
                    0 => {}
                    1 => parts.push(format!("over the cap of {cap} for a player of the other clan")),
                    n => parts.push(format!("over the cap of {cap} for {n} players of the other clan")),
                }
                parts.join("; ")
            }
            // How far over is a figure of everybody's round trips.
            Reason::OverLimit { breaks } if self.hides() => {
                let limits = breaks
                    .iter()
                    .map(|one| format!("{} over the limit of {} ms", one.limit.words(), one.at));
                limits.collect::<Vec<_>>().join("; ")
            }
            Reason::Undecided { unknown } => Reason::Undecided {
                unknown: self.rename_all(body, unknown),
            }
            .to_string(),
            other => other.to_string(),
        }
    }

    /// With which other line-ups a possible host would not be within the rule, for the viewer.
    #[must_use]
    pub fn lineup_risks(&self, body: &ChoiceBody, answer: &HostAnswer) -> Vec<String> {
        if !self.shows(answer) {
            return Vec::new();
        }
        let rename = self.renamer(body);
        let name = |name: &str| rename(name).map_or_else(|| "somebody".into(), |(label, _)| label);
        let is_open = |name: &str| rename(name).is_some_and(|(_, open)| open);
        let one = |risk: &LineupRisk| match risk {
            // By how much, with the round trip that is shown, would be their own cap.
            LineupRisk::OverCap { of } if !is_open(&of.player) => {
                format!("with {} in, over the cap", name(&of.player))
            }
            other => other.clone().renamed(name).to_string(),
        };
        answer.lineup_risks.iter().map(one).collect()
    }

    /// What the errors of the round trips leave open about a host, for the viewer: nothing of round trips that they may not see,
    /// and of nobody else's cap. With the round trip that is shown, even that the error decides would tell where their own cap is.
    #[must_use]
    pub fn doubts(&self, body: &ChoiceBody, answer: &HostAnswer, doubt: &Doubt) -> Vec<String> {
        let rename = self.renamer(body);
        let open: Vec<String> = doubt
            .at_cap
            .iter()
            .filter_map(|one| {
                let (player, _) = rename(&one.player).filter(|(_, open)| *open)?;
                let one = AtCap {
                    player,
                    ..one.clone()
                };
                Some(one.to_string())
            })
            .collect();
        let mut said: Vec<String> = doubt
            .as_good
            .then(|| "within the error it could be as fair as the chosen one".to_owned())
            .into_iter()
            .collect();
        if self.shows(answer) || open.len() == doubt.at_cap.len() {
            said.extend(open);
        }
        said
    }

    /// What would help, for the viewer; without that the silent must answer, which [`Labels::silent`] says.
    #[must_use]
    pub fn help(&self, body: &ChoiceBody) -> Vec<String> {
        let one = |help: &Help| match help {
            // The number is somebody's round trip.
            Help::RaiseCap { host, .. } if self.hides() => {
                format!("with a higher cap, {host} would be possible")
            }
            Help::RaiseLimit { limit, host, .. } if self.hides() => {
                format!(
                    "with a higher limit on the {}, {host} would be possible",
                    limit.words()
                )
            }
            Help::RaiseOwnCap { host, .. } if self.hides() => {
                format!("with a higher cap for one player, {host} would be possible")
            }
            Help::RaiseCap { to, host, players } => Help::RaiseCap {
                to: *to,
                host: host.clone(),
                players: self.rename_all(body, players),
            }
            .to_string(),
            Help::LeaveOut { players, host } => Help::LeaveOut {
                players: self.rename_all(body, players),
                host: host.clone(),
            }
            .to_string(),
            Help::Measure { players, hosts } => Help::Measure {
                players: self.rename_all(body, players),
                hosts: hosts.clone(),
            }
            .to_string(),
            other => other.to_string(),
        };
        let players = body.matrix.players();
        let silent: Vec<&str> = [body.silent(), body.unknown()]
            .into_iter()
            .flatten()
            .filter_map(|column| Some(players.get(column)?.name.as_str()))
            .collect();
        let is_said = |help: &&Help| match help {
            Help::Measure { players, .. } => players.iter().all(|name| silent.contains(&name.as_str())),
            _ => false,
        };
        body.choice
            .help
            .iter()
            .filter(|help| !is_said(help))
            .map(one)
            .collect()
    }

    /// Players who answered no host at all, as the viewer calls them.
    #[must_use]
    pub fn silent(&self, body: &ChoiceBody) -> Vec<String> {
        self.columns(body, body.silent())
    }

    /// Players whom nobody was asked to measure, and of whom nothing is known, as the viewer calls them.
    #[must_use]
    pub fn unknown(&self, body: &ChoiceBody) -> Vec<String> {
        self.columns(body, body.unknown())
    }

    fn columns(&self, body: &ChoiceBody, columns: Vec<usize>) -> Vec<String> {
        let players = body.matrix.players();
        let name = |column: usize| Some(self.of(players.get(column)?.id.parse().ok()?));
        columns.into_iter().filter_map(name).collect()
    }

    fn renamer<'a>(&'a self, body: &'a ChoiceBody) -> impl Fn(&str) -> Option<(String, bool)> + 'a {
        move |name| {
            let player = body.matrix.players().iter().find(|player| player.name == name)?;
            let id = player.id.parse().ok()?;
            Some((self.of(id), self.is_open(id)))
        }
    }

    pub(super) fn rename_all(&self, body: &ChoiceBody, names: &[String]) -> Vec<String> {
        let rename = self.renamer(body);
        names
            .iter()
            .map(|name| rename(name).map_or_else(|| "somebody".into(), |(label, _)| label))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn named(player: u128, clan: u128, name: &str) -> Named {
        Named {
            player: PlayerId(Uuid::from_u128(player)),
            clan: ClanId(Uuid::from_u128(clan)),
            name: name.into(),
        }
    }

    fn clan_name(clan: ClanId) -> String {
        if clan.0.as_u128() == 1 {
            "Reds".into()
        } else {
            "Blues".into()
        }
    }

    /// A substitute of the Blues with a cap of their own, whom a possible host would be too far for.
    fn with_a_substitute() -> ChoiceBody {
        use vmatrix_placement::{Host, HostState, Matrix, Micros, Player, Policy, Role, Side, choose};
        let at = |ms: u32| Micros::new(ms * 1000).ok();
        let player =
            |id: u128, name: &str, side| Player::new(Uuid::from_u128(id).to_string(), name, Some(side));
        let mut sub = player(22, "Bo", Side::B).with_role(Role::Substitute);
        sub.cap = at(47);
        let players = vec![player(11, "Ada", Side::A), player(21, "Bea", Side::B), sub];
        let host = Host {
            id: Uuid::from_u128(900).to_string(),
            name: "mad-1".into(),
        };
        let matrix = Matrix::new(players, vec![host], vec![vec![at(30), at(31), at(60)]]).unwrap();
        let choice = choose(&Policy::default(), &matrix, &[HostState::free()]).unwrap();
        ChoiceBody::new(matrix, vec![HostState::free()], choice, None)
    }

    #[test]
    fn the_own_cap_of_a_hidden_substitute_cannot_be_computed() {
        let body = with_a_substitute();
        let all = [named(11, 1, "Ada"), named(21, 2, "Bea"), named(22, 2, "Bo")];
        let seen = |viewer: Option<u128>| {
            let viewer = viewer.map(|clan| ClanId(Uuid::from_u128(clan)));
            let labels = Labels::new(&all, viewer, clan_name);
            labels.lineup_risks(&body, body.choice.chosen().unwrap())
        };
        assert_eq!(seen(Some(1)), ["with Blues 2 in, over the cap"]);
        for who in [Some(2), None] {
            assert!(
                seen(who)[0].contains("with Bo in, over the cap by 13 ms"),
                "{:?}",
                seen(who)
            );
        }
    }

    #[test]
    fn two_players_of_one_name_are_told_apart_by_their_clans() {
        let all = [named(11, 1, "Ada"), named(21, 2, "Ada"), named(22, 2, "Bo")];
        let names: Vec<String> = unlike_names(&all, clan_name).into_values().collect();
        assert_eq!(names, ["Ada (Reds)", "Ada (Blues)", "Bo"]);
    }

    proptest! {
        /// Nobody's column hides another's, and no hidden name is shown.
        #[test]
        fn no_two_players_have_one_label(
            names in prop::collection::vec((1_u128..3, "[AB]|Blues [12]|Ada \\(Reds\\)"), 1..9), viewer in prop::option::of(1_u128..3),
        ) {
            let all: Vec<Named> = (10..).zip(&names).map(|(id, (clan, name))| named(id, *clan, name)).collect();
            let viewer = viewer.map(|clan| ClanId(Uuid::from_u128(clan)));
            let labels = Labels::new(&all, viewer, clan_name);
            let shown: BTreeSet<String> = all.iter().map(|one| labels.of(one.player)).collect();
            prop_assert_eq!(shown.len(), all.len());
            for one in &all {
                let open = viewer.is_none_or(|clan| clan == one.clan);
                prop_assert_eq!(labels.is_open(one.player), open);
            }
        }
    }
}
