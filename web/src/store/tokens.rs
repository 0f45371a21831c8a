//! Tokens of the API. Only hashes are kept.

use super::{StoreError, Tx, parsed, users};
use crate::domain::{ApiTokenId, Time, User, UserId};

/// Adds a token by its hash.
pub async fn insert(
    tx: &mut Tx,
    id: ApiTokenId,
    user: UserId,
    name: &str,
    token_hash: &str,
    now: Time,
) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into api_tokens (id, user_id, name, token_hash, created_at) values ($1, $2, $3, $4, $5)",
        id.to_string(),
        user.to_string(),
        name,
        token_hash,
        now.millis()
    )?;
    Ok(())
}

/// Whose token this is.
pub async fn user(tx: &mut Tx, token_hash: &str) -> Result<Option<User>, StoreError> {
    let text = "select users.* from users join api_tokens on api_tokens.user_id = users.id where api_tokens.token_hash = $1";
    let row = sql!(tx, optional users::Row, text, token_hash)?;
    Ok(row.map(users::Row::user).transpose()?.map(|(user, _)| user))
}

/// A user's tokens: id, name, and since when.
pub async fn list(tx: &mut Tx, user: UserId) -> Result<Vec<(ApiTokenId, String, Time)>, StoreError> {
    let text = "select id, name, created_at from api_tokens where user_id = $1 order by id";
    let rows = sql!(tx, all(String, String, i64), text, user.to_string())?;
    let token = |(id, name, at): (String, String, i64)| {
        Ok((parsed("api_tokens", &id, "id", &id)?, name, Time::from_millis(at)))
    };
    rows.into_iter().map(token).collect()
}

/// Withdraws a user's token. `false` if there was none.
pub async fn delete(tx: &mut Tx, id: ApiTokenId, user: UserId) -> Result<bool, StoreError> {
    let text = "delete from api_tokens where id = $1 and user_id = $2";
    Ok(sql!(tx, execute text, id.to_string(), user.to_string())? == 1)
}

/// Withdraws all of a user's tokens; how many.
pub async fn delete_all(tx: &mut Tx, user: UserId) -> Result<u64, StoreError> {
    let text = "delete from api_tokens where user_id = $1";
    Ok(sql!(tx, execute text, user.to_string())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Role, store::testing::databases};
    use uuid::Uuid;

    #[tokio::test]
    async fn the_life_of_a_token() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let owner = User {
                id: UserId(Uuid::now_v7()),
                name: "anna".parse().unwrap(),
                role: Role::Organiser,
                created_at: Time::from_millis(1),
            };
            users::insert(&mut tx, &owner, "hash").await.unwrap();
            let id = ApiTokenId(Uuid::now_v7());
            insert(&mut tx, id, owner.id, "laptop", "abc", Time::from_millis(2))
                .await
                .unwrap();
            assert_eq!(user(&mut tx, "abc").await.unwrap(), Some(owner.clone()));
            assert_eq!(user(&mut tx, "abd").await.unwrap(), None);
            let listed = list(&mut tx, owner.id).await.unwrap();
            assert_eq!(listed, vec![(id, "laptop".to_owned(), Time::from_millis(2))]);
            assert!(!delete(&mut tx, id, UserId(Uuid::now_v7())).await.unwrap());
            assert!(delete(&mut tx, id, owner.id).await.unwrap());
            assert_eq!(user(&mut tx, "abc").await.unwrap(), None);
            insert(&mut tx, id, owner.id, "laptop", "abc", Time::from_millis(2))
                .await
                .unwrap();
            assert_eq!(delete_all(&mut tx, UserId(Uuid::now_v7())).await.unwrap(), 0);
            assert_eq!(delete_all(&mut tx, owner.id).await.unwrap(), 1);
            assert_eq!(user(&mut tx, "abc").await.unwrap(), None);
            tx.commit().await.unwrap();
        }
    }
}
