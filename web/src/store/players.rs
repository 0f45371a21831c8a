//! Players. A removed one keeps its name for the matches it played in; its address is forgotten.

use super::{StoreError, Tx, parsed};
use crate::domain::{ClanId, Name, Player, PlayerId, Refusal, Time};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    clan_id: String,
    name: String,
    address: String,
}

impl Row {
    fn player(self) -> Result<Player, StoreError> {
        let address = self.address.parse().map_err(|why: Refusal| {
            super::corrupt("players", &self.id, "address", "(not shown)", why.expected)
        })?;
        Ok(Player {
            id: parsed("players", &self.id, "id", &self.id)?,
            clan: parsed("players", &self.id, "clan_id", &self.clan_id)?,
            name: parsed::<Name>("players", &self.id, "name", &self.name)?,
            address,
        })
    }
}

/// Adds a player. A name that another of the clan has, in capitals or not, is [`StoreError::is_taken`].
pub async fn insert(tx: &mut Tx, player: &Player, now: Time) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into players (id, clan_id, name, name_key, address, created_at) values ($1, $2, $3, $4, $5, $6)",
        player.id.to_string(),
        player.clan.to_string(),
        player.name.as_str(),
        player.name.key(),
        player.address.reveal(),
        now.millis()
    )?;
    Ok(())
}

/// A player that was not removed.
pub async fn get(tx: &mut Tx, id: PlayerId) -> Result<Option<Player>, StoreError> {
    let text = "select id, clan_id, name, address from players where id = $1 and removed_at is null";
    sql!(tx, optional Row, text, id.to_string())?
        .map(Row::player)
        .transpose()
}

/// A clan's players by name, without removed ones.
pub async fn list(tx: &mut Tx, clan: ClanId) -> Result<Vec<Player>, StoreError> {
    let text = "select id, clan_id, name, address from players where clan_id = $1 and removed_at is null order by name";
    sql!(tx, all Row, text, clan.to_string())?
        .into_iter()
        .map(Row::player)
        .collect()
}

/// Changes name and address. `false` if there is no such player in that clan. Who keeps an old name that is another's but for
/// capitals has no key, and gets none.
pub async fn update(tx: &mut Tx, player: &Player) -> Result<bool, StoreError> {
    let text = "update players set name = $3, name_key = case when name = $3 then name_key else $4 end,
                    address = $5 where id = $1 and clan_id = $2 and removed_at is null";
    let (id, clan, name) = (player.id.to_string(), player.clan.to_string(), &player.name);
    Ok(sql!(tx, execute text, id, clan, name.as_str(), name.key(), player.address.reveal())? == 1)
}

/// Removes a player of a clan. `false` if there was none.
pub async fn remove(tx: &mut Tx, id: PlayerId, clan: ClanId, now: Time) -> Result<bool, StoreError> {
    let text = "update players set removed_at = $3, address = '' where id = $1 and clan_id = $2 and removed_at is null";
    Ok(sql!(tx, execute text, id.to_string(), clan.to_string(), now.millis())? == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::Clan,
        store::{clans, testing::databases},
    };
    use uuid::Uuid;

    #[tokio::test]
    async fn the_life_of_a_player() {
        for base in databases().await {
            let clan = Clan {
                id: ClanId(Uuid::now_v7()),
                name: "Reds".parse().unwrap(),
            };
            let mut player = Player {
                id: PlayerId(Uuid::now_v7()),
                clan: clan.id,
                name: "Áda".parse().unwrap(),
                address: "ada.example.org".parse().unwrap(),
            };
            let mut tx = base.db.begin().await.unwrap();
            clans::insert(&mut tx, &clan, Time::from_millis(1)).await.unwrap();
            insert(&mut tx, &player, Time::from_millis(1)).await.unwrap();
            player.address = "10.0.0.1".parse().unwrap();
            assert!(update(&mut tx, &player).await.unwrap());
            assert_eq!(get(&mut tx, player.id).await.unwrap(), Some(player.clone()));
            assert_eq!(list(&mut tx, clan.id).await.unwrap(), vec![player.clone()]);
            tx.commit().await.unwrap();

            let mut tx = base.db.begin().await.unwrap();
            let twin = Player {
                id: PlayerId(Uuid::now_v7()),
                name: "ÁDA".parse().unwrap(),
                ..player.clone()
            };
            assert!(
                insert(&mut tx, &twin, Time::from_millis(2))
                    .await
                    .unwrap_err()
                    .is_taken()
            );
            drop(tx);

            let mut tx = base.db.begin().await.unwrap();
            assert!(
                !remove(&mut tx, player.id, ClanId(Uuid::now_v7()), Time::from_millis(3))
                    .await
                    .unwrap()
            );
            assert!(
                remove(&mut tx, player.id, clan.id, Time::from_millis(3))
                    .await
                    .unwrap()
            );
            assert!(
                !remove(&mut tx, player.id, clan.id, Time::from_millis(4))
                    .await
                    .unwrap()
            );
            assert_eq!(get(&mut tx, player.id).await.unwrap(), None);
            // Its name is free again.
            insert(&mut tx, &twin, Time::from_millis(5)).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
}
