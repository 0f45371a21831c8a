//! Rounds of measurements, and what came back.

use super::{StoreError, Tx, corrupt, parsed};
use crate::domain::{HostId, MatchId, PlayerId, Round, RoundId, RoundReason, RoundTarget, Time, customer};
use std::{collections::BTreeMap, net::IpAddr};
use vmatrix_wire::{RttSample, Way};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    match_id: String,
    reason: String,
    started_at: i64,
    until_at: i64,
    ended_at: Option<i64>,
    taken_from: Option<String>,
}

impl Row {
    fn round(self) -> Result<Round, StoreError> {
        Ok(Round {
            id: parsed("rounds", &self.id, "id", &self.id)?,
            match_id: parsed("rounds", &self.id, "match_id", &self.match_id)?,
            reason: RoundReason::parse(&self.reason)
                .ok_or_else(|| corrupt("rounds", &self.id, "reason", &self.reason, "not a reason"))?,
            started_at: Time::from_millis(self.started_at),
            until_at: Time::from_millis(self.until_at),
            ended_at: self.ended_at.map(Time::from_millis),
            taken_from: self
                .taken_from
                .as_ref()
                .map(|text| parsed("rounds", &self.id, "taken_from", text))
                .transpose()?,
        })
    }
}

/// Adds a round with whom it measures and from where.
pub async fn insert(
    tx: &mut Tx,
    round: &Round,
    targets: &[RoundTarget],
    hosts: &[HostId],
) -> Result<(), StoreError> {
    let id = round.id.to_string();
    sql!(
        tx,
        execute "insert into rounds (id, match_id, reason, started_at, until_at) values ($1, $2, $3, $4, $5)",
        id.as_str(),
        round.match_id.to_string(),
        round.reason.name(),
        round.started_at.millis(),
        round.until_at.millis()
    )?;
    for target in targets {
        let text = "insert into round_targets (round_id, target_id, player_id, address, way, zone)
             values ($1, $2, $3, $4, $5, $6)";
        let address = target.address.map(|ip| ip.to_string());
        let (way, zone) = match &target.by {
            Way::Icmp => ("icmp", None),
            Way::Dns { zone } => ("dns", Some(zone.as_str())),
        };
        let (name, player) = (target.target.to_string(), target.player.to_string());
        sql!(tx, execute text, id.as_str(), name, player, address, way, zone)?;
    }
    for host in hosts {
        add_host(tx, round.id, *host).await?;
    }
    Ok(())
}

/// Adds a host from which a round is measured.
pub async fn add_host(tx: &mut Tx, id: RoundId, host: HostId) -> Result<(), StoreError> {
    let text = "insert into round_hosts (round_id, host_id, done) values ($1, $2, $3)";
    sql!(tx, execute text, id.to_string(), host.to_string(), false)?;
    Ok(())
}

/// Notes that the hosts of a round are added step by step.
pub async fn set_few(tx: &mut Tx, id: RoundId) -> Result<(), StoreError> {
    sql!(tx, execute "update rounds set few = $2 where id = $1", id.to_string(), true)?;
    Ok(())
}

/// Whether the hosts of a round are added step by step.
pub async fn is_few(tx: &mut Tx, id: RoundId) -> Result<bool, StoreError> {
    let row = sql!(
        tx,
        optional(bool,),
        "select few from rounds where id = $1",
        id.to_string()
    )?;
    Ok(row.is_some_and(|(few,)| few))
}

/// A round.
pub async fn get(tx: &mut Tx, id: RoundId) -> Result<Option<Round>, StoreError> {
    sql!(tx, optional Row, "select * from rounds where id = $1", id.to_string())?
        .map(Row::round)
        .transpose()
}

/// All rounds that have not ended, oldest first.
pub async fn open(tx: &mut Tx) -> Result<Vec<Round>, StoreError> {
    let text = "select * from rounds where ended_at is null order by started_at, id";
    sql!(tx, all Row, text)?.into_iter().map(Row::round).collect()
}

/// A match's rounds, oldest first.
pub async fn of_match(tx: &mut Tx, of: MatchId) -> Result<Vec<Round>, StoreError> {
    let text = "select * from rounds where match_id = $1 order by started_at, id";
    sql!(tx, all Row, text, of.to_string())?
        .into_iter()
        .map(Row::round)
        .collect()
}

/// All rounds of matches to which something may still happen, by id. Each by itself: one that cannot be read stops no other's
/// match.
pub async fn of_unfinished(tx: &mut Tx) -> Result<BTreeMap<RoundId, Result<Round, StoreError>>, StoreError> {
    let text = "select * from rounds where match_id in
                    (select id from matches where state not in ('over', 'failed', 'cancelled'))
                order by id";
    let rows = sql!(tx, all Row, text)?;
    // What has no id of a round is awaited by no match.
    let by_id = |row: Row| Some((row.id.parse().ok()?, row.round()));
    Ok(rows.into_iter().filter_map(by_id).collect())
}

