//! Whether hosts may send echo requests to a player's address.

use super::{PlayerAddress, Role, Time, User, UserId};

/// Whose word it is that an address is a player's own. A new address begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// A captain typed it: nobody at that address has agreed.
    Typed,
    /// An organiser or operator typed it, or stands for it.
    Vouched {
        /// Who.
        by: UserId,
        /// Since when.
        at: Time,
    },
    /// The player came from that very address and agreed.
    Own {
        /// When last.
        at: Time,
    },
    /// The player came from that very address and did not agree.
    Declined {
        /// When last.
        at: Time,
    },
}

/// Why hosts do not send echo requests to a player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAsked {
    /// A captain's word alone.
    #[error("nobody at this address has agreed yet; send them the players’ link")]
    NobodyAgreed,
    /// They said so.
    #[error("they do not want hosts to ping their address; their own program measures by the players’ link")]
    Declined,
}

impl Consent {
    /// Of an address that this user enters. Nobody stands for a host name: it may lead elsewhere later.
    #[must_use]
    pub fn of_typed(by: &User, address: &PlayerAddress, at: Time) -> Self {
        match address {
            PlayerAddress::Ip(_) => Self::of_typed_ip(by, at),
            PlayerAddress::HostName(_) | PlayerAddress::Nothing => Self::Typed,
        }
    }

    /// The same of what is no host name.
    #[must_use]
    pub fn of_typed_ip(by: &User, at: Time) -> Self {
        match by.role {
            Role::Organiser | Role::Operator => Self::Vouched { by: by.id, at },
            Role::ClanAdmin(_) => Self::Typed,
        }
    }

    /// Of the address that a player comes from.
    #[must_use]
    pub fn of_visitor(may_ping: bool, at: Time) -> Self {
        if may_ping {
            Self::Own { at }
        } else {
            Self::Declined { at }
        }
    }

