//! Slots and ports of a host in time: what is held, what is free.

use super::{Host, HostId, MatchId, ReservationId, ServiceId, Time};

/// What a reservation or a VM is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// A match.
    Match(MatchId),
    /// A web service.
    Service(ServiceId),
}

/// A slot and a port of a host for some time.
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
    /// Each port is held, or was found taken.
    #[error("all its ports {ports} are held or taken at that time")]
    Ports {
        /// The range.
        ports: String,
    },
}

/// How long a reservation whose time is over is thought to go on, milliseconds.
const OVERDUE_MS: i64 = 60_000;

/// A port of `host` that is free from `from` to `until`: the lowest. `held` are all unreleased reservations (of any
/// host); `ours` does not count (the one that would be given up for this one); `avoid` are ports that were found taken.
///
/// # Errors
/// Why there is none.
pub fn room(
    host: &Host,
    held: &[Reservation],
    ours: Option<ReservationId>,
    avoid: &[u16],
    (from, until): (Time, Time),
    now: Time,
) -> Result<u16, NoRoom> {
    let others: Vec<_> = held
        .iter()
        .filter(|r| r.host == host.id && Some(r.id) != ours)
        // What is overdue still holds its slot: its host has not said that it is gone.
        .map(|r| (r.from_at, r.until_at.max(now.plus(OVERDUE_MS)), r.port))
        .filter(|&(start, end, _)| start < until && from < end)
        .collect();
    // The most that run at one moment: it is reached when one of them starts, or when this one does.
    let busiest = others
        .iter()
        .map(|&(start, ..)| start.max(from))
        .chain([from])
        .map(|moment| {
            others
                .iter()
                .filter(|&&(start, end, _)| start <= moment && moment < end)
                .count()
        })
        .max()
        .unwrap_or(0);
    if busiest >= usize::from(host.slots) {
        return Err(NoRoom::Slots { slots: host.slots });
    }
    host.ports
        .ports()
        .find(|port| !avoid.contains(port) && others.iter().all(|&(.., taken)| taken != *port))
        .ok_or_else(|| NoRoom::Ports {
            ports: host.ports.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn reservation(number: u128, port: u16, from: i64, until: i64) -> Reservation {
        Reservation {
            id: ReservationId(Uuid::from_u128(number)),
            host: testing::host("a", 1).id,
            purpose: Purpose::Match(MatchId(Uuid::from_u128(number))),
            port,
            from_at: Time::from_millis(from),
            until_at: Time::from_millis(until),
        }
    }

    fn span(from: i64, until: i64) -> (Time, Time) {
        (Time::from_millis(from), Time::from_millis(until))
    }

    #[test]
    fn one_slot_is_given_once_at_a_time() {
        let host = testing::host("a", 1);
        let held = [reservation(1, 27960, 100_000, 200_000)];
        let now = Time::from_millis(0);
        assert_eq!(
            room(&host, &held, None, &[], span(150_000, 250_000), now),
            Err(NoRoom::Slots { slots: 1 })
        );
        assert_eq!(
            room(&host, &held, None, &[], span(200_000, 250_000), now),
            Ok(27960)
        );
        assert_eq!(room(&host, &held, None, &[], span(0, 100_000), now), Ok(27960));
        // A match that moves does not stand in its own way.
        let ours = Some(held[0].id);
        assert_eq!(
            room(&host, &held, ours, &[27960], span(150_000, 250_000), now),
            Ok(27961)
        );
    }

    #[test]
    fn a_vm_that_should_be_gone_holds_its_slot_until_it_is() {
        let host = testing::host("a", 1);
        let held = [reservation(1, 27960, 0, 100_000)];
        let now = Time::from_millis(150_000);
        assert_eq!(
            room(&host, &held, None, &[], span(160_000, 200_000), now),
            Err(NoRoom::Slots { slots: 1 })
        );
        assert_eq!(
            room(&host, &held, None, &[], span(210_000, 300_000), now),
            Ok(27960)
        );
    }

    proptest! {
        /// Whatever is asked for in whatever order: never more VMs at once than slots, never one port twice.
        #[test]
        fn no_moment_has_more_vms_than_slots(
            slots in 1_u16..4,
            asked in prop::collection::vec((0_i64..1000, 1_i64..400), 1..40),
        ) {
            let host = Host { slots, ..testing::host("a", 1) };
            // Long ago, so that nothing is overdue.
            let now = Time::from_millis(-1_000_000);
            let mut held: Vec<Reservation> = Vec::new();
            for (number, (from, length)) in asked.into_iter().enumerate() {
                if let Ok(port) = room(&host, &held, None, &[], span(from, from + length), now) {
                    held.push(reservation(number as u128, port, from, from + length));
                }
            }
            for moment in 0..1400 {
                let moment = Time::from_millis(moment);
                let running: Vec<_> = held.iter().filter(|r| r.from_at <= moment && moment < r.until_at).collect();
                prop_assert!(running.len() <= usize::from(slots));
                let ports: std::collections::BTreeSet<_> = running.iter().map(|r| r.port).collect();
                prop_assert_eq!(ports.len(), running.len());
            }
        }

        /// A refusal was unavoidable: at some moment of the asked time all slots, or all ports during it, are held.
        #[test]
        fn a_refusal_is_unavoidable(
            spans in prop::collection::vec((0_i64..300, 1_i64..100, 27960_u16..27964), 0..12),
            from in 0_i64..300, length in 1_i64..100,
        ) {
            let host = Host { slots: 3, ..testing::host("a", 1) };
            let now = Time::from_millis(-1_000_000);
            let held: Vec<_> = spans.into_iter().enumerate()
                .map(|(n, (from, length, port))| reservation(n as u128, port, from, from + length)).collect();
            let full = |moment: i64| {
                held.iter().filter(|r| r.from_at.millis() <= moment && moment < r.until_at.millis()).count() >= 3
            };
            let taken = |port: u16| {
                held.iter().any(|r| {
                    r.port == port && r.from_at.millis() < from + length && from < r.until_at.millis()
                })
            };
            match room(&host, &held, None, &[], span(from, from + length), now) {
                Err(NoRoom::Slots { .. }) => prop_assert!((from..from + length).any(full)),
                Err(NoRoom::Ports { .. }) => prop_assert!((27960..=27963).all(taken)),
                Ok(port) => prop_assert!(host.ports.ports().contains(&port)),
            }
        }
    }
}
