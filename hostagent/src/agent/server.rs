//! The server as the agent speaks to it: a handful of HTTP requests with a bearer secret.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use std::time::Duration;
use url::{Host, Url};
use vmatrix_wire::{Digest, Enrolled, Enrolment, HOLD_SECONDS, Manifest, Orders, PROTOCOL, Report, Secret};

/// Header that carries [`PROTOCOL`] on requests without a body.
const PROTOCOL_HEADER: &str = "x-vmatrix-protocol";

/// A server URL that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Neither http nor https, or without a host.
    #[error("{0} is not an http or https URL")]
    Scheme(Url),
    /// Secrets would travel readable.
    #[error(
        "{0} is plain HTTP to another machine: anybody on the way can read the secrets and take over the host. Use https, or say --insecure if the network is trusted"
    )]
    Plain(Url),
}

/// A request that did not succeed. No text of it holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The URL.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The server cannot be reached, or broke off.
    #[error("the server cannot be reached: {}", root(.0))]
    Unreachable(reqwest::Error),
    /// The secret or token is not known there: a problem (RFC 9457) of status 401, which only a vMatrix server answers.
    #[error("the server does not know who asks: {0}")]
    Unknown(String),
    /// It is known there, and may not do this.
    #[error("the server refuses: {0}")]
    Refused(String),
    /// 401 or 403, and no problem: not from a vMatrix server.
    #[error(
        "{0} was answered, not in the words of a vMatrix server: a proxy on the way, or another program at this address"
    )]
    Stranger(StatusCode),
    /// The server speaks another version.
    #[error("the server speaks another version of the protocol than this agent ({PROTOCOL}): {0}")]
    Version(String),
    /// What was asked for is not there.
    #[error("the server does not have it")]
    Missing,
    /// Any other answer than success.
    #[error("the server answered {status}: {detail}")]
    Status {
        /// HTTP status.
        status: u16,
        /// What it said.
        detail: String,
    },
    /// A success that is not understood.
    #[error("the server's answer is not understood: {0}")]
    Odd(String),
}

impl ServerError {
    /// The same in our own words only, for those who may not see addresses and what programs said.
    pub(crate) fn short(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "the server cannot be reached",
            Self::Unknown(_) | Self::Refused(_) | Self::Unfit(_) => "the server refuses",
            Self::Stranger(_) => "somebody answers for the server",
            Self::Version(_) => "the server speaks another version",
            Self::Missing => "the server does not have it",
            Self::Status { .. } => "the server answers with an error",
            Self::Odd(_) => "the server's answer is not understood",
        }
    }
}

/// Checks that secrets may travel to this server.
///
/// # Errors
/// Says what is wrong with the URL.
pub fn check_url(url: &Url, insecure: bool) -> Result<(), Unfit> {
    if url.host().is_none() {
        return Err(Unfit::Scheme(url.clone()));
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) || insecure => Ok(()),
        "http" => Err(Unfit::Plain(url.clone())),
        _ => Err(Unfit::Scheme(url.clone())),
    }
}

/// Whether the server is on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        None => false,
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
    }
}

/// A connection is kept for so long without a request: less than any server or proxy in between waits, so that no request
/// is sent on one that is just being closed.
const IDLE: Duration = Duration::from_secs(4);

/// A connection to the server. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    http: reqwest::Client,
    base: Url,
    secret: Option<Secret>,
}

