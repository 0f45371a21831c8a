//! How many matches a clan may book, also at one moment.

use super::world::World;
use crate::{
    actions::{
        matches::{Start, book_match},
        room_tests::only_one,
    },
    domain::limits::OPEN_MATCHES_OF_A_CLAN,
    store::testing::databases,
};
use futures_util::future::join_all;

#[tokio::test]
async fn of_many_matches_booked_at_once_one_is_the_last() {
    for base in databases().await {
        let world = World::new(base, &[[50, 52, 54, 56]]).await;
        let challenge = || {
            let mut booking = world.booking(Start::Now);
            booking.rosters[1].players.clear();
            book_match(&world.app, &world.red_admin, booking)
        };
        for _ in 1..OPEN_MATCHES_OF_A_CLAN {
            challenge().await.unwrap();
        }
        let answers = join_all((0..6).map(|_| challenge())).await;
        only_one(answers, "21 open matches that a clan has booked");
    }
}
