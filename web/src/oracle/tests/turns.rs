//! Many matches that are to be measured, and limits on what is sent to anybody.

use super::world::{MINUTE, World, address};
use crate::{
    actions::{
        accounting::who_is_probed,
        forget,
        matches::{Start, set_roster},
    },
    domain::{
        MatchId, PlayerAddress, Role, Seat, Time, User,
        limits::{ADDRESS_DAYS, PACKETS_TO_AN_ADDRESS, ROUNDS_AT_ONCE},
    },
    store::{
        players,
        probes_sent::{self, ProbesSent},
        rounds,
        testing::sqlite,
    },
};

const TWO: [[u32; 4]; 2] = [[10, 20, 30, 40], [50, 52, 54, 56]];

async fn open_rounds(world: &World) -> usize {
    let mut tx = world.app.db.read().await.unwrap();
    rounds::open(&mut tx).await.unwrap().len()
}

async fn in_an_hour(world: &World) -> MatchId {
    let start = Time::from_millis(world.now() + 60 * MINUTE);
    world.book(Start::At(start)).await.unwrap()
}

#[tokio::test]
async fn who_comes_too_late_to_be_measured_at_once_waits_for_their_turn_and_is_told_so() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let mut all = Vec::new();
    for _ in 0..ROUNDS_AT_ONCE + 5 {
        all.push(in_an_hour(&world).await);
    }
    assert_eq!(open_rounds(&world).await, ROUNDS_AT_ONCE);
    let last = world.view(all[ROUNDS_AT_ONCE + 4]).await;
    assert_eq!(
        last.booked.explanation,
        "Waits for its turn to be measured: 4 before it."
    );
    assert_eq!(last.booked.progress, None);
    for _ in 0..20 {
        world.tick().await;
        assert!(open_rounds(&world).await <= ROUNDS_AT_ONCE);
    }
    // Each was measured, once, and those who came first before the others.
    let mut begun = Vec::new();
    for id in all {
        let mut tx = world.app.db.read().await.unwrap();
        let mut of = rounds::of_match(&mut tx, id).await.unwrap();
        assert_eq!(of.len(), 1);
        begun.push(of.remove(0).started_at);
        assert_ne!(world.view(id).await.booked.state, "probing");
    }
    assert!(begun.is_sorted());
    assert!(begun.first() < begun.last());
}

#[tokio::test]
async fn whose_roster_changes_while_they_wait_keep_their_place() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let mut all = Vec::new();
    for _ in 0..ROUNDS_AT_ONCE + 3 {
        all.push(in_an_hour(&world).await);
    }
    let first = all[ROUNDS_AT_ONCE];
    let seats = [(world.players[0].id, Seat::default())];
    let (clan, by) = (world.reds.id, world.red_admin.clone());
    set_roster(&world.app, &by, first, clan, &seats).await.unwrap();
    let waits = world.view(first).await.booked.explanation;
    assert_eq!(waits, "Waits for its turn to be measured: it is next.");
    world.ticks(20).await;
    let begun = async |id| {
        let mut tx = world.app.db.read().await.unwrap();
        rounds::of_match(&mut tx, id).await.unwrap()[0].started_at
    };
    assert!(begun(first).await <= begun(all[ROUNDS_AT_ONCE + 2]).await);
}

#[tokio::test]
async fn a_match_that_is_cancelled_while_it_waits_is_not_measured() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let mut all = Vec::new();
    for _ in 0..=ROUNDS_AT_ONCE {
        all.push(in_an_hour(&world).await);
    }
    let last = all[ROUNDS_AT_ONCE];
    crate::actions::matches::end_match(&world.app, &world.staff, last)
        .await
        .unwrap();
    world.ticks(20).await;
    let mut tx = world.app.db.read().await.unwrap();
    assert!(rounds::of_match(&mut tx, last).await.unwrap().is_empty());
    assert!(crate::store::turns::list(&mut tx).await.unwrap().is_empty());
}

#[tokio::test]
async fn who_has_had_enough_is_left_out_and_the_match_says_so() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let first = in_an_hour(&world).await;
    world.until(first, "reserved").await;
    let operator = User {
        role: Role::Operator,
        ..world.staff.clone()
    };
    let top = who_is_probed(&world.app, &operator).await.unwrap();
    assert_eq!(top.len(), 4);
    assert_eq!((top[0].prefix.as_str(), top[0].hour), ("10.9.0.0/24", 2 * 9));
    assert_eq!(
        (top[0].caused_by.as_str(), top[0].match_id),
        ("olga", Some(first))
    );
    for other in [&world.staff, &world.red_admin] {
        assert!(who_is_probed(&world.app, other).await.is_err());
    }

    let mut tx = world.app.db.begin().await.unwrap();
    let round = rounds::of_match(&mut tx, first).await.unwrap().remove(0);
    let much = ProbesSent {
        // Another's row, as one has one of each round.
        of: Some((round.id, world.players[0].id)),
        caused_by: world.staff.id,
        address: address(0),
        by: vmatrix_wire::Way::Icmp,
        packets: PACKETS_TO_AN_ADDRESS.ten_minutes,
        at: world.app.now(),
    };
    probes_sent::delete(&mut tx, world.app.now()).await.unwrap();
    probes_sent::insert(&mut tx, &much).await.unwrap();
    tx.commit().await.unwrap();
    let second = in_an_hour(&world).await;
    world.ticks(1).await;
    let mut tx = world.app.db.read().await.unwrap();
    let round = rounds::of_match(&mut tx, second).await.unwrap().remove(0);
    let targets = rounds::targets(&mut tx, round.id).await.unwrap();
    let left_out: Vec<_> = targets.iter().filter(|target| target.address.is_none()).collect();
    assert_eq!(left_out.len(), 1);
    assert_eq!(left_out[0].player, world.players[0].id);
    drop(tx);
    let told = world.view(second).await.story;
    let said = "One player is not pinged in this round: an address is pinged only so much in ten minutes.";
    assert!(told.iter().any(|story| story.text == said), "{told:#?}");
}

#[tokio::test]
async fn addresses_are_forgotten_when_they_were_not_used_for_long() {
    let world = World::new(sqlite().await, &TWO).await;
    in_an_hour(&world).await;
    let day = 24 * 60 * MINUTE;
    let known = async || {
        let mut tx = world.app.db.read().await.unwrap();
        let all = players::list(&mut tx, world.reds.id).await.unwrap();
        all.iter()
            .filter(|player| player.address != PlayerAddress::Nothing)
            .count()
    };
    world.pass(ADDRESS_DAYS * day);
    forget::sweep(&world.app, world.app.now()).await.unwrap();
    assert_eq!(known().await, 2, "they had a match since");
    world.pass(day);
    forget::sweep(&world.app, world.app.now()).await.unwrap();
    assert_eq!(known().await, 0);
    let mut tx = world.app.db.read().await.unwrap();
    assert!(
        probes_sent::top(&mut tx, Time::from_millis(world.now() - ADDRESS_DAYS * day))
            .await
            .unwrap()
            .is_empty()
    );
    drop(tx);
    // Nobody can book them without an address; it can be entered again.
    let again = world.book(Start::Now).await;
    assert!(again.is_ok(), "they may come by the link: {again:?}");
}
