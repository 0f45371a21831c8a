//! What is asked of who comes by a link, and what the story tells of them.

use super::{
    visits::{booked, brought, come, ip, link, names, world},
    world::MINUTE,
};
use crate::{
    actions::{
        ActionError,
        matches::view_match,
        visits::{Visitor, begin_visit, end_visit},
    },
    domain::{Brought, OfPings},
    store::testing::{databases, sqlite},
};

#[tokio::test]
async fn a_name_that_nobody_expects_is_asked_about_and_the_own_clan_reads_who_came() {
    for base in databases().await {
        let mut world = world(base, false).await;
        let id = booked(&mut world).await;
        let token = link(&world, &world.red_admin, id).await;
        let from = ip("10.9.0.77");
        let visitor = |name: &str, new| Visitor {
            name: name.parse().unwrap(),
            new,
        };
        let begin = async |who: Visitor| begin_visit(&world.app, token.reveal(), from, Some(&who)).await;
        let bring = async |name: &str, new| {
            let begun = begin_visit(&world.app, token.reveal(), from, None).await?;
            let all = Brought {
                new,
                ..brought(name, &begun)
            };
            let nonce = &begun.visit.nonce;
            end_visit(&world.app, token.reveal(), from, nonce, OfPings::Unsaid, &all).await
        };
        for asked in [
            begin(visitor("Rubi", false)).await.map(|_| ()),
            bring("Rubi", false).await.map(|_| ()),
        ] {
            let asked = asked.unwrap_err();
            assert!(
                matches!(asked, ActionError::Unsure { field: "new", .. }),
                "{asked}"
            );
            assert!(
                asked.to_string().contains("(Ruby, Rowan): join as a new player?"),
                "{asked}"
            );
        }
        assert_eq!(names(&world, id).await, ["Rowan", "Ruby"]);
        begin(visitor("RUBY", false)).await.unwrap();
        begin(visitor("Rubi", true)).await.unwrap();
        bring("Rubi", true).await.unwrap();
        bring("Ruby", false).await.unwrap();
        // They are known by now.
        bring("Rubi", false).await.unwrap();
        bring("Rowan", false).await.unwrap();
        // Everybody who was expected has come.
        bring("Rex", false).await.unwrap();
        let told = async |user| {
            let view = view_match(&world.app, user, id).await.unwrap();
            view.story.into_iter().map(|told| told.text).collect::<Vec<_>>()
        };
        for user in [&world.red_admin, &world.staff] {
            let story = told(user).await;
            for name in ["Rubi", "Rex"] {
                let text = format!("{name} of Reds came by the players’ link.");
                assert!(story.contains(&text), "{story:?}");
            }
        }
        let story = told(&world.blue_admin).await;
        let unnamed = "A player of Reds came by the players’ link.".to_owned();
        assert!(
            story.contains(&unnamed) && !story.concat().contains("Rubi"),
            "{story:?}"
        );
    }
}

#[tokio::test]
async fn where_nobody_is_pinged_the_story_does_not_say_that_hosts_measure_them() {
    let mut world = world(sqlite().await, false).await;
    let id = booked(&mut world).await;
    let first = view_match(&world.app, &world.staff, id).await.unwrap();
    let told =
        |view: &crate::domain::view::MatchView, text: &str| view.story.iter().any(|told| told.text == text);
    let none = "Hosts ping none of the 4 players; nothing is known of the other 4 by their own programs.";
    assert!(told(&first, none), "{:?}", first.story);
    let token = link(&world, &world.red_admin, id).await;
    come(&world, &token, "Ruby", "10.9.0.71", false).await.unwrap();
    world.pass(20 * MINUTE);
    world.ticks(3).await;
    let second = booked(&mut world).await;
    let view = view_match(&world.app, &world.staff, second).await.unwrap();
    let one = "Hosts ping none of the 4 players; for 1 of the other 4 their own programs’ measurements count, up to 20 minutes old.";
    assert!(told(&view, one), "{:?}", view.story);
}
