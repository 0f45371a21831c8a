//! Limits hold also for those who ask at the same moment, on both databases.

use super::{
    ActionError,
    links::{create_join_token, invite_clan},
    players::{NewPlayer, add_player},
    tokens::create_token,
};
use crate::{
    app::{App, Settings},
    domain::{
        Clan, ClanId, Link, LinkKind, Player, PlayerId, Role, Time, User, UserId,
        limits::{LIVE_LINKS_OF_A_CAPTAIN, LIVE_LINKS_OF_STAFF, PLAYERS_OF_A_CLAN, TOKENS_OF_A_USER},
    },
    resolve::Resolver,
    store::{clans, links, players, testing::databases, tokens, users},
};
use futures_util::future::join_all;

/// More than there is room for, at once.
const MANY: usize = 6;

/// A server on each database, with a clan, its captain and an operator.
async fn worlds() -> Vec<(crate::store::testing::Base, App, User, User)> {
    let mut all = Vec::new();
    for base in databases().await {
        let app = App::new(base.db.clone(), Settings::default(), Resolver::system(true));
        let clan = Clan {
            id: ClanId(app.new_id()),
            name: "Reds".parse().unwrap(),
        };
        let user = |name: &str, role| User {
            id: UserId(app.new_id()),
            name: name.parse().unwrap(),
            role,
            created_at: app.now(),
        };
        let captain = user("rita", Role::ClanAdmin(clan.id));
        let operator = user("olga", Role::Operator);
        let mut tx = app.db.begin().await.unwrap();
        clans::insert(&mut tx, &clan, app.now()).await.unwrap();
        for user in [&captain, &operator] {
            users::insert(&mut tx, user, "hash").await.unwrap();
        }
        tx.commit().await.unwrap();
        all.push((base, app, captain, operator));
    }
    all
}

/// One was let in, and all others were told that there is no room.
#[track_caller]
pub(crate) fn only_one<T>(answers: Vec<Result<T, ActionError>>, value: &str) {
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), MANY - 1, "{refused:?}");
    for error in refused {
        assert!(
            matches!(&error, ActionError::Full(refusal) if refusal.value == value),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn of_many_tokens_asked_for_at_once_one_is_the_last() {
    for (_base, app, captain, _) in worlds().await {
        let mut tx = app.db.begin().await.unwrap();
        for number in 1..TOKENS_OF_A_USER {
            let id = crate::domain::ApiTokenId(app.new_id());
            tokens::insert(&mut tx, id, captain.id, "old", &number.to_string(), app.now())
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        let name = "new".parse().unwrap();
        let asked = (0..MANY).map(|_| create_token(&app, &captain, &name));
        only_one(join_all(asked).await, "21 tokens");
    }
}

#[tokio::test]
async fn of_many_links_handed_out_at_once_one_is_the_last() {
    for (_base, app, captain, operator) in worlds().await {
        let mut tx = app.db.begin().await.unwrap();
        for (by, most) in [
            (captain.id, LIVE_LINKS_OF_A_CAPTAIN),
            (operator.id, LIVE_LINKS_OF_STAFF),
        ] {
            for number in 1..most {
                let link = Link {
                    kind: LinkKind::JoinHost,
                    match_id: None,
                    created_by: Some(by),
                    created_at: app.now(),
                    expires_at: Time::NEVER,
                };
                links::insert(&mut tx, &format!("{by} {number}"), &link)
                    .await
                    .unwrap();
            }
        }
        tx.commit().await.unwrap();
        let invited = (0..MANY).map(|number| {
            let name = format!("Clan {number}").parse().unwrap();
            invite_clan(&app, &captain, name, None)
        });
        only_one(join_all(invited).await, "21 links that were not used yet");
        let joining = (0..MANY).map(|_| create_join_token(&app, &operator));
        only_one(join_all(joining).await, "201 links that were not used yet");
    }
}

#[tokio::test]
async fn of_many_players_entered_at_once_one_is_the_last() {
    for (_base, app, captain, _) in worlds().await {
        let clan = captain.role.clan().unwrap();
        let mut tx = app.db.begin().await.unwrap();
        for number in 1..PLAYERS_OF_A_CLAN {
            let player = Player {
                id: PlayerId(app.new_id()),
                clan,
                name: format!("Player {number}").parse().unwrap(),
                address: "192.0.2.1".parse().unwrap(),
                consent: crate::domain::Consent::Typed,
                ipv6: None,
            };
            players::insert(&mut tx, &player, app.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
        let entered = (0..MANY).map(|number| {
            let new = NewPlayer {
                name: format!("New {number}"),
                address: "192.0.2.2".into(),
            };
            add_player(&app, &captain, clan, new)
        });
        only_one(join_all(entered).await, "101 players of a clan");
    }
}
