//! A client of the HTTP API, as a league's own program would be.

use anyhow::{Context, Result, bail};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Speaks for one user.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// An answer that says no, as RFC 9457 has it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{method} {path} was answered with {status}: {problem}")]
pub struct Refused {
    /// Of the request.
    pub method: String,
    /// Of the request.
    pub path: String,
    /// HTTP status.
    pub status: u16,
    /// The body: a problem document, or a text.
    pub problem: Value,
}

impl Api {
    /// A client of the server at `base`, such as `http://127.0.0.1:8080`, with an API token.
    pub fn new(base: &str, token: &str) -> Result<Self> {
        // The first provider wins; that there is one already is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Tests block between two calls, on a push for instance: a connection that is kept would meanwhile be closed by the
        // server, which nobody here would hear of before the next request is lost on it.
        let http = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(60))
            .build()?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
        })
    }

    /// Where the server is.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The same server, as another user.
    #[must_use]
    pub fn as_user(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    /// GET below `/api/v1`.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// POST below `/api/v1`.
    pub async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// PUT below `/api/v1`.
    pub async fn put(&self, path: &str, body: Value) -> Result<Value> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// DELETE below `/api/v1`.
    pub async fn delete(&self, path: &str) -> Result<Value> {
        self.call(Method::DELETE, path, None).await
    }

    /// What the server says no with. An answer that says yes is an error.
    pub async fn refusal(&self, method: Method, path: &str, body: Option<Value>) -> Result<Refused> {
        match self.call(method.clone(), path, body).await {
            Ok(value) => bail!("{method} {path} should have been refused, and was answered with {value}"),
            Err(error) => error.downcast::<Refused>(),
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let url = format!("{}/api/v1{path}", self.base);
        let mut request = self.http.request(method.clone(), &url).bearer_auth(&self.token);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await.with_context(|| format!("{method} {url}"))?;
        let status = answer.status();
        let text = answer.text().await?;
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if status.is_success() {
            return Ok(if status == StatusCode::NO_CONTENT {
                Value::Null
            } else {
                value
            });
        }
        let (method, path) = (method.to_string(), path.to_owned());
        Err(Refused {
            method,
            path,
            status: status.as_u16(),
            problem: value,
        }
        .into())
    }

    /// Waits until the server answers `/readyz`.
    pub async fn wait_until_ready(&self, limit: Duration) -> Result<()> {
        let start = Instant::now();
        let url = format!("{}/readyz", self.base);
        loop {
            if self
                .http
                .get(&url)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return Ok(());
            }
            if start.elapsed() > limit {
                bail!(
                    "the server at {} was not ready within {} s",
                    self.base,
                    limit.as_secs()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A text field of an answer.
pub fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .with_context(|| format!("no text {pointer} in {value}"))
}

/// A number field of an answer.
pub fn number(value: &Value, pointer: &str) -> Result<f64> {
    value
        .pointer(pointer)
        .and_then(Value::as_f64)
        .with_context(|| format!("no number {pointer} in {value}"))
}
