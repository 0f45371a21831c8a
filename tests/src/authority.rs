//! A certificate authority of a test's own, which the test's browser trusts and nobody else.

use crate::fleet::run;
use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
};

/// Files of an authority and of one certificate by it.
#[derive(Debug, Clone)]
pub struct Authority {
    dir: PathBuf,
}

impl Authority {
    /// Makes an authority in `dir`, with a certificate for these addresses.
    pub fn make(dir: &Path, addresses: &[IpAddr]) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let mut root = CertificateParams::default();
        root.distinguished_name
            .push(DnType::CommonName, "vMatrix test authority");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate()?)?;
        let mut own = CertificateParams::default();
        own.distinguished_name.push(DnType::CommonName, "vMatrix test");
        own.subject_alt_names = addresses.iter().copied().map(SanType::IpAddress).collect();
        let key = KeyPair::generate()?;
        let certificate = own.signed_by(&key, &root)?;
        let made = Self { dir: dir.to_owned() };
        fs::write(made.root(), root.pem())?;
        fs::write(made.certificate(), certificate.pem())?;
        fs::write(made.key(), key.serialize_pem())?;
        Ok(made)
    }

    /// The authority's own certificate, PEM.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.dir.join("authority.pem")
    }

    /// The certificate that it vouches for, PEM.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.dir.join("certificate.pem")
    }

    /// The certificate's private key, PEM.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.dir.join("key.pem")
    }

    /// A home for a browser that trusts this authority.
    pub fn home(&self, name: &str) -> Result<PathBuf> {
        let home = self.dir.join(name);
        let store = home.join(".pki/nssdb");
        fs::create_dir_all(&store)?;
        let store = format!("sql:{}", store.display());
        run(Command::new("certutil").args(["-d", &store, "-N", "--empty-password"]))?;
        run(Command::new("certutil")
            .args(["-d", &store, "-A", "-n", "vMatrix test", "-t", "C,,", "-i"])
            .arg(self.root()))?;
        Ok(home)
    }
}
