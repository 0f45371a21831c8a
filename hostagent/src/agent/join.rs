//! Makes a machine one of the fleet, once.

use super::{Home, HomeError, Joined, Server, ServerError, server::is_loopback};
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
    /// Nobody else reaches it by that.
    #[error(
        "--public-address {0} is this machine's own loopback: no player elsewhere reaches it. Give the address that players reach this machine by, or say --insecure to try it so all the same"
    )]
    Loopback(IpAddr),
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

/// Checks that players can mean this host by its public address. `true`: only those on this machine can, which is good for a trial.
///
/// # Errors
/// [`JoinError::Ipv6`], or [`JoinError::Loopback`] unless the server is on this machine too or `insecure` was said.
pub fn check_public_address(address: IpAddr, server: &Url, insecure: bool) -> Result<bool, JoinError> {
    if address.is_ipv6() {
        return Err(JoinError::Ipv6(address));
    }
    if address.is_loopback() && !is_loopback(server) && !insecure {
        return Err(JoinError::Loopback(address));
    }
    Ok(address.is_loopback())
}

/// Joins, and keeps what the server answered. The token is used up only if the server takes the host.
///
/// # Errors
/// If the host has joined already, cannot run VMs, or the server refuses it.
pub async fn join(home: &Home, request: JoinRequest) -> Result<HostId, JoinError> {
    let _lock = home.lock()?;
    home.check_not_joined()?;
    check_public_address(request.public_address, &request.server, request.insecure)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_is_for_trials_on_one_machine() {
        let check = |address: &str, server: &str, insecure| {
            check_public_address(address.parse().unwrap(), &server.parse().unwrap(), insecure)
        };
        let (here, there) = ("http://127.0.0.1:8080", "https://play.example");
        assert!(!check("192.0.2.7", there, false).unwrap());
        assert!(check("127.0.0.1", here, false).unwrap(), "with a warning");
        assert!(check("127.0.0.1", there, true).unwrap(), "with a warning");
        let refused = check("127.0.0.1", there, false).unwrap_err().to_string();
        assert!(
            refused.contains("--public-address 127.0.0.1") && refused.contains("--insecure"),
            "{refused}"
        );
        assert!(matches!(check("::1", here, true), Err(JoinError::Ipv6(_))));
    }
}
