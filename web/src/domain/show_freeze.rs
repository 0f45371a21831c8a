//! What a clan sees of a match before its own side is measured and frozen: nothing of the other clan.

use super::{
    Clan, ClanId, Match, MatchState, Name, Recheck, Time, User, Whole, show, show_waiting::waits_for,
    view::MatchView,
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// In place of a clan's name, with an id of zeros.
pub const AN_OPPONENT: &str = "An opponent";

/// Whether a clan may not know yet whom it plays against; `frozen` are the clans that were measured and frozen, whether that
/// still holds or not. Of a match that will not take place all may be known.
#[must_use]
pub fn hides_opponent(of: &Match, frozen: &BTreeSet<ClanId>, viewer: ClanId) -> bool {
    of.freeze && !of.state.is_final() && !frozen.contains(&viewer)
}

/// As [`show()`]; without the other clan where the viewer may not know it yet, and with what freezing means in the explanation.
#[must_use]
pub fn show_as_known(mut whole: Whole, user: &User, now: Time) -> MatchView {
    if !whole.of.freeze {
        return show(&whole, user, now);
    }
    let frozen = whole.frozen.keys().copied().collect();
    let hidden = user
        .role
        .clan()
        .filter(|own| hides_opponent(&whole.of, &frozen, *own));
    if let Some(own) = hidden {
        forget_other(&mut whole, own);
    }
    let mut view = show(&whole, user, now);
    let said = match hidden {
        Some(own) => Some(waits(&whole, own)),
        None => explanation(&whole),
    };
    view.booked.explanation = said.unwrap_or(view.booked.explanation);
    view
}

/// Takes out all that says something of the other clan. What happened names it, too.
fn forget_other(whole: &mut Whole, own: ClanId) {
    let nobody = Clan {
        id: ClanId(Uuid::nil()),
        name: Name::an_opponent(),
    };
    if whole.home.id == own {
        whole.of.away = nobody.id;
        whole.away = nobody;
    } else {
        whole.of.home = nobody.id;
        whole.home = nobody;
    }
    whole.roster.retain(|named| named.clan == own);
    whole.links.retain(|clan, _| *clan == own);
    whole.frozen.retain(|clan, _| *clan == own);
    whole
        .elsewhere
        .retain(|(player, ..)| whole.roster.iter().any(|named| named.player == *player));
    whole.story.clear();
    whole.rounds.clear();
    (whole.sent, whole.answers) = (None, Vec::new());
}

/// What the match waits for, to a clan that does not know the other.
fn waits(whole: &Whole, own: ClanId) -> String {
    let clan = if whole.home.id == own {
        &whole.home
    } else {
        &whole.away
    };
    let then = "The opponent is shown when your players are measured and frozen.";
    if let Some(waits) = waits_for(whole, clan) {
        return format!("Waits for {waits}. {then}");
    }
    match &whole.of.state {
        MatchState::Probing { .. } => format!("All hosts are measuring the players. {then}"),
        _ => format!("Not everybody of {} could be measured yet. {then}", clan.name),
    }
}

/// What is said otherwise than of other matches.
fn explanation(whole: &Whole) -> Option<String> {
    let host = whole
        .host
        .as_ref()
        .map_or("the host", |record| record.host.name.as_str());
    match &whole.of.state {
        MatchState::Probing { .. } if whole.before_it.is_none() => {
            Some("All hosts are measuring the players who are not frozen yet.".into())
        }
        MatchState::Reserved {
            recheck: Recheck::Due { at },
            ..
        } => {
            let minutes = whole.of.start_at.since(*at) / 60_000;
            Some(format!(
                "A slot on {host} is held; {minutes} minutes before the start the machines are looked at again. \
                 The players’ measurements are frozen."
            ))
        }
        _ => None,
    }
}
