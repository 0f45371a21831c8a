use super::*;
use crate::domain::testing;
use proptest::prelude::*;
use uuid::Uuid;
use vmatrix_wire::Doors;

fn now() -> Time {
    Time::from_millis(1_000_000)
}

fn id(n: u128) -> HostId {
    vmatrix_wire::HostId(Uuid::from_u128(n))
}

fn visit(offered: &[HostId]) -> Visit {
    Visit {
        nonce: "n".repeat(32),
        ticket: Secret::new("t".repeat(32)),
        offered: offered.to_vec(),
        begun_at: now(),
        used: false,
    }
}

fn brought(hosts: Vec<BroughtHost>) -> Brought {
    Brought {
        name: "akela".into(),
        new: true,
        via: Source::Browser,
        hosts,
    }
}

fn host(n: u128, sent: u32, rtts_us: &[u64]) -> BroughtHost {
    BroughtHost {
        id: id(n),
        sent,
        rtts_us: rtts_us.to_vec(),
    }
}

fn fields(result: Result<Taken, Vec<Refusal>>) -> Vec<String> {
    result
        .unwrap_err()
        .into_iter()
        .map(|refusal| refusal.field)
        .collect()
}

#[test]
fn what_was_offered_and_is_possible_is_taken() {
    let came: Vec<u64> = (40..51).map(|ms| ms * 1000).collect();
    let good = |n| host(n, 15, &came);
    let all = brought(vec![good(1), host(2, 15, &[]), good(3), good(4)]);
    let Taken { name, samples } = check_brought(&visit(&[1, 2, 3, 4].map(id)), &all, now()).unwrap();
    assert_eq!(name.as_str(), "akela");
    assert_eq!(samples[0].1.median_us, Some(45_000));
    assert_eq!((samples[0].1.sent, samples[0].1.received), (15, 11));
    assert_eq!(samples[1].1.median_us, None, "no answer is unknown, not zero");
}

#[test]
fn who_leaves_hosts_out_does_not_choose_the_host() {
    let offered = visit(&[1, 2, 3, 4, 5, 6, 7, 8].map(id));
    let of = |full: u128, more: Vec<BroughtHost>| {
        let all = (1..=full).map(|n| host(n, 15, &[41_000; 10])).chain(more);
        check_brought(&offered, &brought(all.collect()), now())
    };
    assert!(of(8, Vec::new()).is_ok() && of(6, Vec::new()).is_ok());
    let few = of(5, Vec::new()).unwrap_err();
    assert_eq!((few.len(), few[0].field.as_str()), (1, "hosts"));
    let said = few[0].to_string();
    assert!(said.contains("at least 6 of the 8 hosts"), "{said}");
    // Silence and single answers are no measurements.
    let silent = vec![host(6, 15, &[]), host(7, 15, &[900_000; 9]), host(8, 15, &[1])];
    assert_eq!(fields(of(5, silent)), ["hosts"]);
    assert!(of(1, Vec::new()).is_err());
}

#[test]
fn a_nonce_is_good_once_and_for_ten_minutes() {
    let all = brought(vec![host(1, 15, &[1; 15])]);
    let open = visit(&[id(1)]);
    assert!(check_brought(&open, &all, now().plus(VISIT_MS - 1)).is_ok());
    assert_eq!(
        fields(check_brought(&open, &all, now().plus(VISIT_MS))),
        ["nonce"]
    );
    let used = Visit { used: true, ..open };
    assert_eq!(fields(check_brought(&used, &all, now())), ["nonce"]);
}

#[test]
fn each_field_that_is_wrong_is_named() {
    let offered = visit(&[id(1), id(2), id(3), id(4), id(5)]);
    let all = Brought {
        name: "a\u{200b}b".into(),
        ..brought(vec![
            host(9, 1, &[5]),
            host(1, 1, &[5, 6]),
            host(2, 3, &[0]),
            host(3, 3, &[60_000_001]),
            host(1, 0, &[]),
        ])
    };
    assert_eq!(
        fields(check_brought(&offered, &all, now())),
        [
            "name",
            "hosts[0].id",
            "hosts[1].sent",
            "hosts[2].rtts_us",
            "hosts[3].rtts_us",
            "hosts[4].id",
            "hosts[4].sent"
        ]
    );
    let none = brought(Vec::new());
    assert_eq!(fields(check_brought(&offered, &none, now())), ["hosts"]);
    let many = brought(vec![host(1, 65, &[7; 65])]);
    assert_eq!(
        fields(check_brought(&offered, &many, now())),
        ["hosts[0].rtts_us"]
    );
    let too_many = brought((1..=6).map(|n| host(n, 1, &[])).collect());
    assert_eq!(fields(check_brought(&offered, &too_many, now())), ["hosts"]);
}

