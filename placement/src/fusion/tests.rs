use super::*;
use proptest::prelude::*;

fn reading(source: Source, ms: u32, error_ms: u32, age_s: u32) -> Reading {
    let value = Micros::new(ms * 1000).unwrap();
    Reading {
        source,
        value,
        least: value,
        error_us: error_ms * 1000,
        age_s,
    }
}

fn used(readings: &[Reading]) -> (Source, u32) {
    let fused = fuse(readings, Trust::All).unwrap();
    (fused.note.source, fused.value.us() / 1000)
}

#[test]
fn what_was_measured_beats_an_estimate_and_that_a_prediction() {
    let king = reading(Source::King, 40, 1, 0);
    let predicted = reading(Source::Predicted, 41, 0, 0);
    let browser = reading(Source::Browser, 60, 9, 3600);
    assert_eq!(used(&[predicted, king, browser]), (Source::Browser, 60));
    assert_eq!(used(&[predicted, king]), (Source::King, 40));
    assert_eq!(used(&[predicted]), (Source::Predicted, 41));
}

#[test]
fn of_those_that_agree_the_surest_is_used() {
    let icmp = reading(Source::Icmp, 40, 1, 0);
    let browser = reading(Source::Browser, 43, 2, 0);
    assert_eq!(used(&[browser, icmp]), (Source::Icmp, 40));
    let sure = reading(Source::Browser, 41, 0, 0);
    assert_eq!(used(&[icmp, sure]), (Source::Browser, 41));
}

#[test]
fn a_contradiction_is_named_and_the_larger_is_used() {
    let icmp = reading(Source::Icmp, 40, 1, 0);
    let browser = reading(Source::Browser, 60, 2, 0);
    assert_eq!(used(&[browser, icmp]), (Source::Browser, 60));
    let names = ["mad".to_owned(), "ams".to_owned()];
    let agree = vec![icmp, reading(Source::Udp, 43, 2, 0)];
    assert_eq!(smells(&[agree.clone(), agree.clone()], &names, None), []);
    let found = smells(&[agree, vec![browser, icmp]], &names, None);
    assert_eq!(trust(&found), Trust::All, "each host's values are weighed alone");
    let said = "at ams it is 60 ms by the player’s browser but 40 ms by the hosts’ pings, 16 ms more than their errors";
    assert!(
        found.len() == 1 && found[0].to_string().starts_with(said),
        "{}",
        found[0]
    );
}

#[test]
fn an_old_reading_is_less_sure_and_then_none() {
    let old = |age_s| reading(Source::Browser, 100, 1, age_s);
    assert_eq!(old(FRESH_S).aged_error_us(), 1_000);
    assert_eq!(old(FRESH_S + 3600).aged_error_us(), 3_000);
    assert_eq!(
        used(&[old(FRESH_S + 3600), reading(Source::Icmp, 99, 2, 0)]),
        (Source::Icmp, 99)
    );
    assert!(fuse(&[old(TOO_OLD_S)], Trust::All).is_some());
    assert_eq!(fuse(&[old(TOO_OLD_S + 1)], Trust::All), None);
    assert_eq!(fuse(&[], Trust::All), None);
}

#[test]
fn of_a_player_who_smells_the_good_reading_is_not_used() {
    let icmp = reading(Source::Icmp, 40, 9, 0);
    let low = reading(Source::Browser, 35, 0, 0);
    let high = reading(Source::Browser, 80, 0, 0);
    let with = |trust, one| fuse(&[icmp, one], trust).map(|fused| fused.note.source);
    assert_eq!(with(Trust::Largest, low), Some(Source::Icmp));
    assert_eq!(with(Trust::HostsOwn, high), Some(Source::Icmp));
    let alone = fuse(&[high], Trust::HostsOwn).unwrap();
    assert_eq!(
        alone.note.source,
        Source::Browser,
        "there is nothing else, and the league is told"
    );
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let source = prop::sample::select(vec![
        Source::Given,
        Source::Icmp,
        Source::Udp,
        Source::Browser,
        Source::King,
        Source::Predicted,
    ]);
    // Few unlike values, so that ties come.
    let times = (1_u32..400, 0_u32..4);
    (
        source,
        times,
        0_u32..12,
        prop::sample::select(vec![0, 60, 5_000, 80_000, 90_000]),
    )
        .prop_map(|(source, (ms, less), error, age_s)| Reading {
            least: Micros::new((ms * 500).saturating_sub(less * 100).max(1)).unwrap(),
            value: Micros::new(ms * 500).unwrap(),
            source,
            error_us: error * 1000,
            age_s,
        })
}

fn any_trust() -> impl Strategy<Value = Trust> {
    prop::sample::select(vec![Trust::All, Trust::Largest, Trust::HostsOwn])
}

proptest! {
    #[test]
    fn the_order_does_not_matter(
        (one, other) in prop::collection::vec(any_reading(), 0..7)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        trust in any_trust(),
    ) {
        prop_assert_eq!(fuse(&one, trust), fuse(&other, trust));
    }

    /// The rules of docs/latency.md once more, as they are written there: by looking at all pairs.
    #[test]
    fn the_used_one_is_what_the_rules_say(all in prop::collection::vec(any_reading(), 0..7), trust in any_trust()) {
        let counted: Vec<Reading> = all.iter().copied().filter(|one| one.age_s <= TOO_OLD_S).collect();
        let Some(fused) = fuse(&all, trust) else {
            prop_assert!(counted.is_empty());
            return Ok(());
        };
        let is_it = |one: &Reading| {
            (one.value, one.source, one.age_s, one.aged_error_us())
                == (fused.value, fused.note.source, fused.note.age_s, fused.note.error_us)
        };
        let found = *counted.iter().find(|one| is_it(one)).expect("always a reading");
        let class = |one: &Reading| match one.source { Source::King => 1, Source::Predicted => 2, _ => 0 };
        prop_assert!(counted.iter().all(|one| class(one) >= class(&found)));
        let mut peers: Vec<Reading> = counted.into_iter().filter(|one| class(one) == class(&found)).collect();
        if !found.is_direct() {
            return Ok(());
        }
        let surest = |peers: &[Reading]| peers.iter().map(Reading::aged_error_us).min().unwrap();
        if trust == Trust::HostsOwn && peers.iter().any(|one| !one.is_own()) {
            prop_assert!(!found.is_own());
            peers.retain(|one| !one.is_own());
        }
        let most = peers.iter().map(|one| one.value).max().unwrap();
        if found.value != most {
            prop_assert!(trust != Trust::Largest);
            prop_assert_eq!(found.aged_error_us(), surest(&peers));
            prop_assert!(peers.iter().all(|one| found.excess(one) == 0));
        } else if found.aged_error_us() > surest(&peers) && trust != Trust::Largest {
            prop_assert!(peers.iter().any(|one| peers.iter().any(|other| one.excess(other) > 0)));
        }
    }
}

proptest! {
    /// What was fused and kept is as old and as sure as what is fused now.
    #[test]
    fn a_kept_note_ages_as_its_reading(us in 1_u32..400_000, error_us in 0_u32..50_000, age_s in 0_u32..40_000, more_s in 0_u32..40_000) {
        let value = Micros::new(us).unwrap();
        let at = |age_s| {
            let reading = Reading { source: Source::Browser, value, least: value, error_us, age_s };
            fuse(&[reading], Trust::All).unwrap().note
        };
        let (kept, now) = (later(value, at(age_s), more_s), at(age_s + more_s));
        prop_assert_eq!(kept, now);
    }
}
