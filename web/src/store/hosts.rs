//! Hosts: what they are, what was ordered, what was reported.

use super::{StoreError, Tx, from_json, or_else, parsed, to_json};
use crate::domain::{Host, HostId, HostRecord, Onlooker, Site, Time};
use vmatrix_wire::{Accelerator, Digest, Doors, Facts, Network, Orders, Report, Vmm};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    site_id: String,
    site_name: String,
    name: String,
    public_address: String,
    ports: String,
    slots: i64,
    role: String,
    facts: String,
    joined_at: i64,
    holds: i64,
    report: Option<String>,
    reported_at: Option<i64>,
    orders: String,
    generation: i64,
    ordered_at: i64,
    reach_nonce: String,
    reached_at: Option<i64>,
    reached_by: Option<String>,
    left_at: Option<i64>,
}

impl Row {
    fn record(self) -> Result<HostRecord, StoreError> {
        let id = self.id.as_str();
        // What another version has written stops nobody: a report and its facts are seconds away, and orders are
        // composed anew over empty ones.
        let report = self
            .report
            .as_deref()
            .and_then(|text| serde_json::from_str::<Report>(text).ok());
        let host: HostId = parsed("hosts", id, "id", id)?;
        let generation = u64::try_from(self.generation).unwrap_or(0);
        let onlooker = match self.reached_by.as_deref() {
            Some(by) => Onlooker::Host(parsed("hosts", id, "reached_by", by)?),
            None => Onlooker::Server,
        };
        Ok(HostRecord {
            host: Host {
                id: host,
                site: Site {
                    id: parsed("hosts", id, "site_id", &self.site_id)?,
                    name: self.site_name,
                },
                public_address: parsed("hosts", id, "public_address", &self.public_address)?,
                ports: parsed("hosts", id, "ports", &self.ports)?,
                slots: u16::try_from(self.slots).unwrap_or(u16::MAX),
                role: from_json("hosts", id, "role", &self.role)?,
                facts: or_else("hosts", id, "facts", &self.facts, unknown),
                joined_at: Time::from_millis(self.joined_at),
                name: self.name,
            },
            holds: self.holds,
            report: report.zip(self.reported_at.map(Time::from_millis)),
            orders: or_else("hosts", id, "orders", &self.orders, || {
                Orders::empty(host, generation)
            }),
            ordered_at: Time::from_millis(self.ordered_at),
            reach_nonce: parsed("hosts", id, "reach_nonce", &self.reach_nonce)?,
            reached: self.reached_at.map(Time::from_millis).zip(Some(onlooker)),
            left_at: self.left_at.map(Time::from_millis),
        })
    }
}

/// A machine that runs nothing.
fn unknown() -> Facts {
    let text = || "unknown".to_owned();
    Facts {
        agent_version: text(),
        cores: 0,
        memory_mb: 0,
        disk_free_mb: 0,
        cpu_model: text(),
        vmm: Vmm {
            name: text(),
            version: text(),
        },
        accelerator: Accelerator::Tcg,
        network: Network::User,
        doors: Doors::default(),
    }
}

/// Adds a host with empty orders of generation 1. A name that another has is [`StoreError::is_taken`].
pub async fn insert(
    tx: &mut Tx,
    host: &Host,
    secret_hash: &str,
    reach_nonce: Digest,
) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into hosts (id, site_id, name, public_address, ports, slots, role, facts, secret_hash,
                     joined_at, holds, incarnation, sequence, orders, generation, ordered_at, reach_nonce)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, $11, 1, $10, $12)",
        host.id.to_string(),
        host.site.id.to_string(),
        host.name.as_str(),
        host.public_address.to_string(),
        host.ports.to_string(),
        i64::from(host.slots),
        to_json(&host.role)?,
        to_json(&host.facts)?,
        secret_hash,
        host.joined_at.millis(),
        to_json(&Orders::empty(host.id, 1))?,
        reach_nonce.to_string()
    )?;
    Ok(())
}

/// Gives a host that has left, or that joined but never reported as the answer to its enrolment was lost, to whoever joins
/// under its name now. `None` if there is no such host.
pub async fn take_over(tx: &mut Tx, host: &Host, secret_hash: &str) -> Result<Option<HostId>, StoreError> {
    let text = "update hosts set site_id = $2, public_address = $3, ports = $4, slots = $5, role = $6, facts = $7,
                    secret_hash = $8, joined_at = $9, reached_at = null, reached_by = null, left_at = null, report = null,
                    reported_at = null, incarnation = 0, sequence = 0
                where name = $1 and (report is null or left_at is not null) returning id";
    let row = sql!(
        tx,
        optional(String,),
        text,
        host.name.as_str(),
        host.site.id.to_string(),
        host.public_address.to_string(),
        host.ports.to_string(),
        i64::from(host.slots),
        to_json(&host.role)?,
        to_json(&host.facts)?,
        secret_hash,
        host.joined_at.millis()
    )?;
    row.map(|(id,)| parsed("hosts", &id, "id", &id)).transpose()
}

