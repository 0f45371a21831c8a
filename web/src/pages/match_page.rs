//! The page of one match, which updates itself.

use super::{
    Chrome,
    compare::{self, BestOfThree, Columns, OtherRule},
    fields::Fields,
    form::Errors,
    match_plot::plot_of,
    measured::{self, MeasuredLine},
    plot_sign::{self, Sign},
    seats::{self, Pick},
    show,
};
use crate::actions::players::PlayerSeen;
use crate::domain::{
    ClanId, PlayerId, Role,
    view::{HostView, MatchView, PlayerView, RosterPlayer, RosterView},
};
use askama::Template;
use askama_web::WebTemplate;

/// Everything that the page shows.
#[derive(Template, WebTemplate)]
#[template(path = "match.html", blocks = ["live"])]
pub(crate) struct MatchPage {
    chrome: Chrome,
    view: MatchView,
    home: String,
    away: String,
    steps: Vec<Step>,
    /// The chosen host's reason.
    why: Option<String>,
    chosen_host: Option<HostView>,
    /// As the table and the picture show them: chosen first, then by closeness.
    hosts: Vec<HostView>,
    plot: String,
    /// What its legend explains.
    signs: Vec<Sign>,
    columns: Columns,
    /// The picture of what fairness costs, if there is something to compare.
    cost: Option<String>,
    other_rules: Vec<OtherRule>,
    best_of_three: Option<BestOfThree>,
    /// Of some players some round trips are not for the viewer.
    partial: bool,
    /// How everybody was measured.
    sources: Vec<MeasuredLine>,
    /// Each player at the chosen host: then, and when it was looked at again.
    again: Vec<(String, Option<f64>, Option<f64>)>,
    sides: Vec<SideOfMatch>,
    times: Vec<(&'static str, f64)>,
    can_retry: bool,
    can_end: bool,
    can_rematch: bool,
    rematch_hint: &'static str,
    /// Where its values come from, if nobody was measured for it.
    taken_over: Option<String>,
    /// What is wrong with a roster that was sent.
    errors: Errors,
    end_words: &'static str,
    end_hint: &'static str,
    /// Whether anything can still change.
    follows: bool,
    /// Whether it reloads itself where there is no script: not while there is something to tick, which would be lost.
    reloads: bool,
    /// It was asked for without forms.
    watch: bool,
}

/// One step of a match's life.
struct Step {
    text: &'static str,
    class: &'static str,
    now: bool,
    spoken: &'static str,
}

/// One clan's part of a match.
struct SideOfMatch {
    roster: RosterView,
    /// With what was promised to each.
    players: Vec<(RosterPlayer, PlayerView)>,
    /// Whom the viewer may put on this roster; empty if they may not.
    picks: Vec<Pick>,
    /// The viewer may choose, but there is nobody: where players are entered.
    enter_players: Option<String>,
    /// It was sent, and could not be taken.
    is_wrong: bool,
    /// The viewer may make a link for its players.
    invites: bool,
    /// The match waits until somebody, such as the viewer, says that the roster is complete.
    completes: bool,
}

/// Whom the viewer may put on a roster.
#[derive(Default)]
pub(crate) struct Choice {
    /// The clan's players.
    pub(crate) players: Vec<PlayerSeen>,
    /// Who played in the match that this one repeats.
    pub(crate) before: Vec<RosterPlayer>,
}

/// A roster as a form has sent it, and what is wrong with it.
pub(crate) struct Sent<'a> {
    pub(crate) clan: ClanId,
    pub(crate) fields: &'a Fields,
    pub(crate) errors: Errors,
}

