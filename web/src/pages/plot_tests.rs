use super::*;
use proptest::prelude::*;

fn dot(player: &str, side: Side, ms: Option<f64>) -> Dot {
    Dot {
        player: player.to_owned(),
        side,
        ms,
        source: None,
    }
}

fn row(host: &str, closeness_ms: Option<f64>, verdict: &'static str, dots: Vec<Dot>) -> Row {
    Row {
        host: host.into(),
        site: "wonder".into(),
        closeness_ms,
        verdict,
        chosen: verdict == "chosen",
        dots,
    }
}

fn sample() -> Plot {
    let dots = |shift: f64| {
        vec![
            dot("Ada", Side::Home, Some(20.0 + shift)),
            dot("Bo & Co", Side::Home, Some(20.5 + shift)),
            dot("Cy", Side::Home, Some(44.0 + shift)),
            dot("Dee", Side::Away, Some(21.0 + shift)),
            dot("A very long name indeed", Side::Away, Some(90.0 + shift)),
        ]
    };
    let mut silent = dots(3.0);
    silent[1].ms = None;
    Plot {
        cap_ms: 180.0,
        home: "Red <Pandas>".into(),
        away: "Night Owls".into(),
        rows: vec![
            row("montreal", Some(33.604), "chosen", dots(0.0)),
            row("madrid", Some(40.1), OVER_CAP, dots(120.0)),
            row("denver", None, "answers missing", silent),
        ],
    }
}

#[test]
fn the_picture_of_a_choice() {
    insta::assert_snapshot!(sample().svg().unwrap());
}

#[test]
fn names_are_escaped() {
    let svg = sample().svg().unwrap();
    assert!(!svg.contains("<Pandas>") && svg.contains("Bo &#38; Co"), "{svg}");
}

#[test]
fn an_unknown_value_stands_apart_from_every_known_one() {
    let plot = sample();
    let drawing = plot.drawing();
    let marks: Vec<_> = drawing.rows.iter().flat_map(|row| &row.marks).collect();
    let unknown: Vec<_> = marks.iter().filter(|mark| mark.dot.ms.is_none()).collect();
    assert_eq!(unknown.len(), 1);
    assert!(unknown[0].title().ends_with("no answer"));
    let furthest = marks
        .iter()
        .filter(|m| m.dot.ms.is_some())
        .map(|m| m.x)
        .fold(0.0, f64::max);
    assert!(
        furthest < unknown[0].x - 5.0,
        "{furthest} is too near to {}",
        unknown[0].x
    );
}

#[test]
fn a_picture_without_players_or_hosts_is_still_one() {
    let empty = Plot {
        cap_ms: 0.0,
        home: String::new(),
        away: String::new(),
        rows: vec![row("a", None, "unfit", vec![])],
    };
    assert!(empty.svg().unwrap().ends_with("</svg>"));
}

fn any_plot() -> impl Strategy<Value = Plot> {
    let dot = (
        "[a-zA-Z]{1,40}",
        any::<bool>(),
        prop::option::weighted(0.9, 0.1..2000.0_f64),
    )
        .prop_map(|(player, home, ms)| Dot {
            player,
            side: if home { Side::Home } else { Side::Away },
            ms,
            source: Some("king"),
        });
    let row = prop::collection::vec(dot, 0..16).prop_map(|dots| row("host", Some(1.0), "possible", dots));
    (20.0..400.0_f64, prop::collection::vec(row, 1..5)).prop_map(|(cap_ms, rows)| Plot {
        cap_ms,
        home: "home".into(),
        away: "away".into(),
        rows,
    })
}

proptest! {
    #[test]
    fn labels_of_a_row_do_not_collide_and_stay_inside(plot in any_plot()) {
        for drawn in plot.drawing().rows {
            let mut extents: Vec<_> = drawn.labels.iter().map(Label::extent).collect();
            extents.sort_by(|a, b| a.0.total_cmp(&b.0));
            prop_assert!(extents.windows(2).all(|pair| pair[0].1 < pair[1].0), "{extents:?}");
            prop_assert!(extents.iter().all(|(from, to)| *from >= 0.0 && *to <= 100.0), "{extents:?}");
        }
    }

    #[test]
    fn every_player_has_one_dot_inside_the_picture(plot in any_plot()) {
        for drawn in plot.drawing().rows {
            prop_assert_eq!(drawn.marks.len(), drawn.row.dots.len());
            for mark in &drawn.marks {
                prop_assert!((0.0..=100.0).contains(&mark.x) && mark.y > drawn.top && mark.y < drawn.bottom);
            }
        }
    }

    #[test]
    fn the_cap_is_drawn_and_what_is_over_it_stands_right_of_it(plot in any_plot()) {
        let drawing = plot.drawing();
        prop_assert!(drawing.axis.cap.x < drawing.axis.right);
        for mark in drawing.rows.iter().flat_map(|row| &row.marks) {
            if let Some(ms) = mark.dot.ms {
                prop_assert_eq!(ms > plot.cap_ms, mark.x > drawing.axis.cap.x, "{} ms at {}", ms, mark.x);
            }
        }
    }

    #[test]
    fn two_dots_of_a_clan_do_not_lie_on_each_other(plot in any_plot()) {
        for drawn in plot.drawing().rows.iter().filter(|d| d.row.dots.len() <= LANES) {
            for (n, a) in drawn.marks.iter().enumerate() {
                for b in &drawn.marks[n + 1..] {
                    let apart = (a.x - b.x).abs() >= TOUCHING - 1e-9 || (a.y - b.y).abs() > 9.0 || (a.dx - b.dx).abs() > 9.0;
                    prop_assert!(apart, "{} and {}", a.title(), b.title());
                }
            }
        }
    }
}
