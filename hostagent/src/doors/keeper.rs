//! Holds the certificates, on disk too, and renews them in time.

use super::certificate::{Certificate, CertificateError, Duty, duty};
use crate::agent::Home;
use std::time::{SystemTime, UNIX_EPOCH};
use str0m::config::DtlsCert;
use tokio::sync::watch;

pub(super) struct Keeper {
    home: Home,
    shown: Certificate,
    next: Vec<Certificate>,
    dtls: watch::Sender<DtlsCert>,
}

impl Keeper {
    /// Takes what is on disk, and makes what is missing.
    pub(super) fn open(home: Home) -> Result<Self, CertificateError> {
        let kept = home.certificates();
        let found = kept.into_iter().filter_map(|kept| match Certificate::take(kept) {
            Ok(certificate) => Some(certificate),
            Err(error) => {
                tracing::warn!(%error, "a certificate is lost");
                None
            }
        });
        let (shown, next, changed) = turned(found.collect(), now_ms())?;
        let dtls = watch::Sender::new(shown.dtls());
        let keeper = Self {
            home,
            shown,
            next,
            dtls,
        };
        if changed {
            keeper.write();
        }
        Ok(keeper)
    }

    /// The certificate of now.
    pub(super) fn shown(&self) -> &Certificate {
        &self.shown
    }

    /// The certificate of now, for WebRTC; changes with it.
    pub(super) fn dtls(&self) -> watch::Receiver<DtlsCert> {
        self.dtls.subscribe()
    }

    /// What may be shown, from now until long after a page that was given it is gone.
    pub(super) fn hashes(&self) -> Vec<String> {
        let all = std::iter::once(&self.shown).chain(&self.next);
        all.map(Certificate::hash).collect()
    }

    /// Does what the time of day asks for; says whether anything changed.
    pub(super) fn renew(&mut self) -> bool {
        let all = std::iter::once(&self.shown).chain(&self.next);
        let again: Result<Vec<_>, _> = all
            .map(|certificate| Certificate::take(certificate.kept().clone()))
            .collect();
        match again.and_then(|certificates| turned(certificates, now_ms())) {
            Ok((_, _, false)) => false,
            Ok((shown, next, true)) => {
                self.dtls.send_replace(shown.dtls());
                self.shown = shown;
                self.next = next;
                self.write();
                tracing::info!(hashes = ?self.hashes(), "certificates renewed");
                true
            }
            Err(error) => {
                tracing::error!(%error, "the certificates cannot be renewed");
                false
            }
        }
    }

    fn write(&self) {
        let all = std::iter::once(&self.shown).chain(&self.next);
        let kept: Vec<_> = all.map(|certificate| certificate.kept().clone()).collect();
        if let Err(error) = self.home.keep_certificates(&kept) {
            tracing::error!(%error, "the certificates could not be kept: a restart will make others");
        }
    }
}

/// The one to show, the others, and whether that is a change.
fn turned(
    certificates: Vec<Certificate>,
    now_ms: i64,
) -> Result<(Certificate, Vec<Certificate>, bool), CertificateError> {
    let spans: Vec<_> = certificates.iter().map(Certificate::span).collect();
    let Duty { keep, make } = duty(&spans, now_ms);
    let changed = make || keep.iter().copied().ne(0..certificates.len());
    let mut all: Vec<Option<Certificate>> = certificates.into_iter().map(Some).collect();
    let mut kept: Vec<Certificate> = keep
        .into_iter()
        .filter_map(|place| all.get_mut(place).and_then(Option::take))
        .collect();
    if make {
        kept.push(Certificate::make(now_ms)?);
    }
    let mut kept = kept.into_iter();
    let shown = kept
        .next()
        .ok_or_else(|| CertificateError::Make("none is valid now".to_owned()))?;
    Ok((shown, kept.collect(), changed))
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
