//! What the operator decides: flags, or environment variables of the same names. Checked here, before anything is
//! opened or bound.

use crate::{
    app::Settings,
    server::{Edge, Files},
};
use clap::Args;
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};
use url::Url;

/// Where things are kept.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// Directory for the database, the nest and the first admin's link; made if absent.
    #[arg(long, env = "VMATRIX_DATA", default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
    /// postgres://USER@HOST/NAME or sqlite:PATH [default: sqlite in the data directory]
    #[arg(long, env = "VMATRIX_DATABASE", hide_env_values = true, value_name = "URL")]
    pub database: Option<String>,
}

impl Place {
    /// The database's URL.
    #[must_use]
    pub fn database_url(&self) -> String {
        let own = || format!("sqlite:{}", self.data.join("vmatrix.db").display());
        self.database.clone().unwrap_or_else(own)
    }

    /// The file of an SQLite database.
    #[must_use]
    pub fn database_file(&self) -> Option<PathBuf> {
        let url = self.database_url();
        let path = url.strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = path.split('?').next().unwrap_or(path);
        (path != ":memory:").then(|| path.into())
    }
}

/// How to serve.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// Where things are kept.
    #[command(flatten)]
    pub place: Place,
    /// Address and port to listen on.
    #[arg(
        long,
        env = "VMATRIX_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "IP:PORT",
        value_parser = address
    )]
    pub listen: SocketAddr,
    /// Address and port for https, beside the other.
    #[arg(long, env = "VMATRIX_HTTPS_LISTEN", value_name = "IP:PORT", value_parser = address, requires_all = ["https_certificate", "https_key"])]
    pub https_listen: Option<SocketAddr>,
    /// Its certificate and those that vouch for it, PEM; read again when it was renewed.
    #[arg(long, env = "VMATRIX_HTTPS_CERTIFICATE", value_name = "FILE", requires_all = ["https_listen", "https_key"])]
    pub https_certificate: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, env = "VMATRIX_HTTPS_KEY", value_name = "FILE", requires_all = ["https_listen", "https_certificate"])]
    pub https_key: Option<PathBuf>,
    /// What people reach the website by, if that is not the address it listens on. With https, cookies are sent by
    /// https only.
    #[arg(long, env = "VMATRIX_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub public_url: Option<Url>,
    /// Master servers that games register with.
    #[arg(
        long,
        env = "VMATRIX_MASTERS",
        value_delimiter = ',',
        value_name = "IP:PORT,…",
        value_parser = address
    )]
    pub masters: Vec<SocketAddr>,
    /// Name servers to look up players' host names and name servers near them by, instead of the system's.
    #[arg(
        long,
        env = "VMATRIX_NAME_SERVERS",
        value_delimiter = ',',
        value_name = "IP,…",
        value_parser = ip
    )]
    pub name_servers: Vec<IpAddr>,
    /// Players may have private addresses: for leagues on a LAN.
    #[arg(long, env = "VMATRIX_ALLOW_PRIVATE_ADDRESSES")]
    pub allow_private_addresses: bool,
    /// A captain's word is enough: hosts ping the addresses that captains have typed, although nobody there has agreed.
    #[arg(long, env = "VMATRIX_TRUST_CAPTAINS")]
    pub trust_captains: bool,
    /// How long before a match its players are measured again.
    #[arg(long, env = "VMATRIX_RECHECK_MINUTES", default_value_t = 15, value_name = "MINUTES",
          value_parser = clap::value_parser!(i64).range(1..=720))]
    pub recheck_minutes: i64,
    /// A reverse proxy stands in front and sets x-forwarded-for.
    #[arg(long, env = "VMATRIX_BEHIND_PROXY")]
    pub behind_proxy: bool,
    /// Log as JSON.
    #[arg(long, env = "VMATRIX_LOG_JSON")]
    pub log_json: bool,
}

/// Settings that do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Not what people type into a browser.
    #[error("--public-url {0}: it should be http://HOST or https://HOST, without a path")]
    PublicUrl(String),
    /// Somebody could write `x-forwarded-for` themselves.
    #[error(
        "--behind-proxy with --listen {0}: listen on loopback or a private address, or nobody has to come by the proxy"
    )]
    Proxy(SocketAddr),
    /// Games speak to addresses only.
    #[error("--masters {0}: a master server has an address and a port above 0")]
    Master(SocketAddr),
}

impl Serve {
    /// Where and by what https is spoken, if so.
    #[must_use]
    pub fn https(&self) -> Option<(SocketAddr, Files)> {
        let files = Files {
            certificate: self.https_certificate.clone()?,
            key: self.https_key.clone()?,
        };
        Some((self.https_listen?, files))
    }

