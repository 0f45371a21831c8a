//! Hosts and their sites.

use super::{HostId, SiteId, Time};
use std::net::IpAddr;
use vmatrix_wire::{Digest, Facts, GONE_AFTER_MS, Orders, PortRange, Report};

/// A hosting network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// Unique.
    pub name: String,
}

/// A host as it enrolled.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// Its id.
    pub id: HostId,
    /// Where it stands.
    pub site: Site,
    /// Unique in the fleet.
    pub name: String,
    /// Where players reach it.
    pub public_address: IpAddr,
    /// The ports that VMs may have.
    pub ports: PortRange,
    /// VMs at once.
    pub slots: u16,
    /// Production or loading chamber.
    pub role: vmatrix_wire::Role,
    /// What the machine is, as of the newest report.
    pub facts: Facts,
    /// Since when.
    pub joined_at: Time,
}

/// A host with what was last ordered and last reported.
#[derive(Debug, Clone, PartialEq)]
pub struct HostRecord {
    /// The host.
    pub host: Host,
    /// Grows with every change of its reservations: the guard against double booking.
    pub holds: i64,
    /// The newest report, and when it came.
    pub report: Option<(Report, Time)>,
    /// The newest orders.
    pub orders: Orders,
    /// When they were committed.
    pub ordered_at: Time,
    /// What its beacon answers to.
    pub reach_nonce: Digest,
    /// When its public address was first seen from outside, and by whom.
    pub reached: Option<(Time, Onlooker)>,
    /// When its agent left the fleet.
    pub left_at: Option<Time>,
}

/// Who has seen something from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onlooker {
    /// The server itself, where no host could.
    Server,
    /// Another host.
    Host(HostId),
}

impl HostRecord {
    /// Milliseconds since the last report, or since it joined if there was none.
    #[must_use]
    pub fn silent_ms(&self, now: Time) -> i64 {
        now.since(self.report.as_ref().map_or(self.host.joined_at, |(_, at)| *at))
    }

    /// Whether its agent is taken to be gone.
    #[must_use]
    pub fn is_gone(&self, now: Time) -> bool {
        self.left_at.is_some() || self.report.is_none() || self.silent_ms(now) > GONE_AFTER_MS
    }
}

/// Whether each host has reported since `started`, or has had its time to. While a server was down nobody could report, and
/// nobody is to be taken for gone because of that.
#[must_use]
pub fn all_heard(hosts: &[HostRecord], started: Time, now: Time) -> bool {
    let has_reported = |host: &HostRecord| {
        host.left_at.is_some() || host.report.as_ref().is_some_and(|(_, at)| *at >= started)
    };
    now.since(started) > GONE_AFTER_MS || hosts.iter().all(has_reported)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing;

    #[test]
    fn a_server_that_was_down_takes_nobody_for_gone_until_all_could_report() {
        let (before, started) = (Time::from_millis(0), Time::from_millis(1_000_000));
        let at = |ms| started.plus(ms);
        let mut hosts = vec![testing::record("a", 1, before), testing::record("b", 2, before)];
        assert!(hosts[0].is_gone(at(0)) && !all_heard(&hosts, started, at(0)));
        hosts[0] = testing::record("a", 1, at(500));
        assert!(!all_heard(&hosts, started, at(500)), "one is still on its way");
        assert!(
            all_heard(&hosts, started, at(GONE_AFTER_MS + 1)),
            "it had its time"
        );
        hosts[1] = testing::record("b", 2, at(600));
        assert!(all_heard(&hosts, started, at(600)));
        hosts.push(testing::record("c", 3, before));
        hosts[2].left_at = Some(before);
        assert!(
            all_heard(&hosts, started, at(600)),
            "nobody waits for who has left"
        );
        hosts[0].left_at = Some(at(550));
        assert!(hosts[0].is_gone(at(560)), "however lately it has reported");
        assert!(
            all_heard(&[], started, at(0)),
            "an empty fleet has nobody to wait for"
        );
    }
}
