//! Users, and one's own tokens.

use super::{
    Problem,
    body::{At, Body, created},
};
use crate::{
    actions::{
        tokens,
        users::{self, parse_name},
    },
    app::App,
    auth::{Operator, Viewer},
    domain::{ApiTokenId, BadRole, ClanId, Name, Refusal, Role, Time, User, UserId},
};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::Response,
    routing::{delete, get},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/users", get(list).post(create))
        .route("/tokens", get(list_tokens).post(create_token))
        .route("/tokens/{id}", delete(delete_token))
}

#[derive(Serialize)]
struct UserAnswer {
    id: UserId,
    name: Name,
    role: &'static str,
    clan: Option<ClanId>,
}

impl From<User> for UserAnswer {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            name: user.name,
            role: user.role.name(),
            clan: user.role.clan(),
        }
    }
}

async fn list(State(app): State<App>, Operator(user): Operator) -> Result<Json<Vec<UserAnswer>>, Problem> {
    let all = users::list_users(&app, &user).await?;
    Ok(Json(all.into_iter().map(UserAnswer::from).collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    name: String,
    role: String,
    #[serde(default)]
    clan: Option<ClanId>,
}

async fn create(
    State(app): State<App>,
    Operator(user): Operator,
    Body(new): Body<NewUser>,
) -> Result<Response, Problem> {
    let name = parse_name("name", &new.name)?;
    let role = Role::parse(&new.role, new.clan)
        .map_err(|bad| Problem::invalid(vec![wrong_role(&new.role, &bad)]))?;
    let (made, password) = users::create_user(&app, &user, name, role).await?;
    Ok(created(
        json!({ "id": made.id, "name": made.name, "password": password }),
    ))
}

/// At the field that is to be changed.
fn wrong_role(role: &str, bad: &BadRole) -> Refusal {
    match bad {
        BadRole::Unknown(_) => Refusal::new("role", role, "clan_admin, organiser or operator"),
        BadRole::NeedsClan => {
            let expected = format!("{bad}; GET /api/v1/clans lists them");
            Refusal::new("clan", "(absent)", expected)
        }
        BadRole::HasClan(clan) => Refusal::new("clan", clan, bad.to_string()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
}

async fn create_token(
    State(app): State<App>,
    Viewer(user): Viewer,
    Body(new): Body<NewToken>,
) -> Result<Response, Problem> {
    let name = parse_name("name", &new.name)?;
    let (id, token) = tokens::create_token(&app, &user, &name).await?;
    Ok(created(json!({ "id": id, "token": token })))
}

#[derive(Serialize)]
struct TokenAnswer {
    id: ApiTokenId,
    name: String,
    created_at: Time,
}

async fn list_tokens(
    State(app): State<App>,
    Viewer(user): Viewer,
) -> Result<Json<Vec<TokenAnswer>>, Problem> {
    let all = tokens::list_tokens(&app, &user).await?.into_iter();
    let answer = |(id, name, created_at)| TokenAnswer { id, name, created_at };
    Ok(Json(all.map(answer).collect()))
}

async fn delete_token(
    State(app): State<App>,
    Viewer(user): Viewer,
    At(id): At<ApiTokenId>,
) -> Result<StatusCode, Problem> {
    tokens::delete_token(&app, &user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
