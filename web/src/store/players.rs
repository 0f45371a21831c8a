//! Players. A removed one keeps its name for the matches it played in; its address is forgotten.

use super::{StoreError, Tx, corrupt, parsed, readings};
use crate::domain::{ClanId, Consent, Name, Player, PlayerAddress, PlayerId, PlayerIpv6, Refusal, Time};
use std::net::IpAddr;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    clan_id: String,
    name: String,
    address: String,
    consent: String,
    consent_by: Option<String>,
    consent_at: Option<i64>,
    #[sqlx(flatten)]
    ipv6: Ipv6Row,
}

/// The columns of a player's IPv6 address.
#[derive(sqlx::FromRow)]
pub(super) struct Ipv6Row {
    ipv6: Option<String>,
    ipv6_consent: String,
    ipv6_consent_by: Option<String>,
    ipv6_consent_at: Option<i64>,
}

impl Ipv6Row {
    pub(super) fn address(&self, player: &str) -> Result<Option<PlayerIpv6>, StoreError> {
        let Some(text) = &self.ipv6 else {
            return Ok(None);
        };
        let by = self.ipv6_consent_by.as_deref();
        let consent = consent_of(player, &self.ipv6_consent, by, self.ipv6_consent_at)?;
        let wrong = |why: Refusal| corrupt("players", player, "ipv6", "(not shown)", why.expected);
        PlayerIpv6::stored(text, consent).map(Some).map_err(wrong)
    }
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
            ipv6: self.ipv6.address(&self.id)?,
            address,
        })
    }
}

/// Adds a player. A name that another of the clan has, in capitals or not, is [`StoreError::is_taken`].
pub async fn insert(tx: &mut Tx, player: &Player, now: Time) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into players (id, clan_id, name, name_key, address, created_at, address_at, consent, consent_by,
                                      consent_at, ipv6, ipv6_at, ipv6_consent, ipv6_consent_by, ipv6_consent_at)
                 values ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10, $6, $11, $12, $13)",
        player.id.to_string(),
        player.clan.to_string(),
        player.name.as_str(),
        player.name.key(),
        player.address.reveal(),
        now.millis(),
        player.consent.name(),
        player.consent.by().map(|by| by.to_string()),
        player.consent.at().map(Time::millis),
        player.ipv6.map(|ipv6| ipv6.reveal()),
        ipv6_consent(player).name(),
        ipv6_consent(player).by().map(|by| by.to_string()),
        ipv6_consent(player).at().map(Time::millis)
    )?;
    Ok(())
}

/// Where there is no address nobody's word is needed.
fn ipv6_consent(player: &Player) -> Consent {
    player.ipv6.map_or(Consent::Typed, |ipv6| ipv6.consent)
}

/// A player that was not removed.
pub async fn get(tx: &mut Tx, id: PlayerId) -> Result<Option<Player>, StoreError> {
    let text = "select * from players where id = $1 and removed_at is null";
    sql!(tx, optional Row, text, id.to_string())?
        .map(Row::player)
        .transpose()
}

/// A clan's players by name, without removed ones.
pub async fn list(tx: &mut Tx, clan: ClanId) -> Result<Vec<Player>, StoreError> {
    let text = "select * from players where clan_id = $1 and removed_at is null order by name";
    sql!(tx, all Row, text, clan.to_string())?
        .into_iter()
        .map(Row::player)
        .collect()
}

/// Changes name, addresses and whose word those are; what was measured from other addresses before is forgotten, and an address that
/// stays is no fresher for that. `false` if there is no such player in that clan. Who keeps an old name that is another's but for
/// capitals has no key, and gets none.
pub async fn update(tx: &mut Tx, player: &Player, now: Time) -> Result<bool, StoreError> {
    change(tx, player, [false, false], now).await
}

/// The same when the player has come from an address: that one is fresh, also if it stays.
pub async fn come(tx: &mut Tx, player: &Player, from: IpAddr, now: Time) -> Result<bool, StoreError> {
    let by_ipv6 = from.to_canonical().is_ipv6();
    change(tx, player, [!by_ipv6, by_ipv6], now).await
}

