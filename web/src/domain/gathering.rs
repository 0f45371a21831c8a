//! Sides whose players come by their link: the match waits for such a side until somebody says that its roster is complete, or
//! the match starts. Otherwise whoever comes first would be the whole side.

use super::{PlayerLink, SideStands, Time};

/// What a players' link still does to its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkStage {
    /// Who comes joins, and the match does not wait for them.
    Open,
    /// Who comes joins, and the match waits until the roster is complete.
    Gathering,
    /// The roster is complete: nobody new joins.
    Complete,
}

impl LinkStage {
    const ALL: [Self; 3] = [Self::Open, Self::Gathering, Self::Complete];

    /// The stored and shown name: `open`, `gathering` or `complete`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Gathering => "gathering",
            Self::Complete => "complete",
        }
    }

    /// From the stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// Of a new link for a side: `before` is the stage of the one that it replaces, `stands` how the side is without a link, and
    /// `held` says that the match has a host.
    #[must_use]
    pub fn of_new(before: Option<Self>, freeze: bool, stands: SideStands, held: bool) -> Self {
        match (before, stands) {
            (Some(before @ (Self::Gathering | Self::Complete)), _) => before,
            (_, SideStands::Absent) => Self::Gathering,
            // Who would come after its values are frozen may know whom they play against.
            (_, SideStands::Frozen) => Self::Complete,
            // So it was; what was frozen is too old by now. A side that gathers would cost the match its host.
            (_, SideStands::Open) if freeze && held => Self::Complete,
            (_, SideStands::Open) if freeze => Self::Gathering,
            (_, SideStands::Open) => Self::Open,
        }
    }
}

/// Whether a side plays with who has come, as its match starts. A link that was made later than that waits until somebody says
/// that the roster is complete.
#[must_use]
pub fn gathers_no_longer(link: &PlayerLink, start: Time, now: Time) -> bool {
    link.stage == LinkStage::Gathering && link.created_at < start && now >= start
}

/// Whether there is anything to measure for a match: both sides are there; of one with `freeze`, one side that is to be measured,
/// or both that were.
#[must_use]
pub fn may_measure(freeze: bool, sides: [SideStands; 2]) -> bool {
    let open = freeze && sides.contains(&SideStands::Open);
    open || !sides.contains(&SideStands::Absent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AfterRound, ClanId, MatchId, UserId, after_round};
    use uuid::Uuid;

    const STANDS: [SideStands; 3] = [SideStands::Absent, SideStands::Open, SideStands::Frozen];

    #[test]
    fn a_round_is_begun_if_and_only_if_it_has_something_to_do() {
        for home in STANDS {
            for away in STANDS {
                let sides = [home, away];
                assert_eq!(
                    may_measure(true, sides),
                    after_round(sides) != AfterRound::Gather,
                    "{sides:?}"
                );
                assert_eq!(
                    may_measure(false, sides),
                    !sides.contains(&SideStands::Absent),
                    "{sides:?}"
                );
            }
        }
    }

    #[test]
    fn a_new_link_waits_where_the_side_is_not_there_or_would_be_frozen_too_soon() {
        for (freeze, held) in [(false, false), (false, true), (true, false), (true, true)] {
            for stands in STANDS {
                for before in [None, Some(LinkStage::Open)] {
                    let stage = LinkStage::of_new(before, freeze, stands, held);
                    let to_freeze = freeze && stands == SideStands::Open;
                    let waits = stands == SideStands::Absent || (to_freeze && !held);
                    assert_eq!(stage == LinkStage::Gathering, waits, "{freeze} {stands:?} {held}");
                    let closed = stands == SideStands::Frozen || (to_freeze && held);
                    assert_eq!(stage == LinkStage::Complete, closed, "{freeze} {stands:?} {held}");
                }
                for before in [LinkStage::Gathering, LinkStage::Complete] {
                    assert_eq!(LinkStage::of_new(Some(before), freeze, stands, held), before);
                }
            }
        }
        for stage in LinkStage::ALL {
            assert_eq!(LinkStage::parse(stage.name()), Some(stage));
        }
    }

    #[test]
    fn a_side_is_waited_for_until_the_start_unless_its_link_came_later() {
        let at = Time::from_millis;
        for stage in LinkStage::ALL {
            for created in [5, 10, 15] {
                for now in [created, 9, 10, 11, 20] {
                    let link = PlayerLink {
                        match_id: MatchId(Uuid::nil()),
                        clan: ClanId(Uuid::nil()),
                        created_by: UserId(Uuid::nil()),
                        created_at: at(created),
                        stage,
                    };
                    let ends = stage == LinkStage::Gathering && created < 10 && now >= 10;
                    assert_eq!(gathers_no_longer(&link, at(10), at(now)), ends);
                }
            }
        }
    }
}
