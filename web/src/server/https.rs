//! https without a proxy in front: certificate and key from files, read again when they were renewed.

use axum_server::tls_rustls::RustlsConfig;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
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
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: rustls::pki_types::pem::Error,
    },
    /// They do not belong together, or nobody could use them.
    #[error("{certificate} and {key}: {why}")]
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

impl Files {
    /// What they make now.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(&self) -> Result<RustlsConfig, BadCertificate> {
        Ok(RustlsConfig::from_config(self.config()?))
    }

    fn config(&self) -> Result<Arc<ServerConfig>, BadCertificate> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |why| BadCertificate::File { path, why }
        };
        let chain: Vec<_> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .map_err(file(&self.certificate))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(file(&self.key))?;
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
        assert!(told.contains("absent.pem"), "{told}");
        std::fs::write(&files.certificate, "no PEM").unwrap();
        std::fs::write(&files.key, "no PEM").unwrap();
        let told = files.read().unwrap_err().to_string();
        assert!(told.contains("key.pem"), "{told}");
    }
}