/// Whose secret this is.
pub async fn by_secret(tx: &mut Tx, secret_hash: &str) -> Result<Option<HostId>, StoreError> {
    let row = sql!(
        tx,
        optional(String,),
        "select id from hosts where secret_hash = $1 and left_at is null",
        secret_hash
    )?;
    row.map(|(id,)| parsed("hosts", &id, "id", &id)).transpose()
}

/// A host.
pub async fn get(tx: &mut Tx, id: HostId) -> Result<Option<HostRecord>, StoreError> {
    let text = "select hosts.*, sites.name as site_name from hosts join sites on sites.id = hosts.site_id
                where hosts.id = $1";
    sql!(tx, optional Row, text, id.to_string())?
        .map(Row::record)
        .transpose()
}

/// All hosts by id: the order that choices use.
pub async fn list(tx: &mut Tx) -> Result<Vec<HostRecord>, StoreError> {
    let text = "select hosts.*, sites.name as site_name from hosts join sites on sites.id = hosts.site_id
                order by hosts.id";
    sql!(tx, all Row, text)?.into_iter().map(Row::record).collect()
}

/// The newest orders of a host if they are newer than `since`: their JSON, ready to be sent.
pub async fn orders_since(tx: &mut Tx, id: HostId, since: u64) -> Result<Option<String>, StoreError> {
    let since = i64::try_from(since).unwrap_or(i64::MAX);
    let text = "select orders from hosts where id = $1 and generation > $2";
    Ok(sql!(tx, optional(String,), text, id.to_string(), since)?.map(|(orders,)| orders))
}

/// Takes a report unless a newer one (by incarnation, then sequence) was taken before. `false` if it was dropped.
pub async fn save_report(tx: &mut Tx, id: HostId, report: &Report, now: Time) -> Result<bool, StoreError> {
    let (incarnation, sequence) = (signed(report.incarnation), signed(report.sequence));
    let done = sql!(
        tx,
        execute "update hosts set report = $2, reported_at = $3, incarnation = $4, sequence = $5, facts = $6
                 where id = $1 and (incarnation < $4 or (incarnation = $4 and sequence < $5))",
        id.to_string(),
        to_json(report)?,
        now.millis(),
        incarnation,
        sequence,
        to_json(&report.facts)?
    )?;
    Ok(done == 1)
}

/// Writes orders over those of the generation before. `false` if somebody else has.
pub async fn write_orders(tx: &mut Tx, orders: &Orders, now: Time) -> Result<bool, StoreError> {
    let generation = signed(orders.generation);
    let text = "update hosts set orders = $2, generation = $3, ordered_at = $4 where id = $1 and generation = $3 - 1";
    Ok(sql!(tx, execute text, orders.host.to_string(), to_json(orders)?, generation, now.millis())? == 1)
}

/// Changes the guard of a host's reservations. `false` if somebody else has since `holds` was read: choose again.
pub async fn hold(tx: &mut Tx, id: HostId, holds: i64) -> Result<bool, StoreError> {
    let text = "update hosts set holds = holds + 1 where id = $1 and holds = $2";
    Ok(sql!(tx, execute text, id.to_string(), holds)? == 1)
}

/// Notes that a host's public address was seen from outside, the first time.
pub async fn set_reached(tx: &mut Tx, id: HostId, by: Onlooker, now: Time) -> Result<bool, StoreError> {
    let by = match by {
        Onlooker::Server => None,
        Onlooker::Host(host) => Some(host.to_string()),
    };
    let text = "update hosts set reached_at = $2, reached_by = $3 where id = $1 and reached_at is null";
    Ok(sql!(tx, execute text, id.to_string(), now.millis(), by)? == 1)
}

