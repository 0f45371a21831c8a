//! One-time links and tokens. Only hashes of their tokens are kept.

use super::{StoreError, Tx, corrupt, parsed};
use crate::domain::{ClanId, Link, LinkKind, Time, UserId};

#[derive(sqlx::FromRow)]
struct Row {
    token_hash: String,
    kind: String,
    clan_id: Option<String>,
    match_id: Option<String>,
    created_by: Option<String>,
    created_at: i64,
    expires_at: i64,
}

impl Row {
    fn link(self) -> Result<Link, StoreError> {
        let id = self.token_hash.as_str();
        let clan = self
            .clan_id
            .as_deref()
            .map(|clan| parsed("links", id, "clan_id", clan))
            .transpose()?;
        Ok(Link {
            kind: LinkKind::parse(&self.kind, clan)
                .ok_or_else(|| corrupt("links", id, "kind", &self.kind, "not a kind with its clan"))?,
            match_id: self
                .match_id
                .as_deref()
                .map(|text| parsed("links", id, "match_id", text))
                .transpose()?,
            created_by: self
                .created_by
                .as_deref()
                .map(|text| parsed("links", id, "created_by", text))
                .transpose()?,
            created_at: Time::from_millis(self.created_at),
            expires_at: Time::from_millis(self.expires_at),
        })
    }
}

/// Adds a link by the hash of its token.
pub async fn insert(tx: &mut Tx, token_hash: &str, link: &Link) -> Result<(), StoreError> {
    let clan = match link.kind {
        LinkKind::ClanAdmin(clan) => Some(clan.to_string()),
        LinkKind::FirstAdmin | LinkKind::JoinHost => None,
    };
    sql!(
        tx,
        execute "insert into links (token_hash, kind, clan_id, match_id, created_by, created_at, expires_at)
                 values ($1, $2, $3, $4, $5, $6, $7)",
        token_hash,
        link.kind.name(),
        clan,
        link.match_id.map(|id| id.to_string()),
        link.created_by.map(|id| id.to_string()),
        link.created_at.millis(),
        link.expires_at.millis()
    )?;
    Ok(())
}

/// A link that can still be used at `now`.
pub async fn usable(tx: &mut Tx, token_hash: &str, now: Time) -> Result<Option<Link>, StoreError> {
    let text = "select token_hash, kind, clan_id, match_id, created_by, created_at, expires_at from links
                where token_hash = $1 and used_at is null and expires_at > $2";
    sql!(tx, optional Row, text, token_hash, now.millis())?
        .map(Row::link)
        .transpose()
}

/// Uses a link up: of two that try, one gets it.
pub async fn use_up(tx: &mut Tx, token_hash: &str, now: Time) -> Result<Option<Link>, StoreError> {
    let text = "update links set used_at = $2 where token_hash = $1 and used_at is null and expires_at > $2
                returning token_hash, kind, clan_id, match_id, created_by, created_at, expires_at";
    sql!(tx, optional Row, text, token_hash, now.millis())?
        .map(Row::link)
        .transpose()
}

/// The links to a clan that were not used, with the hashes of their tokens.
pub async fn unused_of(tx: &mut Tx, clan: ClanId) -> Result<Vec<(String, Link)>, StoreError> {
    let text = "select token_hash, kind, clan_id, match_id, created_by, created_at, expires_at from links
                where clan_id = $1 and used_at is null order by token_hash";
    sql!(tx, all Row, text, clan.to_string())?
        .into_iter()
        .map(|row| Ok((row.token_hash.clone(), row.link()?)))
        .collect()
}

/// Forgets a link.
pub async fn delete(tx: &mut Tx, token_hash: &str) -> Result<bool, StoreError> {
    Ok(sql!(tx, execute "delete from links where token_hash = $1", token_hash)? == 1)
}

