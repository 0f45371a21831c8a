//! What players' own programs have measured.

use super::{StoreError, Tx, corrupt, parsed};
use crate::domain::{PlayerId, Reading, Time, source_name, source_of};
use vmatrix_wire::{RttSample, TargetId};

#[derive(sqlx::FromRow)]
struct Row {
    host_id: String,
    source: String,
    taken_at: i64,
    sent: i64,
    received: i64,
    min_us: Option<i64>,
    median_us: Option<i64>,
    deviation_us: Option<i64>,
    p90_us: Option<i64>,
    jitter_us: Option<i64>,
}

/// Writes a reading over the one before of its kind.
pub async fn put(tx: &mut Tx, reading: &Reading) -> Result<(), StoreError> {
    let sample = &reading.sample;
    sql!(
        tx,
        execute "insert into readings (player_id, host_id, source, taken_at, sent, received, min_us, median_us,
                                       deviation_us, p90_us, jitter_us)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                 on conflict (player_id, host_id, source) do update set taken_at = excluded.taken_at,
                     sent = excluded.sent, received = excluded.received, min_us = excluded.min_us,
                     median_us = excluded.median_us, deviation_us = excluded.deviation_us,
                     p90_us = excluded.p90_us, jitter_us = excluded.jitter_us",
        reading.player.to_string(),
        reading.host.to_string(),
        source_name(reading.source),
        reading.taken_at.millis(),
        i64::from(sample.sent),
        i64::from(sample.received),
        sample.min_us.map(i64::from),
        sample.median_us.map(i64::from),
        sample.deviation_us.map(i64::from),
        sample.p90_us.map(i64::from),
        sample.jitter_us.map(i64::from)
    )?;
    Ok(())
}

/// A player's readings that are not older than `since`, by host and source.
pub async fn of_player(tx: &mut Tx, player: PlayerId, since: Time) -> Result<Vec<Reading>, StoreError> {
    let text =
        "select host_id, source, taken_at, sent, received, min_us, median_us, deviation_us, p90_us, jitter_us
                from readings where player_id = $1 and taken_at >= $2 order by host_id, source";
    let id = player.to_string();
    let micros = |value: Option<i64>| value.and_then(|us| u32::try_from(us).ok());
    let reading = |row: Row| {
        Ok(Reading {
            player,
            host: parsed("readings", &id, "host_id", &row.host_id)?,
            source: source_of(&row.source)
                .ok_or_else(|| corrupt("readings", &id, "source", &row.source, "not a source"))?,
            taken_at: Time::from_millis(row.taken_at),
            sample: RttSample {
                target: TargetId(player.0),
                sent: u16::try_from(row.sent).unwrap_or(u16::MAX),
                received: u16::try_from(row.received).unwrap_or(u16::MAX),
                min_us: micros(row.min_us),
                median_us: micros(row.median_us),
                deviation_us: micros(row.deviation_us),
                p90_us: micros(row.p90_us),
                jitter_us: micros(row.jitter_us),
            },
        })
    };
    sql!(tx, all Row, text, id.as_str(), since.millis())?
        .into_iter()
        .map(reading)
        .collect()
}

/// Forgets what a player's programs have measured.
pub async fn delete_of(tx: &mut Tx, player: PlayerId) -> Result<u64, StoreError> {
    sql!(tx, execute "delete from readings where player_id = $1", player.to_string())
}

/// Forgets what was measured before `before`.
pub async fn delete(tx: &mut Tx, before: Time) -> Result<u64, StoreError> {
    sql!(tx, execute "delete from readings where taken_at < $1", before.millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{life_tests, testing::databases};
    use vmatrix_placement::Source;

    #[tokio::test]
    async fn the_newest_of_each_kind_is_kept() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let rows = life_tests::rows(&mut tx).await;
            let player = rows.players[0].id;
            let reading = |source, at, us| Reading {
                player,
                host: rows.host,
                source,
                taken_at: Time::from_millis(at),
                sample: RttSample::of(TargetId(player.0), 12, &[us, us + 4]),
            };
            for one in [
                reading(Source::Udp, 1, 9_000),
                reading(Source::Browser, 1, 50_000),
                reading(Source::Browser, 2, 40_000),
            ] {
                put(&mut tx, &one).await.unwrap();
            }
            let since = |at| Time::from_millis(at);
            let all = of_player(&mut tx, player, since(1)).await.unwrap();
            assert_eq!(
                all,
                [
                    reading(Source::Browser, 2, 40_000),
                    reading(Source::Udp, 1, 9_000)
                ]
            );
            let fresh = of_player(&mut tx, player, since(2)).await.unwrap();
            assert_eq!(fresh, [reading(Source::Browser, 2, 40_000)]);
            assert_eq!(delete(&mut tx, since(2)).await.unwrap(), 1);
            assert_eq!(of_player(&mut tx, player, since(1)).await.unwrap(), fresh);
        }
    }
}
