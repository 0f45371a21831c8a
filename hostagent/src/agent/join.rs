//! Makes a machine one of the fleet, once.

use super::{Home, HomeError, Joined, Server, ServerError};
use crate::facts::{self, FactsError};
use crate::net::HostNet;
use std::net::IpAddr;
use url::Url;
use vmatrix_wire::{Enrolment, HostId, PROTOCOL, PortRange, Role, Secret};

/// What the operator says.
#[derive(Debug, Clone)]
pub struct JoinRequest {
    /// The server.
    pub server: Url,
    /// Whether plain HTTP is allowed.
    pub insecure: bool,
    /// The one-time join token.
    pub token: Secret,
    /// The host's name.
    pub name: String,
    /// Its site.
    pub site: String,
    /// The address that players reach it by.
    pub public_address: IpAddr,
    /// The ports of that address for VMs.
    pub ports: PortRange,
    /// How many VMs may run at once.
    pub slots: u16,
    /// What its VMs are for.
    pub role: Role,
}

/// Why a machine did not join.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Guests speak IPv4 only.
    #[error("--public-address {0}: only IPv4 is possible so far")]
    Ipv6(IpAddr),
    /// It cannot run VMs, or not be described.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// The directory.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The server says no, or nothing.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// Joins, and keeps what the server answered. The token is used up only if the server takes the host.
///
/// # Errors
/// If the host has joined already, cannot run VMs, or the server refuses it.
pub async fn join(home: &Home, request: JoinRequest) -> Result<HostId, JoinError> {
    let _lock = home.lock()?;
    home.check_not_joined()?;
    if request.public_address.is_ipv6() {
        return Err(JoinError::Ipv6(request.public_address));
    }
    let server = Server::new(&request.server, request.insecure, None)?;
    let facts = facts::find(home.dir(), HostNet::detect().await).await?;
    let enrolment = Enrolment {
        protocol: PROTOCOL,
        token: request.token,
        name: request.name,
        site: request.site,
        public_address: request.public_address,
        ports: request.ports,
        slots: request.slots,
        role: request.role,
        facts,
    };
    let enrolled = server.enrol(&enrolment).await?;
    home.keep_joined(&Joined {
        server: request.server,
        insecure: request.insecure,
        host: enrolled.host,
        secret: enrolled.secret,
        name: enrolment.name,
        site: enrolment.site,
        public_address: enrolment.public_address,
        ports: enrolment.ports,
        slots: enrolment.slots,
        role: enrolment.role,
    })?;
    Ok(enrolled.host)
}
