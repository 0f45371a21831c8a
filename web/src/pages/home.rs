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
        return Ok(Home {
            chrome: Chrome::of_visitor("/"),
            mine: None,
            example: example().svg()?,
        });
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
        let challenges = lines
            .iter()
            .filter(|l| l.state == "gathering" && Some(l.away.id) == clan)
            .cloned()
            .collect();
        let ended = |line: &MatchLine| {
            matches!(line.state, "over" | "failed" | "cancelled")
                || line.start.plus(line.length_minutes * 60_000) < now
        };
        let (mut past, mut next): (Vec<_>, Vec<_>) = lines.into_iter().partition(ended);
        next.sort_by_key(|line| line.start);
        next.truncate(12);
        past.truncate(6);
        Self {
            name: user.name.to_string(),
            clan,
            no_players,
            challenges,
            next,
            past,
        }
    }
}

/// What the picture looks like. Round trips between cities as measured by WonderNetwork.
fn example() -> Plot {
    const HOME: [&str; 5] = ["Seattle", "Los Angeles", "Denver", "San Francisco", "Vancouver"];
    const AWAY: [&str; 5] = ["London", "Paris", "Madrid", "Amsterdam", "Dublin"];
    let clan = |side, names: [&'static str; 5], ms: [f64; 5]| {
        names.into_iter().zip(ms).map(move |(name, ms)| Dot {
            player: name.into(),
            side,
            ms: Some(ms),
            source: None,
        })
    };
    let row = |host: &str, closeness, verdict, home, away| Row {
        host: host.into(),
        site: String::new(),
        closeness_ms: Some(closeness),
        verdict,
        chosen: verdict == "chosen",
        dots: clan(Side::Home, HOME, home)
            .chain(clan(Side::Away, AWAY, away))
            .collect(),
    };
    let boston = ([78.6, 71.5, 47.6, 78.2, 71.2], [77.2, 82.2, 97.3, 79.8, 80.6]);
    let frankfurt = (
        [153.4, 141.2, 120.5, 146.3, 158.3],
        [15.1, 15.8, 37.9, 11.7, 21.0],
    );
    let tokyo = (
        [136.3, 107.5, 123.8, 108.8, 92.6],
        [217.3, 231.8, 247.3, 245.1, 252.7],
    );
    Plot {
        cap_ms: 180.0,
        home: "the west of North America".into(),
        away: "Europe".into(),
        rows: vec![
            row("Boston", 12.84, "chosen", boston.0, boston.1),
            row("Frankfurt", 75.18, "possible", frankfurt.0, frankfurt.1),
            row("Tokyo", 77.91, super::plot::OVER_CAP, tokyo.0, tokyo.1),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{MatchId, Role, UserId, view::RosterClan};
    use uuid::Uuid;

    fn line(n: u128, state: &'static str, start: &str) -> MatchLine {
        let clan = |n| RosterClan {
            id: ClanId(Uuid::from_u128(n)),
            name: format!("clan {n}"),
        };
        MatchLine {
            id: MatchId(Uuid::from_u128(n)),
            state,
            home: clan(1),
            away: clan(2),
            by_league: false,
            image: "openarena".into(),
            start: start.parse().unwrap(),
            length_minutes: 60,
            host: None,
        }
    }

    fn captain(clan: u128) -> User {
        User {
            id: UserId(Uuid::nil()),
            name: "Ada".parse().unwrap(),
            role: Role::ClanAdmin(ClanId(Uuid::from_u128(clan))),
            created_at: "2026-11-21T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn what_the_league_has_booked_is_no_challenge() {
        let told = |by_league| {
            let mut line = line(10, "gathering", "2026-11-22T20:00:00Z");
            line.by_league = by_league;
            let user = captain(2);
            let mine = Mine::of(&user, vec![line], false, "2026-11-21T00:00:00Z".parse().unwrap());
            let home = Home {
                chrome: Chrome::of(&user, "/"),
                mine: Some(mine),
                example: String::new(),
            };
            home.render().unwrap()
        };
        assert!(told(false).contains("clan 1 challenges you"));
        let league = told(true);
        assert!(
            league.contains("The league has booked a match: clan 1 against clan 2")
                && !league.contains("challenges you"),
            "{league}"
        );
    }

    #[test]
    fn a_challenge_waits_for_the_challenged_clan_only() {
        let lines = || {
            vec![
                line(10, "gathering", "2026-11-22T20:00:00Z"),
                line(11, "over", "2026-11-20T20:00:00Z"),
            ]
        };
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        for (clan, waiting) in [(1, 0), (2, 1)] {
            let mine = Mine::of(&captain(clan), lines(), false, now);
            assert_eq!(
                (mine.challenges.len(), mine.next.len(), mine.past.len()),
                (waiting, 1, 1)
            );
        }
    }

    #[test]
    fn the_example_is_true() {
        for row in example().rows {
            let ms: Vec<_> = row.dots.iter().filter_map(|dot| dot.ms).collect();
            let pairs = ms
                .iter()
                .enumerate()
                .flat_map(|(n, a)| ms[n + 1..].iter().map(move |b| (a - b).abs()));
            let mean = pairs.sum::<f64>() / 45.0;
            assert_eq!(
                Some(format!("{mean:.2}")),
                row.closeness_ms.map(|ms| format!("{ms:.2}")),
                "{}",
                row.host
            );
            assert_eq!(
                row.verdict == crate::pages::plot::OVER_CAP,
                ms.iter().any(|ms| *ms > 180.0)
            );
        }
    }
}
