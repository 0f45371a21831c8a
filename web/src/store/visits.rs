//! Visits of players by their clan's link.

use super::{StoreError, Tx, from_json, parsed, to_json};
use crate::domain::{ClanId, PlayerId, Time, Visit};
use vmatrix_wire::Secret;

#[derive(sqlx::FromRow)]
struct Row {
    nonce: String,
    ticket: String,
    offered: String,
    begun_at: i64,
    used_at: Option<i64>,
}

impl Row {
    fn visit(self) -> Result<Visit, StoreError> {
        Ok(Visit {
            // Who brings the nonce may read it; nobody else should.
            offered: from_json("visits", "(not shown)", "offered", &self.offered)?,
            ticket: Secret::new(self.ticket),
            begun_at: Time::from_millis(self.begun_at),
            used: self.used_at.is_some(),
            nonce: self.nonce,
        })
    }
}

/// Adds a visit by a link.
pub async fn insert(tx: &mut Tx, token_hash: &str, visit: &Visit) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into visits (nonce, token_hash, ticket, offered, begun_at) values ($1, $2, $3, $4, $5)",
        visit.nonce.as_str(),
        token_hash,
        visit.ticket.reveal(),
        to_json(&visit.offered)?,
        visit.begun_at.millis()
    )?;
    Ok(())
}

/// A visit by this link.
pub async fn get(tx: &mut Tx, token_hash: &str, nonce: &str) -> Result<Option<Visit>, StoreError> {
    let text =
        "select nonce, ticket, offered, begun_at, used_at from visits where nonce = $1 and token_hash = $2";
    sql!(tx, optional Row, text, nonce, token_hash)?
        .map(Row::visit)
        .transpose()
}

/// All that were begun after `since`, oldest first.
pub async fn since(tx: &mut Tx, since: Time) -> Result<Vec<Visit>, StoreError> {
    let text = "select nonce, ticket, offered, begun_at, used_at from visits where begun_at > $1 order by begun_at, nonce";
    sql!(tx, all Row, text, since.millis())?
        .into_iter()
        .map(Row::visit)
        .collect()
}

/// All that were begun after `since` and have brought nothing yet, with whose players' they are.
pub async fn unused(tx: &mut Tx, since: Time) -> Result<Vec<(ClanId, Visit)>, StoreError> {
    let text = "select clan_id, nonce, ticket, offered, begun_at from visits
                join player_links on player_links.token_hash = visits.token_hash
                where begun_at > $1 and used_at is null order by begun_at, nonce";
    sql!(tx, all(String, String, String, String, i64), text, since.millis())?
        .into_iter()
        .map(|(clan, nonce, ticket, offered, begun_at)| {
            let row = Row {
                nonce,
                ticket,
                offered,
                begun_at,
                used_at: None,
            };
            Ok((
                parsed("player_links", "(not shown)", "clan_id", &clan)?,
                row.visit()?,
            ))
        })
        .collect()
}

