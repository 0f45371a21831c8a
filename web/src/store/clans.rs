//! Clans.

use super::{StoreError, Tx, parsed};
use crate::domain::{Clan, ClanId, Name, Time};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
}

impl Row {
    fn clan(self) -> Result<Clan, StoreError> {
        Ok(Clan {
            id: parsed("clans", &self.id, "id", &self.id)?,
            name: parsed::<Name>("clans", &self.id, "name", &self.name)?,
        })
    }
}

/// Adds a clan. A name that another has, in capitals or not, is [`StoreError::is_taken`].
pub async fn insert(tx: &mut Tx, clan: &Clan, now: Time) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into clans (id, name, name_key, created_at) values ($1, $2, $3, $4)",
        clan.id.to_string(),
        clan.name.as_str(),
        clan.name.key(),
        now.millis()
    )?;
    Ok(())
}

/// A clan.
pub async fn get(tx: &mut Tx, id: ClanId) -> Result<Option<Clan>, StoreError> {
    sql!(tx, optional Row, "select id, name from clans where id = $1", id.to_string())?
        .map(Row::clan)
        .transpose()
}

/// The clan of exactly this name, else the one of its [`Name::key`].
pub async fn by_name(tx: &mut Tx, name: &Name) -> Result<Option<Clan>, StoreError> {
    let text = "select id, name from clans where name = $1 or name_key = $2
                order by case when name = $1 then 0 else 1 end limit 1";
    sql!(tx, optional Row, text, name.as_str(), name.key())?
        .map(Row::clan)
        .transpose()
}

/// Has a clan to itself until the transaction ends: for who counts what it has before giving it
/// more. `false` if there is none.
pub async fn lock(tx: &mut Tx, id: ClanId) -> Result<bool, StoreError> {
    // On both databases a row that is written is nobody else's to write.
    let text = "update clans set created_at = created_at where id = $1";
    Ok(sql!(tx, execute text, id.to_string())? == 1)
}

/// All clans by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<Clan>, StoreError> {
    sql!(tx, all Row, "select id, name from clans order by name")?
        .into_iter()
        .map(Row::clan)
        .collect()
}

/// The clans of matches that have a VM which is not known to be gone.
pub async fn with_vms(tx: &mut Tx) -> Result<Vec<Clan>, StoreError> {
    let text = "select id, name from clans
                where id in (select home_clan_id from matches join vms on vms.match_id = matches.id where vms.gone_at is null)
                   or id in (select away_clan_id from matches join vms on vms.match_id = matches.id where vms.gone_at is null)
                order by id";
    sql!(tx, all Row, text)?.into_iter().map(Row::clan).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::databases;
    use uuid::Uuid;

    #[tokio::test]
    async fn the_life_of_a_clan() {
        for base in databases().await {
            let clan = Clan {
                id: ClanId(Uuid::now_v7()),
                name: "Röte Pandas".parse().unwrap(),
            };
            let mut tx = base.db.begin().await.unwrap();
            insert(&mut tx, &clan, Time::from_millis(1)).await.unwrap();
            assert_eq!(get(&mut tx, clan.id).await.unwrap(), Some(clan.clone()));
            assert_eq!(get(&mut tx, ClanId(Uuid::now_v7())).await.unwrap(), None);
            tx.commit().await.unwrap();

            let mut tx = base.db.begin().await.unwrap();
            let twin = Clan {
                id: ClanId(Uuid::now_v7()),
                name: "rÖTE PANDAS".parse().unwrap(),
            };
            assert_eq!(by_name(&mut tx, &twin.name).await.unwrap(), Some(clan.clone()));
            assert!(
                insert(&mut tx, &twin, Time::from_millis(2))
                    .await
                    .unwrap_err()
                    .is_taken()
            );
            drop(tx);
            let mut tx = base.db.read().await.unwrap();
            assert_eq!(list(&mut tx).await.unwrap(), vec![clan]);
        }
    }
}
