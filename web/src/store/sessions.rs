//! Sessions of browsers, as the session layer writes them.

use super::{StoreError, Tx};
use crate::domain::Time;

/// Adds a session. `false` if there is one of that id.
pub async fn insert(tx: &mut Tx, id: &str, data: &str, expires_at: Time) -> Result<bool, StoreError> {
    let text = "insert into sessions (id, data, expires_at) values ($1, $2, $3) on conflict (id) do nothing";
    Ok(sql!(tx, execute text, id, data, expires_at.millis())? == 1)
}

/// Writes a session, whether there is one or not.
pub async fn put(tx: &mut Tx, id: &str, data: &str, expires_at: Time) -> Result<(), StoreError> {
    let text = "insert into sessions (id, data, expires_at) values ($1, $2, $3)
                on conflict (id) do update set data = excluded.data, expires_at = excluded.expires_at";
    sql!(tx, execute text, id, data, expires_at.millis())?;
    Ok(())
}

/// A session's data, if it has not expired at `now`.
pub async fn get(tx: &mut Tx, id: &str, now: Time) -> Result<Option<String>, StoreError> {
    let text = "select data from sessions where id = $1 and expires_at > $2";
    Ok(sql!(tx, optional(String,), text, id, now.millis())?.map(|(data,)| data))
}

/// Forgets a session.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    sql!(tx, execute "delete from sessions where id = $1", id)?;
    Ok(())
}

/// Forgets all that have expired.
pub async fn delete_expired(tx: &mut Tx, now: Time) -> Result<u64, StoreError> {
    sql!(tx, execute "delete from sessions where expires_at <= $1", now.millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::databases;

    #[tokio::test]
    async fn the_life_of_a_session() {
        for base in databases().await {
            let at = Time::from_millis;
            let mut tx = base.db.begin().await.unwrap();
            assert!(insert(&mut tx, "a", "1", at(10)).await.unwrap());
            assert!(!insert(&mut tx, "a", "2", at(10)).await.unwrap());
            put(&mut tx, "a", "3", at(20)).await.unwrap();
            put(&mut tx, "b", "4", at(30)).await.unwrap();
            assert_eq!(get(&mut tx, "a", at(19)).await.unwrap().as_deref(), Some("3"));
            assert_eq!(get(&mut tx, "a", at(20)).await.unwrap(), None);
            assert_eq!(delete_expired(&mut tx, at(20)).await.unwrap(), 1);
            delete(&mut tx, "b").await.unwrap();
            assert_eq!(get(&mut tx, "b", at(1)).await.unwrap(), None);
            tx.commit().await.unwrap();
        }
    }
}