impl Server {
    /// For `base` as an operator writes it, with or without a path.
    ///
    /// # Errors
    /// If the URL must not be used.
    pub fn new(base: &Url, insecure: bool, secret: Option<Secret>) -> Result<Self, ServerError> {
        check_url(base, insecure)?;
        let mut base = base.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("vmatrix-agent/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none());
        if base.scheme() == "http" {
            // Plain HTTP is for this machine and trusted networks: a proxy would be one more reader.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(ServerError::Unreachable)?;
        Ok(Self { http, base, secret })
    }

    /// Joins the fleet.
    ///
    /// # Errors
    /// [`ServerError::Unknown`] for a wrong token, [`ServerError::Version`], or any other.
    pub async fn enrol(&self, enrolment: &Enrolment) -> Result<Enrolled, ServerError> {
        let request = self.http.post(self.url("agent/v1/enrol")?).json(enrolment);
        let enrolled: Enrolled = decode(self.send(request, SHORT).await?).await?;
        same_version(enrolled.protocol)?;
        Ok(enrolled)
    }

    /// Leaves the fleet: the secret is of no more use then.
    ///
    /// # Errors
    /// [`ServerError::Unknown`] if the server does not know this host, or any other.
    pub async fn leave(&self) -> Result<(), ServerError> {
        let request = self.http.delete(self.url("agent/v1/enrol")?);
        self.send(request, SHORT).await.map(drop)
    }

    /// Orders newer than generation `since`; waits as long as the server holds the request. `None` if there are none.
    ///
    /// # Errors
    /// Any.
    pub async fn orders(&self, since: u64) -> Result<Option<Orders>, ServerError> {
        let request = self
            .http
            .get(self.url(&format!("agent/v1/orders?since={since}"))?);
        let response = self.send(request, Duration::from_secs(HOLD_SECONDS + 10)).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        let orders: Orders = decode(response).await?;
        same_version(orders.protocol)?;
        Ok(Some(orders))
    }

    /// Says the whole of what is seen.
    ///
    /// # Errors
    /// Any.
    pub async fn report(&self, report: &Report) -> Result<(), ServerError> {
        let request = self.http.post(self.url("agent/v1/report")?).json(report);
        self.send(request, SHORT).await.map(drop)
    }

    /// A snapshot's manifest as its bytes, which must have the digest; not checked here.
    ///
    /// # Errors
    /// [`ServerError::Missing`], or any other.
    pub async fn manifest(&self, digest: Digest) -> Result<Vec<u8>, ServerError> {
        self.bytes(&format!("agent/v1/manifests/{digest}")).await
    }

    /// A chunk, compressed with zstd; not checked here.
    ///
    /// # Errors
    /// [`ServerError::Missing`], or any other.
    pub async fn chunk(&self, digest: Digest) -> Result<Vec<u8>, ServerError> {
        self.bytes(&format!("agent/v1/chunks/{digest}")).await
    }

    /// Asks something by POST and reads the answer.
    ///
    /// # Errors
    /// Any.
    pub(crate) async fn post<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        question: &serde_json::Value,
    ) -> Result<T, ServerError> {
        decode(
            self.send(self.http.post(self.url(path)?).json(question), LONG)
                .await?,
        )
        .await
    }

    /// Hands something over by PUT.
    ///
    /// # Errors
    /// Any.
    pub(crate) async fn put(
        &self,
        path: &str,
        kind: &'static str,
        bytes: Vec<u8>,
    ) -> Result<(), ServerError> {
        let request = self.http.put(self.url(path)?).header(CONTENT_TYPE, kind);
        self.send(request.body(bytes), LONG).await.map(drop)
    }

    async fn bytes(&self, path: &str) -> Result<Vec<u8>, ServerError> {
        let response = self.send(self.http.get(self.url(path)?), LONG).await?;
        let most = usize::try_from(Manifest::CHUNK * 16).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        let mut response = response;
        while let Some(part) = response.chunk().await.map_err(broken_off)? {
            bytes.extend_from_slice(&part);
            if bytes.len() > most {
                return Err(ServerError::Odd(format!("{path} is longer than {most} bytes")));
            }
        }
        Ok(bytes)
    }

    fn url(&self, path: &str) -> Result<Url, ServerError> {
        self.base
            .join(path)
            .map_err(|error| ServerError::Odd(error.to_string()))
    }

    async fn send(&self, request: RequestBuilder, limit: Duration) -> Result<Response, ServerError> {
        let mut request = request.timeout(limit).header(PROTOCOL_HEADER, PROTOCOL);
        if let Some(secret) = &self.secret {
            request = request.bearer_auth(secret.reveal());
        }
        let response = request.send().await.map_err(broken_off)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let own = is_problem(response.headers());
        let detail = detail(&response.text().await.unwrap_or_default());
        Err(match status {
            StatusCode::UNAUTHORIZED if own => ServerError::Unknown(detail),
            StatusCode::FORBIDDEN if own => ServerError::Refused(detail),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ServerError::Stranger(status),
            StatusCode::UPGRADE_REQUIRED => ServerError::Version(detail),
            StatusCode::NOT_FOUND => ServerError::Missing,
            status => ServerError::Status {
                status: status.as_u16(),
                detail,
            },
        })
    }
}

const SHORT: Duration = Duration::from_secs(15);
const LONG: Duration = Duration::from_secs(120);

/// The cause at the bottom, such as "connection refused"; the library's own texts only say which step it was.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// An answer that did not come to its end. Addresses are no part of what is reported.
fn broken_off(error: reqwest::Error) -> ServerError {
    ServerError::Unreachable(error.without_url())
}

/// Whether an answer is problem details (RFC 9457), as all of the server's own refusals are.
fn is_problem(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next());
    essence.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/problem+json"))
}

