//! How often one address may try a password, a link or a join token.

use crate::{
    api::Problem,
    domain::{customer, limits::TRIES},
    limits::Paced,
    pages::{error::PageError, play::Peer},
};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Method},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

const TOO_MANY: &str = "That was tried too often from your address. Wait a minute, then try again.";

/// What has been tried lately, by address.
#[derive(Clone)]
pub(super) struct Limits {
    tries: Paced<IpAddr>,
    behind_proxy: bool,
}

impl Limits {
    pub(super) fn new(behind_proxy: bool) -> Self {
        Self {
            tries: Paced::at(TRIES),
            behind_proxy,
        }
    }

    /// Counts one try, or says how long to wait.
    fn count(&self, request: &Request) -> Result<(), Duration> {
        self.peer(request)
            .map_or(Ok(()), |peer| self.tries.count(&customer(peer)))
    }

    fn peer(&self, request: &Request) -> Option<IpAddr> {
        let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
        Some(who(peer.ip(), request.headers(), self.behind_proxy))
    }
}

/// The address that asks. Of `x-forwarded-for` only the last entry is the proxy's own word; the rest anybody can write.
fn who(peer: IpAddr, headers: &HeaderMap, behind_proxy: bool) -> IpAddr {
    let forwarded = || {
        let text = headers
            .get_all("x-forwarded-for")
            .iter()
            .next_back()?
            .to_str()
            .ok()?;
        text.rsplit(',').next()?.trim().parse().ok()
    };
    let address = if behind_proxy {
        forwarded().unwrap_or(peer)
    } else {
        peer
    };
    address.to_canonical()
}

/// For pages: `POST /sign-in` and `POST /join/…`. Players' links want to know who comes.
pub(super) async fn sign_in(State(limits): State<Limits>, mut request: Request, next: Next) -> Response {
    if let Some(peer) = limits.peer(&request) {
        request.extensions_mut().insert(Peer(peer));
    }
    let path = request.uri().path();
    let is_try = request.method() == Method::POST && (path == "/sign-in" || path.starts_with("/join/"));
    if is_try && let Err(wait) = limits.count(&request) {
        return PageError::too_many(TOO_MANY, Some(wait)).into_response();
    }
    next.run(request).await
}

/// For agents: enrolment.
pub(super) async fn enrolment(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    // Nested routers see the path below theirs.
    if request.uri().path().ends_with("/enrol")
        && let Err(wait) = limits.count(&request)
    {
        return Problem::too_many(TOO_MANY, wait).into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(forwarded: &str) -> HeaderMap {
        HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), forwarded.parse().unwrap())])
    }

    #[test]
    fn without_a_proxy_nobody_can_name_another_address() {
        let peer: IpAddr = "203.0.113.1".parse().unwrap();
        assert_eq!(who(peer, &headers("198.51.100.7"), false), peer);
    }

    #[test]
    fn behind_a_proxy_its_own_word_counts() {
        let (proxy, client): (IpAddr, IpAddr) =
            ("10.0.0.1".parse().unwrap(), "198.51.100.7".parse().unwrap());
        assert_eq!(who(proxy, &headers("1.2.3.4, 198.51.100.7"), true), client);
        assert_eq!(who(proxy, &headers("nonsense"), true), proxy);
    }

    #[test]
    fn one_customer_is_one_address_also_with_ipv6() {
        let (a, b): (IpAddr, IpAddr) = (
            "2001:db8::1".parse().unwrap(),
            "2001:db8::ffff:1".parse().unwrap(),
        );
        let none = HeaderMap::new();
        let customer = |peer| customer(who(peer, &none, false));
        assert_eq!(customer(a), customer(b));
        let mapped: IpAddr = "::ffff:203.0.113.1".parse().unwrap();
        assert_eq!(
            who(mapped, &none, false),
            "203.0.113.1".parse::<IpAddr>().unwrap()
        );
    }
}
