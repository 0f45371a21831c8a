//! All rounds that have not ended at once: whom they measure, from where, and what came back. One statement each, however many
//! rounds there are.

use super::{
    StoreError, Tx, parsed,
    rounds::{Measurement, TargetRow},
};
use crate::domain::{HostId, RoundId, RoundTarget};
use std::collections::BTreeMap;
use vmatrix_wire::RttSample;

/// What belongs to each round; one of which there is nothing is absent.
pub type ByRound<T> = BTreeMap<RoundId, Vec<T>>;

#[derive(sqlx::FromRow)]
struct Of<Inner> {
    round_id: String,
    #[sqlx(flatten)]
    row: Inner,
}

#[derive(sqlx::FromRow)]
struct HostRow {
    host_id: String,
    done: bool,
}

impl HostRow {
    fn host(self) -> Result<(HostId, bool), StoreError> {
        let host = parsed("round_hosts", &self.host_id, "host_id", &self.host_id)?;
        Ok((host, self.done))
    }
}

fn grouped<Inner, T>(
    rows: Vec<Of<Inner>>,
    one: impl Fn(Inner) -> Result<T, StoreError>,
) -> Result<ByRound<T>, StoreError> {
    let mut all = ByRound::<T>::new();
    for Of { round_id, row } in rows {
        let round = parsed("rounds", &round_id, "id", &round_id)?;
        all.entry(round).or_default().push(one(row)?);
    }
    Ok(all)
}

/// As [`super::rounds::targets`].
pub async fn targets(tx: &mut Tx) -> Result<ByRound<RoundTarget>, StoreError> {
    let text = "select round_id, target_id, player_id, address, way, zone from round_targets
                where round_id in (select id from rounds where ended_at is null) order by round_id, target_id";
    grouped(sql!(tx, all Of<TargetRow>, text)?, TargetRow::target)
}

/// As [`super::rounds::hosts`].
pub async fn hosts(tx: &mut Tx) -> Result<ByRound<(HostId, bool)>, StoreError> {
    let text = "select round_id, host_id, done from round_hosts
                where round_id in (select id from rounds where ended_at is null) order by round_id, host_id";
    grouped(sql!(tx, all Of<HostRow>, text)?, HostRow::host)
}

/// As [`super::rounds::measurements`].
pub async fn measurements(tx: &mut Tx) -> Result<ByRound<(HostId, RttSample)>, StoreError> {
    let text = "select round_id, host_id, target_id, sent, received, min_us, median_us, deviation_us, p90_us, jitter_us
                from measurements where round_id in (select id from rounds where ended_at is null)
                order by round_id, host_id, target_id";
    grouped(sql!(tx, all Of<Measurement>, text)?, Measurement::sample)
}
