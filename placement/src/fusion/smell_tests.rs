//! Worlds of points on a plane: the way between two is their distance, a player has a last mile too, and noise only adds.

use super::*;
use crate::shortlist::Mesh;
use proptest::prelude::*;

const ERROR_US: u32 = 4_000;

#[derive(Debug, Clone)]
struct World {
    hosts: Vec<(f64, f64)>,
    player: (f64, f64),
    last_mile: f64,
    /// Of each measurement, 0 to 1 of the error: a host's, the player's own.
    noise: Vec<(f64, f64)>,
}

fn way(a: (f64, f64), b: (f64, f64)) -> f64 {
    ((a.0 - b.0).powi(2) + (a.1 - b.1).powi(2)).sqrt()
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small and above zero"
)]
fn micros(ms: f64) -> Micros {
    Micros::new(((ms * 1000.0) as u32).max(1)).unwrap()
}

impl World {
    fn truth(&self, host: usize) -> f64 {
        way(self.hosts[host], self.player) + self.last_mile
    }

    fn reading(source: Source, ms: f64, noise: f64) -> Reading {
        let noise = noise * f64::from(ERROR_US) / 1000.0;
        Reading {
            source,
            value: micros(ms + noise),
            least: micros(ms + noise / 2.0),
            error_us: ERROR_US,
            age_s: 0,
        }
    }

    /// What the host has measured, and what the player's program says of the true time.
    fn readings(
        &self,
        icmp: impl Fn(usize) -> bool,
        own: impl Fn(usize, f64) -> Option<f64>,
    ) -> Vec<Vec<Reading>> {
        let of = |host: usize| {
            let truth = self.truth(host);
            let (one, other) = self.noise[host];
            let icmp = icmp(host).then(|| Self::reading(Source::Icmp, truth, one));
            let own = own(host, truth).map(|ms| Self::reading(Source::Browser, ms, other));
            icmp.into_iter().chain(own).collect()
        };
        (0..self.hosts.len()).map(of).collect()
    }

    /// What the player's program says of the true time, and what a name server that far from the player says, wrong by a part.
    fn with_king(
        &self,
        own: impl Fn(usize, f64) -> Option<f64>,
        aside: (f64, f64),
        wrong: f64,
    ) -> Vec<Vec<Reading>> {
        let at = (self.player.0 + aside.0, self.player.1 + aside.1);
        let mut readings = self.readings(|_| false, own);
        for (host, all) in readings.iter_mut().enumerate() {
            let value = micros((way(self.hosts[host], at) * (1.0 + wrong)).max(1.0));
            all.push(Reading {
                source: Source::King,
                value,
                least: value,
                error_us: king_error_us(value),
                age_s: 0,
            });
        }
        readings
    }

    fn mesh(&self) -> Mesh {
        let row = |a: &(f64, f64)| self.hosts.iter().map(|b| Some(micros(way(*a, *b)))).collect();
        Mesh::new(&self.hosts.iter().map(row).collect::<Vec<_>>()).unwrap()
    }

    fn smells(&self, readings: &[Vec<Reading>]) -> Vec<Smell> {
        let names: Vec<String> = (0..self.hosts.len()).map(|host| format!("h{host}")).collect();
        smells(readings, &names, Some(&self.mesh()))
    }
}

fn any_world() -> impl Strategy<Value = World> {
    let point = || (0.0..250.0_f64, 0.0..150.0_f64);
    let hosts = prop::collection::vec((point(), (0.0..1.0_f64, 0.0..1.0_f64)), 3..14);
    (hosts, point(), 0.5..30.0_f64).prop_map(|(hosts, player, last_mile)| {
        let (hosts, noise) = hosts.into_iter().unzip();
        World {
            hosts,
            player,
            last_mile,
            noise,
        }
    })
}

/// Eight hosts, the player near the first.
fn eight() -> World {
    let hosts = [
        (10, 10),
        (12, 14),
        (90, 20),
        (95, 90),
        (200, 30),
        (210, 120),
        (150, 70),
        (40, 130),
    ];
    World {
        hosts: hosts.map(|(x, y)| (f64::from(x), f64::from(y))).to_vec(),
        player: (15.0, 20.0),
        last_mile: 8.0,
        noise: vec![(0.3, 0.7); 8],
    }
}

proptest! {
    #[test]
    fn nothing_smells_where_all_is_as_it_should_be(
        world in any_world(), icmp in any::<u16>(), own in any::<u16>(), wifi in 0.0..25.0_f64,
    ) {
        let has = |bits: u16, host: usize| bits >> host & 1 == 1;
        let readings = world.readings(|host| has(icmp, host), |host, ms| has(own, host).then_some(ms + wifi));
        let found = world.smells(&readings);
        // Wi-Fi behind a router that answers pings is a difference, and who is not pinged is not checked.
        prop_assert!(found.iter().all(Smell::is_remark), "{:?}", found);
        prop_assert_eq!(trust(&found), Trust::All);
        let is_alone = readings.iter().flatten().all(Reading::is_own) && own & ((1 << world.hosts.len()) - 1) != 0;
        prop_assert_eq!(found.contains(&Smell::Unchecked), is_alone);
    }

    #[test]
    fn an_estimate_by_name_servers_that_are_near_agrees_with_the_truth(
        world in any_world(), aside in (-15.0..15.0_f64, -15.0..15.0_f64), wrong in -0.2..0.2_f64, wifi in 0.0..25.0_f64,
    ) {
        let readings = world.with_king(|_, ms| Some(ms + wifi), aside, wrong);
        prop_assert_eq!(world.smells(&readings), []);
    }

    #[test]
    fn numbers_made_up_downwards_are_seen(world in any_world(), part in 0.1..0.4_f64) {
        let readings = world.readings(|_| true, |_, ms| Some(ms * part));
        let far = |host: usize| world.truth(host) * (1.0 - part) > 30.0;
        let expected = (0..world.hosts.len()).filter(|host| far(*host)).count();
        let found = world.smells(&readings);
        if expected >= 2 {
            prop_assert!(found.iter().any(|one| matches!(one, Smell::FarBelow { .. })), "{:?}", found);
            prop_assert!(trust(&found) != Trust::All);
        }
    }

    #[test]
    fn whatever_smells_does_so_in_any_world_of_numbers(
        world in any_world(), made_up in prop::collection::vec(prop::option::of(1.0..400.0_f64), 14),
    ) {
        // Never a panic, and the sentences can be said.
        for smell in world.smells(&world.readings(|host| host % 2 == 0, |host, _| made_up[host])) {
            prop_assert!(smell.to_string().contains(" ms"));
        }
    }
}

