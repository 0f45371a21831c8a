//! Slots, memory and ports of a host in time: what is held, what is free.

use super::{Host, HostId, MatchId, ReservationId, ServiceId, Time};

/// What a reservation or a VM is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// A match.
    Match(MatchId),
    /// A web service.
    Service(ServiceId),
}

/// A slot, memory and a port of a host for some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Its id.
    pub id: ReservationId,
    /// The host.
    pub host: HostId,
    /// What for.
    pub purpose: Purpose,
    /// Port of the host's public address.
    pub port: u16,
    /// Ports of the host that were found taken by another program.
    pub ports_tried: Vec<u16>,
    /// Memory that its VM takes of the host.
    pub memory_mb: u64,
    /// From when the slot is needed.
    pub from_at: Time,
    /// Until when; held beyond that until the host says that nothing is left.
    pub until_at: Time,
}

/// Why a host has no room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// All slots are held at some moment of that time.
    #[error("{} at that time", if *slots == 1 { "its slot is held".to_owned() } else { format!("all its {slots} slots are held") })]
    Slots {
        /// How many it has.
        slots: u16,
    },
    /// What runs there at some moment of that time leaves too little memory.
    #[error("it has {left_mb} MB of memory left at that time, the image needs {needs_mb} MB")]
    Memory {
        /// Left beside the others.
        left_mb: u64,
        /// Needed.
        needs_mb: u64,
    },
    /// Each port is held, or was found taken.
    #[error("all its ports {ports} are held or taken at that time")]
    Ports {
        /// The range.
        ports: String,
    },
}

/// How long a reservation whose time is over is thought to go on, milliseconds.
const OVERDUE_MS: i64 = 60_000;

/// What is wanted of a host.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// From when until when.
    pub span: (Time, Time),
    /// How much memory of the host.
    pub memory_mb: u64,
    /// What would be given up for it, and so does not count.
    pub instead_of: Option<ReservationId>,
    /// Ports that were found taken.
    pub avoid: &'a [u16],
}

/// A port of `host` that is free for all of the wanted time, the lowest, if there is a slot and memory too. `held` are all
/// unreleased reservations (of any host).
///
/// # Errors
/// Why there is none.
pub fn room(host: &Host, held: &[Reservation], wanted: Wanted<'_>, now: Time) -> Result<u16, NoRoom> {
    let (from, until) = wanted.span;
    let others: Vec<_> = held
        .iter()
        .filter(|r| r.host == host.id && Some(r.id) != wanted.instead_of)
        // What is overdue still holds its slot: its host has not said that it is gone.
        .map(|r| (r.from_at, r.until_at.max(now.plus(OVERDUE_MS)), r))
        .filter(|&(start, end, _)| start < until && from < end)
        .collect();
    // The most that run at one moment: it is reached when one of them starts, or when this one does.
    let (mut busiest, mut used_mb) = (0, 0);
    for moment in others.iter().map(|&(start, ..)| start.max(from)).chain([from]) {
        let running = others
            .iter()
            .filter(|&&(start, end, _)| start <= moment && moment < end);
        busiest = busiest.max(running.clone().count());
        used_mb = used_mb.max(running.fold(0_u64, |sum, (.., r)| sum.saturating_add(r.memory_mb)));
    }
    if busiest >= usize::from(host.slots) {
        return Err(NoRoom::Slots { slots: host.slots });
    }
    let left_mb = host.facts.memory_mb.saturating_sub(used_mb);
    if left_mb < wanted.memory_mb {
        return Err(NoRoom::Memory {
            left_mb,
            needs_mb: wanted.memory_mb,
        });
    }
    host.ports
        .ports()
        .find(|port| !wanted.avoid.contains(port) && others.iter().all(|(.., r)| r.port != *port))
        .ok_or_else(|| NoRoom::Ports {
            ports: host.ports.to_string(),
        })
}

#[cfg(test)]
#[path = "capacity_tests.rs"]
mod tests;
