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
    /// When its public address was first seen from outside.
    pub reached_at: Option<Time>,
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
        self.report.is_none() || self.silent_ms(now) > GONE_AFTER_MS
    }
}
