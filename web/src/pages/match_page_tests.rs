use super::*;
use crate::domain::{
    ClanId, MatchId, Name, User, UserId,
    view::{
        AlternativeView, BookedView, ChosenView, ConnectView, DirectoryView, RosterClan, RosterPlayer,
        SeriesView, SettleView, StoryView, TimesView,
    },
};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(super) fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn user(role: Role) -> User {
    User {
        id: UserId(id(1)),
        name: "Ada".parse().unwrap(),
        role,
        created_at: "2026-11-01T00:00:00Z".parse().unwrap(),
    }
}

fn roster(n: u128, clan: &str, players: &[&str]) -> RosterView {
    let player = |(k, name): (usize, &&str)| RosterPlayer {
        id: Some(PlayerId(id(n * 100 + k as u128))),
        name: (*name).to_owned(),
        role: "player",
        cap_ms: None,
        not_measured: None,
    };
    RosterView {
        link_since: None,
        link_stage: None,
        frozen: None,
        clan: RosterClan {
            id: ClanId(id(n)),
            name: clan.into(),
        },
        players: players.iter().enumerate().map(player).collect(),
    }
}

fn host(name: &str, closeness_ms: Option<f64>, verdict: &str) -> HostView {
    HostView {
        host: name.into(),
        site: "wonder".into(),
        closeness_ms,
        mean_ms: closeness_ms.map(|c| c * 2.0),
        max_ms: closeness_ms.map(|c| c * 3.0),
        spread_ms: closeness_ms,
        team_gap_ms: None,
        pareto: matches!(verdict, "chosen" | "worse"),
        lineup_risks: Vec::new(),
        closeness_error_ms: None,
        doubts: Vec::new(),
        verdict: verdict.into(),
        reason: format!("{name} is {verdict}"),
    }
}

/// A match of two against two that three hosts were measured for.
pub(crate) fn view(state: &'static str) -> MatchView {
    let row = |values: [Option<f64>; 4]| {
        ["Ann", "Bea", "Cem", "Dov"]
            .into_iter()
            .map(str::to_owned)
            .zip(values)
            .collect::<BTreeMap<_, _>>()
    };
    let players = [
        ("Ann", "Pandas"),
        ("Bea", "Pandas"),
        ("Cem", "Owls"),
        ("Dov", "Owls"),
    ];
    MatchView {
        booked: BookedView {
            id: MatchId(id(7)),
            state,
            explanation: "Montreal is held for this match.".into(),
            problem: None,
            may_end: !matches!(state, "ending" | "over" | "failed" | "cancelled"),
            may_rematch: matches!(state, "ready" | "ending" | "over" | "failed" | "cancelled"),
            freeze: false,
            rematch_of: None,
            title: "Pandas against Owls".into(),
            image: "openarena".into(),
            map: "dm4ish".into(),
            start: "2026-11-21T20:00:00Z".parse().unwrap(),
            end: "2026-11-21T21:00:00Z".parse().unwrap(),
            length_minutes: 60,
            progress: None,
        },
        policy: "thesis".into(),
        rule: "Nobody who plays may be above 180 ms.".into(),
        alternatives: Vec::new(),
        series: None,
        settle: Vec::new(),
        cap_ms: 180.0,
        chosen: Some(ChosenView {
            host: "montreal".into(),
            site: "wonder".into(),
            closeness_ms: Some(12.5),
            closeness_error_ms: None,
            could_be_as_fair: Vec::new(),
        }),
        reused: None,
        sources: Vec::new(),
        flags: Vec::new(),
        unchecked: Vec::new(),
        probed: None,
        hosts: vec![
            host("seattle", Some(40.0), "over_cap"),
            host("denver", None, "undecided"),
            host("montreal", Some(12.5), "chosen"),
            host("miami", Some(20.0), "worse"),
        ],
        matrix_ms: BTreeMap::from([
            (
                "montreal".into(),
                row([Some(20.0), Some(31.0), Some(40.0), Some(44.0)]),
            ),
            (
                "miami".into(),
                row([Some(50.0), Some(31.0), Some(80.0), Some(84.0)]),
            ),
            (
                "seattle".into(),
                row([Some(60.0), Some(71.0), Some(80.0), Some(190.5)]),
            ),
            ("denver".into(), row([Some(60.0), None, Some(80.0), Some(90.0)])),
        ]),
        source_at: BTreeMap::new(),
        recheck: None,
        players: players
            .iter()
            .map(|(name, clan)| PlayerView {
                name: (*name).into(),
                clan: (*clan).into(),
                predicted_ms: Some(20.0),
                predicted_by: None,
                measured_ms: None,
                samples: None,
            })
            .collect(),
        fairness: None,
        directory: DirectoryView::default(),
        vmm: None,
        boot_ms: None,
        times_ms: TimesView::default(),
        connect: None,
        elsewhere: Vec::new(),
        story: vec![StoryView {
            at: "2026-11-21T19:00:00Z".parse().unwrap(),
            text: "Ada booked it.".into(),
        }],
        rosters: vec![
            roster(11, "Pandas", &["Ann", "Bea"]),
            roster(12, "Owls", &["Cem", "Dov"]),
        ],
    }
}