    /// What actions and the edge need of this; `listening` is the address that was bound.
    ///
    /// # Errors
    /// The first two settings that do not go together.
    pub fn check(&self, listening: SocketAddr) -> Result<(Settings, Edge), ConfigError> {
        let public = match &self.public_url {
            Some(url) => url.clone(),
            None => default_url(listening)?,
        };
        let bare =
            matches!(public.path(), "" | "/") && public.query().is_none() && public.fragment().is_none();
        if !matches!(public.scheme(), "http" | "https") || !public.has_host() || !bare {
            return Err(ConfigError::PublicUrl(public.to_string()));
        }
        if self.behind_proxy && is_open(listening) {
            return Err(ConfigError::Proxy(listening));
        }
        if let Some(bad) = self
            .masters
            .iter()
            .find(|master| master.port() == 0 || master.ip().is_unspecified())
        {
            return Err(ConfigError::Master(*bad));
        }
        let settings = Settings {
            data: self.place.data.clone(),
            public_url: public.origin().ascii_serialization(),
            masters: self.masters.clone(),
            allow_private_addresses: self.allow_private_addresses,
            trust_captains: self.trust_captains,
            recheck_ms: self.recheck_minutes * 60_000,
            ..Settings::default()
        };
        let edge = Edge {
            secure: public.scheme() == "https",
            behind_proxy: self.behind_proxy,
        };
        Ok((settings, edge))
    }
}

/// An address and a port, or what would be right.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "it must be an address with a port, such as 127.0.0.1:8080 or [::1]:8080, and no name".to_owned()
    })
}

/// An address without a port, or what would be right.
fn ip(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| "it must be an address without a port, such as 192.0.2.53 or 2001:db8::53".to_owned())
}

/// A website, or what would be right. Whether it may stand for this one, [`Serve::check`] says.
fn public_url(text: &str) -> Result<Url, String> {
    let url = text.parse::<Url>().ok();
    let right = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    url.filter(right).ok_or_else(|| {
        "it must be http://HOST[:PORT] or https://HOST[:PORT], such as https://matches.example".to_owned()
    })
}

fn default_url(listening: SocketAddr) -> Result<Url, ConfigError> {
    let text = if listening.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", listening.port())
    } else {
        format!("http://{listening}")
    };
    Url::parse(&text).map_err(|_| ConfigError::PublicUrl(text))
}

/// Whether anybody on the internet may reach this address.
fn is_open(address: SocketAddr) -> bool {
    crate::resolve::is_public(address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        serve: Serve,
    }

    fn check(flags: &[&str]) -> Result<(Settings, Edge), ConfigError> {
        let serve = Flags::parse_from([&["vmatrix"], flags].concat()).serve;
        serve.check(serve.listen)
    }

    #[test]
    fn without_flags_it_is_for_this_machine_only() {
        let (settings, edge) = check(&[]).unwrap();
        assert_eq!(settings.public_url, "http://127.0.0.1:8080");
        assert!(!edge.secure && !edge.behind_proxy && !settings.allow_private_addresses);
        assert!(!settings.trust_captains);
    }

    #[test]
    fn an_https_url_makes_cookies_secure() {
        let (settings, edge) = check(&["--public-url", "https://play.example.org/"]).unwrap();
        assert_eq!(settings.public_url, "https://play.example.org");
        assert!(edge.secure);
    }

    #[test]
    fn what_is_no_url_or_address_is_told_with_its_field_its_value_and_what_would_be_right() {
        for (field, value, right) in [
            ("--public-url", "matches.example", "https://matches.example"),
            ("--public-url", "localhost:8080", "https://matches.example"),
            ("--listen", "localhost:8080", "127.0.0.1:8080"),
            ("--listen", "8080", "127.0.0.1:8080"),
            ("--masters", "10.0.0.1", "127.0.0.1:8080"),
            ("--name-servers", "9.9.9.9:53", "192.0.2.53"),
        ] {
            let refused = Flags::try_parse_from(["vmatrix", field, value]);
            let told = refused.map(|_| ()).unwrap_err().to_string();
            for part in [field, &format!("'{value}'"), right] {
                assert!(told.contains(part), "{part} is not in {told}");
            }
            for raw in ["syntax", "without a base"] {
                assert!(!told.contains(raw), "{told}");
            }
        }
    }

    #[test]
    fn a_public_url_with_a_path_is_refused() {
        let refused = check(&["--public-url", "https://example.org/play"]).unwrap_err();
        assert!(refused.to_string().contains("https://example.org/play"));
    }

    #[test]
    fn a_proxy_that_anybody_can_walk_around_is_refused_with_both_settings() {
        let refused = check(&["--behind-proxy", "--listen", "9.9.9.9:80"])
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("--behind-proxy") && refused.contains("9.9.9.9:80"),
            "{refused}"
        );
        assert!(check(&["--behind-proxy"]).is_ok());
    }

    #[test]
    fn captains_are_trusted_if_the_operator_says_so() {
        let (settings, _) = check(&["--trust-captains"]).unwrap();
        assert!(settings.trust_captains);
    }

    #[test]
    fn masters_are_a_list() {
        let (settings, _) = check(&["--masters", "10.0.0.1:27950,10.0.0.2:27950"]).unwrap();
        assert_eq!(settings.masters.len(), 2);
        assert!(check(&["--masters", "10.0.0.1:0"]).is_err());
    }
}
