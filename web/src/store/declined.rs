//! Addresses from which a player came and did not agree to pings. Only hashes are kept, as players may be removed, and their
//! addresses with them. There are not so many addresses: who has the database can find one by trying all.

use super::{StoreError, Tx};
use crate::domain::{Time, customer};
use std::net::IpAddr;

fn hash(address: IpAddr) -> String {
    let address = customer(address).to_string();
    let key = blake3::derive_key("vMatrix 2026 addresses that are not pinged", address.as_bytes());
    vmatrix_wire::Digest(key).to_string()
}

/// Notes that somebody came from an address and did not agree.
pub async fn put(tx: &mut Tx, address: IpAddr, now: Time) -> Result<(), StoreError> {
    let text = "insert into declined (address_hash, at) values ($1, $2)
                on conflict (address_hash) do update set at = excluded.at";
    sql!(tx, execute text, hash(address), now.millis())?;
    Ok(())
}

/// Whether the last who came from an address did not agree.
pub async fn has(tx: &mut Tx, address: IpAddr) -> Result<bool, StoreError> {
    let text = "select count(*) from declined where address_hash = $1";
    let (count,) = sql!(tx, one(i64,), text, hash(address))?;
    Ok(count > 0)
}

/// Somebody came from an address and agreed. Says whether nobody was to be pinged there before.
pub async fn remove(tx: &mut Tx, address: IpAddr) -> Result<bool, StoreError> {
    Ok(sql!(tx, execute "delete from declined where address_hash = $1", hash(address))? == 1)
}

/// Forgets what was said before `before`.
pub async fn delete(tx: &mut Tx, before: Time) -> Result<u64, StoreError> {
    sql!(tx, execute "delete from declined where at < $1", before.millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::databases;

    #[tokio::test]
    async fn the_last_word_from_an_address_holds_until_it_is_forgotten() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let ip = |text: &str| text.parse::<IpAddr>().unwrap();
            let at = Time::from_millis;
            put(&mut tx, ip("198.51.100.7"), at(1)).await.unwrap();
            put(&mut tx, ip("198.51.100.7"), at(5)).await.unwrap();
            assert!(has(&mut tx, ip("::ffff:198.51.100.7")).await.unwrap());
            assert!(!has(&mut tx, ip("198.51.100.8")).await.unwrap());
            assert_eq!(delete(&mut tx, at(5)).await.unwrap(), 0);
            assert_eq!(delete(&mut tx, at(6)).await.unwrap(), 1);
            put(&mut tx, ip("198.51.100.7"), at(7)).await.unwrap();
            assert!(remove(&mut tx, ip("198.51.100.7")).await.unwrap());
            assert!(!remove(&mut tx, ip("198.51.100.7")).await.unwrap());
            assert!(!has(&mut tx, ip("198.51.100.7")).await.unwrap());
            tx.commit().await.unwrap();
        }
    }
}
