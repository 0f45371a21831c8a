use super::*;
use vmatrix_wire::quake3::{GAMENAME, PROTOCOL, Packet, Vars};

const SERVER: &str = "192.0.2.1:27960";

fn seconds(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

fn info(challenge: &str, clients: &str) -> Info {
    let vars = Vars::new(&[
        ("challenge", challenge),
        ("gamename", GAMENAME),
        ("protocol", "71"),
        ("hostname", "x"),
        ("mapname", "oa_dm1"),
        ("clients", clients),
        ("sv_maxclients", "8"),
    ]);
    match Packet::parse(&[b"\xFF\xFF\xFF\xFFinfoResponse\n".to_vec(), text(&vars)].concat()) {
        Ok(Packet::Info(info)) => info,
        other => panic!("{other:?}"),
    }
}

fn text(vars: &Vars) -> Vec<u8> {
    vars.iter()
        .map(|(key, value)| format!("\\{key}\\{value}"))
        .collect::<String>()
        .into_bytes()
}

fn listed(table: &Table) -> usize {
    table.list(&ServersQuery::all(GAMENAME, PROTOCOL)).len()
}

fn with_one() -> Table {
    let mut table = Table::default();
    let question = table
        .heartbeat(SERVER.parse().unwrap(), seconds(0.0), "c1".into())
        .unwrap();
    assert_eq!(question.challenge, "c1");
    assert!(table.answer(SERVER.parse().unwrap(), seconds(0.1), info("c1", "0")));
    table
}

#[test]
fn a_heartbeat_alone_lists_nobody() {
    let mut table = Table::default();
    table.heartbeat(SERVER.parse().unwrap(), seconds(0.0), "c".into());
    assert_eq!(listed(&table), 0);
}

#[test]
fn only_the_right_challenge_from_the_right_address_in_time_lists() {
    for (from, at, challenge, right) in [
        (SERVER, 0.1, "c", true),
        (SERVER, 2.1, "c", false),
        (SERVER, 0.1, "d", false),
        ("192.0.2.1:27961", 0.1, "c", false),
    ] {
        let mut table = Table::default();
        table.heartbeat(SERVER.parse().unwrap(), seconds(0.0), "c".into());
        assert_eq!(
            table.answer(from.parse().unwrap(), seconds(at), info(challenge, "0")),
            right
        );
        assert_eq!(listed(&table), usize::from(right));
    }
}

#[test]
fn a_challenge_is_good_only_once() {
    let mut table = with_one();
    assert!(!table.answer(SERVER.parse().unwrap(), seconds(0.2), info("c1", "0")));
}

#[test]
fn a_server_is_dropped_at_its_first_unanswered_question() {
    let mut table = with_one();
    let (questions, _) = table.tick(seconds(11.0), || "c2".into());
    assert_eq!(questions.len(), 1);
    assert_eq!(listed(&table), 1, "it has not yet had its time");
    let (questions, dropped) = table.tick(seconds(13.1), || "c3".into());
    assert!(questions.is_empty());
    assert_eq!(dropped, [SERVER.parse().unwrap()]);
    assert_eq!(listed(&table), 0);
}

#[test]
fn a_listed_server_is_asked_with_the_same_challenge_until_its_time_is_over_and_a_stranger_once() {
    let mut table = with_one();
    let stranger: SocketAddr = "192.0.2.2:27960".parse().unwrap();
    let asked = |table: &mut Table, now| {
        let (questions, _) = table.tick(seconds(now), || "new".into());
        questions
            .into_iter()
            .map(|question| (question.to.to_string(), question.challenge))
            .collect::<Vec<_>>()
    };
    let once = [(SERVER.to_owned(), "new".to_owned())];
    table.heartbeat(stranger, seconds(11.0), "s".into());
    assert_eq!(asked(&mut table, 11.0), once);
    assert_eq!(asked(&mut table, 11.5), []);
    assert_eq!(asked(&mut table, 11.8), once);
    assert_eq!(asked(&mut table, 12.5), once);
    assert!(table.answer(SERVER.parse().unwrap(), seconds(12.6), info("new", "0")));
    assert_eq!(asked(&mut table, 12.9), []);
}

#[test]
fn a_server_that_answers_stays() {
    let mut table = with_one();
    for round in 1..20 {
        let now = f64::from(round) * 11.0;
        let (questions, _) = table.tick(seconds(now), || "again".into());
        assert_eq!(questions.len(), 1);
        assert!(table.answer(SERVER.parse().unwrap(), seconds(now + 0.5), info("again", "1")));
    }
    assert_eq!(listed(&table), 1);
}

#[test]
fn a_second_heartbeat_asks_nothing_twice_and_keeps_the_listing() {
    let mut table = with_one();
    assert!(
        table
            .heartbeat(SERVER.parse().unwrap(), seconds(5.0), "c2".into())
            .is_some()
    );
    assert!(
        table
            .heartbeat(SERVER.parse().unwrap(), seconds(5.1), "c3".into())
            .is_none()
    );
    assert_eq!(listed(&table), 1);
}

#[test]
fn filters_leave_out_empty_and_full_servers_and_other_games() {
    let mut table = Table::default();
    for (port, clients) in [(1, "0"), (2, "3"), (3, "8")] {
        let address = SocketAddr::new([192, 0, 2, 1].into(), port);
        table.heartbeat(address, seconds(0.0), "c".into());
        assert!(table.answer(address, seconds(0.1), info("c", clients)));
    }
    let count = |change: fn(&mut ServersQuery)| {
        let mut query = ServersQuery::all(GAMENAME, PROTOCOL);
        change(&mut query);
        table.list(&query).len()
    };
    assert_eq!(count(|_| ()), 3);
    assert_eq!(count(|query| query.empty = false), 2);
    assert_eq!(count(|query| query.full = false), 2);
    assert_eq!(count(|query| query.protocol = 68), 0);
    assert_eq!(count(|query| query.gamename = "other".into()), 0);
    assert_eq!(count(|query| query.gamename = String::new()), 3);
    assert_eq!(count(|query| query.ipv4 = false), 0);
}

#[test]
fn one_address_can_neither_fill_the_table_nor_have_us_flood_it() {
    let mut table = Table::default();
    let asked = (1..=1000)
        .filter(|port| {
            let from = SocketAddr::new([192, 0, 2, 1].into(), *port);
            table.heartbeat(from, seconds(0.0), "c".into()).is_some()
        })
        .count();
    assert_eq!(asked, MOST_OF_ONE);
    let from = [192, 0, 2, 1].into();
    let admitted = (0..1000).filter(|_| table.admits(from, seconds(0.5))).count();
    assert_eq!(admitted, PACKETS_A_SECOND as usize);
    assert!(table.admits(from, seconds(1.0)), "the next second is a new one");
}
