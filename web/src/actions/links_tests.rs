//! Links to a clan that several people hold, on both databases.

use super::*;
use crate::{
    actions::users::add_user,
    app::Settings,
    domain::{Player, PlayerId},
    resolve::Resolver,
    store::{Db, testing::databases},
};
use std::time::Duration;

/// A server with two clans that have an admin each, and one clan that the first of them has just made.
struct World {
    app: App,
    red: User,
    staff: User,
    greens: Clan,
}

async fn world(db: Db) -> World {
    let app = App::new(db, Settings::default(), Resolver::system(true));
    let reds = Clan {
        id: ClanId(app.new_id()),
        name: "Reds".parse().unwrap(),
    };
    let mut tx = app.db.begin().await.unwrap();
    clans::insert(&mut tx, &reds, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    let user = async |name: &str, role| add_user(&app, name.parse().unwrap(), role).await.unwrap().0;
    let red = user("rita", Role::ClanAdmin(reds.id)).await;
    let staff = user("olga", Role::Organiser).await;
    let (greens, _) = invite(&app, &red).await;
    World {
        app,
        red,
        staff,
        greens,
    }
}

async fn invite(app: &App, by: &User) -> (Clan, Secret) {
    invite_clan(app, by, "Greens".parse().unwrap(), None)
        .await
        .unwrap()
}

async fn follow(app: &App, token: &Secret, name: &str) -> Result<User, ActionError> {
    let password = Secret::new("a good long password");
    let taken = accept(app, token.reveal(), name.parse().unwrap(), &password).await;
    taken.map(|(user, _)| user)
}

fn is_unknown(result: &Result<User, ActionError>) -> bool {
    matches!(result, Err(ActionError::NotFound { what: "link", .. }))
}

async fn unused(world: &World) -> usize {
    let mut tx = world.app.db.read().await.unwrap();
    links::unused_of(&mut tx, world.greens.id).await.unwrap().len()
}

#[tokio::test]
async fn the_first_captain_spoils_what_rivals_have_handed_out_and_nothing_else() {
    for base in databases().await {
        let world = world(base.db.clone()).await;
        let app = &world.app;
        let (_, given) = invite(app, &world.red).await;
        let (_, kept) = invite(app, &world.red).await;
        let (_, by_staff) = invite(app, &world.staff).await;
        assert_eq!(unused(&world).await, 4);
        follow(app, &given, "captain").await.unwrap();
        assert_eq!(unused(&world).await, 1, "only the organiser's is left");
        assert!(is_unknown(&follow(app, &kept, "rival").await));
        follow(app, &by_staff, "second").await.unwrap();
    }
}

#[tokio::test]
async fn of_two_links_used_at_one_moment_one_gets_the_clan() {
    for base in databases().await {
        let world = world(base.db.clone()).await;
        let app = &world.app;
        let (_, one) = invite(app, &world.red).await;
        let (_, two) = invite(app, &world.red).await;
        let (one, two) = tokio::join!(follow(app, &one, "captain"), follow(app, &two, "rival"));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        assert!(is_unknown(&one) || is_unknown(&two), "{one:?} {two:?}");
        assert_eq!(unused(&world).await, 0);
    }
}

/// Gives a clan what only its own people may see, in a transaction that is not over.
async fn first(world: &World, tx: &mut Tx, is_admin: bool) {
    let (clan, now) = (world.greens.id, world.app.now());
    assert!(clans::lock(tx, clan).await.unwrap());
    if is_admin {
        let captain = User {
            id: UserId(world.app.new_id()),
            name: "captain".parse().unwrap(),
            role: Role::ClanAdmin(clan),
            created_at: now,
        };
        users::insert(tx, &captain, "hash").await.unwrap();
    } else {
        let ann = Player {
            id: PlayerId(world.app.new_id()),
            clan,
            name: "Ann".parse().unwrap(),
            address: "10.9.0.1".parse().unwrap(),
            consent: crate::domain::Consent::Typed,
            ipv6: None,
        };
        players::insert(tx, &ann, now).await.unwrap();
    }
}

#[tokio::test]
async fn a_link_that_is_used_while_the_clan_gets_its_first_admin_or_player_waits_and_is_refused() {
    for is_admin in [true, false] {
        for base in databases().await {
            let world = world(base.db.clone()).await;
            let (_, kept) = invite(&world.app, &world.red).await;
            let mut tx = world.app.db.begin().await.unwrap();
            first(&world, &mut tx, is_admin).await;
            let rival = follow(&world.app, &kept, "rival");
            tokio::pin!(rival);
            // Long enough for one that does not wait to get through; one that does is never too slow.
            let early = tokio::time::timeout(Duration::from_millis(700), &mut rival).await;
            assert!(early.is_err(), "{early:?}");
            tx.commit().await.unwrap();
            let refused = rival.await;
            assert!(is_unknown(&refused), "{refused:?}");
        }
    }
}
