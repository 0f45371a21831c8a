//! Matches that wait for their turn to be measured, by the round that each will get. Rounds' ids grow with time: they say who
//! came first.

use super::{StoreError, Tx, parsed};
use crate::domain::{MatchId, RoundId};

/// A match waits from now on, by this round; or still by the one before, which is answered: who waits keeps their place.
pub async fn put(tx: &mut Tx, of: MatchId, round: RoundId) -> Result<RoundId, StoreError> {
    let text = "insert into turns (round_id, match_id) values ($1, $2) on conflict (match_id) do nothing";
    sql!(tx, execute text, round.to_string(), of.to_string())?;
    let text = "select round_id from turns where match_id = $1";
    let (round,) = sql!(tx, one(String,), text, of.to_string())?;
    parsed("turns", &round, "round_id", &round)
}

/// All that wait, by who came first.
pub async fn list(tx: &mut Tx) -> Result<Vec<(RoundId, MatchId)>, StoreError> {
    let text = "select round_id, match_id from turns order by round_id";
    sql!(tx, all(String, String), text)?
        .into_iter()
        .map(|(round, of)| {
            Ok((
                parsed("turns", &round, "round_id", &round)?,
                parsed("turns", &round, "match_id", &of)?,
            ))
        })
        .collect()
}

/// How many wait before a round; absent if it does not wait.
pub async fn before(tx: &mut Tx, round: RoundId) -> Result<Option<u64>, StoreError> {
    let id = round.to_string();
    let text = "select count(*) from turns where round_id = $1";
    let (waits,) = sql!(tx, one(i64,), text, id.as_str())?;
    if waits == 0 {
        return Ok(None);
    }
    let text = "select count(*) from turns where round_id < $1";
    let (before,) = sql!(tx, one(i64,), text, id)?;
    Ok(Some(u64::try_from(before).unwrap_or(0)))
}

/// A match does not wait any more.
pub async fn remove(tx: &mut Tx, of: MatchId) -> Result<bool, StoreError> {
    Ok(sql!(tx, execute "delete from turns where match_id = $1", of.to_string())? == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{life_tests, testing::databases};
    use uuid::Uuid;

    #[tokio::test]
    async fn who_waits_is_known_until_they_do_not() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let rows = life_tests::rows(&mut tx).await;
            let round = |n| vmatrix_wire::ProbeId(Uuid::from_u128(n));
            assert_eq!(put(&mut tx, rows.of.id, round(1)).await.unwrap(), round(1));
            assert_eq!(put(&mut tx, rows.of.id, round(5)).await.unwrap(), round(1));
            assert_eq!(list(&mut tx).await.unwrap(), [(round(1), rows.of.id)]);
            assert_eq!(before(&mut tx, round(1)).await.unwrap(), Some(0));
            assert_eq!(before(&mut tx, round(5)).await.unwrap(), None);
            assert!(remove(&mut tx, rows.of.id).await.unwrap());
            assert!(!remove(&mut tx, rows.of.id).await.unwrap());
            assert_eq!(before(&mut tx, round(1)).await.unwrap(), None);
            tx.commit().await.unwrap();
        }
    }
}
