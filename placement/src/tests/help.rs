//! What would help or settle, where the numbers lie close together.

use super::*;

fn own(toml: &str) -> Policy {
    toml::from_str(&format!("name = \"own\"\n{toml}")).unwrap()
}

fn settled(policy: &Policy, matrix: &Matrix) -> Vec<String> {
    let choice = choose(policy, matrix, &free(matrix)).unwrap();
    choice.settle.into_iter().map(|one| one.host).collect()
}

/// Coaches who count draw the weighted median away from the line-up, whose spread is not theirs.
#[test]
fn a_spread_that_the_line_up_can_still_keep_is_to_be_settled() {
    let mut players = ["a", "b"].map(|id| Player::new(id, id, None)).to_vec();
    for id in ["c1", "c2", "c3"] {
        let mut coach = Player::new(id, id, None).with_role(Role::Coach);
        coach.weight = Weight::FULL;
        players.push(coach);
    }
    let host = Host {
        id: "h".into(),
        name: "h".into(),
    };
    let far = Some(ms(150.0));
    let matrix = Matrix::new(
        players,
        vec![host],
        vec![vec![Some(ms(50.0)), None, far, far, far]],
    )
    .unwrap();
    assert_eq!(settled(&own("[limits]\nspread_ms = 60"), &matrix), ["h"]);
    assert_eq!(settled(&own("[metric]\nmax = 1"), &matrix), ["h"]);
}

/// At more hosts than are looked at all of one side would have to leave; at one more host two of the other do.
#[test]
fn hosts_where_a_side_would_be_empty_do_not_hide_one_where_it_would_not() {
    let names: Vec<String> = (0..80).map(|host| format!("a{host:02}")).collect();
    let mut rows: Vec<(&str, &[f64])> = names
        .iter()
        .map(|name| (name.as_str(), &[200.0, 20.0, 20.0, 20.0][..]))
        .collect();
    rows.push(("b", &[20.0, 200.0, 200.0, 20.0]));
    let matrix = matrix(&[Side::A, Side::B, Side::B, Side::B], &rows);
    let choice = choose(&Policy::default(), &matrix, &free(&matrix)).unwrap();
    let without = Help::LeaveOut {
        players: vec!["b1".into(), "b2".into()],
        host: "b".into(),
    };
    assert!(choice.help.contains(&without), "{:?}", choice.help);
}

/// 25.0013 ms and 25.0006 ms are both 1 us over the limit, rounded. The second is possible from 25.001 ms on.
#[test]
fn the_smallest_limit_is_the_smallest_before_it_is_rounded() {
    let sides = [[Side::A; 15].as_slice(), &[Side::B]].concat();
    let row = |sum_us: f64| {
        let mut row = vec![50.0; 15];
        row[0] += sum_us / 1000.0;
        row.push(50.0);
        row
    };
    let (first, second) = (row(375_020.0), row(375_009.0));
    let matrix = matrix(&sides, &[("h1", &first), ("h2", &second)]);
    let policy = own("cap_ms = 1000\n[metric]\nteam_gap = 1\n[limits]\nteam_gap_ms = 25");
    let choice = choose(&policy, &matrix, &free(&matrix)).unwrap();
    let raise = Help::RaiseLimit {
        limit: Limit::TeamGap,
        to: Ms::from_us(25_001),
        host: "h2".into(),
    };
    assert!(choice.help.contains(&raise), "{:?}", choice.help);
}

#[test]
fn hosts_with_words_in_their_names_keep_them() {
    let hosts = ["salt and pepper", "york"].map(str::to_owned).to_vec();
    assert_eq!(
        Help::Free { hosts }.to_string(),
        "another time, when salt and pepper or york has a free slot"
    );
}

/// Programs read the unit from the name; what was written before the names said it is read as what it was.
#[test]
fn times_in_help_say_their_unit() {
    let cap = Help::RaiseOwnCap {
        player: "p".into(),
        to: ms(190.5),
        host: "h".into(),
    };
    let limit = Help::RaiseLimit {
        limit: Limit::Mean,
        to: Ms::from_us(62_500),
        host: "h".into(),
    };
    let written = [&cap, &limit].map(|help| serde_json::to_value(help).unwrap());
    assert_eq!(written[0]["to_us"], 190_500);
    assert_eq!(written[1]["to_ms"], 62.5);
    let before = [
        r#"{"help":"raise_own_cap","player":"p","to":190500,"host":"h"}"#,
        r#"{"help":"raise_limit","limit":"mean","to":62.5,"host":"h"}"#,
    ];
    let read = before.map(|text| serde_json::from_str::<Help>(text).unwrap());
    assert_eq!(read, [cap, limit]);
    let at: LimitBreak =
        serde_json::from_str(r#"{"limit":"mean","at":20,"value":{"total":30,"count":1},"over_us":1}"#)
            .unwrap();
    assert_eq!(serde_json::to_value(at).unwrap()["at_ms"], 20);
}

/// With limits the sentence says that it is not the cap alone that keeps others out.
#[test]
fn the_only_host_within_the_limits_is_called_so() {
    let rows: &[(&str, &[f64])] = &[
        ("near", &[10.0, 20.0, 10.0, 20.0]),
        ("wide", &[10.0, 90.0, 10.0, 90.0]),
    ];
    let matrix = matrix(FOUR, rows);
    let choice = choose(&own("[limits]\nspread_ms = 60"), &matrix, &free(&matrix)).unwrap();
    let said = choice.chosen().unwrap().reason.to_string();
    assert!(
        said.starts_with("the only possible host under the cap of 180 ms and within the limits, with"),
        "{said}"
    );
}

/// The thesis's rule has no limit, so that a substitute costs no more than their own value: with all pairs looked at,
/// a run of this took as long as all other tests together.
#[test]
fn a_substitute_is_one_more_value_and_nothing_else() {
    let mut players: Vec<Player> = (0..1023)
        .map(|p| Player::new(format!("p{p}"), format!("p{p}"), None))
        .collect();
    players.push(Player::new("s", "s", None).with_role(Role::Substitute));
    let hosts = (0..950).map(|h| Host {
        id: format!("h{h:03}"),
        name: format!("h{h}"),
    });
    let value = |host: usize, player: usize| {
        Micros::new(10_000 + (host * 7919 + player * 104_729) as u32 % 90_000).ok()
    };
    let rows = (0..950).map(|host| (0..1024).map(|player| value(host, player)).collect());
    let with = Matrix::new(players.clone(), hosts.clone().collect(), rows.clone().collect()).unwrap();
    let rows = rows.map(|mut row: Vec<_>| {
        row.pop();
        row
    });
    players.pop();
    let without = Matrix::new(players, hosts.collect(), rows.collect()).unwrap();
    let chosen = |matrix: &Matrix| choose(&Policy::default(), matrix, &free(matrix)).unwrap().chosen;
    assert_eq!(chosen(&with), chosen(&without));
}
