//! Players' host names to addresses, and which addresses may be measured at all.

mod near;
mod timing;

pub use near::NoAnswer;
pub use timing::{NoTimes, QUESTIONS, Times, time_between};

use crate::domain::{NotAsked, PlayerAddress};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long one look-up may take in all, whatever the name servers do. Those of a roster go on at the same time.
pub(crate) const WITHIN: Duration = Duration::from_secs(2);
/// How long one question is waited for: a lost packet is sent again in time.
const QUESTION: Duration = Duration::from_millis(900);
/// How long the last known address of a name is good while the name servers do not answer.
const KNOWN_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How many are kept: more than a league has players.
const MOST_KNOWN: usize = 10_000;

/// Resolves host names by the system's name servers.
#[derive(Clone)]
pub struct Resolver {
    names: Option<hickory_resolver::TokioResolver>,
    allow_private: bool,
    known: Arc<Mutex<HashMap<String, (IpAddr, Instant)>>>,
}

/// An address that cannot be measured. Shown to the player's own clan and to staff only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no such name.
    #[error("the host name {0} has no address")]
    Unknown(String),
    /// The name servers do not answer.
    #[error("the host name {0} could not be looked up: the name servers do not answer")]
    NoAnswer(String),
    /// An address that is not a player's on the internet.
    #[error("{0} is not an address on the internet")]
    NotPublic(IpAddr),
    /// It was deleted.
    #[error(
        "the address was deleted, as it had not been used for long; send them the players’ link, or enter it anew"
    )]
    Forgotten,
    /// Nobody there has agreed to be measured.
    #[error(transparent)]
    NotAsked(#[from] NotAsked),
}

impl Resolver {
    /// By the system's configuration. Without one (no `resolv.conf`) only addresses work.
    #[must_use]
    pub fn system(allow_private: bool) -> Self {
        let names = hickory_resolver::TokioResolver::builder_tokio()
            .and_then(|mut builder| {
                set_options(builder.options_mut());
                builder.build()
            })
            .inspect_err(|error| tracing::warn!(%error, "host names cannot be resolved"))
            .ok();
        Self::new(names, allow_private)
    }

    /// By these name servers; by the system's if there are none.
    #[must_use]
    pub fn by(servers: &[IpAddr], allow_private: bool) -> Self {
        use hickory_resolver::{
            config::{NameServerConfig, ResolverConfig},
            net::runtime::TokioRuntimeProvider,
        };
        if servers.is_empty() {
            return Self::system(allow_private);
        }
        let servers = servers
            .iter()
            .map(|ip| NameServerConfig::udp_and_tcp(*ip))
            .collect();
        let config = ResolverConfig::from_name_servers(servers);
        let mut builder =
            hickory_resolver::TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        set_options(builder.options_mut());
        let names = builder
            .build()
            .inspect_err(|error| tracing::warn!(%error, "host names cannot be resolved"))
            .ok();
        Self::new(names, allow_private)
    }

    /// Addresses only, for tests that are to ask nobody.
    #[cfg(test)]
    pub(crate) fn without_names(allow_private: bool) -> Self {
        Self::new(None, allow_private)
    }

    fn new(names: Option<hickory_resolver::TokioResolver>, allow_private: bool) -> Self {
        Self {
            names,
            allow_private,
            known: Arc::default(),
        }
    }

    /// The address to measure, within two seconds. Of a name for which no name server has an answer now it is the one of the
    /// last day; a name that is said not to be there has none.
    ///
    /// # Errors
    /// If the name has no address, or the address is private and that was not allowed.
    pub async fn resolve(&self, address: &PlayerAddress) -> Result<IpAddr, AddressError> {
        let ip = match address {
            PlayerAddress::Ip(ip) => IpAddr::V4(*ip),
            PlayerAddress::HostName(name) => self.look_up(name).await?,
            PlayerAddress::Nothing => return Err(AddressError::Forgotten),
        };
        self.check(ip)
    }

    /// Whether an address is one that may be measured.
    ///
    /// # Errors
    /// It is private and that was not allowed, or nobody's.
    pub fn check(&self, ip: IpAddr) -> Result<IpAddr, AddressError> {
        if self.may_ask(ip) {
            Ok(ip)
        } else {
            Err(AddressError::NotPublic(ip))
        }
    }

    /// Whether packets may be sent to an address.
    #[must_use]
    pub fn may_ask(&self, ip: IpAddr) -> bool {
        is_public(ip) || (self.allow_private && is_somebodys(ip))
    }

    async fn look_up(&self, name: &str) -> Result<IpAddr, AddressError> {
        let found = match self.ask(name).await {
            Err(AddressError::NoAnswer(_)) => return self.last_known(name),
            found => found,
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Ok(ip) => {
                if known.len() >= MOST_KNOWN && !known.contains_key(name) {
                    known.clear();
                }
                known.insert(name.to_owned(), (*ip, Instant::now()));
            }
            Err(_) => {
                known.remove(name);
            }
        }
        found
    }

    async fn ask(&self, name: &str) -> Result<IpAddr, AddressError> {
        let no_answer = || AddressError::NoAnswer(name.to_owned());
        let names = self.names.as_ref().ok_or_else(no_answer)?;
        let asked = tokio::time::timeout(WITHIN, first_address(names, name));
        match asked.await {
            Ok(Ok(Some(ip))) => Ok(ip),
            Ok(Ok(None)) => Err(AddressError::Unknown(name.to_owned())),
            Ok(Err(_)) | Err(_) => Err(no_answer()),
        }
    }

    fn last_known(&self, name: &str) -> Result<IpAddr, AddressError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(name)
            .filter(|(_, since)| since.elapsed() <= KNOWN_FOR)
            .map(|(ip, _)| *ip)
            .ok_or_else(|| AddressError::NoAnswer(name.to_owned()))
    }
}

/// By IPv4, as the game is played; by IPv6 only if the name is said to have no such address, not if nobody answers: else a lost
/// packet would have somebody measured on another way. `None` if it has neither.
async fn first_address(
    names: &hickory_resolver::TokioResolver,
    name: &str,
) -> Result<Option<IpAddr>, hickory_resolver::net::NetError> {
    use hickory_resolver::proto::rr::{RData, RecordType};
    for family in [RecordType::A, RecordType::AAAA] {
        // The final dot keeps the system's search domains out of it.
        let found = match names.lookup(format!("{name}."), family).await {
            Ok(found) => found,
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => continue,
            Err(error) => return Err(error),
        };
        let address = |data: &RData| match data {
            RData::A(ip) => Some(IpAddr::V4(ip.0)),
            RData::AAAA(ip) => Some(IpAddr::V6(ip.0).to_canonical()),
            _ => None,
        };
        if let Some(ip) = found.answers().iter().find_map(|record| address(&record.data)) {
            return Ok(Some(ip));
        }
    }
    Ok(None)
}

fn set_options(options: &mut hickory_resolver::config::ResolverOpts) {
    options.timeout = QUESTION;
    options.attempts = 1;
    options.ip_strategy = hickory_resolver::config::LookupIpStrategy::Ipv4thenIpv6;
}

mod ranges;
pub use ranges::{is_public, is_somebodys};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
