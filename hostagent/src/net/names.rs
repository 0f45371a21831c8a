//! What the parts of a slot network are called and which addresses they have. Pure.

use std::net::Ipv4Addr;

/// Most slots that one agent can make networks for.
pub(crate) const MOST_SLOTS: u16 = 64;

/// Names and addresses of one slot of one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    agent: String,
    index: u16,
}

/// The eight characters that stand for an agent in names: the random end of its host id.
pub(crate) fn short(host: vmatrix_wire::HostId) -> String {
    let text = host.0.simple().to_string();
    text[text.len() - 8..].to_owned()
}

/// The links of all agents' slots.
pub(crate) const ALL_LINKS: &str = "vx*";

/// How the names of all links of an agent's slots begin.
pub(crate) fn links(agent: &str) -> String {
    format!("vx{agent}s")
}

/// How the names of all namespaces of an agent's slots begin.
pub(crate) fn namespaces(agent: &str) -> String {
    format!("vmx-{agent}-s")
}

/// The table of [`super::rules::no_router_table`].
pub(crate) fn no_router(agent: &str) -> String {
    format!("vmatrix_{agent}_no_router")
}

impl Names {
    pub(crate) fn new(agent: &str, index: u16) -> Self {
        Self {
            agent: agent.to_owned(),
            index,
        }
    }

    pub(crate) fn index(&self) -> u16 {
        self.index
    }

    pub(crate) fn namespace(&self) -> String {
        format!("{}{}", namespaces(&self.agent), self.index)
    }

    /// The end of the slot's link in the host's namespace; at most 15 characters.
    pub(crate) fn link(&self) -> String {
        format!("{}{}", links(&self.agent), self.index)
    }

    pub(crate) fn table(&self) -> String {
        format!("vmatrix_{}_s{}", self.agent, self.index)
    }

    /// First address of the slot's /29 in 169.254.0.0/16. Two agents in one namespace rarely get the same block;
    /// blocks that clouds use for their own (0–31, 168–169, 254–255) are left out.
    fn block(&self) -> u32 {
        let seed = self
            .agent
            .bytes()
            .fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let group = match 16 + seed % 110 {
            84 => 126,
            group => group,
        };
        u32::from(Ipv4Addr::new(169, 254, 0, 0)) + group * 512 + u32::from(self.index) * 8
    }

    fn address(&self, offset: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.block() + offset)
    }

    /// The host's address for queries.
    pub(crate) fn poll_address(&self) -> Ipv4Addr {
        self.address(1)
    }

    /// The host's address for rcon.
    pub(crate) fn rcon_address(&self) -> Ipv4Addr {
        self.address(2)
    }

    /// The slot's own address.
    pub(crate) fn slot_address(&self) -> Ipv4Addr {
        self.address(3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_two_slots_share_an_address_and_all_are_harmless(agent in "[0-9a-f]{8}", a in 0..MOST_SLOTS, b in 0..MOST_SLOTS) {
            let (one, two) = (Names::new(&agent, a), Names::new(&agent, b));
            prop_assert_eq!(a == b, one.slot_address() == two.slot_address());
            prop_assert!(one.link().len() <= 15);
            let [x, y, third, _] = one.slot_address().octets();
            prop_assert_eq!([x, y], [169, 254]);
            prop_assert!((32..254).contains(&third) && third != 168 && third != 169, "third byte {}", third);
        }
    }
}