/// How many links that a user has made can still be used.
pub async fn live_of(tx: &mut Tx, user: UserId, now: Time) -> Result<usize, StoreError> {
    let text = "select count(*) from links where created_by = $1 and used_at is null and expires_at > $2";
    let (count,) = sql!(tx, one(i64,), text, user.to_string(), now.millis())?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Forgets all links of a kind.
pub async fn delete_kind(tx: &mut Tx, kind: LinkKind) -> Result<u64, StoreError> {
    sql!(tx, execute "delete from links where kind = $1", kind.name())
}

/// Forgets links that can no longer be used.
pub async fn delete_expired(tx: &mut Tx, now: Time) -> Result<u64, StoreError> {
    sql!(tx, execute "delete from links where expires_at <= $1", now.millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Clan, Name, Role, User},
        store::{clans, testing::databases, users},
    };

    #[tokio::test]
    async fn a_users_live_links_are_those_that_can_still_be_used() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let mut ids = Vec::new();
            for name in ["ada", "bob"] {
                let user = User {
                    id: UserId(uuid::Uuid::now_v7()),
                    name: name.parse::<Name>().unwrap(),
                    role: Role::Operator,
                    created_at: Time::from_millis(1),
                };
                users::insert(&mut tx, &user, "hash").await.unwrap();
                ids.push(user.id);
            }
            for (hash, by, until) in [
                ("a", Some(ids[0]), 100),
                ("b", Some(ids[0]), 200),
                ("c", Some(ids[1]), 200),
                ("d", None, 200),
            ] {
                let link = Link {
                    kind: LinkKind::JoinHost,
                    match_id: None,
                    created_by: by,
                    created_at: Time::from_millis(1),
                    expires_at: Time::from_millis(until),
                };
                insert(&mut tx, hash, &link).await.unwrap();
            }
            let at = Time::from_millis;
            assert_eq!(live_of(&mut tx, ids[0], at(99)).await.unwrap(), 2);
            assert_eq!(live_of(&mut tx, ids[0], at(100)).await.unwrap(), 1);
            use_up(&mut tx, "b", at(50)).await.unwrap();
            assert_eq!(live_of(&mut tx, ids[0], at(99)).await.unwrap(), 1);
            assert_eq!(live_of(&mut tx, ids[1], at(99)).await.unwrap(), 1);
        }
    }

    #[tokio::test]
    async fn the_unused_links_of_a_clan_can_be_forgotten_one_by_one() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let mut ids = Vec::new();
            for name in ["Reds", "Blues"] {
                let clan = Clan {
                    id: ClanId(uuid::Uuid::now_v7()),
                    name: name.parse().unwrap(),
                };
                clans::insert(&mut tx, &clan, Time::from_millis(1)).await.unwrap();
                assert!(clans::lock(&mut tx, clan.id).await.unwrap());
                ids.push(clan.id);
            }
            assert!(!clans::lock(&mut tx, ClanId(uuid::Uuid::now_v7())).await.unwrap());
            let link = |clan| Link {
                kind: LinkKind::ClanAdmin(clan),
                match_id: None,
                created_by: None,
                created_at: Time::from_millis(1),
                expires_at: Time::from_millis(100),
            };
            let (red, blue) = (link(ids[0]), link(ids[1]));
            for (hash, link) in [("a", &red), ("b", &red), ("c", &red), ("d", &blue)] {
                insert(&mut tx, hash, link).await.unwrap();
            }
            use_up(&mut tx, "b", Time::from_millis(50)).await.unwrap();
            let unused = unused_of(&mut tx, ids[0]).await.unwrap();
            assert_eq!(unused, [("a".to_owned(), red.clone()), ("c".to_owned(), red)]);
            assert!(delete(&mut tx, "a").await.unwrap());
            assert!(!delete(&mut tx, "a").await.unwrap());
            assert_eq!(unused_of(&mut tx, ids[0]).await.unwrap().len(), 1);
            assert_eq!(unused_of(&mut tx, ids[1]).await.unwrap().len(), 1);
            tx.commit().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_link_is_used_once_and_not_after_its_time() {
        for base in databases().await {
            let link = Link {
                kind: LinkKind::JoinHost,
                match_id: None,
                created_by: None,
                created_at: Time::from_millis(1),
                expires_at: Time::from_millis(100),
            };
            let mut tx = base.db.begin().await.unwrap();
            insert(&mut tx, "hash", &link).await.unwrap();
            assert_eq!(
                usable(&mut tx, "hash", Time::from_millis(100)).await.unwrap(),
                None
            );
            assert_eq!(
                usable(&mut tx, "hash", Time::from_millis(99)).await.unwrap(),
                Some(link.clone())
            );
            assert_eq!(
                use_up(&mut tx, "other", Time::from_millis(50)).await.unwrap(),
                None
            );
            assert_eq!(
                use_up(&mut tx, "hash", Time::from_millis(50)).await.unwrap(),
                Some(link.clone())
            );
            assert_eq!(
                use_up(&mut tx, "hash", Time::from_millis(51)).await.unwrap(),
                None
            );
            assert_eq!(delete_expired(&mut tx, Time::from_millis(100)).await.unwrap(), 1);

            insert(&mut tx, "another", &link).await.unwrap();
            assert_eq!(delete_kind(&mut tx, LinkKind::FirstAdmin).await.unwrap(), 0);
            assert_eq!(delete_kind(&mut tx, LinkKind::JoinHost).await.unwrap(), 1);
            tx.commit().await.unwrap();
        }
    }
}
