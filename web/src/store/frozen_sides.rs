//! What is frozen of a match's sides.

use super::{StoreError, Tx, from_json, parsed, to_json};
use crate::domain::{FrozenSide, MatchId, Time};

/// Writes what was measured of a side over what was before.
pub async fn put(tx: &mut Tx, of: MatchId, side: &FrozenSide) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into frozen_sides (match_id, clan_id, frozen_at, measured) values ($1, $2, $3, $4)
                 on conflict (match_id, clan_id) do update set frozen_at = excluded.frozen_at,
                     measured = excluded.measured",
        of.to_string(),
        side.clan.to_string(),
        side.at.millis(),
        to_json(&side.measured)?
    )?;
    Ok(())
}

/// What is frozen of a match, at most once per clan.
pub async fn of_match(tx: &mut Tx, of: MatchId) -> Result<Vec<FrozenSide>, StoreError> {
    let text = "select clan_id, frozen_at, measured from frozen_sides where match_id = $1 order by clan_id";
    let id = of.to_string();
    let side = |(clan, at, measured): (String, i64, String)| {
        Ok(FrozenSide {
            clan: parsed("frozen_sides", &id, "clan_id", &clan)?,
            at: Time::from_millis(at),
            measured: from_json("frozen_sides", &id, "measured", &measured)?,
        })
    };
    sql!(tx, all(String, i64, String), text, id.as_str())?
        .into_iter()
        .map(side)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{FrozenPlayer, FrozenValues},
        store::{life_tests, testing::databases},
    };
    use vmatrix_placement::{Micros, Note, fusion::Smell};

    #[tokio::test]
    async fn the_newest_of_each_side_is_kept() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let rows = life_tests::rows(&mut tx).await;
            let player = FrozenPlayer {
                player: rows.players[0].id,
                values: vec![(rows.host, Micros::new(9_000).unwrap(), Note::default())],
                smells: vec![Smell::SameEverywhere {
                    hosts: 6,
                    spread_us: 1,
                    apart_us: 2,
                    by_hosts: true,
                }],
            };
            let side = |clan, at| FrozenSide {
                clan,
                at: Time::from_millis(at),
                measured: FrozenValues {
                    hosts: vec![rows.host],
                    players: vec![player.clone()],
                },
            };
            for one in [
                side(rows.of.home, 1),
                side(rows.of.home, 2),
                side(rows.of.away, 3),
            ] {
                put(&mut tx, rows.of.id, &one).await.unwrap();
            }
            let mut both = vec![side(rows.of.home, 2), side(rows.of.away, 3)];
            both.sort_by_key(|side| side.clan.to_string());
            assert_eq!(of_match(&mut tx, rows.of.id).await.unwrap(), both);
        }
    }
}
