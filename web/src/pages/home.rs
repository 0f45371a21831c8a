//! The start: what vMatrix is, or what waits for me.

use super::{
    Chrome,
    error::PageError,
    plot::{Dot, Plot, Row, Side},
};
use crate::{
    actions::{matches, players},
    app::App,
    auth::MaybeViewer,
    domain::{ClanId, Time, User, view::MatchLine},
};
use askama::Template;
use askama_web::WebTemplate;
use axum::extract::State;

/// Everything that the page shows.
#[derive(Template, WebTemplate)]
#[template(path = "home.html")]
pub(crate) struct Home {
    chrome: Chrome,
    mine: Option<Mine>,
    /// The picture for visitors.
    example: String,
}

/// What waits for somebody who is signed in.
struct Mine {
    name: String,
    clan: Option<ClanId>,
    no_players: bool,
    challenges: Vec<MatchLine>,
    next: Vec<MatchLine>,
    past: Vec<MatchLine>,
}

/// `GET /`
pub(crate) async fn home(State(app): State<App>, MaybeViewer(user): MaybeViewer) -> Result<Home, PageError> {
    let Some(user) = user else {
        return Ok(Home { chrome: Chrome::of_visitor("/"), mine: None, example: example().svg()? });
    };
    let lines = matches::list_matches(&app, &user).await?;
    let no_players = match user.role.clan() {
        Some(clan) => players::list_players(&app, &user, clan).await?.is_empty(),
        None => false,
    };
    Ok(Home {
        chrome: Chrome::of(&user, "/"),
        mine: Some(Mine::of(&user, lines, no_players, app.now())),
        example: String::new(),
    })
}

impl Mine {
    fn of(user: &User, lines: Vec<MatchLine>, no_players: bool, now: Time) -> Self {
        let clan = user.role.clan();
        let challenges =
            lines.iter().filter(|l| l.state == "gathering" && Some(l.away.id) == clan).cloned().collect();
        let ended = |line: &MatchLine| {
            matches!(line.state, "over" | "failed" | "cancelled") || line.start.plus(line.length_minutes * 60_000) < now
        };
        let (mut past, mut next): (Vec<_>, Vec<_>) = lines.into_iter().partition(ended);
        next.sort_by_key(|line| line.start);
        next.truncate(12);
        past.truncate(6);
        Self { name: user.name.to_string(), clan, no_players, challenges, next, past }
    }
}

/// What the picture looks like: round trips between cities as measured by WonderNetwork, rounded.
fn example() -> Plot {
    let clan = |side, names: [&'static str; 5], ms: [f64; 5]| {
        names.into_iter().zip(ms).map(move |(name, ms)| Dot { player: name.into(), side, ms: Some(ms) })
    };
    let row = |host: &str, site: &str, closeness, verdict, home, away| Row {
        host: host.into(),
        site: site.into(),
        closeness_ms: Some(closeness),
        verdict,
        chosen: verdict == "chosen",
        dots: clan(Side::Home, ["Ivy", "Jon", "Kit", "Lea", "Max"], home)
            .chain(clan(Side::Away, ["Nia", "Oto", "Pia", "Quy", "Rui"], away))
            .collect(),
    };
    Plot {
        cap_ms: 180.0,
        home: "the home clan".into(),
        away: "the away clan".into(),
        rows: vec![
            row("New York", "", 14.82, "chosen", [70.0, 62.0, 44.0, 71.0, 34.0], [72.0, 84.0, 90.0, 96.0, 101.0]),
            row("London", "", 47.36, "less fair", [121.0, 131.0, 113.0, 138.0, 96.0], [9.0, 24.0, 31.0, 33.0, 38.0]),
            row("Seattle", "", 55.9, super::plot::OVER_CAP, [31.0, 9.0, 27.0, 74.0, 68.0], [139.0, 152.0, 158.0, 166.0, 187.0]),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{MatchId, Role, UserId, view::RosterClan};
    use uuid::Uuid;

    fn line(n: u128, state: &'static str, start: &str) -> MatchLine {
        let clan = |n| RosterClan { id: ClanId(Uuid::from_u128(n)), name: format!("clan {n}") };
        MatchLine {
            id: MatchId(Uuid::from_u128(n)),
            state,
            home: clan(1),
            away: clan(2),
            image: "openarena".into(),
            start: start.parse().unwrap(),
            length_minutes: 60,
            host: None,
        }
    }

    #[test]
    fn a_challenge_waits_for_the_challenged_clan_only() {
        let lines = || vec![line(10, "gathering", "2026-11-22T20:00:00Z"), line(11, "over", "2026-11-20T20:00:00Z")];
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        for (clan, waiting) in [(1, 0), (2, 1)] {
            let role = Role::ClanAdmin(ClanId(Uuid::from_u128(clan)));
            let user = User { id: UserId(Uuid::nil()), name: "Ada".parse().unwrap(), role, created_at: now };
            let mine = Mine::of(&user, lines(), false, now);
            assert_eq!((mine.challenges.len(), mine.next.len(), mine.past.len()), (waiting, 1, 1));
        }
    }
}