pub(super) fn page(role: Role, view: MatchView, own: &[Choice]) -> MatchPage {
    MatchPage::of(Chrome::of(&user(role), "/matches"), role, view, own, None).unwrap()
}

pub(super) fn players() -> Choice {
    let player = |(n, name): (u128, &str)| PlayerSeen {
        id: PlayerId(id(1200 + n)),
        name: name.parse::<Name>().unwrap(),
        address: Some("192.0.2.9".into()),
        consent: crate::domain::Consent::Typed,
        ipv6: None,
    };
    let players = [(0, "Cem"), (1, "Dov"), (2, "Eve")]
        .into_iter()
        .map(player)
        .collect();
    Choice {
        players,
        before: Vec::new(),
    }
}

#[test]
fn the_live_part_of_a_reserved_match() {
    insta::assert_snapshot!(page(Role::Organiser, view("reserved"), &[]).live().unwrap());
}

#[test]
fn the_chosen_host_comes_first_and_hosts_without_a_figure_last() {
    let page = page(Role::Organiser, view("reserved"), &[]);
    let order: Vec<_> = page.hosts.iter().map(|host| host.host.as_str()).collect();
    assert_eq!(order, ["montreal", "miami", "seattle", "denver"]);
}

#[test]
fn the_connect_line_is_shown_with_a_button_to_copy_it() {
    let mut ready = view("ready");
    ready.connect = Some(ConnectView {
        address: "203.0.113.5:27960".into(),
        password: "swift-otter".into(),
        line: "/connect 203.0.113.5:27960; password swift-otter".into(),
    });
    let html = page(Role::Organiser, ready, &[]).live().unwrap();
    assert!(html.contains("data-copy=\"connect-line\"") && html.contains("/connect 203.0.113.5:27960"));
}

#[test]
fn a_clan_admin_chooses_the_own_roster_only() {
    let role = Role::ClanAdmin(ClanId(id(12)));
    let mut gathering = view("gathering");
    gathering.rosters[1].players.clear();
    let page = page(role, gathering, &[players(), players()]);
    assert!(page.sides[0].picks.is_empty());
    assert_eq!(page.sides[1].picks.len(), 3);
    assert!(page.live().unwrap().contains("Choose the roster"));
}

#[test]
fn nobody_changes_a_roster_once_the_server_wakes() {
    for state in ["waking", "ready", "over"] {
        let page = page(Role::Organiser, view(state), &[players(), players()]);
        assert!(page.sides.iter().all(|side| side.picks.is_empty()), "{state}");
    }
}

#[test]
fn an_address_of_a_player_is_never_on_the_page() {
    let html = page(Role::Organiser, view("reserved"), &[players(), players()])
        .render()
        .unwrap();
    assert!(html.contains("Eve") && !html.contains("192.0.2.9"));
}

#[test]
fn a_match_that_is_over_no_longer_follows() {
    for state in [
        "gathering",
        "probing",
        "reserved",
        "waking",
        "ready",
        "ending",
        "unplaced",
    ] {
        assert!(page(Role::Organiser, view(state), &[]).follows(), "{state}");
    }
    for state in ["over", "failed", "cancelled"] {
        let page = page(Role::Organiser, view(state), &[]);
        assert!(
            !page.follows() && !page.live().unwrap().contains("data-live"),
            "{state}"
        );
    }
}

