//! The name servers nearest to prefixes.

use super::{StoreError, Tx, corrupt};
use crate::domain::{NameServer, Time};
use std::net::AddrParseError;

/// Writes what was found for a prefix, over what was known; and forgets what is older than `since`.
pub async fn put(
    tx: &mut Tx,
    prefix: &str,
    found: Option<&NameServer>,
    now: Time,
    since: Time,
) -> Result<(), StoreError> {
    sql!(tx, execute "delete from name_servers where found_at < $1", since.millis())?;
    let text = "insert into name_servers (prefix, address, zone, found_at) values ($1, $2, $3, $4)
                on conflict (prefix) do update set address = excluded.address, zone = excluded.zone,
                    found_at = excluded.found_at";
    let address = found.map(|server| server.address.to_string());
    let zone = found.map(|server| server.zone.clone());
    sql!(tx, execute text, prefix, address, zone, now.millis())?;
    Ok(())
}

/// What was found for a prefix since then: `Some(None)` if there is no name server.
pub async fn get(tx: &mut Tx, prefix: &str, since: Time) -> Result<Option<Option<NameServer>>, StoreError> {
    let text = "select address, zone from name_servers where prefix = $1 and found_at >= $2";
    let row = sql!(
        tx,
        optional(Option<String>, Option<String>),
        text,
        prefix,
        since.millis()
    )?;
    let server = |(address, zone): (Option<String>, Option<String>)| match (address, zone) {
        (Some(address), Some(zone)) => {
            let wrong = |why: AddrParseError| corrupt("name_servers", prefix, "address", &address, why);
            let address = address.parse().map_err(wrong)?;
            Ok(Some(NameServer { address, zone }))
        }
        _ => Ok(None),
    };
    row.map(server).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::databases;

    #[tokio::test]
    async fn what_was_found_is_known_for_a_while() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let at = Time::from_millis;
            let server = NameServer {
                address: [192, 0, 2, 53].into(),
                zone: "2.0.192.in-addr.arpa.".into(),
            };
            put(&mut tx, "192.0.2.0/24", Some(&server), at(100), at(0))
                .await
                .unwrap();
            put(&mut tx, "10.0.0.0/24", None, at(200), at(0)).await.unwrap();
            let known = get(&mut tx, "192.0.2.0/24", at(100)).await.unwrap();
            assert_eq!(known, Some(Some(server)));
            assert_eq!(get(&mut tx, "192.0.2.0/24", at(101)).await.unwrap(), None);
            assert_eq!(get(&mut tx, "10.0.0.0/24", at(0)).await.unwrap(), Some(None));
            assert_eq!(get(&mut tx, "10.1.0.0/24", at(0)).await.unwrap(), None);
            put(&mut tx, "10.0.0.0/24", None, at(300), at(150)).await.unwrap();
            assert_eq!(
                get(&mut tx, "192.0.2.0/24", at(0)).await.unwrap(),
                None,
                "forgotten"
            );
        }
    }
}
