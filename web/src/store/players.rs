//! Players. A removed one keeps its name for the matches it played in; its address is forgotten.

use super::{StoreError, Tx, corrupt, parsed, readings};
use crate::domain::{ClanId, Consent, Name, Player, PlayerAddress, PlayerId, Refusal, Time};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    clan_id: String,
    name: String,
    address: String,
    consent: String,
    consent_by: Option<String>,
    consent_at: Option<i64>,
}

/// What is stored of a player's consent.
pub(super) fn consent_of(
    player: &str,
    name: &str,
    by: Option<&str>,
    at: Option<i64>,
) -> Result<Consent, StoreError> {
    let by = by
        .map(|by| parsed("players", player, "consent_by", by))
        .transpose()?;
    Consent::parse(name, by, at.map(Time::from_millis))
        .ok_or_else(|| corrupt("players", player, "consent", name, "not a consent with its parts"))
}

impl Row {
    fn player(self) -> Result<Player, StoreError> {
        let address = PlayerAddress::stored(&self.address)
            .map_err(|why: Refusal| corrupt("players", &self.id, "address", "(not shown)", why.expected))?;
        let (by, at) = (self.consent_by.as_deref(), self.consent_at);
        Ok(Player {
            id: parsed("players", &self.id, "id", &self.id)?,
            clan: parsed("players", &self.id, "clan_id", &self.clan_id)?,
            name: parsed::<Name>("players", &self.id, "name", &self.name)?,
            consent: consent_of(&self.id, &self.consent, by, at)?,
            address,
        })
    }
}

/// Adds a player. A name that another of the clan has, in capitals or not, is [`StoreError::is_taken`].
pub async fn insert(tx: &mut Tx, player: &Player, now: Time) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into players (id, clan_id, name, name_key, address, created_at, address_at, consent, consent_by,
                                      consent_at) values ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9)",
        player.id.to_string(),
        player.clan.to_string(),
        player.name.as_str(),
        player.name.key(),
        player.address.reveal(),
        now.millis(),
        player.consent.name(),
        player.consent.by().map(|by| by.to_string()),
        player.consent.at().map(Time::millis)
    )?;
    Ok(())
}

/// A player that was not removed.
pub async fn get(tx: &mut Tx, id: PlayerId) -> Result<Option<Player>, StoreError> {
    let text = "select id, clan_id, name, address, consent, consent_by, consent_at from players where id = $1 and removed_at is null";
    sql!(tx, optional Row, text, id.to_string())?
        .map(Row::player)
        .transpose()
}

/// A clan's players by name, without removed ones.
pub async fn list(tx: &mut Tx, clan: ClanId) -> Result<Vec<Player>, StoreError> {
    let text = "select id, clan_id, name, address, consent, consent_by, consent_at from players where clan_id = $1 and removed_at is null order by name";
    sql!(tx, all Row, text, clan.to_string())?
        .into_iter()
        .map(Row::player)
        .collect()
}

/// Changes name, address and whose word that is; what was measured from another address before is forgotten. `false` if there is no such player in that clan. Who keeps an old name that
/// is another's but for capitals has no key, and gets none.
pub async fn update(tx: &mut Tx, player: &Player, now: Time) -> Result<bool, StoreError> {
    let text = "delete from readings where player_id = $1 and exists (
                    select 1 from players where id = $1 and clan_id = $2 and removed_at is null and address <> $3)";
    let (id, clan, address) = (
        player.id.to_string(),
        player.clan.to_string(),
        player.address.reveal(),
    );
    sql!(tx, execute text, id.as_str(), clan.as_str(), address.as_str())?;
    let text = "update players set name = $3, name_key = case when name = $3 then name_key else $4 end,
                    address = $5, consent = $6, consent_by = $7, consent_at = $8, address_at = $9
                where id = $1 and clan_id = $2 and removed_at is null";
    let name = &player.name;
    let consent = player.consent;
    let (by, at) = (
        consent.by().map(|by| by.to_string()),
        consent.at().map(Time::millis),
    );
    let changed = sql!(
        tx, execute text, id, clan, name.as_str(), name.key(), address, consent.name(), by, at, now.millis()
    )?;
    Ok(changed == 1)
}

/// Forgets the addresses that were entered or come from before `since`, of players who were in no match since; and with them
/// whose word they were. Says of how many.
pub async fn forget_addresses(tx: &mut Tx, since: Time) -> Result<u64, StoreError> {
    let text = "update players set address = '', consent = 'typed', consent_by = null, consent_at = null
                where address <> '' and address_at < $1 and not exists (
                    select 1 from rosters join matches on matches.id = rosters.match_id
                    where rosters.player_id = players.id and matches.start_at + matches.length_ms >= $1)";
    sql!(tx, execute text, since.millis())
}

/// Removes a player of a clan, and what was measured from their address. `false` if there was none.
pub async fn remove(tx: &mut Tx, id: PlayerId, clan: ClanId, now: Time) -> Result<bool, StoreError> {
    let text = "update players set removed_at = $3, address = '', consent = 'typed', consent_by = null,
                    consent_at = null where id = $1 and clan_id = $2 and removed_at is null";
    let removed = sql!(tx, execute text, id.to_string(), clan.to_string(), now.millis())? == 1;
    if removed {
        readings::delete_of(tx, id).await?;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Clan, Seat, UserId},
        store::{clans, life_tests, rosters, testing::databases},
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
                consent: Consent::Typed,
            };
            let mut tx = base.db.begin().await.unwrap();
            clans::insert(&mut tx, &clan, Time::from_millis(1)).await.unwrap();
            insert(&mut tx, &player, Time::from_millis(1)).await.unwrap();
            player.address = "10.0.0.1".parse().unwrap();
            player.consent = Consent::Vouched {
                by: UserId(Uuid::from_u128(1)),
                at: Time::from_millis(2),
            };
            assert!(update(&mut tx, &player, Time::from_millis(2)).await.unwrap());
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

    #[tokio::test]
    async fn addresses_that_nobody_has_used_for_long_are_forgotten() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            // A match that ends at 1500, of the first player; both came in at 1.
            let rows = life_tests::rows(&mut tx).await;
            let [plays, idle] = &rows.players;
            let seats = [(plays.id, Seat::default())];
            rosters::set(&mut tx, rows.of.id, plays.clan, &seats)
                .await
                .unwrap();
            let at = Time::from_millis;
            assert_eq!(forget_addresses(&mut tx, at(1)).await.unwrap(), 0);
            assert_eq!(forget_addresses(&mut tx, at(1500)).await.unwrap(), 1);
            let kept = get(&mut tx, plays.id).await.unwrap().unwrap();
            assert_eq!(kept.address, plays.address);
            let forgotten = get(&mut tx, idle.id).await.unwrap().unwrap();
            assert_eq!(forgotten.address, PlayerAddress::Forgotten);
            assert_eq!(forgotten.consent, Consent::Typed);
            // Who comes again is known again.
            let came = Player {
                consent: Consent::Own { at: at(1600) },
                ..idle.clone()
            };
            assert!(update(&mut tx, &came, at(1600)).await.unwrap());
            assert_eq!(forget_addresses(&mut tx, at(1600)).await.unwrap(), 1);
            let kept = get(&mut tx, idle.id).await.unwrap();
            assert_eq!(kept, Some(came));
        }
    }
}
