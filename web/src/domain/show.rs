//! From rows to what one viewer sees: pure, and the one place where redaction happens.

use super::{
    ChoiceRecord, Clan, ClanId, HostRecord, Labels, Match, MatchId, MatchState, Named, PlayerId, PlayerLink,
    Round, SAMPLES, Seat, Time, User, Vm,
    show_choice::{alternatives, chosen, hosts, recheck, series, settle},
    show_players::{fairness, far_from_promise, in_order, players},
    show_problem,
    show_sources::{flags, probed, source_at, sources, unchecked},
    show_waiting::{self, Told},
    unplaced::unplaced,
    view::{
        BookedView, ConnectView, DirectoryView, FrozenView, HostProgressView, MatchView, ProgressView,
        ReusedView, RosterClan, RosterPlayer, RosterView, TimesView, VmmView,
    },
};
use std::{collections::BTreeMap, net::SocketAddr};
use vmatrix_placement::Micros;

/// All that is known of a match.
#[derive(Debug)]
pub struct Whole {
    /// The match.
    pub of: Match,
    /// The clan named first.
    pub home: Clan,
    /// The other.
    pub away: Clan,
    /// Who plays, each clan's players in their order.
    pub roster: Vec<Named>,
    /// As what.
    pub seats: BTreeMap<PlayerId, Seat>,
    /// Whom hosts do not ping, and why.
    pub not_asked: BTreeMap<PlayerId, String>,
    /// Clans that have a link for their players.
    pub links: BTreeMap<ClanId, PlayerLink>,
    /// Clans whose measurements were frozen.
    pub frozen: BTreeMap<ClanId, FrozenView>,
    /// How many other matches are measured first, if it waits for its turn.
    pub before_it: Option<u64>,
    /// The choice that its state rests on.
    pub choice: Option<ChoiceRecord>,
    /// The newest look at it that did not move it.
    pub kept: Option<ChoiceRecord>,
    /// The host that is or was held.
    pub host: Option<HostRecord>,
    /// The VM.
    pub vm: Option<Vm>,
    /// Cold boot of the image, milliseconds.
    pub boot_ms: Option<u64>,
    /// The rounds, oldest first.
    pub rounds: Vec<Round>,
    /// In the newest round: how many echo requests were sent so far, and how many players and hosts there are.
    pub sent: Option<(u64, u64, u64)>,
    /// In the newest round: each host's name, and how many players have answered it.
    pub answers: Vec<(String, u64)>,
    /// What the game said of its players: name in it and milliseconds.
    pub pings: Vec<(String, u16)>,
    /// Who of them is to play in another match at the same time, and when that starts.
    pub elsewhere: Vec<(PlayerId, MatchId, Time)>,
    /// What happened.
    pub story: Vec<Told>,
}

/// The match as this user may see it: staff, or one of the two clans.
#[must_use]
pub fn show(whole: &Whole, user: &User, now: Time) -> MatchView {
    let labels = labels(whole, user.role.clan());
    let body = whole.choice.as_ref().map(|record| &record.body);
    // Who came into the roster since is in the newer look only.
    let newest = whole.kept.as_ref().map(|record| &record.body).or(body);
    let policy = body.map_or(&whole.of.policy, |body| &body.choice.policy);
    let address = whole
        .host
        .as_ref()
        .zip(whole.of.state.held())
        .map(|(host, held)| SocketAddr::new(host.host.public_address, held.port).to_string());
    MatchView {
        booked: booked(whole, &labels, user, now),
        policy: policy.name().into(),
        rule: policy.words(),
        cap_ms: policy.cap().ms(),
        alternatives: body.map(alternatives).unwrap_or_default(),
        series: body.and_then(|body| body.series.as_ref()).map(series),
        settle: body.map(|body| settle(body, &labels)).unwrap_or_default(),
        chosen: whole
            .host
            .as_ref()
            .filter(|_| whole.of.state.held().is_some())
            .map(|host| chosen(host, body)),
        reused: reused(whole),
        hosts: whole
            .choice
            .as_ref()
            .map(|record| hosts(record, &labels))
            .unwrap_or_default(),
        matrix_ms: body.map(|body| labels.matrix(body)).unwrap_or_default(),
        source_at: body.map(|body| source_at(body, &labels)).unwrap_or_default(),
        sources: newest
            .map(|body| sources(body, whole.of.state.held().map(|held| held.host), &labels))
            .unwrap_or_default(),
        flags: newest
            .map(|body| flags(body, &far_from_promise(whole), user.role.is_staff(), &labels))
            .unwrap_or_default(),
        unchecked: newest
            .map(|body| unchecked(body, user.role.is_staff(), &labels))
            .unwrap_or_default(),
        probed: newest.and_then(probed),
        recheck: whole.kept.as_ref().map(|record| recheck(record, &labels)),
        players: players(whole, &labels),
        elsewhere: show_waiting::elsewhere(whole, &labels),
        fairness: fairness(whole),
        directory: directory(whole, address.as_deref()),
        vmm: whole
            .vm
            .as_ref()
            .and_then(|vm| vm.seen.vmm.as_ref())
            .map(|vmm| VmmView {
                name: vmm.name.clone(),
                accelerator: vmm.accelerator.name().into(),
            }),
        boot_ms: whole.boot_ms,
        times_ms: times(whole),
        connect: connect(whole, address.as_deref()),
        story: whole
            .story
            .iter()
            .map(|told| show_waiting::sentence(told, &labels))
            .collect(),
        rosters: [&whole.home, &whole.away]
            .map(|clan| roster(whole, clan, &labels, user))
            .to_vec(),
    }
}

