//! As what somebody is in a match.

use serde::Serialize;
use vmatrix_placement::{Micros, Role};

/// Somebody's seat in a match: what they do in it, and what holds for them alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Seat {
    /// What they do.
    pub role: Role,
    /// A cap of their own instead of the rule's.
    pub cap: Option<Micros>,
}

impl Seat {
    /// What somebody can do in a match, for forms: who plays comes first.
    pub const ROLES: [Role; 4] = [Role::Player, Role::Substitute, Role::Coach, Role::Caster];

    /// The role of this name: `substitute`.
    #[must_use]
    pub fn role_named(name: &str) -> Option<Role> {
        Self::ROLES.into_iter().find(|role| role.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_as_they_are_written() {
        for role in Seat::ROLES {
            assert_eq!(Seat::role_named(role.name()), Some(role));
        }
        assert_eq!(Seat::role_named("Player"), None);
        assert_eq!(Seat::default().role, Role::Player);
    }
}