impl MatchPage {
    /// `own` is whom the viewer may put on each roster, in the rosters' order; `sent` the roster that could not be taken.
    pub(crate) fn of(
        chrome: Chrome,
        role: Role,
        view: MatchView,
        own: &[Choice],
        sent: Option<Sent>,
    ) -> askama::Result<Self> {
        let state = view.booked.state;
        let clan = |n: usize| {
            view.rosters
                .get(n)
                .map_or_else(String::new, |roster| roster.clan.name.clone())
        };
        let (home, away) = (clan(0), clan(1));
        let mut hosts = view.hosts.clone();
        hosts.sort_by(|a, b| rank(a).partial_cmp(&rank(b)).unwrap_or(std::cmp::Ordering::Equal));
        let chosen_host = hosts.iter().find(|host| host.verdict == "chosen").cloned();
        let plot = plot_of(&view, &hosts, &home, &away).svg()?;
        let begun = matches!(state, "waking" | "ready" | "ending");
        let (end_words, end_hint) = if begun {
            (
                "End the match",
                "Players are told, the server is stopped, and the machine is free.",
            )
        } else {
            (
                "Cancel the match",
                "It will not take place; a machine that is held for it is free for others.",
            )
        };
        let mut sides = sides(&view, role, own);
        let errors = sent
            .map(|sent| put_back(&mut sides, own, sent))
            .unwrap_or_default();
        let follows = !matches!(state, "over" | "failed" | "cancelled");
        Ok(Self {
            chrome,
            home,
            away,
            steps: steps(state),
            why: chosen_host.as_ref().map(|host| host.reason.clone()),
            chosen_host,
            columns: Columns::of(&view.policy),
            cost: compare::cost(&hosts)?,
            other_rules: compare::other_rules(&view),
            best_of_three: view.series.as_ref().and_then(compare::best_of_three),
            hosts,
            plot,
            signs: plot_sign::legend(view.source_at.values().flat_map(|row| row.values().copied())),
            partial: partial(&view),
            sources: measured::lines(&view),
            again: again(&view),
            times: times(&view),
            can_retry: matches!(state, "unplaced" | "failed"),
            can_end: view.booked.may_end,
            can_rematch: view.booked.may_rematch,
            rematch_hint: if role.is_staff() {
                "Books the same players and rule once more, from now on. What was measured is taken over while it holds."
            } else {
                "Challenges the same clan once more, with your roster and rule of this match, from now on."
            },
            taken_over: view
                .reused
                .map(|reused| show::span(&((reused.age_s * 1000) as f64))),
            errors,
            end_words,
            end_hint,
            follows,
            reloads: follows && sides.iter().all(|side| side.picks.is_empty()),
            sides,
            watch: false,
            view,
        })
    }

    /// The same to look at only.
    pub(crate) fn without_forms(mut self) -> Self {
        for side in &mut self.sides {
            side.picks.clear();
            side.enter_players = None;
            side.invites = false;
            side.completes = false;
        }
        (self.can_retry, self.can_end, self.can_rematch) = (false, false, false);
        (self.reloads, self.watch) = (self.follows, true);
        self
    }

    /// What stands beside a figure that hosts have not pinged.
    fn source_of(&self, host: &str, player: &str) -> Option<&'static str> {
        let source = self.view.source_at.get(host)?.get(player)?;
        Some(show::source_beside(source)).filter(|words| !words.is_empty())
    }

    /// Whether anything can still change.
    pub(crate) fn follows(&self) -> bool {
        self.follows
    }

    /// The part that is kept up to date.
    pub(crate) fn live(&self) -> askama::Result<String> {
        self.as_live().render()
    }
}

/// Chosen, then feasible ones by closeness, then the others by closeness, then those without.
fn rank(host: &HostView) -> (u8, f64) {
    let group = match host.verdict.as_str() {
        "chosen" => 0,
        "worse" => 1,
        _ if host.closeness_ms.is_some() => 2,
        _ => 3,
    };
    (group, host.closeness_ms.unwrap_or(f64::MAX))
}

fn partial(view: &MatchView) -> bool {
    let measured = view.matrix_ms.values().filter(|row| !row.is_empty());
    measured.into_iter().any(|row| row.len() < view.players.len())
}

fn again(view: &MatchView) -> Vec<(String, Option<f64>, Option<f64>)> {
    let (Some(chosen), Some(recheck)) = (&view.chosen, &view.recheck) else {
        return Vec::new();
    };
    let at = |matrix: &Matrix, player: &str| *matrix.get(&chosen.host)?.get(player)?;
    let names = view.players.iter().map(|player| player.name.clone());
    names
        .map(|name| {
            let (then, now) = (at(&view.matrix_ms, &name), at(&recheck.matrix_ms, &name));
            (name, then, now)
        })
        .collect()
}

type Matrix = std::collections::BTreeMap<String, std::collections::BTreeMap<String, Option<f64>>>;

const STEPS: [&str; 6] = ["Rosters", "Measure", "Reserve", "Wake", "Play", "Over"];

