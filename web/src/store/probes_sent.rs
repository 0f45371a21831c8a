//! What hosts were told to send to players, and what the server asked name servers by itself: for the limits, and for operators.

use super::{StoreError, Tx, parsed};
use crate::domain::{PlayerId, Prefix, RoundId, Sent, Time, TopTarget, UserId, customer};
use std::net::IpAddr;
use vmatrix_wire::Way;

/// What goes to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbesSent {
    /// In which round, for whom; absent for what was asked for by itself.
    pub of: Option<(RoundId, PlayerId)>,
    /// Who booked the match, or asked.
    pub caused_by: UserId,
    /// Their address, or that of the name server near them.
    pub address: IpAddr,
    /// How.
    pub by: Way,
    /// Packets at most.
    pub packets: u64,
    /// When.
    pub at: Time,
}

/// Writes down what goes to somebody.
pub async fn insert(tx: &mut Tx, sent: &ProbesSent) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into probes_sent (round_id, player_id, caused_by, way, address, prefix, packets, at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
        sent.of.map(|(round, _)| round.to_string()),
        sent.of.map(|(_, player)| player.to_string()),
        sent.caused_by.to_string(),
        match sent.by {
            Way::Icmp => "icmp",
            Way::Dns { .. } => "dns",
        },
        customer(sent.address).to_string(),
        Prefix::of(sent.address).to_string(),
        i64::try_from(sent.packets).unwrap_or(i64::MAX),
        sent.at.millis()
    )?;
    Ok(())
}

const TEN_MINUTES_MS: i64 = 10 * 60_000;
const DAY_MS: i64 = 24 * 3_600_000;

/// What was sent to an address before `now`; of IPv6, to its whole /64, which one customer has.
pub async fn to_address(tx: &mut Tx, address: IpAddr, now: Time) -> Result<Sent, StoreError> {
    let text = "select cast(coalesce(sum(case when at > $2 then packets else 0 end), 0) as bigint),
                       cast(coalesce(sum(packets), 0) as bigint)
                from probes_sent where address = $1 and at > $3";
    let (short, long) = since(now);
    let id = customer(address).to_string();
    sql!(tx, one(i64, i64), text, id, short, long).map(sent)
}

/// What was sent to a network before `now`.
pub async fn to_network(tx: &mut Tx, network: Prefix, now: Time) -> Result<Sent, StoreError> {
    let text = "select cast(coalesce(sum(case when at > $2 then packets else 0 end), 0) as bigint),
                       cast(coalesce(sum(packets), 0) as bigint)
                from probes_sent where prefix = $1 and at > $3";
    let (short, long) = since(now);
    sql!(tx, one(i64, i64), text, network.to_string(), short, long).map(sent)
}

/// What was sent on behalf of an account before `now`.
pub async fn by_account(tx: &mut Tx, account: UserId, now: Time) -> Result<Sent, StoreError> {
    let text = "select cast(coalesce(sum(case when at > $2 then packets else 0 end), 0) as bigint),
                       cast(coalesce(sum(packets), 0) as bigint)
                from probes_sent where caused_by = $1 and at > $3";
    let (short, long) = since(now);
    sql!(tx, one(i64, i64), text, account.to_string(), short, long).map(sent)
}

fn since(now: Time) -> (i64, i64) {
    (now.plus(-TEN_MINUTES_MS).millis(), now.plus(-DAY_MS).millis())
}

fn sent((ten_minutes, day): (i64, i64)) -> Sent {
    let count = |packets| u64::try_from(packets).unwrap_or(0);
    Sent {
        ten_minutes: count(ten_minutes),
        day: count(day),
    }
}

#[derive(sqlx::FromRow)]
struct TopRow {
    prefix: String,
    hour: i64,
    day: i64,
    caused_by: String,
    match_id: Option<String>,
}

/// The twenty addresses to which most was sent within a day before `now`, by who caused it, most first.
pub async fn top(tx: &mut Tx, now: Time) -> Result<Vec<TopTarget>, StoreError> {
    let text = "select probes_sent.prefix as prefix,
                       cast(sum(case when probes_sent.at > $1 then probes_sent.packets else 0 end) as bigint) as hour,
                       cast(sum(probes_sent.packets) as bigint) as day,
                       users.name as caused_by, max(rounds.match_id) as match_id
                from probes_sent join users on users.id = probes_sent.caused_by
                                 left join rounds on rounds.id = probes_sent.round_id
                where probes_sent.at > $2 and probes_sent.address is not null
                group by probes_sent.address, probes_sent.prefix, users.name
                order by 3 desc, 1, 4 limit 20";
    let (hour, day) = (now.plus(-3_600_000).millis(), now.plus(-DAY_MS).millis());
    sql!(tx, all TopRow, text, hour, day)?
        .into_iter()
        .map(|row| {
            Ok(TopTarget {
                match_id: row
                    .match_id
                    .map(|id| parsed("rounds", "(of probes_sent)", "match_id", &id))
                    .transpose()?,
                hour: u64::try_from(row.hour).unwrap_or(0),
                day: u64::try_from(row.day).unwrap_or(0),
                prefix: row.prefix,
                caused_by: row.caused_by,
            })
        })
        .collect()
}