    /// The stored name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Typed => "typed",
            Self::Vouched { .. } => "vouched",
            Self::Own { .. } => "own",
            Self::Declined { .. } => "declined",
        }
    }

    /// In words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Typed => "entered by a captain",
            Self::Vouched { .. } => "an organiser stands for it",
            Self::Own { .. } => "the player came from there and agreed to pings",
            Self::Declined { .. } => "the player came from there and wants no pings",
        }
    }

    /// Whether an organiser's word would help.
    #[must_use]
    pub fn wants_a_word(self) -> bool {
        self == Self::Typed
    }

    /// From the stored name, and whose word it is since when.
    #[must_use]
    pub fn parse(name: &str, by: Option<UserId>, at: Option<Time>) -> Option<Self> {
        match (name, by, at) {
            ("typed", None, None) => Some(Self::Typed),
            ("vouched", Some(by), Some(at)) => Some(Self::Vouched { by, at }),
            ("own", None, Some(at)) => Some(Self::Own { at }),
            ("declined", None, Some(at)) => Some(Self::Declined { at }),
            _ => None,
        }
    }

    /// Whose word it is, if somebody's.
    #[must_use]
    pub fn by(self) -> Option<UserId> {
        match self {
            Self::Vouched { by, .. } => Some(by),
            _ => None,
        }
    }

    /// Since when.
    #[must_use]
    pub fn at(self) -> Option<Time> {
        match self {
            Self::Typed => None,
            Self::Vouched { at, .. } | Self::Own { at } | Self::Declined { at } => Some(at),
        }
    }

    /// Whether the player came from the address.
    #[must_use]
    pub fn is_visitors(self) -> bool {
        matches!(self, Self::Own { .. } | Self::Declined { .. })
    }

    /// As it holds beside the word for the same player's other address: who came from the one and declined is pinged at the
    /// other neither, unless they came from there later and agreed.
    #[must_use]
    pub fn beside(self, other: Option<Self>) -> Self {
        match (self, other) {
            (Self::Own { at }, Some(Self::Declined { at: no })) if at > no => self,
            (Self::Declined { .. }, _) => self,
            (_, Some(no @ Self::Declined { .. })) => no,
            _ => self,
        }
    }

    /// Whether hosts may send echo requests there; with `trust_captains` a captain's word is enough.
    ///
    /// # Errors
    /// Why not.
    pub fn check(self, trust_captains: bool) -> Result<(), NotAsked> {
        match self {
            Self::Vouched { .. } | Self::Own { .. } => Ok(()),
            Self::Typed if trust_captains => Ok(()),
            Self::Typed => Err(NotAsked::NobodyAgreed),
            Self::Declined { .. } => Err(NotAsked::Declined),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ClanId;
    use uuid::Uuid;

    fn user(role: Role) -> User {
        User {
            id: UserId(Uuid::from_u128(7)),
            name: "olga".parse().unwrap(),
            role,
            created_at: Time::from_millis(1),
        }
    }

    #[test]
    fn a_captains_word_is_enough_only_where_the_operator_says_so() {
        let at = Time::from_millis(5);
        let ip = PlayerAddress::Ip([198, 51, 100, 7].into());
        let captain = Consent::of_typed(&user(Role::ClanAdmin(ClanId(Uuid::nil()))), &ip, at);
        assert_eq!(captain.check(false), Err(NotAsked::NobodyAgreed));
        assert_eq!(captain.check(true), Ok(()));
        for role in [Role::Organiser, Role::Operator] {
            assert_eq!(Consent::of_typed(&user(role), &ip, at).check(false), Ok(()));
            let name = PlayerAddress::HostName("player.example.org".into());
            let named = Consent::of_typed(&user(role), &name, at);
            assert_eq!(named, Consent::Typed, "it may lead elsewhere tomorrow");
        }
    }

    #[test]
    fn who_declined_is_asked_by_nobody() {
        let at = Time::from_millis(5);
        assert_eq!(Consent::of_visitor(true, at).check(false), Ok(()));
        for trust in [false, true] {
            assert_eq!(
                Consent::of_visitor(false, at).check(trust),
                Err(NotAsked::Declined)
            );
        }
    }

    #[test]
    fn the_last_word_of_a_player_holds_for_both_of_their_addresses() {
        let at = Time::from_millis;
        let (yes, no) = (
            |ms| Consent::Own { at: at(ms) },
            |ms| Consent::Declined { at: at(ms) },
        );
        let by = UserId(Uuid::from_u128(7));
        let vouched = Consent::Vouched { by, at: at(9) };
        for others_word in [Consent::Typed, vouched, yes(5)] {
            assert_eq!(others_word.beside(None), others_word);
            assert_eq!(others_word.beside(Some(yes(9))), others_word);
            assert_eq!(
                others_word.beside(Some(no(6))),
                no(6),
                "nobody's word counts against theirs"
            );
        }
        assert_eq!(
            yes(7).beside(Some(no(6))),
            yes(7),
            "they agreed later, from there"
        );
        assert_eq!(yes(6).beside(Some(no(6))), no(6));
        assert_eq!(
            no(5).beside(Some(yes(6))),
            no(5),
            "from that very address they did not agree"
        );
    }

    #[test]
    fn what_is_stored_is_read_again_and_nothing_else() {
        let (by, at) = (UserId(Uuid::from_u128(7)), Time::from_millis(5));
        for consent in [
            Consent::Typed,
            Consent::Vouched { by, at },
            Consent::Own { at },
            Consent::Declined { at },
        ] {
            let read = Consent::parse(consent.name(), consent.by(), consent.at());
            assert_eq!(read, Some(consent));
        }
        assert_eq!(
            Consent::parse("vouched", None, Some(at)),
            None,
            "a word is somebody's"
        );
        assert_eq!(Consent::parse("typed", None, Some(at)), None);
        assert_eq!(Consent::parse("maybe", None, None), None);
    }
}
