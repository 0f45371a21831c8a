//! Where players play from: by IPv4 or by a name, and by IPv6. Each of the two has its own word that it is theirs, and its own
//! time when it is forgotten: a line with both comes now by the one and now by the other.

use super::{Consent, Refusal};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// Where a player plays from, but for IPv6. Only the engine and the player's own clan see it.
#[derive(Clone, PartialEq, Eq)]
pub enum PlayerAddress {
    /// An address.
    Ip(Ipv4Addr),
    /// A host name, resolved each time that it is measured: by IPv4, and by IPv6 where it has no such address. Lower case,
    /// letters, digits, `-` and `.`.
    HostName(String),
    /// None is known: none was entered, or it was deleted, as it had not been used for long.
    Nothing,
}

/// A player's IPv6 address. Only the engine and the player's own clan see it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PlayerIpv6 {
    /// The address; no IPv4 address hides in it as a mapped one.
    pub ip: Ipv6Addr,
    /// Whose word it is that this address is theirs.
    pub consent: Consent,
}

/// What somebody enters as a player's address: one of IPv4 or a host name, one of IPv6, or both.
#[derive(Clone, PartialEq, Eq)]
pub struct EnteredAddress {
    /// The IPv4 address or host name; `Nothing` if there is none.
    pub address: PlayerAddress,
    /// The IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
}

fn refused(text: &str) -> Refusal {
    Refusal::new(
        "address",
        text,
        "an IPv4 address, an IPv6 address or one of each with a space between, or a host name such as player.example.org",
    )
}

impl FromStr for EnteredAddress {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let mut entered = Self {
            address: PlayerAddress::Nothing,
            ipv6: None,
        };
        let words = text.split(|c: char| c == ',' || c.is_whitespace());
        for word in words.filter(|word| !word.is_empty()) {
            match word.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
                Ok(IpAddr::V6(ip)) if entered.ipv6.is_none() => entered.ipv6 = Some(ip),
                Ok(IpAddr::V6(_)) => return Err(refused(text)),
                Ok(IpAddr::V4(_)) | Err(_) => match (&entered.address, word.parse::<PlayerAddress>()) {
                    (PlayerAddress::Nothing, Ok(address)) => entered.address = address,
                    _ => return Err(refused(text)),
                },
            }
        }
        if entered.address == PlayerAddress::Nothing && entered.ipv6.is_none() {
            return Err(refused(text));
        }
        Ok(entered)
    }
}

impl FromStr for PlayerAddress {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        match text.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(IpAddr::V4(ip)) => return Ok(Self::Ip(ip)),
            Ok(IpAddr::V6(_)) => return Err(refused(text)),
            Err(_) => {}
        }
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // All digits and dots is a misspelt address, not a name.
        let numeric = name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if name.len() > 253 || numeric || !name.split('.').all(label) {
            return Err(refused(text));
        }
        Ok(Self::HostName(name))
    }
}

/// The text as it was entered. There is no `Display` by accident: [`PlayerAddress::reveal`] is searchable.
impl PlayerAddress {
    /// The address for the engine and the player's own clan; nothing if there is none.
    #[must_use]
    pub fn reveal(&self) -> String {
        match self {
            Self::Ip(ip) => ip.to_string(),
            Self::HostName(name) => name.clone(),
            Self::Nothing => String::new(),
        }
    }

    /// From the stored text: as it was entered, or nothing.
    ///
    /// # Errors
    /// As `parse`.
    pub fn stored(text: &str) -> Result<Self, Refusal> {
        if text.is_empty() {
            return Ok(Self::Nothing);
        }
        text.parse()
    }
}

impl PlayerIpv6 {
    /// The stored text, for the engine and the player's own clan.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.ip.to_string()
    }

    /// From the stored text, which must be an IPv6 address.
    ///
    /// # Errors
    /// It is something else.
    pub fn stored(text: &str, consent: Consent) -> Result<Self, Refusal> {
        match text.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(IpAddr::V6(ip)) => Ok(Self { ip, consent }),
            _ => Err(refused(text)),
        }
    }
}

