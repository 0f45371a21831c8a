//! Web services, as far as they are one VM on a chosen host.

use super::{HostId, ServiceId, Time};

/// How far a service should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceGoal {
    /// It answers.
    Open,
    /// It is frozen on its host with what it has become.
    Suspended,
}

impl ServiceGoal {
    /// The stored name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Suspended => "suspended",
        }
    }

    /// From the stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "open" => Some(Self::Open),
            "suspended" => Some(Self::Suspended),
            _ => None,
        }
    }
}

/// A service: one VM of an image on a chosen host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// Unique.
    pub name: String,
    /// Name of the image.
    pub image: String,
    /// Where it runs.
    pub host: HostId,
    /// How far it should be.
    pub goal: ServiceGoal,
    /// Since when.
    pub created_at: Time,
    /// Since when it should be no more.
    pub removed_at: Option<Time>,
}