proptest! {
    #[test]
    fn what_is_taken_is_within_all_bounds(
        sent in 0_u32..100, rtts in proptest::collection::vec(prop_oneof![0_u64..3, 59_999_990..60_000_010_u64, any::<u64>()], 0..80),
    ) {
        let all = brought(vec![host(1, sent, &rtts)]);
        let possible = rtts.iter().all(|us| (1..=60_000_000).contains(us))
            && (10..=64).contains(&rtts.len()) && (1..=64).contains(&sent) && sent as usize >= rtts.len();
        let taken = check_brought(&visit(&[id(1)]), &all, now());
        prop_assert_eq!(taken.is_ok(), possible);
        if let Ok(Taken { samples, .. }) = taken {
            prop_assert_eq!(usize::from(samples[0].1.received), rtts.len());
            prop_assert_eq!(samples[0].1.min_us.map(u64::from), rtts.iter().min().copied());
        }
    }

    #[test]
    fn a_host_has_the_oldest_passes_and_no_more_than_it_keeps(
        begun in proptest::collection::vec((-400_000_i64..1, proptest::bool::weighted(0.2)), 0..400),
    ) {
        let live: Vec<Visit> = (0_u128..).zip(&begun).map(|(n, (ago, used))| Visit {
            nonce: format!("{n:032}"),
            ticket: Secret::new(format!("{n:032}")),
            begun_at: now().plus(*ago),
            used: *used,
            ..visit(&[id(1)])
        }).collect();
        let mine = passes(id(1), &live, now());
        let mut good: Vec<&Visit> = live
            .iter()
            .filter(|visit| !visit.used && now().since(visit.begun_at) < TICKET_MS)
            .collect();
        good.sort_by_key(|visit| (visit.begun_at, visit.nonce.clone()));
        good.truncate(PASSES_OF_A_HOST);
        let tickets: Vec<&str> = mine.iter().map(|pass| pass.ticket.reveal()).collect();
        let expected: Vec<&str> = good.iter().map(|visit| visit.ticket.reveal()).collect();
        prop_assert_eq!(tickets, expected);
        prop_assert!(passes(id(2), &live, now()).is_empty(), "of a host that was not offered");
    }
}

proptest! {
    /// Whoever asks: nobody who was let in is left out for who comes later, no clan has more than its share, and who waits as
    /// long as they are told is let in.
    #[test]
    fn who_was_let_in_keeps_their_pass(asks in proptest::collection::vec((0_u128..6, 0_i64..1500), 0..700)) {
        let mut live: Vec<(ClanId, Visit)> = Vec::new();
        let mut now = now();
        for (n, (clan, later)) in (0_u128..).zip(asks) {
            now = now.plus(later);
            let clan = ClanId(Uuid::from_u128(clan));
            match let_in(&live, clan, &[id(1)], now) {
                Ok(()) => live.push((clan, Visit {
                    nonce: format!("{n:032}"),
                    ticket: Secret::new(format!("{n:032}")),
                    begun_at: now,
                    ..visit(&[id(1)])
                })),
                Err(wait) => {
                    prop_assert!((1..=TICKET_MS).contains(&wait));
                    prop_assert_eq!(let_in(&live, clan, &[id(1)], now.plus(wait)), Ok(()));
                }
            }
            let good: Vec<_> = live.iter().filter(|(_, visit)| now.since(visit.begun_at) < TICKET_MS).collect();
            prop_assert!(good.iter().filter(|(of, _)| *of == clan).count() <= PASSES_OF_A_CLAN);
            let all: Vec<Visit> = live.iter().map(|(_, visit)| visit.clone()).collect();
            prop_assert_eq!(passes(id(1), &all, now).len(), good.len());
        }
    }
}

fn record(name: &str, n: u8, site: &str, reported_at: Time) -> HostRecord {
    let mut record = testing::record(name, n, reported_at);
    record.host.site.name = site.into();
    record.host.facts.doors = Doors {
        echo: Some(27_900),
        ..Doors::default()
    };
    record
}

#[test]
fn different_sites_come_first_and_only_hosts_with_a_door() {
    let mut hosts = vec![
        record("a1", 1, "amsterdam", now()),
        record("a2", 2, "amsterdam", now()),
        record("m1", 3, "madrid", now()),
        record("gone", 4, "oslo", Time::from_millis(0)),
        record("shut", 5, "paris", now()),
        record("loading", 6, "rome", now()),
    ];
    hosts[4].host.facts.doors = Doors::default();
    hosts[5].host.role = vmatrix_wire::Role::Loading;
    let names: Vec<&str> = offer(&hosts, None, now())
        .into_iter()
        .map(|record| record.host.name.as_str())
        .collect();
    assert_eq!(names, ["a1", "m1", "a2"]);
    let many: Vec<HostRecord> = (0..40)
        .map(|n| record(&format!("h{n:02}"), n, "one", now()))
        .collect();
    assert_eq!(offer(&many, None, now()).len(), HOSTS_OF_A_VISIT);
}