fn steps(state: &str) -> Vec<Step> {
    let (at, stopped) = match state {
        "gathering" => (0, false),
        "probing" => (1, false),
        "reserved" => (2, false),
        "waking" => (3, false),
        "ready" | "ending" => (4, false),
        "over" => (5, false),
        "unplaced" => (2, true),
        "failed" => (3, true),
        _ => (0, true),
    };
    // Waiting for a day is not work: the step stands still.
    let still = matches!(state, "gathering" | "reserved" | "ready" | "over");
    let step = |(n, text): (usize, &&'static str)| {
        let now = n == at;
        let (class, spoken) = match (n.cmp(&at), stopped) {
            (std::cmp::Ordering::Less, _) => ("done", ", done"),
            (std::cmp::Ordering::Equal, true) => ("stopped", ", stopped"),
            (std::cmp::Ordering::Equal, false) if still => ("now still", ", now"),
            (std::cmp::Ordering::Equal, false) => ("now", ", under way"),
            (std::cmp::Ordering::Greater, _) => ("", ""),
        };
        Step {
            text,
            class,
            now,
            spoken,
        }
    };
    STEPS.iter().enumerate().map(step).collect()
}

fn sides(view: &MatchView, role: Role, own: &[Choice]) -> Vec<SideOfMatch> {
    let open = matches!(
        view.booked.state,
        "gathering" | "probing" | "reserved" | "unplaced"
    );
    let side = |(n, roster): (usize, &RosterView)| {
        let is_own = role.is_staff() || role.clan() == Some(roster.clan.id);
        let may = open && is_own;
        let choice = own.get(n).filter(|_| may);
        let players = choice.map_or(&[][..], |choice| &choice.players);
        // A rematch begins with who played before.
        let chosen = match (roster.players.as_slice(), choice) {
            ([], Some(choice)) => &choice.before,
            (chosen, _) => chosen,
        };
        SideOfMatch {
            players: roster
                .players
                .iter()
                .map(|player| (player.clone(), promised(view, roster, &player.name)))
                .collect(),
            picks: Pick::in_roster(players, chosen),
            enter_players: (may && players.is_empty()).then(|| match role.clan() {
                Some(_) => "/clan".to_owned(),
                None => format!("/organise/clans/{}", roster.clan.id),
            }),
            is_wrong: false,
            invites: may,
            completes: may && !roster.players.is_empty() && roster.link_stage == Some("gathering"),
            roster: roster.clone(),
        }
    };
    view.rosters.iter().enumerate().map(side).collect()
}

/// Shows a roster again as it was sent.
fn put_back(sides: &mut [SideOfMatch], own: &[Choice], sent: Sent) -> Errors {
    let mut sides = sides.iter_mut().zip(own);
    let of_clan = |side: &SideOfMatch| side.roster.clan.id == sent.clan && !side.picks.is_empty();
    let Some((side, choice)) = sides.find(|(side, _)| of_clan(side)) else {
        return sent.errors;
    };
    let ticked = seats::picked(sent.fields, "players").unwrap_or_default();
    side.picks = Pick::entered(&choice.players, sent.fields, "", |id: PlayerId| {
        ticked.contains(&id)
    });
    side.is_wrong = true;
    seats::named(sent.errors, "", &side.picks)
}

fn promised(view: &MatchView, roster: &RosterView, name: &str) -> PlayerView {
    let known = view
        .players
        .iter()
        .find(|player| player.name == name && player.clan == roster.clan.name);
    known.cloned().unwrap_or_else(|| PlayerView {
        name: name.to_owned(),
        clan: roster.clan.name.clone(),
        predicted_ms: None,
        predicted_by: None,
        measured_ms: None,
        samples: None,
    })
}

fn times(view: &MatchView) -> Vec<(&'static str, f64)> {
    let times = &view.times_ms;
    let all = [
        ("Measuring", times.probe),
        ("Choosing", times.choose),
        ("Fetching", times.fetch),
        ("Resume to first answer", times.resume_to_answer),
        ("Configuring", times.configure),
        ("Order to answer", times.order_to_answer),
        ("Booking to ready", times.book_to_ready),
    ];
    all.into_iter()
        .filter_map(|(name, ms)| Some((name, ms?)))
        .collect()
}

#[cfg(test)]
#[path = "match_page_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "match_page_roster_tests.rs"]
mod roster_tests;

#[cfg(test)]
#[path = "match_page_source_tests.rs"]
mod source_tests;
