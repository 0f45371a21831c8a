//! Slots, memory and ports in time. Whoever adds or changes one changes the host's guard too: [`super::hosts::hold`].

use super::{StoreError, Tx, corrupt, from_json, parsed, to_json};
use crate::domain::{Purpose, Reservation, ReservationId, Time};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    host_id: String,
    match_id: Option<String>,
    service_id: Option<String>,
    port: i64,
    ports_tried: String,
    memory_mb: i64,
    from_at: i64,
    until_at: i64,
}

impl Row {
    fn reservation(self) -> Result<Reservation, StoreError> {
        let id = self.id.as_str();
        Ok(Reservation {
            id: parsed("reservations", id, "id", id)?,
            host: parsed("reservations", id, "host_id", &self.host_id)?,
            purpose: purpose(
                "reservations",
                id,
                self.match_id.as_deref(),
                self.service_id.as_deref(),
            )?,
            port: u16::try_from(self.port)
                .map_err(|why| corrupt("reservations", id, "port", &self.port.to_string(), why))?,
            ports_tried: from_json("reservations", id, "ports_tried", &self.ports_tried)?,
            memory_mb: u64::try_from(self.memory_mb)
                .map_err(|why| corrupt("reservations", id, "memory_mb", &self.memory_mb.to_string(), why))?,
            from_at: Time::from_millis(self.from_at),
            until_at: Time::from_millis(self.until_at),
        })
    }
}

/// From the two columns of which one is there.
pub(super) fn purpose(
    table: &'static str,
    id: &str,
    of_match: Option<&str>,
    service: Option<&str>,
) -> Result<Purpose, StoreError> {
    match (of_match, service) {
        (Some(text), None) => Ok(Purpose::Match(parsed(table, id, "match_id", text)?)),
        (None, Some(text)) => Ok(Purpose::Service(parsed(table, id, "service_id", text)?)),
        _ => Err(corrupt(
            table,
            id,
            "match_id",
            "",
            "neither or both of match_id and service_id",
        )),
    }
}

/// The two columns of which one is there.
pub(super) fn columns(purpose: Purpose) -> (Option<String>, Option<String>) {
    match purpose {
        Purpose::Match(id) => (Some(id.to_string()), None),
        Purpose::Service(id) => (None, Some(id.to_string())),
    }
}

/// Adds a reservation.
pub async fn insert(tx: &mut Tx, new: &Reservation) -> Result<(), StoreError> {
    let (of_match, service) = columns(new.purpose);
    sql!(
        tx,
        execute "insert into reservations (id, host_id, match_id, service_id, port, ports_tried, memory_mb, from_at, until_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.id.to_string(),
        new.host.to_string(),
        of_match,
        service,
        i64::from(new.port),
        to_json(&new.ports_tried)?,
        i64::try_from(new.memory_mb).unwrap_or(i64::MAX),
        new.from_at.millis(),
        new.until_at.millis()
    )?;
    Ok(())
}

/// All that were not released, oldest first.
pub async fn held(tx: &mut Tx) -> Result<Vec<Reservation>, StoreError> {
    let text =
        "select id, host_id, match_id, service_id, port, ports_tried, memory_mb, from_at, until_at from reservations
                where released_at is null order by id";
    sql!(tx, all Row, text)?
        .into_iter()
        .map(Row::reservation)
        .collect()
}

/// Takes another port of the same host, as those that were tried are taken. `false` if it was released.
pub async fn set_port(tx: &mut Tx, id: ReservationId, port: u16, tried: &[u16]) -> Result<bool, StoreError> {
    let text = "update reservations set port = $2, ports_tried = $3 where id = $1 and released_at is null";
    Ok(sql!(tx, execute text, id.to_string(), i64::from(port), to_json(&tried)?)? == 1)
}

/// Gives the slot, the memory and the port back. `false` if they were.
pub async fn release(tx: &mut Tx, id: ReservationId, now: Time) -> Result<bool, StoreError> {
    let text = "update reservations set released_at = $2 where id = $1 and released_at is null";
    Ok(sql!(tx, execute text, id.to_string(), now.millis())? == 1)
}