/// Both addresses of a player as one text, which [`EnteredAddress`] reads again; `None` if there is none.
#[must_use]
pub fn reveal_both(address: &PlayerAddress, ipv6: Option<PlayerIpv6>) -> Option<String> {
    let words = [
        Some(address.reveal()).filter(|text| !text.is_empty()),
        ipv6.map(|ipv6| ipv6.reveal()),
    ];
    let text = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

macro_rules! unseen {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}
unseen!(PlayerAddress PlayerIpv6 EnteredAddress);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_is_an_ip_or_a_host_name_and_nothing_else() {
        assert_eq!("10.77.0.1".parse(), Ok(PlayerAddress::Ip([10, 77, 0, 1].into())));
        assert_eq!(
            "Home.Example.org.".parse(),
            Ok(PlayerAddress::HostName("home.example.org".into()))
        );
        for text in [
            "",
            "10.77.0",
            "1.2.3.4.5",
            "a b",
            "-a.org",
            "http://x",
            "a..b",
            "x:27960",
            &"a".repeat(64),
            "2620:fe::9",
        ] {
            assert!(text.parse::<PlayerAddress>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn what_is_wrong_with_an_entry_is_said_with_what_would_be_right() {
        for text in [
            "",
            " , ",
            "2620:fe::9 2620:fe::10",
            "192.0.2.7 192.0.2.8",
            "192.0.2.7 ada.example.org",
            "ada.example.org bob.example.org",
            "fe80::1%eth0",
            "[2620:fe::9]",
            "2620:fe::9/64",
            "2620:fe:::9",
            "192.0.2.7 ::ffff:192.0.2.8",
            "192.0.2.7 2620:fe::9 ada.example.org",
        ] {
            let refusal = text.parse::<EnteredAddress>().unwrap_err();
            assert_eq!(
                (refusal.field.as_str(), refusal.value.as_str()),
                ("address", text)
            );
            assert!(refusal.expected.contains("IPv6"), "{}", refusal.expected);
        }
        assert!("::ffff:192.0.2.7".parse::<PlayerAddress>().is_ok());
        assert_eq!(
            "::ffff:192.0.2.7".parse::<EnteredAddress>(),
            "192.0.2.7".parse::<EnteredAddress>(),
            "a mapped address is of IPv4"
        );
    }

    #[test]
    fn debug_shows_nothing_of_an_address() {
        let entered: EnteredAddress = "192.0.2.77 2620:fe::9".parse().unwrap();
        let ipv6 = PlayerIpv6 {
            ip: entered.ipv6.unwrap(),
            consent: Consent::Typed,
        };
        let said = format!("{entered:?} {ipv6:?}");
        assert!(!said.contains("192") && !said.contains("2620"), "{said}");
    }

    proptest! {
        /// One, the other, or both: whatever is entered is read again from what is shown, in any order and spelling.
        #[test]
        fn what_is_shown_is_what_was_entered(four: Option<u32>, six: Option<u128>, name: bool, turned: bool) {
            let v6 = six.map(Ipv6Addr::from_bits);
            prop_assume!(v6.is_none_or(|ip| ip.to_ipv4_mapped().is_none()));
            let address = match four {
                Some(_) if name => PlayerAddress::HostName("ada.example.org".into()),
                Some(bits) => PlayerAddress::Ip(Ipv4Addr::from_bits(bits)),
                None => PlayerAddress::Nothing,
            };
            let ipv6 = v6.map(|ip| PlayerIpv6 { ip, consent: Consent::Typed });
            let Some(shown) = reveal_both(&address, ipv6) else {
                prop_assert!(four.is_none() && six.is_none());
                return Ok(());
            };
            let mut words: Vec<&str> = shown.split(' ').collect();
            if turned {
                words.reverse();
            }
            let text = words.join(", ").to_ascii_uppercase();
            let read: EnteredAddress = text.parse().unwrap();
            prop_assert_eq!(read, EnteredAddress { address: address.clone(), ipv6: v6 });
            prop_assert_eq!(PlayerAddress::stored(&address.reveal()), Ok(address));
            if let Some(ipv6) = ipv6 {
                prop_assert_eq!(PlayerIpv6::stored(&ipv6.reveal(), Consent::Typed), Ok(ipv6));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = text.parse::<EnteredAddress>();
        }
    }
}
