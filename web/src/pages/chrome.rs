//! What stands around every page: who is signed in, and where to go.

use crate::domain::{ClanId, Role, User};

/// What the top of a page needs.
#[derive(Debug, Clone)]
pub(crate) struct Chrome {
    /// Who is signed in.
    pub(crate) who: Option<Who>,
    /// The link of the present page.
    pub(crate) here: &'static str,
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) name: String,
    role: Role,
}

/// A link of the main navigation.
pub(crate) struct Link {
    pub(crate) href: &'static str,
    pub(crate) text: &'static str,
    pub(crate) here: bool,
}

impl Chrome {
    /// Around a page for somebody who is signed in.
    pub(crate) fn of(user: &User, here: &'static str) -> Self {
        Self {
            who: Some(Who {
                name: user.name.to_string(),
                role: user.role,
            }),
            here,
        }
    }

    /// Around a page for anybody.
    pub(crate) fn of_visitor(here: &'static str) -> Self {
        Self { who: None, here }
    }

    /// Around an error, where it is not known who asked.
    pub(crate) fn of_error() -> Self {
        Self::of_visitor("error")
    }

    /// The clan that the signed-in speaks for.
    pub(crate) fn clan(&self) -> Option<ClanId> {
        self.who.as_ref().and_then(|who| who.role.clan())
    }

    /// Where the signed-in may go.
    pub(crate) fn links(&self) -> Vec<Link> {
        let link = |href, text| Link {
            href,
            text,
            here: self.here == href,
        };
        let mut links = vec![link("/matches", "Matches")];
        match self.who.as_ref().map(|who| who.role) {
            Some(Role::ClanAdmin(_)) => links.push(link("/clan", "My clan")),
            Some(Role::Organiser | Role::Operator) => {
                links.extend([link("/organise", "Organise"), link("/ops", "Operations")]);
            }
            None => links.clear(),
        }
        links
    }
}
