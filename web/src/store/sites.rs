//! Sites.

use super::{StoreError, Tx, parsed};
use crate::domain::{Site, SiteId};

/// The site of this name; made with `id` if there is none.
pub async fn find_or_insert(tx: &mut Tx, name: &str, id: SiteId) -> Result<Site, StoreError> {
    sql!(
        tx,
        execute "insert into sites (id, name) values ($1, $2) on conflict (name) do nothing",
        id.to_string(),
        name
    )?;
    let (id, name) = sql!(
        tx,
        one(String, String),
        "select id, name from sites where name = $1",
        name
    )?;
    Ok(Site {
        id: parsed("sites", &id, "id", &id)?,
        name,
    })
}

/// All sites by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<Site>, StoreError> {
    let rows = sql!(
        tx,
        all(String, String),
        "select id, name from sites order by name"
    )?;
    rows.into_iter()
        .map(|(id, name)| {
            Ok(Site {
                id: parsed("sites", &id, "id", &id)?,
                name,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::databases;
    use uuid::Uuid;

    #[tokio::test]
    async fn a_site_is_made_once() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let first = find_or_insert(&mut tx, "madrid", SiteId(Uuid::now_v7()))
                .await
                .unwrap();
            let again = find_or_insert(&mut tx, "madrid", SiteId(Uuid::now_v7()))
                .await
                .unwrap();
            assert_eq!(first, again);
            assert_eq!(list(&mut tx).await.unwrap(), vec![first]);
            tx.commit().await.unwrap();
        }
    }
}
