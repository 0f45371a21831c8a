//! The page of a match: how everybody was measured.

use super::tests::{page, view};
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
        age_s: 0,
        error_ms: 18.4,
    };
    let view = MatchView {
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
        "estimated by name servers near them <span class=\"soft\">estimated, ± 18 ms</span>",
        "their browser, ping from the machines",
        "nothing yet",
        "The league looks at the measurements of baloo.",
        "<strong>akela</strong>: near to a and to b at once.",
        "12 of 200 machines were probed",
    ] {
        assert!(page.contains(said), "{said} is not in {page}");
    }
}
