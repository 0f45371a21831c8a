//! Snapshots in the nest. The chunks themselves are files.

use super::{StoreError, Tx, from_json, parsed, to_json};
use crate::domain::{Snapshot, SnapshotFacts, SnapshotId, Time};
use vmatrix_wire::Manifest;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    facts: String,
    created_at: i64,
}

impl Row {
    fn snapshot(self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot {
            id: parsed("snapshots", &self.id, "id", &self.id)?,
            facts: from_json("snapshots", &self.id, "facts", &self.facts)?,
            created_at: Time::from_millis(self.created_at),
        })
    }
}

/// Adds a snapshot: the manifest's very text, and what it says. Twice is once.
pub async fn insert(
    tx: &mut Tx,
    id: SnapshotId,
    text: &str,
    manifest: &Manifest,
    now: Time,
) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into snapshots (id, name, manifest, facts, created_at) values ($1, $2, $3, $4, $5)
                 on conflict (id) do nothing",
        id.to_string(),
        manifest.contract.name.as_str(),
        text,
        to_json(&SnapshotFacts::from(manifest))?,
        now.millis()
    )?;
    Ok(())
}

/// A snapshot.
pub async fn get(tx: &mut Tx, id: SnapshotId) -> Result<Option<Snapshot>, StoreError> {
    let text = "select id, facts, created_at from snapshots where id = $1";
    sql!(tx, optional Row, text, id.to_string())?
        .map(Row::snapshot)
        .transpose()
}

/// The manifest's very text, whose digest is the id.
pub async fn manifest(tx: &mut Tx, id: SnapshotId) -> Result<Option<String>, StoreError> {
    let text = "select manifest from snapshots where id = $1";
    Ok(sql!(tx, optional(String,), text, id.to_string())?.map(|(text,)| text))
}

/// The newest snapshot of an image: what bookings use.
pub async fn newest(tx: &mut Tx, image: &str) -> Result<Option<Snapshot>, StoreError> {
    let text = "select id, facts, created_at from snapshots where name = $1 order by created_at desc, id desc limit 1";
    sql!(tx, optional Row, text, image)?
        .map(Row::snapshot)
        .transpose()
}

/// All snapshots of an image that can be read, newest first: one that another version wrote keeps nobody from the rest.
pub async fn of_image(tx: &mut Tx, image: &str) -> Result<Vec<Snapshot>, StoreError> {
    let text =
        "select id, facts, created_at from snapshots where name = $1 order by created_at desc, id desc";
    let rows = sql!(tx, all Row, text, image)?.into_iter();
    Ok(rows
        .filter_map(|row| {
            row.snapshot()
                .inspect_err(|error| tracing::error!(%error, "left out"))
                .ok()
        })
        .collect())
}

/// All snapshots, by image, newest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<Snapshot>, StoreError> {
    let text = "select id, facts, created_at from snapshots order by name, created_at desc, id desc";
    sql!(tx, all Row, text)?.into_iter().map(Row::snapshot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::testing, store::testing::databases};

    #[tokio::test]
    async fn the_newest_snapshot_of_an_image_is_what_bookings_use() {
        for base in databases().await {
            let (old, new) = (
                testing::manifest("openarena", 1),
                testing::manifest("openarena", 2),
            );
            let (old_id, new_id) = (vmatrix_wire::Digest([1; 32]), vmatrix_wire::Digest([2; 32]));
            let mut tx = base.db.begin().await.unwrap();
            insert(&mut tx, old_id, "old text", &old, Time::from_millis(1))
                .await
                .unwrap();
            insert(&mut tx, new_id, "new text", &new, Time::from_millis(2))
                .await
                .unwrap();
            insert(&mut tx, new_id, "new text", &new, Time::from_millis(3))
                .await
                .unwrap();
            assert_eq!(newest(&mut tx, "openarena").await.unwrap().unwrap().id, new_id);
            assert_eq!(newest(&mut tx, "quake").await.unwrap(), None);
            assert_eq!(
                manifest(&mut tx, old_id).await.unwrap().as_deref(),
                Some("old text")
            );
            let got = get(&mut tx, old_id).await.unwrap().unwrap();
            assert_eq!(got.facts, SnapshotFacts::from(&old));
            assert_eq!(list(&mut tx).await.unwrap().len(), 2);
            let ids = async |tx: &mut Tx| {
                let all = of_image(tx, "openarena").await.unwrap();
                all.into_iter().map(|snapshot| snapshot.id).collect::<Vec<_>>()
            };
            assert_eq!(ids(&mut tx).await, [new_id, old_id]);
            assert_eq!(of_image(&mut tx, "quake").await.unwrap(), []);
            let text = "update snapshots set facts = '{}' where id = $1";
            sql!(&mut tx, execute text, old_id.to_string()).unwrap();
            assert_eq!(ids(&mut tx).await, [new_id]);
            tx.commit().await.unwrap();
        }
    }
}