async fn change(tx: &mut Tx, player: &Player, fresh: [bool; 2], now: Time) -> Result<bool, StoreError> {
    let text = "delete from readings where player_id = $1 and exists (
                    select 1 from players where id = $1 and clan_id = $2 and removed_at is null
                        and (address <> $3 or coalesce(ipv6, '') <> $4))";
    let (id, clan, address) = (
        player.id.to_string(),
        player.clan.to_string(),
        player.address.reveal(),
    );
    let ipv6 = player.ipv6.map(|ipv6| ipv6.reveal());
    let own = ipv6.clone().unwrap_or_default();
    sql!(tx, execute text, id.as_str(), clan.as_str(), address.as_str(), own.as_str())?;
    let text = "update players set name = $3, name_key = case when name = $3 then name_key else $4 end,
                    address = $5, consent = $6, consent_by = $7, consent_at = $8,
                    ipv6 = $9, ipv6_consent = $10, ipv6_consent_by = $11, ipv6_consent_at = $12,
                    address_at = case when $13 or address <> $5 then $15 else address_at end,
                    ipv6_at = case when $14 or coalesce(ipv6, '') <> $16 then $15 else ipv6_at end
                where id = $1 and clan_id = $2 and removed_at is null";
    let (name, key) = (player.name.as_str(), player.name.key());
    let parts = |consent: Consent| {
        let by = consent.by().map(|by| by.to_string());
        (consent.name(), by, consent.at().map(Time::millis))
    };
    let (word, by, at) = parts(player.consent);
    let (ipv6_word, ipv6_by, ipv6_at) = parts(ipv6_consent(player));
    let [four, six] = fresh;
    let changed = sql!(
        tx, execute text, id, clan, name, key, address, word, by, at, ipv6, ipv6_word, ipv6_by, ipv6_at, four, six, now.millis(), own
    )?;
    Ok(changed == 1)
}

/// Forgets the addresses that were entered or come from before `since`, each by itself, of players who were in no match since; and
/// with them whose word they were. That its player declined stays with the other one. Says how many.
pub async fn forget_addresses(tx: &mut Tx, since: Time) -> Result<u64, StoreError> {
    // As `Consent::beside` has it.
    let text = "update players set ipv6_consent = 'declined', ipv6_consent_by = null, ipv6_consent_at = consent_at
                where consent = 'declined' and address <> '' and address_at < $1 and ipv6 is not null
                    and ipv6_consent <> 'declined' and not (ipv6_consent = 'own' and ipv6_consent_at > consent_at)
                    and not exists (
                    select 1 from rosters join matches on matches.id = rosters.match_id
                    where rosters.player_id = players.id and matches.start_at + matches.length_ms >= $1)";
    sql!(tx, execute text, since.millis())?;
    let text = "update players set consent = 'declined', consent_by = null, consent_at = ipv6_consent_at
                where ipv6_consent = 'declined' and ipv6 is not null and ipv6_at < $1 and address <> ''
                    and consent <> 'declined' and not (consent = 'own' and consent_at > ipv6_consent_at)
                    and not exists (
                    select 1 from rosters join matches on matches.id = rosters.match_id
                    where rosters.player_id = players.id and matches.start_at + matches.length_ms >= $1)";
    sql!(tx, execute text, since.millis())?;
    let text = "update players set address = '', consent = 'typed', consent_by = null, consent_at = null
                where address <> '' and address_at < $1 and not exists (
                    select 1 from rosters join matches on matches.id = rosters.match_id
                    where rosters.player_id = players.id and matches.start_at + matches.length_ms >= $1)";
    let others = sql!(tx, execute text, since.millis())?;
    let text = "update players set ipv6 = null, ipv6_consent = 'typed', ipv6_consent_by = null, ipv6_consent_at = null
                where ipv6 is not null and ipv6_at < $1 and not exists (
                    select 1 from rosters join matches on matches.id = rosters.match_id
                    where rosters.player_id = players.id and matches.start_at + matches.length_ms >= $1)";
    Ok(others + sql!(tx, execute text, since.millis())?)
}

/// Removes a player of a clan, and what was measured from their addresses. `false` if there was none.
pub async fn remove(tx: &mut Tx, id: PlayerId, clan: ClanId, now: Time) -> Result<bool, StoreError> {
    let text = "update players set removed_at = $3, address = '', consent = 'typed', consent_by = null, consent_at = null,
                    ipv6 = null, ipv6_consent = 'typed', ipv6_consent_by = null, ipv6_consent_at = null
                where id = $1 and clan_id = $2 and removed_at is null";
    let removed = sql!(tx, execute text, id.to_string(), clan.to_string(), now.millis())? == 1;
    if removed {
        readings::delete_of(tx, id).await?;
    }
    Ok(removed)
}

#[cfg(test)]
#[path = "players_tests.rs"]
mod tests;
