//! Not all people of a match count alike.

use super::world::World;
use crate::{
    actions::matches::{Booking, Start, book_match, set_roster},
    domain::{MatchId, Seat},
    store::{choices, matches, rounds, testing::sqlite},
};
use vmatrix_placement::{Micros, Role};

/// host-1 is the fairest for all but Rowan, who is near host-2.
const TWO: [[u32; 4]; 2] = [[20, 90, 20, 20], [30, 30, 32, 34]];

fn seat(role: Role, cap_ms: u32) -> Seat {
    Seat {
        role,
        cap: Micros::new(cap_ms * 1000).ok(),
    }
}

fn with_rowan(world: &World, seat: Seat) -> Booking {
    let mut booking = world.booking(Start::Now);
    booking.rosters[0].players[1].1 = seat;
    booking
}

async fn chosen(world: &mut World, booking: Booking) -> (MatchId, String) {
    let id = book_match(&world.app, &world.staff, booking).await.unwrap();
    let view = world.until(id, "ready").await;
    (id, view.chosen.unwrap().host)
}

#[tokio::test]
async fn a_coach_is_measured_and_does_not_move_the_match() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let booking = with_rowan(&world, seat(Role::Coach, 0));
    let (id, host) = chosen(&mut world, booking).await;
    assert_eq!(host, "host-1");

    let mut tx = world.app.db.read().await.unwrap();
    let of = matches::get(&mut tx, id).await.unwrap().unwrap();
    let record = choices::get(&mut tx, of.state.choice().unwrap())
        .await
        .unwrap()
        .unwrap();
    let rowan = &record.body.matrix.players()[1];
    assert_eq!((rowan.role, rowan.cap), (Role::Coach, None));
    assert_eq!(rounds::targets(&mut tx, record.round_id).await.unwrap().len(), 4);
    let measured = rounds::measurements(&mut tx, record.round_id).await.unwrap();
    assert_eq!(measured.len(), 8);
}

#[tokio::test]
async fn somebody_who_plays_does() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let booking = with_rowan(&world, Seat::default());
    assert_eq!(chosen(&mut world, booking).await.1, "host-2");
}

#[tokio::test]
async fn a_cap_of_ones_own_holds_for_a_coach_too() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let booking = with_rowan(&world, seat(Role::Coach, 80));
    assert_eq!(chosen(&mut world, booking).await.1, "host-2");
}

#[tokio::test]
async fn a_roster_given_anew_gives_its_seats_anew() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let mut booking = with_rowan(&world, Seat::default());
    let later = crate::domain::Time::from_millis(world.now() + 3_600_000);
    booking.start = Start::At(later);
    let id = book_match(&world.app, &world.staff, booking).await.unwrap();
    assert_eq!(world.until(id, "reserved").await.chosen.unwrap().host, "host-2");
    let [ruby, rowan] = [world.players[0].id, world.players[1].id];
    let reds = [(ruby, Seat::default()), (rowan, seat(Role::Coach, 0))];
    set_roster(&world.app, &world.staff, id, world.reds.id, &reds)
        .await
        .unwrap();
    world.ticks(5).await;
    assert_eq!(world.view(id).await.chosen.unwrap().host, "host-1");

    // A bench alone cannot play.
    let bench = [(ruby, seat(Role::Substitute, 0))];
    let refused = set_roster(&world.app, &world.staff, id, world.reds.id, &bench).await;
    let refusals = refused.unwrap_err().refusals();
    assert_eq!((refusals.len(), refusals[0].field.as_str()), (1, "players"));
}