/// How many were begun by a link after `since` and have brought nothing yet.
pub async fn count(tx: &mut Tx, token_hash: &str, since: Time) -> Result<usize, StoreError> {
    let text = "select count(*) from visits where token_hash = $1 and begun_at > $2 and used_at is null";
    let (count,) = sql!(tx, one(i64,), text, token_hash, since.millis())?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Who has come by a link.
pub async fn players(tx: &mut Tx, token_hash: &str) -> Result<Vec<PlayerId>, StoreError> {
    let text = "select distinct player_id from visits where token_hash = $1 and player_id is not null order by player_id";
    sql!(tx, all(String,), text, token_hash)?
        .into_iter()
        .map(|(id,)| parsed("visits", "(not shown)", "player_id", &id))
        .collect()
}

/// Uses a visit up: of two results, one is taken. What the player brought by that link before is of no more use.
pub async fn use_up(tx: &mut Tx, nonce: &str, player: PlayerId, now: Time) -> Result<bool, StoreError> {
    let text = "update visits set used_at = $3, player_id = $2 where nonce = $1 and used_at is null";
    if sql!(tx, execute text, nonce, player.to_string(), now.millis())? == 0 {
        return Ok(false);
    }
    let text = "delete from visits where player_id = $2 and nonce <> $1
                and token_hash = (select token_hash from visits where nonce = $1)";
    sql!(tx, execute text, nonce, player.to_string())?;
    Ok(true)
}

/// Forgets visits that were begun before `before` and brought nothing.
pub async fn delete_unused(tx: &mut Tx, before: Time) -> Result<u64, StoreError> {
    let text = "delete from visits where used_at is null and begun_at < $1";
    sql!(tx, execute text, before.millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{LinkStage, PlayerLink, Seat},
        store::{life_tests, player_links, rosters, testing::databases},
    };
    use vmatrix_placement::Role;

    fn visit(nonce: &str, at: i64, host: crate::domain::HostId) -> Visit {
        Visit {
            nonce: nonce.into(),
            ticket: Secret::new("ticket"),
            offered: vec![host],
            begun_at: Time::from_millis(at),
            used: false,
        }
    }

    #[tokio::test]
    async fn the_life_of_a_link_and_its_visits() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let rows = life_tests::rows(&mut tx).await;
            let at = Time::from_millis;
            let link = PlayerLink {
                match_id: rows.of.id,
                clan: rows.of.home,
                created_by: rows.of.created_by,
                created_at: at(3),
                stage: LinkStage::Gathering,
            };
            player_links::insert(&mut tx, "hash", &link).await.unwrap();
            assert_eq!(
                player_links::get(&mut tx, "hash").await.unwrap().as_ref(),
                Some(&link)
            );
            assert_eq!(player_links::get(&mut tx, "other").await.unwrap(), None);
            assert_eq!(
                player_links::of_match(&mut tx, rows.of.id).await.unwrap(),
                std::slice::from_ref(&link)
            );
            let start = rows.of.start_at;
            for (role, is_overdue) in [
                (None, false),
                (Some(Role::Substitute), false),
                (Some(Role::Player), true),
            ] {
                let seat = |role| (rows.players[0].id, Seat { role, cap: None });
                let seats: Vec<_> = role.map(seat).into_iter().collect();
                rosters::set(&mut tx, rows.of.id, rows.of.home, &seats)
                    .await
                    .unwrap();
                let overdue = player_links::overdue(&mut tx, start).await.unwrap();
                let overdue: Vec<_> = overdue.into_iter().map(Result::unwrap).collect();
                let expected = is_overdue.then(|| link.clone());
                assert_eq!(overdue, Vec::from_iter(expected), "{role:?} has come");
            }
            let before = start.plus(-1);
            assert!(player_links::overdue(&mut tx, before).await.unwrap().is_empty());
            let (of, clan) = (rows.of.id, rows.of.home);
            player_links::set_stage(&mut tx, of, clan, LinkStage::Complete)
                .await
                .unwrap();
            assert!(player_links::overdue(&mut tx, start).await.unwrap().is_empty());
            let stage = player_links::get(&mut tx, "hash").await.unwrap().unwrap().stage;
            assert_eq!(stage, LinkStage::Complete);

            let one = visit("one", 10, rows.host);
            insert(&mut tx, "hash", &one).await.unwrap();
            insert(&mut tx, "hash", &visit("two", 20, rows.host))
                .await
                .unwrap();
            assert_eq!(get(&mut tx, "hash", "one").await.unwrap().as_ref(), Some(&one));
            assert_eq!(get(&mut tx, "other", "one").await.unwrap(), None);
            assert_eq!(since(&mut tx, at(10)).await.unwrap().len(), 1);
            assert_eq!(count(&mut tx, "hash", at(9)).await.unwrap(), 2);
            let player = rows.players[0].id;
            assert!(use_up(&mut tx, "one", player, at(30)).await.unwrap());
            assert!(!use_up(&mut tx, "one", player, at(31)).await.unwrap());
            assert_eq!(count(&mut tx, "hash", at(9)).await.unwrap(), 1);
            assert!(get(&mut tx, "hash", "one").await.unwrap().unwrap().used);
            assert_eq!(players(&mut tx, "hash").await.unwrap(), [player]);
            let left = unused(&mut tx, at(9)).await.unwrap();
            assert_eq!(left, [(rows.of.home, visit("two", 20, rows.host))]);
            // Of a player and a link the newest is kept.
            assert!(use_up(&mut tx, "two", player, at(32)).await.unwrap());
            assert_eq!(get(&mut tx, "hash", "one").await.unwrap(), None);
            assert_eq!(players(&mut tx, "hash").await.unwrap(), [player]);
            insert(&mut tx, "hash", &visit("three", 20, rows.host))
                .await
                .unwrap();
            assert_eq!(delete_unused(&mut tx, at(20)).await.unwrap(), 0);
            assert_eq!(delete_unused(&mut tx, at(21)).await.unwrap(), 1);

            assert!(
                player_links::revoke(&mut tx, rows.of.id, rows.of.home)
                    .await
                    .unwrap()
            );
            assert!(
                !player_links::revoke(&mut tx, rows.of.id, rows.of.home)
                    .await
                    .unwrap()
            );
            assert_eq!(get(&mut tx, "hash", "two").await.unwrap(), None);

            // The match ends at 1500.
            player_links::insert(&mut tx, "again", &link).await.unwrap();
            insert(&mut tx, "again", &one).await.unwrap();
            assert_eq!(player_links::delete_expired(&mut tx, at(1499)).await.unwrap(), 0);
            assert_eq!(player_links::delete_expired(&mut tx, at(1500)).await.unwrap(), 1);
            tx.commit().await.unwrap();
        }
    }
}