fn labels(whole: &Whole, viewer: Option<ClanId>) -> Labels {
    let mut all = whole.roster.clone();
    // Who was measured and is no longer in the roster.
    for record in [&whole.choice, &whole.kept].into_iter().flatten() {
        let players = record.body.matrix.players().iter().filter_map(|player| {
            let clan = if player.side == Some(vmatrix_placement::Side::A) {
                &whole.home
            } else {
                &whole.away
            };
            Some(Named {
                player: player.id.parse().ok()?,
                clan: clan.id,
                name: player.name.clone(),
            })
        });
        all.extend(players.filter(|named| whole.roster.iter().all(|one| one.player != named.player)));
    }
    Labels::new(&all, viewer, |clan| clan_of(whole, clan).name.to_string())
}

pub(super) fn clan_of(whole: &Whole, id: ClanId) -> &Clan {
    if id == whole.home.id {
        &whole.home
    } else {
        &whole.away
    }
}

fn booked(whole: &Whole, labels: &Labels, user: &User, now: Time) -> BookedView {
    let of = &whole.of;
    let has_roster = |clan| whole.roster.iter().any(|named| named.clan == clan);
    BookedView {
        id: of.id,
        state: of.state.name(),
        explanation: explanation(whole, labels),
        problem: show_problem(whole, user.role.clan(), now),
        may_end: of.may_be_ended_by(user),
        may_rematch: of.may_be_repeated() && of.lacks_roster(user, has_roster).is_none(),
        freeze: of.freeze,
        rematch_of: of.rematch_of,
        title: format!("{} – {}", whole.home.name, whole.away.name),
        image: of.image.clone(),
        map: of.map.clone(),
        start: of.start_at,
        end: of.end_at(),
        length_minutes: of.length_ms / 60_000,
        progress: progress(whole),
    }
}

/// What the newest choice rests on, if that was taken over.
fn reused(whole: &Whole) -> Option<ReusedView> {
    let choice = whole.choice.as_ref()?;
    let round = whole.rounds.iter().find(|round| round.id == choice.round_id)?;
    Some(ReusedView {
        from_match: round.taken_from?,
        age_s: choice.made_at.since(round.ended_at?).max(0) / 1000,
    })
}

fn explanation(whole: &Whole, labels: &Labels) -> String {
    let host = whole
        .host
        .as_ref()
        .map_or("the host", |record| record.host.name.as_str());
    match &whole.of.state {
        MatchState::Gathering => show_waiting::gathering(whole),
        MatchState::Probing { .. } => match whole.before_it {
            Some(before) => format!("Waits for its turn to be measured: {}.", turn(before)),
            None => "All hosts are measuring the players.".into(),
        },
        MatchState::Reserved {
            recheck: super::Recheck::Running { .. },
            ..
        } => {
            let turn = whole.before_it.map_or_else(String::new, |before| {
                format!(" when it is its turn: {}", turn(before))
            });
            format!("A slot on {host} is held; the players are measured again{turn}.")
        }
        MatchState::Reserved {
            recheck: super::Recheck::Due { at },
            ..
        } => {
            let minutes = whole.of.start_at.since(*at) / 60_000;
            format!(
                "A slot on {host} is held; the players are measured again {minutes} minutes before the start."
            )
        }
        MatchState::Reserved { .. } => {
            format!("A slot on {host} is held; the server is woken before the start.")
        }
        MatchState::Waking { .. } => format!("The server is being woken on {host}."),
        MatchState::Ready { .. } => format!("The server is up on {host}: players can join."),
        MatchState::Ending { .. } => format!("The server on {host} is being taken away."),
        MatchState::Over { .. } => "The match is over.".into(),
        MatchState::Cancelled => "The match was cancelled.".into(),
        MatchState::Failed { why, .. } => format!("The match did not take place: {why}."),
        MatchState::Unplaced { why, .. } => {
            unplaced(why, whole.choice.as_ref().map(|record| &record.body), labels)
        }
    }
}

