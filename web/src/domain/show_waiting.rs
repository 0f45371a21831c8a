//! What happened to a match and whom it waits for, as one viewer reads it.

use super::{
    Clan, Labels, LinkStage, PlayerId, Time, Whole,
    view::{ElsewhereView, StoryView},
};

/// How a sentence of the story begins that is about one player, for whoever may not read the name.
pub const A_PLAYER: &str = "A player";

/// One sentence of a match's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Time,
    /// What happened.
    pub text: String,
    /// Of whom it is, if it begins with [`A_PLAYER`].
    pub player: Option<PlayerId>,
}

/// Nobody is told of what others play besides.
pub(super) fn elsewhere(whole: &Whole, labels: &Labels) -> Vec<ElsewhereView> {
    let told = whole
        .elsewhere
        .iter()
        .filter(|(player, ..)| labels.is_open(*player));
    told.map(|(player, other, start)| ElsewhereView {
        player: labels.of(*player),
        other: *other,
        start: *start,
    })
    .collect()
}

/// With the name of whom it is, for who may read it.
pub(super) fn sentence(told: &Told, labels: &Labels) -> StoryView {
    let of = told.player.filter(|player| labels.is_open(*player));
    let named = of.zip(told.text.strip_prefix(A_PLAYER));
    StoryView {
        at: told.at,
        text: named.map_or_else(|| told.text.clone(), |(player, rest)| labels.of(player) + rest),
    }
}

/// For whom a match waits.
pub(super) fn gathering(whole: &Whole) -> String {
    let sides = [&whole.home, &whole.away];
    let waits: Vec<String> = sides
        .into_iter()
        .filter_map(|clan| waits_for(whole, clan))
        .collect();
    match waits.as_slice() {
        [] => "Waits for both clans to choose their players.".into(),
        waits => format!("Waits for {}.", waits.join(", and for ")),
    }
}

/// What a match waits for of one side, if it does.
pub(super) fn waits_for(whole: &Whole, clan: &Clan) -> Option<String> {
    let link = whole
        .links
        .get(&clan.id)
        .filter(|link| link.stage == LinkStage::Gathering);
    if let Some(link) = link {
        let start = match link.created_at < whole.of.start_at {
            true => ", or the match starts",
            false => "",
        };
        return Some(format!(
            "players of {} to come by their link, until somebody says that the roster is complete{start}",
            clan.name
        ));
    }
    let nobody = whole.roster.iter().all(|named| named.clan != clan.id);
    nobody.then(|| format!("{} to choose its players", clan.name))
}
