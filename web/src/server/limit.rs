//! How often one address may try a password, a link or a join token.

use crate::{api::Problem, pages::error::PageError};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
};

/// Tries at once; a new one comes every three seconds.
const TRIES: NonZeroU32 = NonZeroU32::new(20).unwrap();
const TRIES_A_MINUTE: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// Above this many addresses those that have not tried lately are forgotten.
const MANY: usize = 10_000;

/// What has been tried lately, by address.
#[derive(Clone)]
pub(super) struct Limits {
    tries: Arc<DefaultKeyedRateLimiter<IpAddr>>,
    behind_proxy: bool,
}

impl Limits {
    pub(super) fn new(behind_proxy: bool) -> Self {
        let quota = Quota::per_minute(TRIES_A_MINUTE).allow_burst(TRIES);
        Self {
            tries: Arc::new(RateLimiter::keyed(quota)),
            behind_proxy,
        }
    }

    fn allows(&self, request: &Request) -> bool {
        let peer = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0.ip());
        let Some(address) = peer.map(|peer| who(peer, request.headers(), self.behind_proxy)) else {
            return true;
        };
        if self.tries.len() > MANY {
            self.tries.retain_recent();
        }
        self.tries.check_key(&address).is_ok()
    }
}

/// The address that asks. Of `x-forwarded-for` only the last entry is the proxy's own word; the rest anybody can
/// write. An IPv6 customer has a whole /64.
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
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// For pages: `POST /sign-in` and `POST /join/…`.
pub(super) async fn sign_in(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_try = request.method() == Method::POST && (path == "/sign-in" || path.starts_with("/join/"));
    if is_try && !limits.allows(&request) {
        return PageError::too_many().into_response();
    }
    next.run(request).await
}

/// For agents: enrolment.
pub(super) async fn enrolment(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    // Nested routers see the path below theirs.
    if request.uri().path().ends_with("/enrol") && !limits.allows(&request) {
        return Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many tries from your address: wait a minute.",
        )
        .into_response();
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
        assert_eq!(who(a, &none, false), who(b, &none, false));
        let mapped: IpAddr = "::ffff:203.0.113.1".parse().unwrap();
        assert_eq!(
            who(mapped, &none, false),
            "203.0.113.1".parse::<IpAddr>().unwrap()
        );
    }
}
