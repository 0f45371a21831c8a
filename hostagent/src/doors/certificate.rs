//! The certificates by which browsers know this host: self-signed, and known by their hash alone.
//!
//! Browsers take a hash for a certificate only if that is valid for at most 14 days. So each is valid for 13, and its
//! follower is made, and its hash told, days before it is shown: a page that has the hashes keeps working.

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use str0m::config::DtlsCert;
use vmatrix_wire::Secret;
use wtransport::Identity;
use wtransport::tls::self_signed::time::OffsetDateTime;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// From its first to its last moment.
const LIFE_MS: i64 = 13 * DAY_MS;
/// It begins before it is made, because clocks differ.
const BEGINS_EARLIER_MS: i64 = HOUR_MS;
/// So long before its end its follower is made and told.
const TOLD_BEFORE_END_MS: i64 = 4 * DAY_MS;
/// So long before its end its follower is shown.
const SHOWN_BEFORE_END_MS: i64 = 2 * DAY_MS;

/// When a certificate is valid: milliseconds UTC, the end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// From when.
    pub from_ms: i64,
    /// Until when.
    pub until_ms: i64,
}

impl Span {
    fn beginning(now_ms: i64) -> Self {
        let from_ms = now_ms.saturating_sub(BEGINS_EARLIER_MS);
        Self {
            from_ms,
            until_ms: from_ms.saturating_add(LIFE_MS),
        }
    }
}

/// What is to be done with the certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// Which are kept, by their place, in the order of their ends. The first of them is shown.
    pub keep: Vec<usize>,
    /// Whether another is made, which comes last.
    pub make: bool,
}

/// What is to be done at `now_ms` with certificates of these spans.
#[must_use]
pub fn duty(spans: &[Span], now_ms: i64) -> Duty {
    let left = |span: &Span| span.until_ms.saturating_sub(now_ms);
    let mut keep: Vec<(i64, usize)> = spans
        .iter()
        .enumerate()
        // One from the future was made before a clock was set back; one that is valid for longer, browsers refuse.
        .filter(|(_, span)| span.from_ms <= now_ms && left(span) > 0 && left(span) <= LIFE_MS)
        .map(|(place, span)| (span.until_ms, place))
        .collect();
    keep.sort_unstable();
    let make = keep
        .last()
        .is_none_or(|(until, _)| until.saturating_sub(now_ms) <= TOLD_BEFORE_END_MS);
    // One that is soon over leaves when there is another, which has been told long ago unless the agent stood still.
    let over = |until: i64| until.saturating_sub(now_ms) <= SHOWN_BEFORE_END_MS;
    while (make || keep.len() > 1) && keep.first().is_some_and(|(until, _)| over(*until)) {
        keep.remove(0);
    }
    Duty {
        keep: keep.into_iter().map(|(_, place)| place).collect(),
        make,
    }
}

/// A certificate as it is kept on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptCertificate {
    span: Span,
    certificate: String,
    key: Secret,
}

/// A certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// It cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Make(String),
    /// What was kept is not one.
    #[error("the kept certificate is damaged: {0}")]
    Damaged(#[from] rustls::pki_types::pem::Error),
    /// Certificate and key do not belong together, or are of the wrong kind.
    #[error("the certificate is of no use: {0}")]
    Tls(#[from] rustls::Error),
}

/// A self-signed certificate, ECDSA on P-256, and its key.
pub struct Certificate {
    kept: KeptCertificate,
    der: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
    hash: [u8; 32],
}

impl Certificate {
    /// Makes one that is valid from an hour before `now_ms`.
    ///
    /// # Errors
    /// If the time is none that a certificate can say.
    pub fn make(now_ms: i64) -> Result<Self, CertificateError> {
        let span = Span::beginning(now_ms);
        let time = |ms: i64| {
            OffsetDateTime::from_unix_timestamp(ms.div_euclid(1_000))
                .map_err(|error| CertificateError::Make(error.to_string()))
        };
        // The name means nothing: browsers compare the hash.
        let identity = Identity::self_signed_builder()
            .subject_alt_names(["vmatrix.invalid"])
            .validity_period(time(span.from_ms)?, time(span.until_ms)?)
            .build()
            .map_err(|error| CertificateError::Make(error.to_string()))?;
        let certificate = identity.certificate_chain().as_slice().first();
        let certificate = certificate.ok_or_else(|| CertificateError::Make("there is none".to_owned()))?;
        Self::take(KeptCertificate {
            span,
            certificate: certificate.to_pem(),
            key: Secret::new(identity.private_key().to_secret_pem()),
        })
    }

    /// Takes one from disk.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn take(kept: KeptCertificate) -> Result<Self, CertificateError> {
        let der = CertificateDer::from_pem_slice(kept.certificate.as_bytes())?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(kept.key.reveal().as_bytes())?;
        let hash = sha256(&der);
        let certificate = Self { kept, der, key, hash };
        // Whether they belong together is seen by using them.
        certificate.tls()?;
        Ok(certificate)
    }

    /// As it is kept on disk.
    #[must_use]
    pub fn kept(&self) -> &KeptCertificate {
        &self.kept
    }

    /// When it is valid.
    #[must_use]
    pub fn span(&self) -> Span {
        self.kept.span
    }

    /// SHA-256.
    #[cfg(test)]
    pub(super) fn digest(&self) -> [u8; 32] {
        self.hash
    }

    /// SHA-256 in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        self.hash.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// SHA-256 as in a session description.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let pairs: Vec<String> = self.hash.iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }

    pub(super) fn tls(&self) -> Result<rustls::ServerConfig, CertificateError> {
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![self.der.clone()], PrivateKeyDer::Pkcs8(self.key.clone_key()))?;
        config.alpn_protocols = vec![b"h3".to_vec()];
        Ok(config)
    }

    pub(super) fn dtls(&self) -> DtlsCert {
        DtlsCert {
            certificate: self.der.to_vec(),
            private_key: self.key.secret_pkcs8_der().to_vec(),
        }
    }
}

fn sha256(der: &CertificateDer<'_>) -> [u8; 32] {
    let provider = str0m::crypto::from_feature_flags();
    provider.sha256_provider.sha256(der)
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