/// How many matches are measured before this one.
fn turn(before: u64) -> String {
    match before {
        0 => "it is next".into(),
        before => format!("{before} before it"),
    }
}

fn progress(whole: &Whole) -> Option<ProgressView> {
    let probing = matches!(
        whole.of.state,
        MatchState::Probing { .. }
            | MatchState::Reserved {
                recheck: super::Recheck::Running { .. },
                ..
            }
    );
    if let Some((sent, targets, hosts)) = whole.sent.filter(|_| probing) {
        let of = (u64::from(SAMPLES) * targets * hosts).max(1);
        return Some(ProgressView {
            what: "probe",
            done: sent.min(of),
            of,
            hosts: whole
                .answers
                .iter()
                .map(|(host, answers)| HostProgressView {
                    host: host.clone(),
                    answers: *answers,
                    of: targets,
                })
                .collect(),
        });
    }
    let report = whole.vm.as_ref()?.seen.report.as_ref()?;
    let under_way = matches!(
        whole.of.state,
        MatchState::Reserved { .. } | MatchState::Waking { .. }
    );
    (under_way && report.fetched_bytes < report.fetch_bytes).then_some(ProgressView {
        what: "fetch",
        done: report.fetched_bytes,
        of: report.fetch_bytes,
        hosts: Vec::new(),
    })
}

fn directory(whole: &Whole, address: Option<&str>) -> DirectoryView {
    let listed_at = whole.vm.as_ref().and_then(|vm| vm.seen.listed_at);
    let was_open = whole.vm.as_ref().is_some_and(|vm| vm.seen.verified_at.is_some());
    DirectoryView {
        address: address.filter(|_| was_open).map(Into::into),
        listed: listed_at.is_some(),
        listed_at,
    }
}

fn times(whole: &Whole) -> TimesView {
    #[allow(clippy::cast_precision_loss, reason = "milliseconds")]
    let span = |from: Option<Time>, to: Option<Time>| Some(to?.since(from?) as f64);
    let seen = whole.vm.as_ref().map(|vm| &vm.seen);
    let steps = seen
        .and_then(|seen| seen.report.as_ref())
        .map(|report| report.times)
        .unwrap_or_default();
    let round = whole
        .choice
        .as_ref()
        .and_then(|record| whole.rounds.iter().find(|round| round.id == record.round_id));
    TimesView {
        probe: span(
            round
                .filter(|round| round.taken_from.is_none())
                .map(|round| round.started_at),
            round.and_then(|round| round.ended_at),
        ),
        choose: whole.choice.as_ref().map(|record| record.body.choose_ms),
        fetch: steps.fetch,
        resume_to_answer: steps.resume_to_answer,
        cont_to_answer: steps.cont_to_answer,
        configure: steps.configure,
        order_to_answer: span(
            seen.and_then(|seen| seen.ordered_at),
            seen.and_then(|seen| seen.answered_at),
        ),
        book_to_ready: span(
            // A rematch may have a round that is older than itself.
            whole
                .rounds
                .first()
                .map(|round| round.started_at.max(whole.of.created_at)),
            seen.and_then(|seen| seen.verified_at),
        ),
    }
}

fn connect(whole: &Whole, address: Option<&str>) -> Option<ConnectView> {
    let address = address.filter(|_| matches!(whole.of.state, MatchState::Ready { .. }))?;
    let password = whole.of.password.reveal();
    Some(ConnectView {
        address: address.into(),
        password: password.into(),
        line: format!("password {password};connect {address}"),
    })
}

fn roster(whole: &Whole, clan: &Clan, labels: &Labels, user: &User) -> RosterView {
    let is_own = user.role.clan().is_none_or(|own| own == clan.id);
    let players = in_order(whole, clan, labels).into_iter().map(|named| {
        let seat = whole.seats.get(&named.player).copied().unwrap_or_default();
        let open = labels.is_open(named.player);
        RosterPlayer {
            id: open.then_some(named.player),
            name: labels.of(named.player),
            role: seat.role.name(),
            cap_ms: seat.cap.filter(|_| open).map(Micros::ms),
            not_measured: whole.not_asked.get(&named.player).filter(|_| open).cloned(),
        }
    });
    let link = whole.links.get(&clan.id).filter(|_| is_own);
    RosterView {
        clan: RosterClan {
            id: clan.id,
            name: clan.name.to_string(),
        },
        players: players.collect(),
        link_since: link.map(|link| link.created_at),
        link_stage: link.map(|link| link.stage.name()),
        frozen: whole.frozen.get(&clan.id).cloned(),
    }
}
