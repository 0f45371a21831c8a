//! The page of a match: how everybody was measured.

use super::tests::{card, page, view};
use crate::domain::{
    Role,
    view::{FlagView, MatchView, ProbedView, SourceView, SourcesView},
};

#[test]
fn where_values_come_from_is_said_and_what_smells() {
    let source = |player: &str, sources: Vec<&'static str>, here| SourcesView {
        player: player.into(),
        sources,
        here,
    };
    let king = SourceView {
        source: "king",
        age_s: 120,
        error_ms: 18.4,
    };
    let mut players = view("reserved").players;
    players[0].name = "akela".into();
    let view = MatchView {
        players,
        unchecked: vec!["urs".into()],
        sources: vec![
            source("akela", vec!["king"], Some(king)),
            source("baloo", vec!["browser", "icmp"], None),
            source("raksha", Vec::new(), None),
        ],
        flags: vec![
            FlagView {
                player: "baloo".into(),
                sentences: Vec::new(),
            },
            FlagView {
                player: "akela".into(),
                sentences: vec!["near to a and to b at once".into()],
            },
        ],
        probed: Some(ProbedView { hosts: 12, of: 200 }),
        ..view("reserved")
    };
    let page = page(Role::Organiser, view, &[]).live().unwrap();
    for said in [
        "<td class=\"number\">≈ 20 ms</td><td class=\"number\" data-label=\"error\">± 18 ms</td><td data-label=\"by\">estimate by name servers near \
         them</td><td data-label=\"age\">2 min 00 s</td>",
        "their browser, ping from the machines",
        "nothing yet",
        "The league looks at the measurements of baloo.",
        "<strong>akela</strong>: near to a and to b at once.",
        "12 of 200 machines were probed",
        "Not checked by hosts",
        "urs: measured by their own browser or program only.",
    ] {
        assert!(page.contains(said), "{said} is not in {page}");
    }
}

#[test]
fn since_when_a_side_is_frozen_stands_in_its_roster() {
    let mut gathering = view("gathering");
    gathering.booked.freeze = true;
    let frozen = |again_because: Option<&str>| crate::domain::view::FrozenView {
        at: "2026-11-21T19:02:00Z".parse().unwrap(),
        again_because: again_because.map(Into::into),
    };
    gathering.rosters[0].frozen = Some(frozen(None));
    gathering.rosters[1].frozen = Some(frozen(Some("its players have changed since")));
    let html = page(Role::Organiser, gathering, &[]).live().unwrap();
    let (pandas, owls) = (card(&html, "roster-1-card"), card(&html, "roster-2-card"));
    assert!(
        pandas.contains("Measured and frozen at <time datetime=\"2026-11-21T19:02:00Z\""),
        "{pandas}"
    );
    assert!(
        !pandas.contains("anew") && owls.contains("but its players have changed since: measured anew"),
        "{owls}"
    );
}

#[test]
fn a_choice_that_rests_on_an_estimate_says_so() {
    let mut view = view("reserved");
    if let Some(chosen) = &mut view.chosen {
        chosen.closeness_error_ms = Some(16.2);
        chosen.could_be_as_fair = vec!["miami".into()];
    }
    view.hosts[0].doubts = vec!["impossible by estimate: Dov 190 ± 32 ms over the cap of 180 ms".into()];
    view.players[3].predicted_by = Some(SourceView {
        source: "king",
        age_s: 0,
        error_ms: 32.0,
    });
    let page = page(Role::Organiser, view, &[]).live().unwrap();
    let chosen = card(&page, "chosen-card");
    for said in [
        "<strong>Within the error:</strong> miami could be as fair.",
        "<small>ms <span class=\"nowrap\">± 16 ms</span></small>",
    ] {
        assert!(chosen.contains(said), "{said} is not in {chosen}");
    }
    assert!(
        card(&page, "hosts-card").contains("impossible by estimate: Dov"),
        "{page}"
    );
    assert!(card(&page, "roster-2-card").contains("≈ 20 ms ± 32 ms"), "{page}");
    assert!(!card(&page, "roster-1-card").contains('≈'), "{page}");
}

#[test]
fn what_each_value_comes_from_is_seen_in_the_picture_and_in_the_table() {
    let mut view = view("reserved");
    let pinged = page(Role::Organiser, view.clone(), &[]).live().unwrap();
    assert!(!pinged.contains("id=\"signs\""), "{pinged}");
    let names = view.matrix_ms["miami"].keys().cloned();
    let of_host = names.zip(["icmp", "browser", "udp", "king"]).collect();
    view.source_at.insert("miami".into(), of_host);
    let html = page(Role::Organiser, view, &[]).live().unwrap();
    let (picture, table) = (
        card(&html, "picture-card"),
        html.split("id=\"matrix\"").nth(1).unwrap(),
    );
    for drawn in ["class=\"eye\"", "class=\"bar\"", "class=\"core\"", " estimate\""] {
        assert_eq!(
            picture.matches(drawn).count(),
            2,
            "a dot and the legend: {drawn} in {picture}"
        );
    }
    assert!(
        picture.contains("pinged</span>") && picture.contains(", their browser</title>"),
        "{picture}"
    );
    for said in ["browser", "own program", "estimated"] {
        let said = format!(" <span class=\"soft small\">{said}</span></td>");
        assert_eq!(table.matches(&said).count(), 1, "{said} in {table}");
    }
}
