//! Users, clans and players.

use super::{ClanId, Consent, PlayerAddress, PlayerId, PlayerIpv6, Time, UserId};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A name for people to read: 1 to 40 characters, no control characters, no spaces at its ends. What is entered is read by
/// [`Name::entered`], which takes no invisible letters at all; names from before that stay readable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// A text that cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a name: 1 to 40 characters, no control characters")]
pub struct BadName {
    /// The text, cut to 80 characters.
    pub value: String,
}

impl Name {
    /// A name as somebody enters it: nothing in it may be invisible or turn the direction of what stands beside it, so that no
    /// two names look the same for that.
    ///
    /// # Errors
    /// As `parse`; and if there is such a letter.
    pub fn entered(text: &str) -> Result<Self, BadName> {
        let name: Self = text.parse()?;
        let is_unseen = |c: char| {
            matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
                || ('\u{200b}'..='\u{200f}').contains(&c)
                || ('\u{2028}'..='\u{202e}').contains(&c)
                || ('\u{2060}'..='\u{206f}').contains(&c)
        };
        if name.0.contains(is_unseen) {
            return Err(BadName { value: name.0 });
        }
        Ok(name)
    }

    /// In place of a clan's that is not to be known yet.
    #[must_use]
    pub fn an_opponent() -> Self {
        Self(super::AN_OPPONENT.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What names are compared by: two names of one key are one name, in capitals or not, whatever alphabet they are in.
    #[must_use]
    pub fn key(&self) -> String {
        Self::key_of(&self.0)
    }

    /// As [`key`](Self::key), of a name as it is stored.
    pub(crate) fn key_of(name: &str) -> String {
        // Capitals first: the two small sigmas have one capital, and one capital has one small letter.
        name.to_uppercase().to_lowercase()
    }
}

impl FromStr for Name {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let text = text.trim();
        let invisible = |c: char| {
            c.is_control() || ('\u{200b}'..='\u{200f}').contains(&c) || ('\u{202a}'..='\u{202e}').contains(&c)
        };
        if text.is_empty() || text.chars().count() > 40 || text.chars().any(invisible) {
            return Err(BadName {
                value: text.chars().take(80).collect(),
            });
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Name {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Manages one clan: its players, and its side of matches.
    ClanAdmin(ClanId),
    /// Books matches for any clans.
    Organiser,
    /// All that an organiser may, and hosts, services and users.
    Operator,
}

/// A role's name that is none, or that does not go with the clan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRole {
    /// There is no such role. The text is cut to 80 characters.
    #[error("{0:?} is not a role: clan_admin, organiser or operator")]
    Unknown(String),
    /// A clan admin is of a clan.
    #[error("a clan_admin is of a clan: its id")]
    NeedsClan,
    /// Others are of none.
    #[error("no clan: only a clan_admin is of one")]
    HasClan(ClanId),
}

impl Role {
    /// The stored name: `clan_admin`, `organiser` or `operator`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClanAdmin(_) => "clan_admin",
            Self::Organiser => "organiser",
            Self::Operator => "operator",
        }
    }

    /// From the stored name and clan.
    ///
    /// # Errors
    /// If there is no such role, or a clan admin has no clan, or another has one.
    pub fn parse(name: &str, clan: Option<ClanId>) -> Result<Self, BadRole> {
        match (name, clan) {
            ("clan_admin", Some(clan)) => Ok(Self::ClanAdmin(clan)),
            ("organiser", None) => Ok(Self::Organiser),
            ("operator", None) => Ok(Self::Operator),
            ("clan_admin", None) => Err(BadRole::NeedsClan),
            ("organiser" | "operator", Some(clan)) => Err(BadRole::HasClan(clan)),
            _ => Err(BadRole::Unknown(name.chars().take(80).collect())),
        }
    }

    /// The clan that a clan admin speaks for.
    #[must_use]
    pub fn clan(self) -> Option<ClanId> {
        match self {
            Self::ClanAdmin(clan) => Some(clan),
            Self::Organiser | Self::Operator => None,
        }
    }

    /// Whether all matches and rosters are theirs to see and change.
    #[must_use]
    pub fn is_staff(self) -> bool {
        !matches!(self, Self::ClanAdmin(_))
    }
}

/// Somebody who can sign in. The password's hash stays in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// What they sign in with.
    pub name: Name,
    /// What they may do.
    pub role: Role,
    /// Since when.
    pub created_at: Time,
}

/// A clan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clan {
    /// Its id.
    pub id: ClanId,
    /// Its name, unique.
    pub name: Name,
}

/// A player of a clan. Never shown to another clan whole: it has the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Player {
    /// Its id.
    pub id: PlayerId,
    /// Whose.
    pub clan: ClanId,
    /// Unique within the clan.
    pub name: Name,
    /// Where they play from.
    pub address: PlayerAddress,
    /// Whose word it is that this address is theirs.
    pub consent: Consent,
    /// Their IPv6 address beside it, or alone.
    pub ipv6: Option<PlayerIpv6>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_invisible_letters() {
        assert_eq!("  Red Pandas ".parse::<Name>().unwrap().as_str(), "Red Pandas");
        for text in ["", "   ", "a\nb", "a\u{202e}b", &"x".repeat(41)] {
            assert!(text.parse::<Name>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn no_name_is_entered_that_looks_like_another() {
        let unseen = ('\u{200b}'..='\u{200f}')
            .chain('\u{202a}'..='\u{202e}')
            .chain('\u{2066}'..='\u{2069}')
            .chain(['\u{2060}', '\u{feff}', '\u{ad}', '\u{61c}', '\n']);
        for letter in unseen {
            for text in [format!("Wol{letter}ves"), format!("Wolves{letter}")] {
                let refused = Name::entered(&text);
                assert!(
                    refused.is_err() || letter == '\n' && text.ends_with(letter),
                    "{text:?} was taken"
                );
            }
        }
        for text in ["Ärger", "Волки", "狼", " O'Neil 2 "] {
            assert!(Name::entered(text).is_ok(), "{text}");
        }
        // Names from before stay as they are.
        assert!("Wol\u{2066}ves".parse::<Name>().is_ok());
    }

    #[test]
    fn names_are_compared_without_capitals_in_all_alphabets() {
        let key = |text: &str| text.parse::<Name>().unwrap().key();
        for (one, other) in [
            ("Wolves", "wOLVES"),
            ("ÄRA", "ära"),
            ("Żaba", "żABA"),
            ("ВОЛКИ", "волки"),
            ("ΛΥΚΟΣ", "λυκοσ"),
        ] {
            assert_eq!(key(one), key(other));
        }
        assert_ne!(key("Wolves"), key("Wolfs"));
    }

    #[test]
    fn a_clan_admin_without_a_clan_is_no_role() {
        assert_eq!(Role::parse("clan_admin", None), Err(BadRole::NeedsClan));
        let clan = ClanId(uuid::Uuid::nil());
        assert_eq!(Role::parse("operator", Some(clan)), Err(BadRole::HasClan(clan)));
        assert_eq!(Role::parse("king", None), Err(BadRole::Unknown("king".into())));
        assert_eq!(Role::parse("operator", None), Ok(Role::Operator));
    }
}
