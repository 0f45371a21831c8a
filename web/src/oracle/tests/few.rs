//! Many hosts: few of them are probed.

use super::world::{MINUTE, World, address};
use crate::{
    actions::{
        matches::Start,
        player_links::make_player_link,
        visits::{begin_visit, end_visit},
    },
    domain::{Brought, BroughtHost, Host, HostId, Time, view::MatchView},
    store::{mesh, testing::sqlite},
};
use vmatrix_placement::{Source, closeness_by_definition};

/// Hosts strewn over a plane of 160 by 100 ms, by the golden angle: always the same.
fn place(number: usize) -> (f64, f64) {
    let part = |step: f64| (f64::from(u16::try_from(number).unwrap()) * step).fract();
    (160.0 * part(0.618_034), 100.0 * part(0.754_878))
}

/// Both clans' players, and how long their last miles are.
const PLAYERS: [((f64, f64), f64); 4] = [
    ((20.0, 30.0), 9.0),
    ((30.0, 45.0), 14.0),
    ((120.0, 60.0), 6.0),
    ((128.0, 80.0), 11.0),
];

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small and above zero"
)]
fn ms(a: (f64, f64), b: (f64, f64)) -> u32 {
    ((a.0 - b.0).powi(2) + (a.1 - b.1).powi(2)).sqrt().round() as u32 + 1
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small and above zero"
)]
fn rtts(host: usize) -> [u32; 4] {
    PLAYERS.map(|(at, last_mile)| ms(place(host), at) + last_mile as u32)
}

/// A world in which all hosts have measured the landmarks.
async fn world(hosts: u8) -> World {
    let mut world = World::new(sqlite().await, &[]).await;
    for number in 1..=hosts {
        let with_door = |host: &mut Host| host.facts.doors.echo = Some(27_900);
        world.join_with(number, &rtts(number.into()), with_door).await;
    }
    for number in 1..=hosts {
        let host = &mut world.hosts[usize::from(number) - 1];
        let to = |other: u8| {
            let us = ms(place(number.into()), place(other.into())) * 1000;
            ([10, 77, 0, other].into(), us)
        };
        host.rtts
            .extend((1..=hosts).filter(|other| *other != number).map(to));
    }
    world.ticks(1).await;
    // The next slot, in which who has just joined measures the landmarks.
    world.pass(2 * MINUTE);
    world.ticks(5).await;
    world
}

fn truth(hosts: u8) -> Vec<f64> {
    let of = |number: u8| {
        let rtts = rtts(number.into()).map(|ms| vmatrix_placement::Micros::new(ms * 1000).unwrap());
        closeness_by_definition(&rtts).unwrap().ms()
    };
    (1..=hosts).map(of).collect()
}

/// How many of the hosts have measured for matches.
fn probed(world: &World) -> usize {
    world.hosts.iter().filter(|host| host.probed() > 0).count()
}

fn assert_good(world: &World, view: &MatchView, hosts: u8) {
    let probed = probed(world);
    assert!((8..=24).contains(&probed), "{probed}");
    let said = view.probed.unwrap();
    assert_eq!((said.hosts, said.of), (probed, usize::from(hosts)));
    let not_probed = view.hosts.iter().filter(|host| host.verdict == "not_probed");
    assert_eq!(not_probed.count(), usize::from(hosts) - probed);
    let best = truth(hosts).into_iter().fold(f64::MAX, f64::min);
    let chosen = view.chosen.as_ref().unwrap().closeness_ms.unwrap();
    assert!(
        chosen <= best * 1.3 + 1.0,
        "{chosen} ms where {best} ms can be had"
    );
}

#[tokio::test]
async fn few_of_many_hosts_are_probed_and_a_good_one_is_chosen() {
    let mut world = world(48).await;
    let id = world.book_now().await;
    let view = world.until(id, "ready").await;
    assert_good(&world, &view, 48);
}

#[tokio::test]
async fn who_is_known_by_their_browser_alone_has_measured_where_the_others_are_measured() {
    let mut world = world(48).await;
    let start = Time::from_millis(world.now() + 60 * MINUTE);
    let id = world.book(Start::At(start)).await.unwrap();
    // Bruno's router answers nothing, and he does not let hosts ping him.
    for host in &mut world.hosts {
        host.rtts.remove(&address(3));
    }
    let link = make_player_link(&world.app, &world.blue_admin, id, world.blues.id)
        .await
        .unwrap();
    let begun = begin_visit(&world.app, link.reveal(), address(3), None)
        .await
        .unwrap();
    assert_eq!(begun.hosts.len(), 24);
    let host = |id: &HostId| BroughtHost {
        id: *id,
        sent: 15,
        rtts_us: vec![u64::from(rtts(usize::try_from(id.0.as_u128()).unwrap())[3]) * 1000; 15],
    };
    let brought = Brought {
        name: "Bruno".into(),
        new: true,
        via: Source::Browser,
        hosts: begun.visit.offered.iter().map(host).collect(),
    };
    let nonce = &begun.visit.nonce;
    end_visit(
        &world.app,
        link.reveal(),
        address(3),
        nonce,
        crate::domain::OfPings::No,
        &brought,
    )
    .await
    .unwrap();
    let view = world.until(id, "reserved").await;
    let best = truth(48).into_iter().fold(f64::MAX, f64::min);
    let chosen = view.chosen.as_ref().unwrap().closeness_ms.unwrap();
    assert!(chosen <= best * 1.3, "{chosen} ms where {best} ms can be had");
}

#[tokio::test]
async fn a_server_that_is_killed_between_all_steps_ends_the_same() {
    let mut steady = world(24).await;
    let id = steady.book_now().await;
    let expected = steady.until(id, "ready").await;
    let mut killed = world(24).await;
    killed.restarts = true;
    let id = killed.book_now().await;
    let view = killed.until(id, "ready").await;
    assert_good(&killed, &view, 24);
    assert_eq!(view.matrix_ms, expected.matrix_ms);
    assert_eq!(
        view.chosen.map(|chosen| chosen.host),
        expected.chosen.map(|chosen| chosen.host)
    );
}

#[tokio::test]
async fn up_to_sixteen_hosts_are_probed_all_at_once() {
    let mut world = world(16).await;
    let id = world.book_now().await;
    let view = world.until(id, "ready").await;
    assert_eq!((probed(&world), view.probed), (16, None));
}

#[tokio::test]
async fn hosts_measure_each_other_and_each_way_is_taken_once() {
    let mut world = world(5).await;
    let list = async |world: &World| {
        let mut tx = world.app.db.read().await.unwrap();
        let all = mesh::list(&mut tx, Time::from_millis(0)).await;
        all.unwrap()
    };
    let ways = list(&world).await;
    assert_eq!(ways.len(), 20, "five hosts, each with all others: {ways:?}");
    for way in &ways {
        let number = |id: vmatrix_wire::HostId| usize::try_from(id.0.as_u128()).unwrap();
        let expected = ms(place(number(way.from)), place(number(way.to))) * 1000;
        assert_eq!(way.median.us(), expected);
    }
    // Nothing of the mesh is in a round, and players are not in the mesh.
    assert!(ways.iter().all(|way| way.to.0 != world.players[0].id.0));
    world.ticks(1).await;
    assert_eq!(list(&world).await, ways, "taken once");
}
