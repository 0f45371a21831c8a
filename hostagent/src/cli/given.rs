//! What is given on the command line, with what would be right where it is not.

use std::net::{IpAddr, SocketAddr};
use url::Url;

/// An address and a port.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "it must be an address with a port, such as 0.0.0.0:27950 or [::]:27950, and no name".to_owned()
    })
}

/// An address without a port.
pub(super) fn ip(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| "it must be an address without a port, such as 203.0.113.7 or 2001:db8::7".to_owned())
}

/// Where a server is.
pub(super) fn server(text: &str) -> Result<Url, String> {
    let url = text.parse::<Url>().ok();
    let right = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    url.filter(right).ok_or_else(|| {
        format!(
            "it must be https://HOST[:PORT], such as https://{}",
            example(text)
        )
    })
}

/// What was given, if it may be a host's name.
fn example(text: &str) -> &str {
    let is_name = |text: &str| {
        text.contains('.')
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
    };
    if is_name(text) { text } else { "matches.example" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_right_is_said_in_words_and_not_a_librarys() {
        assert_eq!(
            server("play.example.org").unwrap_err(),
            "it must be https://HOST[:PORT], such as https://play.example.org"
        );
        assert!(
            server("localhost:8080")
                .unwrap_err()
                .contains("https://matches.example")
        );
        assert!(server("http://127.0.0.1:8080").is_ok());
        assert!(address("localhost:27950").unwrap_err().contains("0.0.0.0:27950"));
        assert!(address("[::1]:1").is_ok());
        assert!(ip("mad-1").unwrap_err().contains("203.0.113.7"));
        assert!(ip("::1").is_ok());
    }
}
