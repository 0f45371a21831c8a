//! How far hosts are from each other.

use super::{StoreError, Tx, corrupt, parsed};
use crate::domain::{MeshWay, Time};
use vmatrix_placement::Micros;

#[derive(sqlx::FromRow)]
struct Row {
    from_host: String,
    to_host: String,
    taken_at: i64,
    min_us: i64,
    median_us: i64,
    deviation_us: i64,
    received: i64,
}

impl Row {
    fn way(self) -> Result<MeshWay, StoreError> {
        let micros = |column, us: i64| {
            let micros = u32::try_from(us).ok().and_then(|us| Micros::new(us).ok());
            micros.ok_or_else(|| {
                corrupt(
                    "mesh",
                    &self.from_host,
                    column,
                    &us.to_string(),
                    "not a round-trip time",
                )
            })
        };
        Ok(MeshWay {
            from: parsed("mesh", &self.from_host, "from_host", &self.from_host)?,
            to: parsed("mesh", &self.from_host, "to_host", &self.to_host)?,
            taken_at: Time::from_millis(self.taken_at),
            min: micros("min_us", self.min_us)?,
            median: micros("median_us", self.median_us)?,
            deviation_us: u32::try_from(self.deviation_us).unwrap_or(u32::MAX),
            received: u16::try_from(self.received).unwrap_or(u16::MAX),
        })
    }
}

/// Writes a way over an older one. `false` if there is one that is as new, or if a host is not known.
pub async fn put(tx: &mut Tx, way: &MeshWay) -> Result<bool, StoreError> {
    let text = "insert into mesh (from_host, to_host, taken_at, min_us, median_us, deviation_us, received)
                select $1, $2, $3, $4, $5, $6, $7 where exists (select 1 from hosts where id = $2)
                on conflict (from_host, to_host) do update set taken_at = excluded.taken_at, min_us = excluded.min_us,
                    median_us = excluded.median_us, deviation_us = excluded.deviation_us, received = excluded.received
                where mesh.taken_at < excluded.taken_at";
    let written = sql!(
        tx,
        execute text,
        way.from.to_string(),
        way.to.to_string(),
        way.taken_at.millis(),
        i64::from(way.min.us()),
        i64::from(way.median.us()),
        i64::from(way.deviation_us),
        i64::from(way.received)
    )?;
    Ok(written == 1)
}

/// All ways that are not older than `since`.
pub async fn list(tx: &mut Tx, since: Time) -> Result<Vec<MeshWay>, StoreError> {
    let text = "select * from mesh where taken_at >= $1 order by from_host, to_host";
    sql!(tx, all Row, text, since.millis())?
        .into_iter()
        .map(Row::way)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Host, HostId, testing},
        store::{hosts, life_tests, testing::databases},
    };
    use uuid::Uuid;
    use vmatrix_wire::Digest;

    #[tokio::test]
    async fn the_newest_of_each_way_is_kept_and_only_between_hosts() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let rows = life_tests::rows(&mut tx).await;
            let known = hosts::get(&mut tx, rows.host).await.unwrap().unwrap().host;
            let other = Host {
                site: known.site,
                ..testing::host("ams-1", 2)
            };
            hosts::insert(&mut tx, &other, "hash-2", Digest([8; 32]))
                .await
                .unwrap();
            let way = |to, at, us| MeshWay {
                from: rows.host,
                to,
                taken_at: Time::from_millis(at),
                min: Micros::new(us).unwrap(),
                median: Micros::new(us + 5).unwrap(),
                deviation_us: 2,
                received: 9,
            };
            assert!(put(&mut tx, &way(other.id, 5, 700)).await.unwrap());
            assert!(!put(&mut tx, &way(other.id, 5, 900)).await.unwrap(), "as new");
            assert!(put(&mut tx, &way(other.id, 6, 800)).await.unwrap());
            let nobody = HostId(Uuid::now_v7());
            assert!(!put(&mut tx, &way(nobody, 7, 800)).await.unwrap());
            let at = Time::from_millis;
            assert_eq!(list(&mut tx, at(6)).await.unwrap(), [way(other.id, 6, 800)]);
            assert_eq!(list(&mut tx, at(7)).await.unwrap(), []);
        }
    }
}
