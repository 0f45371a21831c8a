//! What games said of their players' round trips, and what was learned from it.

use super::{StoreError, Tx, corrupt, parsed};
use crate::domain::{HostId, Learned, MatchId, Time, VmId, source_name, source_of, unlike};
use std::collections::BTreeMap;
use vmatrix_placement::Source;
use vmatrix_wire::{GamePings, PlayerPing};

/// A game has no more players; an agent that says so is not right.
const MOST_PLAYERS: usize = 64;
/// Letters of a name.
const LONGEST_NAME: usize = 64;

/// Writes what a game said once, without those whose name two have in it; said again, it is the same.
pub async fn add_pings(
    tx: &mut Tx,
    vm: VmId,
    of: MatchId,
    pings: &GamePings,
    at: Time,
) -> Result<(), StoreError> {
    // Numbers begin anywhere: of one beyond the column's the highest bit is of no account.
    let number = i64::try_from(pings.number & (u64::MAX >> 1)).unwrap_or(i64::MAX);
    let said: Vec<PlayerPing> = pings.players.iter().take(MOST_PLAYERS).map(cut).collect();
    for player in unlike(&said) {
        sql!(
            tx,
            execute "insert into pings (vm_id, match_id, number, name, ping_ms, at) values ($1, $2, $3, $4, $5, $6)
                     on conflict (vm_id, number, name) do nothing",
            vm.to_string(),
            of.to_string(),
            number,
            player.name.as_str(),
            i64::from(player.ping_ms),
            at.millis()
        )?;
    }
    Ok(())
}

fn cut(player: &PlayerPing) -> PlayerPing {
    let plain = player.name.chars().filter(|c| !c.is_control());
    PlayerPing {
        name: plain.take(LONGEST_NAME).collect(),
        ping_ms: player.ping_ms,
    }
}

/// All that games said of a match's players: name and milliseconds, oldest first.
pub async fn pings(tx: &mut Tx, of: MatchId) -> Result<Vec<(String, u16)>, StoreError> {
    let text = "select name, ping_ms from pings where match_id = $1 order by at, name";
    let rows = sql!(tx, all(String, i64), text, of.to_string())?;
    Ok(rows
        .into_iter()
        .map(|(name, ms)| (name, u16::try_from(ms).unwrap_or(u16::MAX)))
        .collect())
}

/// Forgets what games said before. How much was forgotten.
pub async fn forget_pings(tx: &mut Tx, before: Time) -> Result<u64, StoreError> {
    sql!(tx, execute "delete from pings where at < $1", before.millis())
}

/// What was learned of all hosts and sources.
pub async fn learned(tx: &mut Tx) -> Result<BTreeMap<(HostId, Source), Learned>, StoreError> {
    let text = "select host_id, source, promises, error_us from learned order by host_id, source";
    let rows = sql!(tx, all(String, String, i64, i64), text)?;
    let one = |(host, source, promises, error): (String, String, i64, i64)| {
        let known =
            source_of(&source).ok_or_else(|| corrupt("learned", &host, "source", &source, "not a source"))?;
        let learned = Learned {
            promises: u32::try_from(promises).unwrap_or(u32::MAX),
            error_us: u32::try_from(error).unwrap_or(u32::MAX),
        };
        Ok(((parsed("learned", &host, "host_id", &host)?, known), learned))
    };
    rows.into_iter().map(one).collect()
}

/// Writes what was learned of one host and source over what was.
pub async fn put_learned(
    tx: &mut Tx,
    host: HostId,
    source: Source,
    learned: Learned,
) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into learned (host_id, source, promises, error_us) values ($1, $2, $3, $4)
                 on conflict (host_id, source) do update set promises = excluded.promises, error_us = excluded.error_us",
        host.to_string(),
        source_name(source),
        i64::from(learned.promises),
        i64::from(learned.error_us)
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{life_tests, testing::databases};

    #[tokio::test]
    async fn what_was_learned_is_kept_by_host_and_source() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let rows = life_tests::rows(&mut tx).await;
            let first = Learned::default().with(5_000);
            put_learned(&mut tx, rows.host, Source::Icmp, first)
                .await
                .unwrap();
            put_learned(&mut tx, rows.host, Source::King, first)
                .await
                .unwrap();
            let second = first.with(9_000);
            put_learned(&mut tx, rows.host, Source::Icmp, second)
                .await
                .unwrap();
            let all = learned(&mut tx).await.unwrap();
            let expected = [
                ((rows.host, Source::Icmp), second),
                ((rows.host, Source::King), first),
            ];
            assert_eq!(all, BTreeMap::from(expected));
        }
    }

    #[tokio::test]
    async fn what_no_game_says_is_cut() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let (rows, vm) = crate::store::vms_tests::vm(&mut tx).await;
            let player = |number: usize| PlayerPing {
                name: format!("{number:03}\0{}", "x".repeat(100_000)),
                ping_ms: 40,
            };
            let said = GamePings {
                number: 1,
                players: (0..1_000).map(player).collect(),
            };
            add_pings(&mut tx, vm, rows.of.id, &said, Time::from_millis(1))
                .await
                .unwrap();
            let all = pings(&mut tx, rows.of.id).await.unwrap();
            assert_eq!(all.len(), MOST_PLAYERS);
            assert!(
                all.iter()
                    .all(|(name, _)| name.len() == LONGEST_NAME && !name.contains('\0'))
            );
        }
    }

    #[tokio::test]
    async fn what_a_game_said_comes_once_and_is_forgotten() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let (rows, vm) = crate::store::vms_tests::vm(&mut tx).await;
            let said = |number, ping_ms| GamePings {
                number,
                players: vec![PlayerPing {
                    name: "Ada".into(),
                    ping_ms,
                }],
            };
            let at = Time::from_millis;
            for (number, ms, when) in [(u64::MAX, 40, 1), (u64::MAX, 40, 2), (7, 60, 3)] {
                add_pings(&mut tx, vm, rows.of.id, &said(number, ms), at(when))
                    .await
                    .unwrap();
            }
            // Another client in the game has taken her name.
            let mut two = said(8, 900);
            two.players.extend(said(8, 40).players);
            add_pings(&mut tx, vm, rows.of.id, &two, at(3)).await.unwrap();
            let all = pings(&mut tx, rows.of.id).await.unwrap();
            assert_eq!(all, [("Ada".to_owned(), 40), ("Ada".to_owned(), 60)]);
            assert_eq!(forget_pings(&mut tx, at(3)).await.unwrap(), 1);
            assert_eq!(pings(&mut tx, rows.of.id).await.unwrap().len(), 1);
        }
    }
}
