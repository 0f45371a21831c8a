//! Tokens and passwords: how they are made, and what is kept of them.
//!
//! A token is 32 random bytes behind a prefix that says what it is. So much randomness needs no slow hash: BLAKE3 of
//! its text is kept, and a lookup by that hash is the comparison. A password is people's, so it gets Argon2.

mod password;

pub use password::{PasswordError, Passwords};

use vmatrix_wire::Secret;

/// What a token is good for; its prefix, so that one found in a log or a repository says what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A user's token of the API: `vmx_…`.
    Api,
    /// A one-time link: `vml_…`.
    Link,
    /// A one-time token that enrols a host: `vmj_…`.
    Join,
    /// A link for the players of a clan: `vmp_…`.
    Players,
    /// What an agent shows: `vma_…`.
    Agent,
}

impl TokenKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Api => "vmx_",
            Self::Link => "vml_",
            Self::Join => "vmj_",
            Self::Players => "vmp_",
            Self::Agent => "vma_",
        }
    }
}

/// A new token out of 32 bytes of randomness.
#[must_use]
pub fn token(kind: TokenKind, random: [u8; 32]) -> Secret {
    Secret::new(format!("{}{}", kind.prefix(), vmatrix_wire::Digest(random)))
}

/// What is kept of a token: enough to know it again, and nothing to make it from. `None` if it is of another kind.
#[must_use]
pub fn hash_of(kind: TokenKind, token: &str) -> Option<String> {
    let is_one = token.starts_with(kind.prefix()) && token.len() == kind.prefix().len() + 64;
    is_one.then(|| blake3::hash(token.as_bytes()).to_hex().to_string())
}

/// A password for somebody who did not choose one: 20 letters and digits that are not mistaken for each other.
#[must_use]
pub fn password(random: [u8; 20]) -> Secret {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    Secret::new(
        random
            .iter()
            .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
            .collect::<String>(),
    )
}

/// What a player's program shows to hosts, or brings its result with: 32 letters and digits.
#[must_use]
pub fn ticket(random: [u8; 32]) -> Secret {
    const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    Secret::new(
        random
            .iter()
            .map(|byte| char::from(LETTERS[usize::from(byte % 62)]))
            .collect::<String>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_token_is_known_again_by_its_own_kind_only(random: [u8; 32]) {
            let made = token(TokenKind::Api, random);
            prop_assert!(hash_of(TokenKind::Api, made.reveal()).is_some());
            for other in [TokenKind::Link, TokenKind::Join, TokenKind::Players, TokenKind::Agent] {
                prop_assert_eq!(hash_of(other, made.reveal()), None);
            }
        }

        #[test]
        fn what_is_kept_of_a_token_does_not_hold_it(random: [u8; 32]) {
            let made = token(TokenKind::Agent, random);
            let kept = hash_of(TokenKind::Agent, made.reveal()).unwrap();
            prop_assert!(!made.reveal().contains(&kept) && !kept.contains(&made.reveal()[4..]));
        }
    }

    #[test]
    fn a_token_cut_short_is_no_token() {
        assert_eq!(hash_of(TokenKind::Api, "vmx_abc"), None);
        assert_eq!(hash_of(TokenKind::Api, ""), None);
    }

    #[test]
    fn a_ticket_has_thirty_two_letters_and_digits() {
        for random in [[0; 32], [61; 32], [255; 32]] {
            let made = ticket(random);
            assert_eq!(made.reveal().len(), 32);
            assert!(made.reveal().chars().all(|c| c.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn a_made_password_has_twenty_letters() {
        assert_eq!(password([0xff; 20]).reveal(), "9".repeat(20));
    }
}