fn same_version(protocol: u16) -> Result<(), ServerError> {
    if protocol == PROTOCOL {
        Ok(())
    } else {
        Err(ServerError::Version(format!("it says {protocol}")))
    }
}

async fn decode<T: serde::de::DeserializeOwned>(response: Response) -> Result<T, ServerError> {
    let bytes = response.bytes().await.map_err(broken_off)?;
    serde_json::from_slice(&bytes).map_err(|error| ServerError::Odd(error.to_string()))
}

/// What people should read of an answer: a problem's detail (RFC 9457) with its fields, else the beginning of the text.
fn detail(text: &str) -> String {
    #[derive(Deserialize)]
    struct Problem {
        title: Option<String>,
        detail: Option<String>,
        #[serde(default)]
        errors: Vec<Field>,
    }
    #[derive(Deserialize)]
    struct Field {
        field: String,
        value: serde_json::Value,
        expected: String,
    }
    let Ok(problem) = serde_json::from_str::<Problem>(text) else {
        return text.chars().take(200).collect();
    };
    let mut words = problem.detail.or(problem.title).unwrap_or_default();
    for Field {
        field,
        value,
        expected,
    } in problem.errors
    {
        if !words.contains(&expected) {
            words += &format!("; {field} is {value}, expected {expected}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_to_another_machine_must_be_said_aloud() {
        let check = |url: &str, insecure| check_url(&url.parse().unwrap(), insecure).is_ok();
        for fine in [
            "https://play.example",
            "http://127.0.0.1:8080",
            "http://[::1]/",
            "http://localhost:8080/x",
        ] {
            assert!(check(fine, false), "{fine}");
        }
        for unfit in [
            "http://play.example",
            "http://10.78.0.1:8080",
            "http://localhost.example/",
        ] {
            assert!(!check(unfit, false), "{unfit}");
            assert!(check(unfit, true), "{unfit}");
        }
        for never in ["ftp://127.0.0.1", "unix:/tmp/x"] {
            assert!(!check(never, true), "{never}");
        }
    }

    #[test]
    fn a_problem_is_told_with_its_fields() {
        let text = r#"{"type":"about:blank","title":"Invalid","status":422,"detail":"2 fields are wrong","errors":[{"field":"name","value":"X","expected":"1 to 63 of a-z"}]}"#;
        assert_eq!(
            detail(text),
            "2 fields are wrong; name is \"X\", expected 1 to 63 of a-z"
        );
        let said = r#"{"detail":"name: \"X\" cannot be taken: 1 to 63 of a-z","errors":[{"field":"name","value":"X","expected":"1 to 63 of a-z"}]}"#;
        assert_eq!(
            detail(said),
            "name: \"X\" cannot be taken: 1 to 63 of a-z",
            "not twice"
        );
        assert_eq!(detail("Bad gateway"), "Bad gateway");
    }
}
