use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Hosts at sites; all joined long ago, one after the other.
fn fleet(sites: &[u128]) -> Vec<MeshHost> {
    let host = |(number, site): (u128, &u128)| MeshHost {
        id: HostId(Uuid::from_u128(1 + (number * 7919) % 100_003)),
        site: SiteId(Uuid::from_u128(*site)),
        address: [10, 0, 0, 1].into(),
        joined_at: Time::from_millis(i64::try_from(number).unwrap()),
    };
    (0..).zip(sites).map(host).collect()
}

fn targets(of: HostId, all: &[MeshHost], slot: i64) -> Vec<HostId> {
    let order = MeshPlan::of(all, slot).order(of);
    let targets = order.into_iter().flat_map(|order| order.targets);
    targets.map(|target| HostId(target.target.0)).collect()
}

/// Whom a host measures in an hour.
fn in_hour(of: HostId, all: &[MeshHost], hour: i64) -> Vec<HostId> {
    (hour * SLOTS..(hour + 1) * SLOTS)
        .flat_map(|slot| targets(of, all, slot))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Not m² but 24 m: nobody measures more than that in an hour, nobody itself, nobody twice.
    #[test]
    fn an_hour_costs_each_host_a_fixed_number_of_ways(
        sites in prop::collection::vec(0_u128..60, 1..150), hour in 1_000_i64..1_000_000, pick in any::<prop::sample::Index>(),
    ) {
        let all = fleet(&sites);
        let of = all[pick.index(all.len())].id;
        let peers = in_hour(of, &all, hour);
        prop_assert!(peers.len() <= LANDMARKS + ROUND_ROBIN, "{}", peers.len());
        prop_assert!(!peers.contains(&of));
        prop_assert_eq!(peers.iter().collect::<BTreeSet<_>>().len(), peers.len());
        // In whatever order the hosts come.
        let mut turned = all.clone();
        turned.reverse();
        prop_assert_eq!(in_hour(of, &turned, hour), peers);
    }

    /// Every site knows its way to every landmark each hour, and every host to its site.
    #[test]
    fn every_site_is_known_from_every_landmark(sites in prop::collection::vec(0_u128..40, 2..60), hour in 1_000_i64..1_000_000) {
        let all = fleet(&sites);
        let mut speakers: Vec<&MeshHost> = Vec::new();
        for one in &all {
            if speakers.iter().all(|other| other.site != one.site) {
                speakers.push(one);
            }
        }
        for one in &all {
            let peers = in_hour(one.id, &all, hour);
            let speaker = speakers.iter().find(|other| other.site == one.site).unwrap();
            if speaker.id == one.id {
                let missing = speakers.iter().take(LANDMARKS).find(|other| other.id != one.id && !peers.contains(&other.id));
                prop_assert_eq!(missing, None);
            } else {
                prop_assert!(peers.contains(&speaker.id));
            }
        }
    }

    /// All pairs of sites have their turn, in the hours that it takes.
    #[test]
    fn every_pair_of_sites_has_its_turn(count in 2_u128..70, first in 1_000_i64..1_000_000) {
        let all = fleet(&(0..count).collect::<Vec<_>>());
        let hours = i64::try_from(count).unwrap() / 16 + 1;
        let of = all[usize::try_from(count).unwrap() / 2].id;
        let met: BTreeSet<HostId> = (first..first + hours).flat_map(|hour| in_hour(of, &all, hour)).collect();
        prop_assert_eq!(met.len(), all.len() - 1);
    }
}

#[test]
fn who_has_just_joined_measures_the_landmarks_at_once_and_only_then() {
    let mut all = fleet(&(0..30).collect::<Vec<_>>());
    let joined_at = Time::from_millis(1_000 * MESH_SLOT_MS + 5);
    all[29].joined_at = joined_at;
    let of = all[29].id;
    assert_eq!(targets(of, &all, 1_000), [], "its slot has begun without it");
    let landmarks: Vec<HostId> = all.iter().take(LANDMARKS).map(|one| one.id).collect();
    assert_eq!(targets(of, &all, 1_001), landmarks);
    assert!(targets(of, &all, 1_002).len() <= 1);
    // Nobody is told to measure whom it may have heard of in the middle of a slot.
    assert!(all.iter().all(|one| !targets(one.id, &all, 1_000).contains(&of)));
}

#[test]
fn a_probe_of_the_mesh_is_no_probe_of_a_match() {
    assert!(is_mesh(mesh_probe(0)) && is_mesh(mesh_probe(i64::MAX)));
    assert_ne!(mesh_probe(1), mesh_probe(2));
    assert!(!is_mesh(ProbeId(Uuid::now_v7())));
}

#[test]
fn what_is_old_or_of_others_is_not_in_the_mesh() {
    let id = |number| HostId(Uuid::from_u128(number));
    let sample = |to: u128, us: &[u32]| RttSample::of(TargetId(Uuid::from_u128(to)), 9, us);
    let way = |from, to, slot, us: &[u32]| mesh_way(id(from), slot, &sample(to, us));
    assert_eq!(way(1, 2, 10, &[]), None, "it did not answer");
    assert_eq!(way(1, 1, 10, &[5]), None, "itself");
    let ways = [
        way(1, 2, 10_000, &[40, 50, 60]).unwrap(),
        way(1, 9, 10_000, &[7]).unwrap(),
    ];
    let now = Time::from_millis(10_000 * MESH_SLOT_MS + 9);
    let mesh = mesh_of(&[id(2), id(1)], &ways, now).unwrap();
    assert_eq!(mesh.between(0, 1).map(Micros::us), Some(50));
    let (way, note) = mesh_between(&ways, id(2), id(1), now).unwrap();
    assert_eq!((way.us(), note.source, note.age_s), (50, Source::Icmp, 0));
    assert_eq!(mesh_between(&ways, id(2), id(9), now), None);
    assert_eq!(mesh_of(&[id(2), id(1)], &ways, now.plus(MESH_TOO_OLD_MS)), None);
    assert_eq!(mesh_of(&[id(2), id(3)], &ways, now), None);
}
