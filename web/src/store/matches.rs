//! Matches. A state is written only over the revision that it was read from.

use super::{StoreError, Tx, from_json, parsed, to_json};
use crate::domain::{ClanId, Match, MatchId, MatchState, Time};
use vmatrix_wire::Secret;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    image: String,
    map: String,
    policy: String,
    home_clan_id: String,
    away_clan_id: String,
    start_at: i64,
    length_ms: i64,
    detail: String,
    password: String,
    rcon: String,
    created_by: String,
    created_at: i64,
    rematch_of: Option<String>,
    frozen: bool,
    revision: i64,
}

impl Row {
    fn of_match(self) -> Result<Match, StoreError> {
        let id = self.id.as_str();
        Ok(Match {
            id: parsed("matches", id, "id", id)?,
            home: parsed("matches", id, "home_clan_id", &self.home_clan_id)?,
            away: parsed("matches", id, "away_clan_id", &self.away_clan_id)?,
            state: from_json("matches", id, "detail", &self.detail)?,
            policy: from_json("matches", id, "policy", &self.policy)?,
            rematch_of: self
                .rematch_of
                .as_ref()
                .map(|text| parsed("matches", id, "rematch_of", text))
                .transpose()?,
            created_by: parsed("matches", id, "created_by", &self.created_by)?,
            image: self.image,
            map: self.map,
            start_at: Time::from_millis(self.start_at),
            length_ms: self.length_ms,
            password: Secret::new(self.password),
            rcon: Secret::new(self.rcon),
            created_at: Time::from_millis(self.created_at),
            freeze: self.frozen,
            revision: self.revision,
        })
    }
}

/// Adds a match at revision 1.
pub async fn insert(tx: &mut Tx, new: &Match) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into matches (id, image, map, home_clan_id, away_clan_id, start_at, length_ms, state, detail,
                     password, rcon, created_by, created_at, policy, rematch_of, frozen, revision)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1)",
        new.id.to_string(),
        new.image.as_str(),
        new.map.as_str(),
        new.home.to_string(),
        new.away.to_string(),
        new.start_at.millis(),
        new.length_ms,
        new.state.name(),
        to_json(&new.state)?,
        new.password.reveal(),
        new.rcon.reveal(),
        new.created_by.to_string(),
        new.created_at.millis(),
        to_json(&new.policy)?,
        new.rematch_of.map(|id| id.to_string()),
        new.freeze
    )?;
    Ok(())
}

/// A match.
pub async fn get(tx: &mut Tx, id: MatchId) -> Result<Option<Match>, StoreError> {
    sql!(tx, optional Row, "select * from matches where id = $1", id.to_string())?
        .map(Row::of_match)
        .transpose()
}

/// All matches, or a clan's; newest start first, at most 200.
pub async fn list(tx: &mut Tx, clan: Option<ClanId>) -> Result<Vec<Match>, StoreError> {
    let text = "select * from matches where $1 = '' or home_clan_id = $1 or away_clan_id = $1
                order by start_at desc, id desc limit 200";
    let clan = clan.map(|id| id.to_string()).unwrap_or_default();
    sql!(tx, all Row, text, clan)?
        .into_iter()
        .map(Row::of_match)
        .collect()
}

/// Matches to which something may still happen, oldest booking first. Each by itself: one that cannot be read stops no other.
pub async fn unfinished(tx: &mut Tx) -> Result<Vec<Result<Match, StoreError>>, StoreError> {
    let text =
        "select * from matches where state not in ('over', 'failed', 'cancelled') order by created_at, id";
    let rows = sql!(tx, all Row, text)?;
    Ok(rows.into_iter().map(Row::of_match).collect())
}

/// Matches that have a VM which is not known to be gone; each by itself.
pub async fn with_vms(tx: &mut Tx) -> Result<Vec<Result<Match, StoreError>>, StoreError> {
    let text =
        "select * from matches where id in (select match_id from vms where gone_at is null) order by id";
    let rows = sql!(tx, all Row, text)?;
    Ok(rows.into_iter().map(Row::of_match).collect())
}

/// How many matches that a clan's own admins have booked are not over, failed or cancelled.
pub async fn open_of(tx: &mut Tx, clan: ClanId) -> Result<usize, StoreError> {
    let text = "select count(*) from matches join users on users.id = matches.created_by
                where users.clan_id = $1 and matches.state not in ('over', 'failed', 'cancelled')";
    let (count,) = sql!(tx, one(i64,), text, clan.to_string())?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Writes a new state over the revision that `read` has. `false` if somebody else was quicker: read again.
pub async fn write_state(tx: &mut Tx, read: &Match, state: &MatchState) -> Result<bool, StoreError> {
    let text =
        "update matches set state = $3, detail = $4, revision = revision + 1 where id = $1 and revision = $2";
    Ok(sql!(tx, execute text, read.id.to_string(), read.revision, state.name(), to_json(state)?)? == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{clans, life_tests::at, rounds, testing::databases, vms, vms_tests::vm};

    /// What the Oracle reads of all matches at once.
    #[tokio::test]
    async fn matches_with_vms_are_read_at_once_until_both_are_at_an_end() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let (rows, id) = vm(&mut tx).await;
            let vm = vms::get(&mut tx, id).await.unwrap().unwrap();
            let with_vms = async |tx: &mut Tx| {
                let of: Vec<_> = super::with_vms(tx).await.unwrap();
                let of: Vec<_> = of.into_iter().map(|of| of.unwrap().id).collect();
                let clans = clans::with_vms(tx).await.unwrap();
                (of, clans.into_iter().map(|clan| clan.id).collect::<Vec<_>>())
            };
            let mut both = vec![rows.of.home, rows.of.away];
            both.sort();
            assert_eq!(with_vms(&mut tx).await, (vec![rows.of.id], both));
            let all = vms::of_unfinished(&mut tx).await.unwrap();
            let all: Vec<_> = all.into_values().map(Result::unwrap).collect();
            assert_eq!(all, std::slice::from_ref(&vm));
            let mut gone = vm.seen.clone();
            gone.gone_at = Some(at(30));
            assert!(vms::set_report(&mut tx, id, &gone).await.unwrap());
            assert_eq!(with_vms(&mut tx).await, (Vec::new(), Vec::new()));
            assert_eq!(
                vms::of_unfinished(&mut tx).await.unwrap().len(),
                1,
                "its match goes on"
            );
            assert!(
                write_state(&mut tx, &rows.of, &MatchState::Cancelled)
                    .await
                    .unwrap()
            );
            assert!(vms::of_unfinished(&mut tx).await.unwrap().is_empty());
            assert!(rounds::of_unfinished(&mut tx).await.unwrap().is_empty());
        }
    }
}
