//! https without a proxy in front: certificate and key from files, read again when they were renewed.

use axum_server::tls_rustls::RustlsConfig;
use rustls::{
    ServerConfig,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Files that make no certificate.
#[derive(Debug, thiserror::Error)]
pub enum BadCertificate {
    /// One cannot be read, or holds something else.
    #[error("{field} {path}: {why}")]
    File {
        /// The flag that names it.
        field: &'static str,
        /// Which.
        path: PathBuf,
        /// Why, and what would be right.
        why: String,
    },
    /// They do not belong together, or nobody could use them.
    #[error("--https-certificate {certificate} and --https-key {key}: {why}")]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        why: rustls::Error,
    },
}

/// Certificate and key, PEM.
#[derive(Debug, Clone)]
pub struct Files {
    /// The certificate, then those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

fn bad(field: &'static str, path: &Path, holds: &str, why: pem::Error) -> BadCertificate {
    let why = match why {
        pem::Error::NoItemsFound => {
            format!("holds nothing of the kind; it must be PEM, with -----BEGIN {holds}----- in it")
        }
        pem::Error::Io(error) => error.to_string(),
        other => format!("is damaged: {other}; it must be PEM, with -----BEGIN {holds}----- in it"),
    };
    let path = path.to_owned();
    BadCertificate::File { field, path, why }
}

impl Files {
    /// What they make now.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(&self) -> Result<RustlsConfig, BadCertificate> {
        Ok(RustlsConfig::from_config(self.config()?))
    }

    fn config(&self) -> Result<Arc<ServerConfig>, BadCertificate> {
        let chain: Vec<_> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .map_err(|why| bad("--https-certificate", &self.certificate, "CERTIFICATE", why))?;
        if chain.is_empty() {
            let none = pem::Error::NoItemsFound;
            return Err(bad("--https-certificate", &self.certificate, "CERTIFICATE", none));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|why| bad("--https-key", &self.key, "PRIVATE KEY", why))?;
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|why| BadCertificate::Pair {
                certificate: self.certificate.clone(),
                key: self.key.clone(),
                why,
            })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn changed_at(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key].map(|path| path.metadata().and_then(|file| file.modified()).ok())
    }

    /// Takes renewed files, for ever. What cannot be used is told, and the old pair goes on.
    pub async fn follow(self, config: RustlsConfig) {
        let mut seen = self.changed_at();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.changed_at();
            if now == seen {
                continue;
            }
            match self.config() {
                Ok(renewed) => {
                    config.reload_from_config(renewed);
                    seen = now;
                    tracing::info!(certificate = %self.certificate.display(), "renewed");
                }
                Err(error) => tracing::warn!(%error, "the certificate before stays"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_make_no_certificate_are_told_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files {
            certificate: dir.path().join("absent.pem"),
            key: dir.path().join("key.pem"),
        };
        let told = files.read().unwrap_err().to_string();
        assert!(
            told.starts_with("--https-certificate ") && told.contains("absent.pem"),
            "{told}"
        );
        let told = |certificate: &str| {
            std::fs::write(&files.certificate, certificate).unwrap();
            std::fs::write(&files.key, "no PEM").unwrap();
            files.read().unwrap_err().to_string()
        };
        let empty = told("no PEM");
        assert!(
            empty.starts_with("--https-certificate ") && empty.contains("-----BEGIN CERTIFICATE-----"),
            "{empty}"
        );
        let key = told("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        assert!(
            key.starts_with("--https-key ")
                && key.contains("key.pem")
                && key.contains("-----BEGIN PRIVATE KEY-----"),
            "{key}"
        );
    }
}
