//! Booking a match, or challenging a clan.

use super::{
    Chrome,
    booking::parse,
    error::PageError,
    fields::Fields,
    form::Errors,
    rules::Rules,
    seats::{self, Pick, picked},
};
use crate::{
    actions::{clans, matches, nest, players},
    app::App,
    auth::Viewer,
    domain::{ClanId, User},
};
use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Form,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

/// Everything that the form shows.
#[derive(Template, WebTemplate)]
#[template(path = "book.html")]
struct Book {
    chrome: Chrome,
    /// Present for a clan admin: the own clan.
    side: Option<ClanId>,
    clans: Vec<ClanChoice>,
    images: Vec<ImageChoice>,
    zones: Vec<String>,
    home: String,
    away: String,
    home_label: String,
    away_label: &'static str,
    away_roster_label: String,
    home_players: Vec<Pick>,
    away_players: Vec<Pick>,
    /// Whose players are shown; empty without a clan.
    home_players_of: String,
    away_players_of: String,
    image: String,
    map: String,
    length: String,
    when: String,
    start: String,
    zone: String,
    rules: Rules,
    freeze: bool,
    home_by_link: bool,
    away_by_link: bool,
    errors: Errors,
}

struct ClanChoice {
    id: String,
    name: String,
}

struct ImageChoice {
    name: String,
    title: String,
}

/// `GET /matches/new`, with fields of an earlier match if it is to be repeated.
pub(crate) async fn show(
    State(app): State<App>,
    Viewer(user): Viewer,
    Query(fields): Query<Fields>,
) -> Result<Response, PageError> {
    Ok(page(&app, &user, &fields, Errors::default())
        .await?
        .into_response())
}

/// `POST /matches/new`: books, or shows the form again with the players of the clans that were chosen.
pub(crate) async fn book(
    State(app): State<App>,
    Viewer(user): Viewer,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    if fields.one("then") == "show" {
        return Ok(page(&app, &user, &fields, Errors::default())
            .await?
            .into_response());
    }
    let errors = match parse(&fields, user.role.clan()) {
        Ok(booking) => match matches::book_match(&app, &user, booking).await {
            Ok(id) => return Ok(Redirect::to(&format!("/matches/{id}")).into_response()),
            Err(error) => as_in_form(Errors::of(error)?),
        },
        Err(unread) => {
            let wrong = matches::wrong_with(&app, &user, &unread.rest).await?;
            unread.and(as_in_form(Errors::from(wrong)))
        }
    };
    let page = page(&app, &user, &fields, errors).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// By the names that the form has for the fields.
fn as_in_form(errors: Errors) -> Errors {
    errors
        .renamed("policy.name", "rule")
        .renamed("rosters[0].players", "home_players")
        .renamed("rosters[1].players", "away_players")
        .renamed("rosters[0]", "home")
        .renamed("rosters", "away")
}

async fn page(app: &App, user: &User, fields: &Fields, errors: Errors) -> Result<Book, PageError> {
    let side = user.role.clan();
    let all = clans::list_clans(app, user).await?;
    let home_clan = side.or_else(|| fields.one("home").parse().ok());
    let away_clan = fields.one("away").parse().ok().filter(|_| side.is_none());
    let name_of = |id: Option<ClanId>| {
        all.iter()
            .find(|clan| Some(clan.id) == id)
            .map(|clan| clan.name.to_string())
    };
    let roster_of = |id, which: &str| match name_of(id) {
        Some(name) => format!("Players of {name}"),
        None => format!("Players of the {which} clan"),
    };
    let home_label = if side.is_some() {
        "Your roster".to_owned()
    } else {
        roster_of(home_clan, "home")
    };
    let away_roster_label = roster_of(away_clan, "away");
    let mut images: Vec<_> = nest::list_images(app, user).await?;
    images.retain(|image| image.facts.contract.game.is_some());
    let mut images: Vec<_> = images
        .into_iter()
        .map(|image| ImageChoice {
            name: image.facts.contract.name,
            title: image.facts.contract.title,
        })
        .collect();
    images.dedup_by(|a, b| a.name == b.name);
    let or = |name: &str, other: &str| match fields.one(name) {
        "" => other.to_owned(),
        value => value.to_owned(),
    };
    let home_players = picks(app, user, home_clan, fields, "home_").await?;
    let away_players = picks(app, user, away_clan, fields, "away_").await?;
    let errors = seats::named(errors, "home_", &home_players);
    Ok(Book {
        errors: seats::named(errors, "away_", &away_players),
        chrome: Chrome::of(user, "/matches"),
        side,
        home_players,
        away_players,
        home_players_of: home_clan.map(|clan| clan.to_string()).unwrap_or_default(),
        away_players_of: away_clan.map(|clan| clan.to_string()).unwrap_or_default(),
        clans: all
            .into_iter()
            .filter(|clan| Some(clan.id) != side)
            .map(|clan| ClanChoice {
                id: clan.id.to_string(),
                name: clan.name.to_string(),
            })
            .collect(),
        images,
        zones: jiff::tz::db()
            .available()
            .map(|name| name.to_string())
            .filter(|name| is_place(name))
            .collect(),
        home: fields.one("home").to_owned(),
        away: fields.one("away").to_owned(),
        home_label,
        away_roster_label,
        away_label: if side.is_some() {
            "Clan to challenge"
        } else {
            "Away clan"
        },
        image: fields.one("image").to_owned(),
        map: fields.one("map").to_owned(),
        length: or("length_minutes", "60"),
        when: or("when", "now"),
        start: fields.one("start").to_owned(),
        zone: or("zone", "UTC"),
        rules: Rules::of(fields, side.is_none()),
        freeze: fields.has("freeze"),
        home_by_link: fields.has("home_by_link"),
        away_by_link: fields.has("away_by_link"),
    })
}

/// Of the many names of time zones, those that people look for.
fn is_place(name: &str) -> bool {
    let areas = [
        "Africa/",
        "America/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    ];
    name == "UTC" || areas.iter().any(|area| name.starts_with(area))
}

/// A clan's players; all are picked until somebody has chosen. A form that has shown them says of which clan they were, so that
/// nobody ticked is a choice, too.
async fn picks(
    app: &App,
    user: &User,
    clan: Option<ClanId>,
    fields: &Fields,
    prefix: &str,
) -> Result<Vec<Pick>, PageError> {
    let Some(clan) = clan else { return Ok(Vec::new()) };
    let players = players::list_players(app, user, clan).await?;
    let name = &format!("{prefix}players");
    let chosen = picked(fields, name).unwrap_or_default();
    let shown = fields.one(&format!("{name}_of")) == clan.to_string();
    let known = shown || players.iter().any(|player| chosen.contains(&player.id));
    let ticked = |id| !known || chosen.contains(&id);
    Ok(Pick::entered(&players, fields, prefix, ticked))
}