/// From now on no host pings a player, or anybody on the line of an address, in the rounds that run.
pub async fn leave_alone(tx: &mut Tx, player: PlayerId, address: IpAddr) -> Result<(), StoreError> {
    let text =
        "select round_id, target_id, player_id, address from round_targets where way = 'icmp' and address is not null
                and round_id in (select id from rounds where ended_at is null)";
    for (round, target, of, at) in sql!(tx, all(String, String, String, String), text)? {
        let there = |ip: IpAddr| customer(ip) == customer(address);
        if of == player.to_string() || at.parse().is_ok_and(there) {
            let text = "update round_targets set address = null where round_id = $1 and target_id = $2";
            sql!(tx, execute text, round, target)?;
        }
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct TargetRow {
    target_id: String,
    player_id: String,
    address: Option<String>,
    way: String,
    zone: Option<String>,
}

impl TargetRow {
    pub(super) fn target(self) -> Result<RoundTarget, StoreError> {
        let target = self.target_id.as_str();
        Ok(RoundTarget {
            by: match (self.way.as_str(), self.zone) {
                ("icmp", None) => Way::Icmp,
                ("dns", Some(zone)) => Way::Dns { zone },
                _ => return Err(corrupt("round_targets", target, "way", &self.way, "not a way")),
            },
            target: parsed("round_targets", target, "target_id", target)?,
            player: parsed("round_targets", target, "player_id", &self.player_id)?,
            address: self.address.map(|text| text.parse()).transpose().map_err(
                |why: std::net::AddrParseError| {
                    corrupt("round_targets", target, "address", "(not shown)", why)
                },
            )?,
        })
    }
}

/// Whom a round measures.
pub async fn targets(tx: &mut Tx, id: RoundId) -> Result<Vec<RoundTarget>, StoreError> {
    let text = "select target_id, player_id, address, way, zone from round_targets where round_id = $1 order by target_id";
    let rows = sql!(tx, all TargetRow, text, id.to_string())?;
    rows.into_iter().map(TargetRow::target).collect()
}

/// The newest round since then in which somebody was measured at an address, and who.
pub async fn newest_at(
    tx: &mut Tx,
    ip: IpAddr,
    since: Time,
) -> Result<Option<(RoundId, PlayerId)>, StoreError> {
    let text = "select rounds.id, round_targets.player_id from rounds
                join round_targets on round_targets.round_id = rounds.id
                where round_targets.address = $1 and round_targets.way = 'icmp' and rounds.ended_at >= $2
                order by rounds.ended_at desc, rounds.id desc limit 1";
    let row = sql!(tx, optional(String, String), text, ip.to_string(), since.millis())?;
    row.map(|(round, player)| {
        Ok((
            parsed("rounds", &round, "id", &round)?,
            parsed("round_targets", &round, "player_id", &player)?,
        ))
    })
    .transpose()
}

/// From where a round is measured, and which of them have nothing more to say.
pub async fn hosts(tx: &mut Tx, id: RoundId) -> Result<Vec<(HostId, bool)>, StoreError> {
    let text = "select host_id, done from round_hosts where round_id = $1 order by host_id";
    let rows = sql!(tx, all(String, bool), text, id.to_string())?;
    rows.into_iter()
        .map(|(host, done)| Ok((parsed("round_hosts", &host, "host_id", &host)?, done)))
        .collect()
}

/// Notes that a host has nothing more to say in a round.
pub async fn set_host_done(tx: &mut Tx, id: RoundId, host: HostId) -> Result<(), StoreError> {
    let text = "update round_hosts set done = $3 where round_id = $1 and host_id = $2";
    sql!(tx, execute text, id.to_string(), host.to_string(), true)?;
    Ok(())
}

/// Writes what a host has measured to somebody, over what it had said before.
pub async fn put_measurement(
    tx: &mut Tx,
    id: RoundId,
    host: HostId,
    sample: &RttSample,
) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into measurements (round_id, host_id, target_id, sent, received, min_us, median_us, deviation_us,
                                           p90_us, jitter_us)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                 on conflict (round_id, host_id, target_id) do update set sent = excluded.sent,
                     received = excluded.received, min_us = excluded.min_us, median_us = excluded.median_us,
                     deviation_us = excluded.deviation_us, p90_us = excluded.p90_us,
                     jitter_us = excluded.jitter_us",
        id.to_string(),
        host.to_string(),
        sample.target.to_string(),
        i64::from(sample.sent),
        i64::from(sample.received),
        sample.min_us.map(i64::from),
        sample.median_us.map(i64::from),
        sample.deviation_us.map(i64::from),
        sample.p90_us.map(i64::from),
        sample.jitter_us.map(i64::from)
    )?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct Measurement {
    host_id: String,
    target_id: String,
    sent: i64,
    received: i64,
    min_us: Option<i64>,
    median_us: Option<i64>,
    deviation_us: Option<i64>,
    p90_us: Option<i64>,
    jitter_us: Option<i64>,
}

impl Measurement {
    pub(super) fn sample(self) -> Result<(HostId, RttSample), StoreError> {
        let micros = |value: Option<i64>| value.and_then(|us| u32::try_from(us).ok());
        let sample = RttSample {
            target: parsed("measurements", &self.target_id, "target_id", &self.target_id)?,
            sent: u16::try_from(self.sent).unwrap_or(u16::MAX),
            received: u16::try_from(self.received).unwrap_or(u16::MAX),
            min_us: micros(self.min_us),
            median_us: micros(self.median_us),
            deviation_us: micros(self.deviation_us),
            p90_us: micros(self.p90_us),
            jitter_us: micros(self.jitter_us),
        };
        let host = parsed("measurements", &self.target_id, "host_id", &self.host_id)?;
        Ok((host, sample))
    }
}

/// All that was measured in a round.
pub async fn measurements(tx: &mut Tx, id: RoundId) -> Result<Vec<(HostId, RttSample)>, StoreError> {
    let text = "select host_id, target_id, sent, received, min_us, median_us, deviation_us, p90_us, jitter_us
                from measurements where round_id = $1 order by host_id, target_id";
    let rows = sql!(tx, all Measurement, text, id.to_string())?;
    rows.into_iter().map(Measurement::sample).collect()
}

/// Ends a round. `false` if it had ended.
pub async fn end(tx: &mut Tx, id: RoundId, now: Time) -> Result<bool, StoreError> {
    let text = "update rounds set ended_at = $2 where id = $1 and ended_at is null";
    Ok(sql!(tx, execute text, id.to_string(), now.millis())? == 1)
}
