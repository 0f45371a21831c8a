//! A clan: its players, and invitations. `/clan` is a clan admin's own; organisers see each at
//! `/organise/clans/{id}`, without addresses.

use super::{Chrome, error::PageError, fields::Fields, form::Errors};
use crate::{
    actions::{clans, links, players},
    app::App,
    auth::Viewer,
    domain::{ClanId, Name, User},
};
use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

/// Everything that the page shows.
#[derive(Template, WebTemplate)]
#[template(path = "clan.html")]
struct ClanPage {
    chrome: Chrome,
    clan: String,
    /// Where the page's forms go.
    base: String,
    /// Whether it is the viewer's own: then addresses are shown.
    own: bool,
    players: Vec<players::PlayerSeen>,
    name: String,
    address: String,
    /// Name of a clan to invite.
    other: String,
    /// A link that was just made, and for whom.
    invited: Option<(String, String)>,
    errors: Errors,
}

/// Which clan a page is about: a path's, or one's own.
pub(super) fn which(user: &User, path: Option<&str>) -> Result<(ClanId, String), PageError> {
    match (path, user.role.clan()) {
        (Some(id), _) => Ok((
            id.parse().map_err(|_| PageError::not_found())?,
            format!("/organise/clans/{id}"),
        )),
        (None, Some(clan)) => Ok((clan, "/clan".into())),
        (None, None) => Err(PageError::forbidden(
            "You speak for no clan. Organisers find all clans under Organise.",
        )),
    }
}

async fn page(app: &App, user: &User, path: Option<&str>) -> Result<ClanPage, PageError> {
    let (clan, base) = which(user, path)?;
    let players = players::list_players(app, user, clan).await?;
    let clan = clans::view_clan(app, user, clan).await?;
    Ok(ClanPage {
        chrome: Chrome::of(user, if path.is_some() { "/organise" } else { "/clan" }),
        own: user.role.clan() == Some(clan.id),
        clan: clan.name.to_string(),
        base,
        players,
        name: String::new(),
        address: String::new(),
        other: String::new(),
        invited: None,
        errors: Errors::default(),
    })
}

fn text(path: Option<&Path<String>>) -> Option<&str> {
    path.map(|Path(id)| id.as_str())
}

/// `GET /clan` and `GET /organise/clans/{id}`
pub(crate) async fn show(
    State(app): State<App>,
    Viewer(user): Viewer,
    path: Option<Path<String>>,
) -> Result<Response, PageError> {
    Ok(page(&app, &user, text(path.as_ref())).await?.into_response())
}

/// `POST …/players`
pub(crate) async fn add_player(
    State(app): State<App>,
    Viewer(user): Viewer,
    path: Option<Path<String>>,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let (clan, base) = which(&user, text(path.as_ref()))?;
    let new = players::NewPlayer {
        name: fields.one("name").into(),
        address: fields.one("address").into(),
    };
    let Err(error) = players::add_player(&app, &user, clan, new.clone()).await else {
        return Ok(Redirect::to(&base).into_response());
    };
    let errors = Errors::of(error)?;
    let page = page(&app, &user, text(path.as_ref())).await?;
    let page = ClanPage {
        errors,
        name: new.name,
        address: new.address,
        ..page
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// `POST /clan/players/{player}/remove`
pub(crate) async fn remove_own_player(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path(player): Path<String>,
) -> Result<Redirect, PageError> {
    let (clan, base) = which(&user, None)?;
    let player = player.parse().map_err(|_| PageError::not_found())?;
    players::remove_player(&app, &user, clan, player).await?;
    Ok(Redirect::to(&base))
}

/// `POST /organise/clans/{id}/players/{player}/remove`
pub(crate) async fn remove_player(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path((clan, player)): Path<(String, String)>,
) -> Result<Redirect, PageError> {
    let (clan, base) = which(&user, Some(&clan))?;
    let player = player.parse().map_err(|_| PageError::not_found())?;
    players::remove_player(&app, &user, clan, player).await?;
    Ok(Redirect::to(&base))
}

/// `POST /organise/clans/{id}/players/{player}/vouch`
pub(crate) async fn vouch(
    State(app): State<App>,
    Viewer(user): Viewer,
    Path((clan, player)): Path<(String, String)>,
) -> Result<Redirect, PageError> {
    let (clan, base) = which(&user, Some(&clan))?;
    let player = player.parse().map_err(|_| PageError::not_found())?;
    players::vouch(&app, &user, clan, player).await?;
    Ok(Redirect::to(&base))
}

/// `POST /clan/invite`: shows the link in the answer, this once.
pub(crate) async fn invite(
    State(app): State<App>,
    Viewer(user): Viewer,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let mut page = page(&app, &user, None).await?;
    fields.one("clan").clone_into(&mut page.other);
    match make_link(&app, &user, &page.other).await? {
        Ok(invited) => {
            page.invited = Some(invited);
            page.other.clear();
            Ok(page.into_response())
        }
        Err(errors) => {
            page.errors = errors;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

/// The clan's name and the whole link, or what is wrong with the form's field `clan`.
pub(super) async fn make_link(
    app: &App,
    user: &User,
    clan: &str,
) -> Result<Result<(String, String), Errors>, PageError> {
    let Ok(name) = Name::entered(clan) else {
        return Ok(Err(Errors::field("clan", "1 to 40 characters, none invisible")));
    };
    match links::invite_clan(app, user, name, None).await {
        Ok((clan, token)) => {
            let link = format!("{}{}", app.settings.public_url, links::path_of(&token));
            Ok(Ok((clan.name.to_string(), link)))
        }
        Err(error) => Ok(Err(Errors::of(error)?.renamed("name", "clan"))),
    }
}
