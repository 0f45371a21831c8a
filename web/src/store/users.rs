//! Users. Password hashes leave this file only with [`by_name`], for the one place that checks them.

use super::{StoreError, Tx, corrupt, parsed};
use crate::domain::{Name, Role, Time, User, UserId};

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) password_hash: String,
    pub(super) role: String,
    pub(super) clan_id: Option<String>,
    pub(super) created_at: i64,
}

impl Row {
    pub(super) fn user(self) -> Result<(User, String), StoreError> {
        let clan = self
            .clan_id
            .as_deref()
            .map(|clan| parsed("users", &self.id, "clan_id", clan))
            .transpose()?;
        let role = Role::parse(&self.role, clan)
            .map_err(|why| corrupt("users", &self.id, "role", &self.role, why))?;
        let user = User {
            id: parsed("users", &self.id, "id", &self.id)?,
            name: parsed::<Name>("users", &self.id, "name", &self.name)?,
            role,
            created_at: Time::from_millis(self.created_at),
        };
        Ok((user, self.password_hash))
    }
}

/// Adds a user. A name that another has, in capitals or not, is [`StoreError::is_taken`].
pub async fn insert(tx: &mut Tx, user: &User, password_hash: &str) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into users (id, name, name_key, password_hash, role, clan_id, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7)",
        user.id.to_string(),
        user.name.as_str(),
        user.name.key(),
        password_hash,
        user.role.name(),
        user.role.clan().map(|clan| clan.to_string()),
        user.created_at.millis()
    )?;
    Ok(())
}

/// A user.
pub async fn get(tx: &mut Tx, id: UserId) -> Result<Option<User>, StoreError> {
    let row = sql!(tx, optional Row, "select * from users where id = $1", id.to_string())?;
    Ok(row.map(Row::user).transpose()?.map(|(user, _)| user))
}

/// A user with the password's hash: the one of exactly this name, else the one of its [`Name::key`].
pub async fn by_name(tx: &mut Tx, name: &Name) -> Result<Option<(User, String)>, StoreError> {
    let text = "select * from users where name = $1 or name_key = $2
                order by case when name = $1 then 0 else 1 end limit 1";
    sql!(tx, optional Row, text, name.as_str(), name.key())?
        .map(Row::user)
        .transpose()
}

/// Has a user to itself until the transaction ends: for who counts what they have before giving them more. `false` if there is
/// none.
pub async fn lock(tx: &mut Tx, id: UserId) -> Result<bool, StoreError> {
    // On both databases a row that is written is nobody else's to write.
    let text = "update users set epoch = epoch where id = $1";
    Ok(sql!(tx, execute text, id.to_string())? == 1)
}

/// All users by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<User>, StoreError> {
    let rows = sql!(tx, all Row, "select * from users order by name")?;
    rows.into_iter().map(|row| Ok(row.user()?.0)).collect()
}

/// How often a user's password was changed.
pub async fn epoch(tx: &mut Tx, id: UserId) -> Result<Option<i64>, StoreError> {
    let text = "select epoch from users where id = $1";
    Ok(sql!(tx, optional(i64,), text, id.to_string())?.map(|(epoch,)| epoch))
}

/// Sets a password's hash, and begins a new epoch. `false` if there is no such user.
pub async fn set_password(tx: &mut Tx, id: UserId, password_hash: &str) -> Result<bool, StoreError> {
    let text = "update users set password_hash = $2, epoch = epoch + 1 where id = $1";
    Ok(sql!(tx, execute text, id.to_string(), password_hash)? == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Clan, ClanId},
        store::{clans, testing::databases},
    };
    use uuid::Uuid;

    #[tokio::test]
    async fn the_life_of_a_user() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let clan = Clan {
                id: ClanId(Uuid::now_v7()),
                name: "Reds".parse().unwrap(),
            };
            clans::insert(&mut tx, &clan, Time::from_millis(1)).await.unwrap();
            let user = User {
                id: UserId(Uuid::now_v7()),
                name: "anna".parse().unwrap(),
                role: Role::ClanAdmin(clan.id),
                created_at: Time::from_millis(2),
            };
            insert(&mut tx, &user, "hash").await.unwrap();
            assert_eq!(get(&mut tx, user.id).await.unwrap(), Some(user.clone()));
            assert_eq!(epoch(&mut tx, user.id).await.unwrap(), Some(0));
            assert!(lock(&mut tx, user.id).await.unwrap());
            assert!(!lock(&mut tx, UserId(Uuid::now_v7())).await.unwrap());
            assert!(set_password(&mut tx, user.id, "other").await.unwrap());
            assert_eq!(epoch(&mut tx, user.id).await.unwrap(), Some(1));
            assert!(
                !set_password(&mut tx, UserId(Uuid::now_v7()), "other")
                    .await
                    .unwrap()
            );
            assert_eq!(
                by_name(&mut tx, &"anna".parse().unwrap()).await.unwrap(),
                Some((user.clone(), "other".to_owned()))
            );
            let loud = "ANNA".parse().unwrap();
            assert_eq!(by_name(&mut tx, &loud).await.unwrap().unwrap().0, user);
            let nobody = "nobody".parse().unwrap();
            assert_eq!(by_name(&mut tx, &nobody).await.unwrap(), None);
            assert_eq!(list(&mut tx).await.unwrap(), vec![user.clone()]);
            tx.commit().await.unwrap();
            let mut tx = base.db.begin().await.unwrap();
            let twin = User {
                id: UserId(Uuid::now_v7()),
                role: Role::Operator,
                ..user
            };
            assert!(insert(&mut tx, &twin, "hash").await.unwrap_err().is_taken());
        }
    }
}
