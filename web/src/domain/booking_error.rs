//! What can be wrong with a booking: each thing is a variant with the value that came.

use super::{
    ClanId, PlayerId, Refusal, Time,
    limits::{LENGTH_MINUTES, PLAYERS_OF_A_ROSTER},
    preset_names,
};
use jiff::tz::TimeZone;
use vmatrix_placement::Preset;

/// What is wrong with a booking or a roster. `field` is where, such as `rosters[1].players`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookingError {
    /// No snapshot of that name is in the nest.
    #[error("one of the images that are here: {}", if known.is_empty() { "none yet".to_owned() } else { known.join(", ") })]
    UnknownImage {
        /// The name.
        image: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The image is not a game.
    #[error("the image of a game; this one is a service")]
    NotAGame {
        /// The name.
        image: String,
    },
    /// Letters that could be a command.
    #[error("a map name: 1 to 40 of a-z, A-Z, 0-9, _ and -")]
    BadMap {
        /// The name.
        map: String,
    },
    /// A clan wrote a rule of its own.
    #[error("one of {}: a rule of one's own is for organisers", preset_names())]
    OwnRule {
        /// Its name.
        rule: String,
    },
    /// A clan wants what only somebody else can give.
    #[error("false, or absent: only an organiser can book so that neither clan knows the other")]
    OwnFreeze,
    /// Another rule has the name of one that everybody knows.
    #[error("another name: {} is the name of a preset, and this is another rule", preset.name())]
    Misnamed {
        /// The name.
        rule: String,
        /// The preset.
        preset: Preset,
    },
    /// It would have started already.
    #[error("a start that is not in the past; it is {} now", now.told_in(zone.as_ref()))]
    StartInPast {
        /// The start.
        start: Time,
        /// Now.
        now: Time,
        /// The zone of whoever asks, if they said one.
        zone: Option<TimeZone>,
    },
    /// More than a year ahead.
    #[error("a start within a year")]
    StartTooFar {
        /// The start.
        start: Time,
    },
    /// Too short or too long.
    #[error("{} to {} minutes", LENGTH_MINUTES.start(), LENGTH_MINUTES.end())]
    Length {
        /// The length.
        minutes: i64,
    },
    /// A match is between two clans.
    #[error("exactly two rosters, one per clan")]
    TwoRosters {
        /// How many came.
        count: usize,
    },
    /// A clan against itself.
    #[error("two different clans")]
    SameClan {
        /// Its name.
        clan: String,
    },
    /// There is no such clan.
    #[error("the id of a clan that is here: GET /api/v1/clans lists them")]
    UnknownClan {
        /// Where.
        field: String,
        /// The id.
        id: ClanId,
    },
    /// Nobody plays for a clan.
    #[error("at least one player of {clan}, unless its players come by a link")]
    EmptyRoster {
        /// Where.
        field: String,
        /// Name of the clan.
        clan: String,
    },
    /// There are substitutes and others, but nobody in the line-up.
    #[error("at least one of {clan} with the role player")]
    NobodyPlays {
        /// Where.
        field: String,
        /// Name of the clan.
        clan: String,
        /// How many there are.
        count: usize,
    },
    /// More than fit.
    #[error("at most {PLAYERS_OF_A_ROSTER} players")]
    TooManyPlayers {
        /// Where.
        field: String,
        /// How many.
        count: usize,
    },
    /// Somebody is named twice.
    #[error("each player once")]
    PlayerTwice {
        /// Where the second time is.
        field: String,
        /// Who.
        player: PlayerId,
    },
    /// No such player is in that clan. Also said of another clan's player: whose they are is not told.
    #[error("ids of players of {clan}: GET /api/v1/clans/CLAN/players lists them")]
    WrongClan {
        /// Where.
        field: String,
        /// The id.
        player: PlayerId,
        /// Name of the clan that the roster is of.
        clan: String,
    },
    /// A clan admin gave another clan's players.
    #[error("no players: {clan} chooses its own")]
    OthersRoster {
        /// Where.
        field: String,
        /// Name of the other clan.
        clan: String,
    },
    /// Players are chosen, and others are to come.
    #[error(
        "nobody, where the players of {clan} come by a link: leave the players out, or do not say that they come by a link"
    )]
    ChosenAndByLink {
        /// Where.
        field: String,
        /// Name of the clan.
        clan: String,
        /// How many are chosen.
        count: usize,
    },
    /// Somebody cannot be measured.
    #[error("players who can be reached: {why}")]
    Address {
        /// Where.
        field: String,
        /// Name of the player.
        player: String,
        /// Why not.
        why: String,
    },
}

impl BookingError {
    fn field(&self) -> String {
        match self {
            Self::UnknownImage { .. } | Self::NotAGame { .. } => "image".into(),
            Self::BadMap { .. } => "map".into(),
            Self::OwnRule { .. } => "policy".into(),
            Self::OwnFreeze => "freeze".into(),
            Self::Misnamed { .. } => "policy.name".into(),
            Self::StartInPast { .. } | Self::StartTooFar { .. } => "start".into(),
            Self::Length { .. } => "length_minutes".into(),
            Self::TwoRosters { .. } | Self::SameClan { .. } => "rosters".into(),
            Self::UnknownClan { field, .. }
            | Self::EmptyRoster { field, .. }
            | Self::NobodyPlays { field, .. }
            | Self::TooManyPlayers { field, .. }
            | Self::PlayerTwice { field, .. }
            | Self::WrongClan { field, .. }
            | Self::OthersRoster { field, .. }
            | Self::ChosenAndByLink { field, .. }
            | Self::Address { field, .. } => field.clone(),
        }
    }

    fn value(&self) -> String {
        match self {
            Self::UnknownImage { image, .. } | Self::NotAGame { image } => image.clone(),
            Self::BadMap { map } => map.clone(),
            Self::OwnRule { rule } | Self::Misnamed { rule, .. } => rule.clone(),
            Self::OwnFreeze => "true".into(),
            Self::StartInPast { start, zone, .. } => start.told_in(zone.as_ref()),
            Self::StartTooFar { start } => start.told_in(None),
            Self::Length { minutes } => minutes.to_string(),
            Self::TwoRosters { count } => format!("{count} rosters"),
            Self::SameClan { clan } => format!("{clan} twice"),
            Self::UnknownClan { id, .. } => id.to_string(),
            Self::EmptyRoster { .. } => "nobody".into(),
            Self::NobodyPlays { count, .. } => format!("{count} of other roles"),
            Self::TooManyPlayers { count, .. } | Self::ChosenAndByLink { count, .. } => {
                format!("{count} players")
            }
            Self::PlayerTwice { player, .. } | Self::WrongClan { player, .. } => player.to_string(),
            Self::OthersRoster { clan, .. } => format!("players of {clan}"),
            Self::Address { player, .. } => player.clone(),
        }
    }
}

impl From<BookingError> for Refusal {
    fn from(error: BookingError) -> Self {
        Self::new(error.field(), error.value(), error.to_string())
    }
}
