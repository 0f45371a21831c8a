//! Who plays in a match.

use super::{
    StoreError, Tx, corrupt, parsed,
    players::{Ipv6Row, consent_of},
};
use crate::domain::{ClanId, Consent, MatchId, Name, PlayerAddress, PlayerId, PlayerIpv6, Seat};
use vmatrix_placement::Micros;

/// A player in a roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// For whom.
    pub clan: ClanId,
    /// Who.
    pub player: PlayerId,
    /// Their name.
    pub name: Name,
    /// As what they are there.
    pub seat: Seat,
    /// Where they play from; absent if the player was removed since.
    pub address: Option<PlayerAddress>,
    /// Whose word it is that this address is theirs.
    pub consent: Consent,
    /// Their IPv6 address beside it, or alone; absent also if the player was removed since.
    pub ipv6: Option<PlayerIpv6>,
}

#[derive(sqlx::FromRow)]
struct Row {
    clan_id: String,
    player_id: String,
    name: String,
    address: String,
    consent: String,
    consent_by: Option<String>,
    consent_at: Option<i64>,
    #[sqlx(flatten)]
    ipv6: Ipv6Row,
    removed_at: Option<i64>,
    role: String,
    cap_us: Option<i64>,
}

impl Row {
    fn entry(self) -> Result<Entry, StoreError> {
        Ok(Entry {
            clan: parsed("rosters", &self.player_id, "clan_id", &self.clan_id)?,
            player: parsed("rosters", &self.player_id, "player_id", &self.player_id)?,
            name: parsed::<Name>("players", &self.player_id, "name", &self.name)?,
            seat: self.seat()?,
            address: match self.removed_at {
                Some(_) => None,
                None => PlayerAddress::stored(&self.address).ok(),
            },
            ipv6: self.ipv6.address(&self.player_id)?,
            consent: consent_of(
                &self.player_id,
                &self.consent,
                self.consent_by.as_deref(),
                self.consent_at,
            )?,
        })
    }

    fn seat(&self) -> Result<Seat, StoreError> {
        let wrong = |field, value: &str, why| corrupt("rosters", &self.player_id, field, value, why);
        let cap = |us: i64| {
            let micros = u32::try_from(us).ok().and_then(|us| Micros::new(us).ok());
            micros.ok_or_else(|| wrong("cap_us", &us.to_string(), "not a round-trip time"))
        };
        Ok(Seat {
            role: Seat::role_named(&self.role).ok_or_else(|| wrong("role", &self.role, "not a role"))?,
            cap: self.cap_us.map(cap).transpose()?,
        })
    }
}

/// Gives one clan's players of a match, anew, in this order.
pub async fn set(
    tx: &mut Tx,
    of: MatchId,
    clan: ClanId,
    players: &[(PlayerId, Seat)],
) -> Result<(), StoreError> {
    let (of, clan) = (of.to_string(), clan.to_string());
    let text = "delete from rosters where match_id = $1 and clan_id = $2";
    sql!(tx, execute text, of.as_str(), clan.as_str())?;
    for (position, (player, seat)) in (0_i64..).zip(players) {
        let text = "insert into rosters (match_id, clan_id, player_id, position, role, cap_us) values ($1, $2, $3, $4, $5, $6)";
        let cap = seat.cap.map(|cap| i64::from(cap.us()));
        sql!(tx, execute text, of.as_str(), clan.as_str(), player.to_string(), position, seat.role.name(), cap)?;
    }
    Ok(())
}

/// Everybody who plays in a match, each clan's players in their order.
pub async fn list(tx: &mut Tx, of: MatchId) -> Result<Vec<Entry>, StoreError> {
    let text = "select rosters.clan_id, rosters.player_id, players.name, players.address, players.consent,
                       players.consent_by, players.consent_at, players.ipv6, players.ipv6_consent,
                       players.ipv6_consent_by, players.ipv6_consent_at, players.removed_at, rosters.role, rosters.cap_us
                from rosters join players on players.id = rosters.player_id
                where rosters.match_id = $1 order by rosters.clan_id, rosters.position";
    sql!(tx, all Row, text, of.to_string())?
        .into_iter()
        .map(Row::entry)
        .collect()
}
