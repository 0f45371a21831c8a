//! What is written, what is refused, and what the presets choose.

use super::*;

fn read(toml: &str) -> Result<Policy, String> {
    toml::from_str(toml).map_err(|why| why.message().to_owned())
}

#[test]
fn a_preset_survives_being_written_and_read() {
    for preset in Preset::ALL {
        let policy = preset.policy();
        let text = toml::to_string(&policy).unwrap();
        assert_eq!(read(&text).as_ref(), Ok(&policy), "{text}");
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy, "{json}");
        assert_eq!(Preset::parse(preset.name()), Some(preset));
    }
}

#[test]
fn the_presets_in_words_and_as_written() {
    let all: Vec<String> = Preset::ALL
        .iter()
        .map(|preset| {
            let policy = preset.policy();
            format!(
                "{} ({})\n{}\n{}",
                policy.name(),
                preset.source(),
                policy.words(),
                toml::to_string(&policy).unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_rule_that_cannot_be_followed_is_refused_with_its_field() {
    let refused = [
        "name = \"\"",
        "name = \"x\"\ncap_ms = 0",
        "name = \"x\"\ncap_ms = 70000",
        "name = \"x\"\ncap_ms = -1",
        "name = \"x\"\ncap_ms = nan",
        "name = \"x\"\ncap_ms = 80.0001",
        "name = \"x\"\nfloor_ms = 180",
        "name = \"x\"\nfloor = 18",
        "name = \"x\"\n[metric]\nclosenes = 1",
        "name = \"x\"\n[metric]\ncloseness = 0",
        "name = \"x\"\n[metric]\ncloseness = -1",
        "name = \"x\"\n[metric]\ncloseness = 0.0001",
        "name = \"x\"\n[metric]\ncloseness = 11",
        "name = \"x\"\n[limits]\nspread_ms = 180.001",
        "name = \"x\"\n[otherwise]\nspread = 1",
        "name = \"x\"\ntie_margin_ms = \"none\"",
        "name = \"x\"\ntie_margin_ms = 181",
        "name = \"x\"\ntie_margin_ms = -1",
        "cap_ms = 100",
        "name = 5",
        "name = \"a\\nb\"",
        "name = \"a\\u202eb\"",
        "name = \"x\"\ncap_ms = \"120\"",
        "name = \"x\"\ncap_ms = true",
        "name = \"x\"\ncap_ms = [1, 2]",
        "name = \"x\"\nfloor_ms = {ms = 1}",
        "name = \"x\"\nmetric = 5",
        "name = \"x\"\nmetric = [1, 0.1]",
        "name = \"x\"\nlimits = \"none\"",
        "name = \"x\"\n[metric]\ncloseness = \"x\"",
        "name = \"x\"\n[limits]\nspread_ms = 50\n[otherwise]\nmean = 1979-05-27",
    ];
    let all: Vec<String> = refused
        .iter()
        .map(|text| format!("{}\n  {}", text.replace('\n', " | "), read(text).unwrap_err()))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}

/// What would make a rule's name read as another, or on two lines.
#[test]
fn a_name_reads_as_it_stands() {
    let named = |name: String| {
        serde_json::from_value::<Policy>(serde_json::json!({ "name": name })).map_err(|why| why.to_string())
    };
    let refused = "\n\r\u{7f}\u{85}\u{61c}\u{200b}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}";
    for letter in refused.chars() {
        let why = named(format!("our{letter}league")).unwrap_err();
        assert!(
            why.starts_with("name \"our\\") && why.contains("direction of writing"),
            "{why}"
        );
    }
    for fine in ["Лига 1", "cup – größer", "リーグ", "ok 👍"] {
        assert_eq!(named(fine.into()).unwrap().name(), fine);
    }
}

/// The same words whether TOML or JSON; JSON may say that something is not there.
#[test]
fn json_is_checked_as_toml_is() {
    let json = |text: &str| serde_json::from_str::<Policy>(text).map_err(|why| why.to_string());
    assert_eq!(
        json(r#"{"name": "x", "floor_ms": null, "otherwise": null, "limits": {"mean_ms": null}}"#),
        Ok(read("name = \"x\"").unwrap())
    );
    for (text, part) in [
        (
            r#"{"name": "x", "cap_ms": null}"#,
            "cap_ms (null): must be a number above 0 and at most 60000",
        ),
        (
            r#"{"name": "x", "cap_ms": 18446744073709551615}"#,
            "cap_ms 18446744073709552000: must be",
        ),
        (
            r#"{"name": "x", "metric": [1]}"#,
            "metric (a list): must be a table, such as closeness = 1",
        ),
        (
            r#"{"name": "x", "metric": {"mean": {"a": [1]}}}"#,
            "metric.mean (a table): a weight is",
        ),
        (r#"{"name": {"a": 1}}"#, "name (a table): must be a text"),
    ] {
        let why = json(text).unwrap_err();
        assert!(why.starts_with(part), "{why}");
    }
}

fn chosen(preset: Preset, rows: &[(&str, &[f64])]) -> String {
    let matrix = matrix(FOUR, rows);
    choose(&preset.policy(), &matrix, &free(&matrix))
        .unwrap()
        .chosen()
        .map_or_else(|| "-".into(), |h| h.name.clone())
}

#[test]
fn each_preset_has_its_own_idea_of_fair() {
    let rows: &[(&str, &[f64])] = &[
        ("close", &[170.0, 170.0, 171.0, 171.0]),
        ("near", &[20.0, 21.0, 40.0, 41.0]),
        ("mixed", &[10.0, 60.0, 10.0, 60.0]),
        ("low", &[10.0, 20.0, 50.0, 51.0]),
    ];
    let all = Preset::ALL.map(|preset| chosen(preset, rows));
    // cap-65: spread 21 at near. floor-51: nothing differs at near and low, and the mean is smaller at near.
    assert_eq!(all, ["close", "near", "mixed", "near", "near"]);
}

#[test]
fn valid_first_takes_the_least_spread_when_no_host_is_valid() {
    let rows: &[(&str, &[f64])] = &[
        ("a", &[10.0, 10.0, 10.0, 150.0]),
        ("b", &[20.0, 20.0, 140.0, 140.0]),
        ("c", &[10.0, 10.0, 120.0, 119.0]),
    ];
    let matrix = matrix(FOUR, rows);
    let choice = choose(&Preset::ValidFirst.policy(), &matrix, &free(&matrix)).unwrap();
    insta::assert_snapshot!(story(&choice));
    let rows: &[(&str, &[f64])] = &[
        ("a", &[10.0, 10.0, 10.0, 150.0]),
        ("b", &[20.0, 20.0, 110.0, 110.0]),
    ];
    assert_eq!(chosen(Preset::ValidFirst, rows), "b");
}

#[test]
fn a_gap_of_the_sides_needs_sides() {
    let players = ["p", "q"].map(|id| Player::new(id, id, None));
    let host = Host {
        id: "h".into(),
        name: "h".into(),
    };
    let matrix = Matrix::new(
        players.to_vec(),
        vec![host],
        vec![vec![Some(ms(1.0)), Some(ms(2.0))]],
    )
    .unwrap();
    let refused = choose(&Preset::TeamGap25.policy(), &matrix, &free(&matrix)).unwrap_err();
    assert_eq!(
        refused,
        BadRequest::NoSides {
            policy: "team-gap-25".into()
        }
    );
    assert!(
        choose(&Policy::default(), &matrix, &free(&matrix))
            .unwrap()
            .chosen
            .is_some()
    );
}

#[test]
fn within_the_error_the_smaller_mean_wins_and_the_sentence_says_so() {
    let rows: &[(&str, &[f64])] = &[
        ("far", &[150.0, 150.0, 151.0, 151.0]),
        ("near", &[50.0, 51.0, 52.0, 52.0]),
    ];
    let noted = |error_us| {
        let note = Some(Note {
            error_us,
            ..Note::default()
        });
        let matrix = matrix(FOUR, rows).with_notes(vec![vec![note; 4]; 2]).unwrap();
        let policy: Policy = toml::from_str("name = \"margin\"").unwrap();
        story(&choose(&policy, &matrix, &free(&matrix)).unwrap())
    };
    insta::assert_snapshot!(format!("{}\n{}", noted(100), noted(1000)));
}

#[test]
fn people_beside_the_players_count_as_little_as_they_should() {
    let with = |role, weight, cap: Option<f64>| {
        let mut players: Vec<Player> = ["a", "b"].map(|id| Player::new(id, id, None)).to_vec();
        let mut extra = Player::new("x", "x", None).with_role(role);
        extra.weight = Weight::new(weight).unwrap();
        extra.cap = cap.map(ms);
        players.push(extra);
        let rows = vec![vec![Some(ms(10.0)), Some(ms(20.0)), Some(ms(200.0))]];
        let matrix = Matrix::new(
            players,
            vec![Host {
                id: "h".into(),
                name: "h".into(),
            }],
            rows,
        )
        .unwrap();
        let choice = choose(&Policy::default(), &matrix, &free(&matrix)).unwrap();
        let answer = &choice.hosts[0];
        (
            answer.verdict(),
            answer.closeness.unwrap().us(),
            answer.mean.unwrap().us(),
            answer.lineup_risks.len(),
        )
    };
    assert_eq!(with(Role::Coach, 0, None), (Verdict::Chosen, 10_000, 15_000, 0));
    assert_eq!(
        with(Role::Caster, 0, Some(199.0)),
        (Verdict::OverCap, 10_000, 15_000, 0)
    );
    assert_eq!(
        with(Role::Substitute, 0, None),
        (Verdict::Chosen, 10_000, 15_000, 1)
    );
    // A tenth of a player: pairs 1, 0.1, 0.1 of 10, 190 and 180 ms.
    assert_eq!(with(Role::Coach, 10, None), (Verdict::Chosen, 39_167, 23_810, 0));
}

#[test]
fn what_is_undecided_says_which_probes_would_settle_it() {
    let rows: &[(&str, &[f64])] = &[
        ("known", &[10.0, 11.0, 12.0, 13.0]),
        ("could", &[20.0, 20.0, 20.0, 0.0]),
        ("never", &[20.0, 60.0, 20.0, 0.0]),
        ("perhaps", &[20.0, 21.0, 0.0, 0.0]),
    ];
    let matrix = matrix(FOUR, rows);
    let choice = choose(&Policy::default(), &matrix, &free(&matrix)).unwrap();
    let settle: Vec<String> = choice
        .settle
        .iter()
        .map(|one| format!("{}: {}", one.host, one.players.join(" ")))
        .collect();
    assert_eq!(choice.chosen().unwrap().name, "known");
    assert_eq!(settle, ["could: b2", "perhaps: b1 b2"]);
}