/// Forgets the addresses and networks of what was sent before `before`.
pub async fn forget_addresses(tx: &mut Tx, before: Time) -> Result<u64, StoreError> {
    let text = "update probes_sent set address = null, prefix = null where at <= $1 and address is not null";
    sql!(tx, execute text, before.millis())
}

/// Forgets what was sent before `before`.
pub async fn delete(tx: &mut Tx, before: Time) -> Result<u64, StoreError> {
    sql!(tx, execute "delete from probes_sent where at <= $1", before.millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Round, RoundReason},
        store::{life_tests, rounds, testing::databases},
    };

    /// The same question by itself, again and again: each is a row of its own.
    #[tokio::test]
    async fn what_has_no_round_counts_like_all_else() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let rows = life_tests::rows(&mut tx).await;
            let now = Time::from_millis(10 * DAY_MS);
            let sent = ProbesSent {
                of: None,
                caused_by: rows.of.created_by,
                address: IpAddr::from([198, 51, 100, 53]),
                by: Way::Dns {
                    zone: "2.0.192.in-addr.arpa.".into(),
                },
                packets: 11,
                at: now,
            };
            for _ in 0..2 {
                insert(&mut tx, &sent).await.unwrap();
            }
            assert_eq!(to_address(&mut tx, sent.address, now).await.unwrap().day, 22);
            let by = by_account(&mut tx, sent.caused_by, now).await.unwrap();
            assert_eq!(by.ten_minutes, 22);
            let all = top(&mut tx, now).await.unwrap();
            assert_eq!((all[0].day, all[0].match_id), (22, None));
        }
    }

    #[tokio::test]
    async fn what_was_sent_is_counted_and_then_forgotten() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let rows = life_tests::rows(&mut tx).await;
            let now = Time::from_millis(10 * DAY_MS);
            let address = |host| IpAddr::from([198, 51, 100, host]);
            for (n, (ago, host, packets)) in [
                (0, 7, 5),
                (TEN_MINUTES_MS, 7, 10),
                (DAY_MS, 7, 100),
                (1, 8, 1_000),
            ]
            .into_iter()
            .enumerate()
            {
                let round = Round {
                    id: vmatrix_wire::ProbeId(uuid::Uuid::from_u128(n as u128)),
                    match_id: rows.of.id,
                    reason: RoundReason::Booking,
                    started_at: now,
                    until_at: now,
                    ended_at: None,
                    taken_from: None,
                };
                rounds::insert(&mut tx, &round, &[], &[]).await.unwrap();
                let sent = ProbesSent {
                    of: Some((round.id, rows.players[0].id)),
                    caused_by: rows.of.created_by,
                    address: address(host),
                    by: Way::Icmp,
                    packets,
                    at: now.plus(-ago),
                };
                insert(&mut tx, &sent).await.unwrap();
            }
            let of = |ten_minutes, day| Sent { ten_minutes, day };
            assert_eq!(to_address(&mut tx, address(7), now).await.unwrap(), of(5, 15));
            assert_eq!(to_address(&mut tx, address(9), now).await.unwrap(), of(0, 0));
            let network = Prefix::of(address(1));
            assert_eq!(to_network(&mut tx, network, now).await.unwrap(), of(1_005, 1_015));
            let by = rows.of.created_by;
            assert_eq!(by_account(&mut tx, by, now).await.unwrap(), of(1_005, 1_015));

            let all = top(&mut tx, now).await.unwrap();
            let seen: Vec<_> = all
                .iter()
                .map(|row| (row.prefix.as_str(), row.hour, row.day, row.caused_by.as_str()))
                .collect();
            assert_eq!(
                seen,
                [
                    ("198.51.100.0/24", 1_000, 1_000, "olga"),
                    ("198.51.100.0/24", 15, 15, "olga")
                ]
            );
            assert_eq!(all[0].match_id, Some(rows.of.id));

            assert_eq!(forget_addresses(&mut tx, now.plus(-DAY_MS)).await.unwrap(), 1);
            assert_eq!(forget_addresses(&mut tx, now.plus(-DAY_MS)).await.unwrap(), 0);
            assert_eq!(delete(&mut tx, now.plus(-DAY_MS)).await.unwrap(), 1);
            assert_eq!(by_account(&mut tx, by, now).await.unwrap(), of(1_005, 1_015));
            assert_eq!(delete(&mut tx, now).await.unwrap(), 3);
            assert!(top(&mut tx, now).await.unwrap().is_empty());
        }
    }
}
