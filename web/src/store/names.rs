//! What names are compared by: see [`Name::key`]. Rows that were written before there were keys get theirs here.

use super::{StoreError, Tx};
use crate::domain::Name;

/// Gives a key to each clan, user and player that has none, oldest first. One whose key another has keeps none: it is found by
/// its exact name only.
pub(super) async fn complete(tx: &mut Tx) -> Result<(), StoreError> {
    let clans = "select id, name from clans where name_key is null order by created_at, id";
    for (id, name) in sql!(tx, all(String, String), clans)? {
        let text = "update clans set name_key = $2
                    where id = $1 and not exists (select 1 from clans other where other.name_key = $2)";
        sql!(tx, execute text, id, Name::key_of(&name))?;
    }
    let users = "select id, name from users where name_key is null order by created_at, id";
    for (id, name) in sql!(tx, all(String, String), users)? {
        let text = "update users set name_key = $2
                    where id = $1 and not exists (select 1 from users other where other.name_key = $2)";
        sql!(tx, execute text, id, Name::key_of(&name))?;
    }
    let players =
        "select id, name from players where name_key is null and removed_at is null order by created_at, id";
    for (id, name) in sql!(tx, all(String, String), players)? {
        let text = "update players set name_key = $2
                    where id = $1 and not exists (select 1 from players other where other.clan_id = players.clan_id
                        and other.name_key = $2 and other.removed_at is null)";
        sql!(tx, execute text, id, Name::key_of(&name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Clan, ClanId, Time},
        store::{Db, clans, players, testing, users},
    };

    /// A database as the first version has left it, with names that differ in capitals only.
    async fn old(url: &str) {
        let dir = tempfile::tempdir().unwrap();
        let first = include_str!("../../migrations/0001_init.sql");
        std::fs::write(dir.path().join("0001_init.sql"), first).unwrap();
        let first = sqlx::migrate::Migrator::new(dir.path()).await.unwrap();
        let db = Db::connect(url).await.unwrap();
        match &db {
            Db::Sqlite(pool) => first.run(pool).await.unwrap(),
            Db::Postgres(pool) => first.run(pool).await.unwrap(),
        }
        let mut tx = db.begin().await.unwrap();
        for (number, name) in ["ÄRA", "ära", "Żaba", "żaba"].into_iter().enumerate() {
            let id = uuid::Uuid::from_u128(number as u128 + 1).to_string();
            let at = i64::try_from(number).unwrap();
            sql!(
                &mut tx,
                execute "insert into clans (id, name, created_at) values ($1, $2, $3)",
                id.as_str(), name, at
            )
            .unwrap();
            sql!(
                &mut tx,
                execute "insert into users (id, name, password_hash, role, created_at) values ($1, $2, 'x', 'operator', $3)",
                id.as_str(), name, at
            )
            .unwrap();
            sql!(
                &mut tx,
                execute "insert into players (id, clan_id, name, address, created_at) values ($1, $2, $3, '192.0.2.1', 1)",
                id.as_str(), uuid::Uuid::from_u128(1).to_string(), name
            )
            .unwrap();
        }
        tx.commit().await.unwrap();
        db.close().await;
    }

    #[tokio::test]
    async fn old_names_that_are_alike_stop_no_migration_and_each_is_still_found() {
        for base in testing::bare_databases().await {
            old(&base.url).await;
            for opened in 0..2 {
                let db = Db::open(&base.url).await.unwrap();
                let mut tx = db.begin().await.unwrap();
                assert_eq!(clans::list(&mut tx).await.unwrap().len(), 4);
                for name in ["ÄRA", "ära", "Żaba", "żaba"] {
                    let name: Name = name.parse().unwrap();
                    let (user, _) = users::by_name(&mut tx, &name).await.unwrap().unwrap();
                    assert_eq!(user.name, name, "the exact one comes first");
                    let clan = clans::by_name(&mut tx, &name).await.unwrap().unwrap();
                    assert_eq!(clan.name, name);
                }
                let (oldest, _) = users::by_name(&mut tx, &"äRa".parse().unwrap())
                    .await
                    .unwrap()
                    .unwrap();
                assert_eq!(oldest.name.as_str(), "ÄRA");
                let third = Clan {
                    id: ClanId(uuid::Uuid::from_u128(99)),
                    name: "żABA".parse().unwrap(),
                };
                let taken = clans::insert(&mut tx, &third, Time::from_millis(9)).await;
                assert!(taken.unwrap_err().is_taken(), "opened {opened} times before");
                drop(tx);
                // Whose name is another's but for capitals may still say that they play from elsewhere.
                let mut tx = db.begin().await.unwrap();
                let clan = ClanId(uuid::Uuid::from_u128(1));
                for mut player in players::list(&mut tx, clan).await.unwrap() {
                    player.address = format!("192.0.2.{}", opened + 7).parse().unwrap();
                    assert!(
                        players::update(&mut tx, &player, Time::from_millis(1))
                            .await
                            .unwrap(),
                        "{}",
                        player.name
                    );
                }
                tx.commit().await.unwrap();
                db.close().await;
            }
        }
    }
}