#[test]
fn the_end_is_offered_only_to_those_who_may() {
    let role = Role::ClanAdmin(ClanId(id(12)));
    let mut ready = view("ready");
    let html = page(role, ready.clone(), &[]).live().unwrap();
    assert!(html.contains("/end\"") && !html.contains("is ended by whoever booked it"));
    ready.booked.may_end = false;
    let html = page(role, ready, &[]).live().unwrap();
    assert!(
        !html.contains("/end\"") && html.contains("is ended by whoever booked it"),
        "{html}"
    );
}

/// With all that can stand beside a choice.
fn compared() -> MatchView {
    let mut view = view("reserved");
    let alternative = |preset, host: Option<&str>| AlternativeView {
        preset,
        host: host.map(str::to_owned),
    };
    view.policy = "valid-first".into();
    view.alternatives = vec![
        alternative("thesis", Some("miami")),
        alternative("valid-first", Some("montreal")),
        alternative("team-gap-25", Some("montreal")),
        alternative("cap-65", None),
    ];
    view.series = Some(SeriesView {
        one: "montreal".into(),
        one_ms: 12.5,
        first: Some("miami".into()),
        second: Some("chicago".into()),
        turns_ms: Some(6.25),
        turns_are_better: true,
    });
    view.settle = vec![SettleView {
        host: "denver".into(),
        players: vec!["Bea & Co".into(), "Cem".into()],
    }];
    view.hosts[2].lineup_risks = vec!["with Eve <3 in, over the cap by 20 ms (200 ms)".into()];
    view
}

/// A card of a page by its id.
pub(super) fn card<'a>(html: &'a str, id: &str) -> &'a str {
    let rest = html.split(&format!("id=\"{id}\"")).nth(1).unwrap_or_default();
    rest.split("</section>").next().unwrap_or_default()
}

#[test]
fn what_other_rules_would_choose_is_said_without_the_own_one() {
    let html = page(Role::Organiser, compared(), &[]).live().unwrap();
    let rules = card(&html, "rules-card");
    assert!(
        rules.contains("<strong>thesis</strong>") && rules.contains(">miami</span>"),
        "{rules}"
    );
    assert!(
        rules.contains("montreal <span class=\"soft\">the same</span>"),
        "{rules}"
    );
    assert!(
        rules.contains("<span>no machine</span>") && !rules.contains("valid-first"),
        "{rules}"
    );
}

#[test]
fn a_series_names_both_ways_and_the_better_one() {
    let html = page(Role::Organiser, compared(), &[]).live().unwrap();
    let series = card(&html, "series-card");
    assert!(
        series.contains("miami, then chicago, a third map on montreal"),
        "{series}"
    );
    assert!(series.contains("Taking turns is better by 6.25 ms"), "{series}");
}

#[test]
fn what_would_settle_it_and_the_risks_of_other_line_ups_are_named_and_escaped() {
    let html = page(Role::Organiser, compared(), &[]).live().unwrap();
    let settle = card(&html, "settle-card");
    assert!(
        settle.contains("<strong>denver</strong>: Bea &#38; Co, Cem"),
        "{settle}"
    );
    for at in ["chosen-card", "hosts-card"] {
        let card = card(&html, at);
        assert!(
            card.contains("with Eve &#60;3 in, over the cap by 20 ms"),
            "{at}: {card}"
        );
    }
}

#[test]
fn the_rule_and_the_figures_that_it_looks_at_are_shown() {
    let thesis = page(Role::Organiser, view("reserved"), &[]).live().unwrap();
    assert!(thesis.contains("Nobody who plays may be above 180 ms."));
    let html = page(Role::Organiser, compared(), &[]).live().unwrap();
    let hosts = card(&html, "hosts-card");
    assert!(
        hosts.contains("data-label=\"spread\"") && !hosts.contains("sides apart"),
        "{hosts}"
    );
    assert!(
        card(&html, "cost-card").contains("2 possible hosts. Fairest: montreal"),
        "{html}"
    );
}

#[test]
fn without_a_choice_nothing_is_compared() {
    let mut gathering = view("gathering");
    gathering.hosts.clear();
    let html = page(Role::Organiser, gathering, &[]).live().unwrap();
    for card in ["cost-card", "rules-card", "series-card", "settle-card"] {
        assert!(!html.contains(card), "{card}");
    }
}