/// Notes that a host's agent has left: its secret is of no more use.
pub async fn leave(tx: &mut Tx, id: HostId, now: Time) -> Result<bool, StoreError> {
    let text = "update hosts set left_at = $2 where id = $1 and left_at is null";
    Ok(sql!(tx, execute text, id.to_string(), now.millis())? == 1)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{SiteId, testing},
        store::{sites, testing::databases},
    };
    use uuid::Uuid;

    #[tokio::test]
    async fn a_host_that_never_reported_can_join_again_under_its_name() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let site = sites::find_or_insert(&mut tx, "madrid", SiteId(Uuid::now_v7()))
                .await
                .unwrap();
            let host = Host {
                site,
                ..testing::host("mad-1", 1)
            };
            assert_eq!(take_over(&mut tx, &host, "new").await.unwrap(), None);
            insert(&mut tx, &host, "old", Digest([7; 32])).await.unwrap();
            let again = Host {
                slots: 2,
                ..host.clone()
            };
            assert_eq!(take_over(&mut tx, &again, "new").await.unwrap(), Some(host.id));
            assert_eq!(by_secret(&mut tx, "old").await.unwrap(), None);
            assert_eq!(by_secret(&mut tx, "new").await.unwrap(), Some(host.id));
            assert_eq!(get(&mut tx, host.id).await.unwrap().unwrap().host.slots, 2);
            save_report(&mut tx, host.id, &testing::report(), Time::from_millis(1))
                .await
                .unwrap();
            assert_eq!(take_over(&mut tx, &again, "third").await.unwrap(), None);
            tx.commit().await.unwrap();
        }
    }

    #[tokio::test]
    async fn the_life_of_a_host() {
        for base in databases().await {
            let at = Time::from_millis;
            let mut tx = base.db.begin().await.unwrap();
            let site = sites::find_or_insert(&mut tx, "madrid", SiteId(Uuid::now_v7()))
                .await
                .unwrap();
            let host = Host {
                site,
                ..testing::host("mad-1", 1)
            };
            insert(&mut tx, &host, "hash", Digest([7; 32])).await.unwrap();
            assert_eq!(by_secret(&mut tx, "hash").await.unwrap(), Some(host.id));
            assert_eq!(by_secret(&mut tx, "hush").await.unwrap(), None);

            let record = get(&mut tx, host.id).await.unwrap().unwrap();
            assert_eq!(
                (record.host.clone(), record.holds, record.report),
                (host.clone(), 0, None)
            );
            assert_eq!(record.orders, Orders::empty(host.id, 1));

            // A report from before does not overwrite a newer one.
            for (incarnation, sequence, taken) in [
                (1, 2, true),
                (1, 2, false),
                (1, 1, false),
                (2, 1, true),
                (1, 9, false),
            ] {
                let report = Report {
                    incarnation,
                    sequence,
                    ..testing::report()
                };
                assert_eq!(
                    save_report(&mut tx, host.id, &report, at(5)).await.unwrap(),
                    taken
                );
            }
            let (report, reported_at) = get(&mut tx, host.id).await.unwrap().unwrap().report.unwrap();
            assert_eq!((report.incarnation, report.sequence, reported_at), (2, 1, at(5)));

            assert_eq!(orders_since(&mut tx, host.id, 1).await.unwrap(), None);
            assert!(
                write_orders(&mut tx, &Orders::empty(host.id, 2), at(6))
                    .await
                    .unwrap()
            );
            assert!(
                !write_orders(&mut tx, &Orders::empty(host.id, 2), at(6))
                    .await
                    .unwrap()
            );
            assert!(orders_since(&mut tx, host.id, 1).await.unwrap().is_some());

            assert!(hold(&mut tx, host.id, 0).await.unwrap());
            assert!(!hold(&mut tx, host.id, 0).await.unwrap());
            let by = Onlooker::Host(HostId(Uuid::now_v7()));
            assert!(set_reached(&mut tx, host.id, by, at(7)).await.unwrap());
            assert!(
                !set_reached(&mut tx, host.id, Onlooker::Server, at(8))
                    .await
                    .unwrap()
            );
            assert_eq!(list(&mut tx).await.unwrap()[0].reached, Some((at(7), by)));

            // Who has left is not heard any more, and may come again under its name as if it were new.
            assert!(leave(&mut tx, host.id, at(9)).await.unwrap());
            assert!(!leave(&mut tx, host.id, at(10)).await.unwrap());
            assert_eq!(by_secret(&mut tx, "hash").await.unwrap(), None);
            assert_eq!(list(&mut tx).await.unwrap()[0].left_at, Some(at(9)));
            assert_eq!(take_over(&mut tx, &host, "again").await.unwrap(), Some(host.id));
            let back = get(&mut tx, host.id).await.unwrap().unwrap();
            assert_eq!((back.left_at, back.report, back.reached), (None, None, None));
            let first = Report {
                incarnation: 1,
                sequence: 1,
                ..testing::report()
            };
            assert!(save_report(&mut tx, host.id, &first, at(11)).await.unwrap());
            tx.commit().await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_another_version_wrote_does_not_stop_the_fleet() {
        for base in databases().await {
            let mut tx = base.db.begin().await.unwrap();
            let site = sites::find_or_insert(&mut tx, "madrid", SiteId(Uuid::now_v7()))
                .await
                .unwrap();
            let host = Host {
                site,
                ..testing::host("a", 1)
            };
            insert(&mut tx, &host, "hash", Digest([1; 32])).await.unwrap();
            let text =
                "update hosts set facts = $1, orders = $1, report = $1, reported_at = 1, generation = 7";
            sql!(&mut tx, execute text, r#"{"of":"tomorrow"}"#).unwrap();
            let all = list(&mut tx).await.unwrap();
            assert_eq!(all[0].orders, Orders::empty(host.id, 7));
            assert_eq!((all[0].host.facts.clone(), &all[0].report), (unknown(), &None));
            assert!(
                write_orders(&mut tx, &Orders::empty(host.id, 8), host.joined_at)
                    .await
                    .unwrap()
            );
        }
    }
}