#[test]
fn numbers_made_up_upwards_are_seen() {
    let world = eight();
    let pull = |host: usize, ms: f64| Some(if host == 5 { ms } else { ms + 80.0 });
    let found = world.smells(&world.readings(|_| true, pull));
    assert!(
        matches!(&found[..], [Smell::Uneven { other, .. }] if other == "h5"),
        "{found:?}"
    );
    assert_eq!(trust(&found), Trust::HostsOwn);
}

#[test]
fn who_is_not_pinged_and_raises_all_hosts_but_their_own_is_seen_by_king() {
    let world = eight();
    let raise = |host: usize, ms: f64| Some(if host == 0 { ms } else { ms + 200.0 });
    let found = world.smells(&world.with_king(raise, (5.0, 5.0), 0.1));
    assert!(
        matches!(&found[..], [Smell::UnlikeKing { other, .. }] if other == "h0"),
        "{found:?}"
    );
    // A slow line is as slow to all.
    assert_eq!(
        world.smells(&world.with_king(|_, ms| Some(ms + 200.0), (5.0, 5.0), 0.1)),
        []
    );
}

#[test]
fn the_same_to_everywhere_is_seen() {
    let world = eight();
    let found = world.smells(&world.readings(|_| false, |_, _| Some(140.0)));
    assert!(
        matches!(
            found[..],
            [Smell::Unchecked, Smell::SameEverywhere { hosts: 7, spread_us, .. }] if spread_us <= ERROR_US
        ),
        "{found:?}"
    );
    // A LAN: all hosts are one place, and the same to all is as it should be.
    let lan = World {
        hosts: (0..8).map(|at| (f64::from(at), 0.0)).collect(),
        ..world
    };
    assert_eq!(lan.smells(&lan.readings(|_| true, |_, _| Some(30.0))), []);
}

#[test]
fn an_address_in_two_places_is_seen_by_hosts_alone() {
    let world = eight();
    let mut readings = world.readings(|_| true, |_, _| None);
    // Near to the first two, and near to the sixth, which is 225 ms away from there.
    readings[5] = vec![World::reading(Source::Icmp, 12.0, 0.0)];
    let found = world.smells(&readings);
    assert!(
        matches!(&found[..], [Smell::TooNear { host, other, .. }] if host == "h1" && other == "h5"),
        "{found:?}"
    );
    assert_eq!(trust(&found), Trust::Largest);
}

/// A router, or a proxy of the provider, answers the pings of all hosts; the player's own program goes all the way.
#[test]
fn what_answers_for_the_player_is_not_believed_against_them() {
    let world = eight();
    let mut readings = world.readings(|_| true, |_, ms| Some(ms));
    for of_host in &mut readings {
        of_host[0] = World::reading(Source::Icmp, 0.1, 0.0);
    }
    let found = world.smells(&readings);
    assert!(
        found.iter().any(|one| matches!(one, Smell::Uneven { .. })),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|one| matches!(one, Smell::SameEverywhere { by_hosts: true, .. })),
        "{found:?}"
    );
    assert_eq!(trust(&found), Trust::Largest);
}

#[test]
fn who_says_the_same_everywhere_is_not_believed_against_the_hosts() {
    let world = eight();
    let found = world.smells(&world.readings(|_| true, |_, _| Some(400.0)));
    assert!(
        found
            .iter()
            .any(|one| matches!(one, Smell::SameEverywhere { by_hosts: false, .. })),
        "{found:?}"
    );
    assert_eq!(trust(&found), Trust::HostsOwn);
}

#[test]
fn nearer_than_a_host_beside_it_permits_is_seen() {
    let world = eight();
    // The fifth host has not measured; the seventh, 64 ms from there, has: 158 ms.
    let readings = world.readings(|host| host != 4, |host, _| (host == 4).then_some(50.0));
    let found = world.smells(&readings);
    assert!(
        found.iter().any(
            |one| matches!(one, Smell::BelowPossible { host, own_us, .. } if host == "h4" && *own_us < 55_000)
        ),
        "{found:?}"
    );
}

#[test]
fn without_a_mesh_only_what_needs_none_is_looked_at() {
    let world = eight();
    let readings = world.readings(|_| true, |_, _| Some(1.0));
    let names: Vec<String> = (0..8).map(|host| format!("h{host}")).collect();
    let found = smells(&readings, &names, None);
    assert!(matches!(found[..], [Smell::FarBelow { .. }]), "{found:?}");
}
