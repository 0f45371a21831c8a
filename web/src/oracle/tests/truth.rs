//! What a game says of its players against what they were promised.

use super::world::World;
use crate::{
    actions::matches::end_match,
    store::{testing::databases, truth},
};
use vmatrix_placement::Source;

#[tokio::test]
async fn promises_are_set_against_what_the_game_says_and_learned_from_once() {
    for base in databases().await {
        let mut world = World::new(base, &[[40, 52, 61, 75], [10, 60, 120, 170]]).await;
        // 25 ms more for everybody; and one of them has a worse line than was measured.
        let pings = [
            ("ruby", 65),
            ("Rowan", 77),
            ("Basil", 86),
            ("Bruno", 120),
            ("stranger", 7),
        ];
        world.host("host-1").pings = pings.map(|(name, ms)| (name.to_owned(), ms)).to_vec();
        let id = world.book_now().await;
        world.until(id, "ready").await;
        world.ticks(5).await;

        let view = world.view(id).await;
        let seen: Vec<_> = view
            .players
            .iter()
            .map(|player| {
                (
                    player.measured_ms,
                    player.samples.is_some_and(|samples| samples > 1),
                )
            })
            .collect();
        // By name within each clan.
        let expected = [77.0, 65.0, 86.0, 120.0].map(|ms| (Some(ms), true));
        assert_eq!(seen, expected);
        let fairness = view.fairness.unwrap();
        assert_eq!(fairness.players, 4);
        assert!(fairness.observed_ms > fairness.promised_ms, "{fairness:?}");

        end_match(&world.app, &world.staff, id).await.unwrap();
        world.until(id, "over").await;
        world.ticks(3).await;
        let mut tx = world.app.db.read().await.unwrap();
        let learned = truth::learned(&mut tx).await.unwrap();
        let at_host: Vec<_> = learned.values().collect();
        assert_eq!(
            learned.keys().map(|(_, source)| *source).collect::<Vec<_>>(),
            [Source::Icmp]
        );
        assert_eq!(at_host[0].promises, 4, "each player of one match, once");
        assert!(at_host[0].error_us > 0);
    }
}
