//! The operators' page: what the fleet is and does, as it changes.

mod board;

use crate::{
    actions::{accounting, hosts, links, matches, nest, services, vms},
    app::App,
    auth::{Lasting, Operator, Organiser},
    domain::{MatchId, Role, ServiceId, TopTarget, User, view::MatchLine},
    pages::{Chrome, error::PageError, fields::Fields, form::Errors, live},
};
use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use board::{HostLine, OracleLine, ServiceLine, SnapshotLine, VmLine};

/// The operators' page and what is done on it. Wants the session layer around it.
pub fn router() -> Router<App> {
    Router::new()
        .route("/ops", get(show))
        .route("/ops/live", get(follow))
        .route("/ops/oracle", post(switch_oracle))
        .route("/ops/join-tokens", post(create_join_token))
        .route("/ops/hosts/{id}/remove", post(remove_host))
        .route("/ops/services", post(put_service))
        .route("/ops/services/{id}/suspend", post(suspend))
        .route("/ops/services/{id}/wake", post(wake))
        .route("/ops/services/{id}/remove", post(remove))
}

/// Everything that the page shows.
#[derive(Template, WebTemplate)]
#[template(path = "ops.html", blocks = ["live"])]
struct Ops {
    chrome: Chrome,
    /// Whether the viewer may change things; organisers look only. A page on which something may be typed never reloads
    /// itself.
    may: bool,
    /// It was asked for without forms.
    watch: bool,
    oracle: OracleLine,
    hosts: Vec<HostLine>,
    vms: Vec<VmLine>,
    services: Vec<ServiceLine>,
    snapshots: Vec<SnapshotLine>,
    /// Images that can be put on a host as a service.
    images: Vec<String>,
    form: ServiceForm,
    /// To whom most was sent within a day; for operators only.
    targets: Option<Vec<TopTarget>>,
    /// Whose matches the targets are of.
    matches: Vec<MatchLine>,
    /// A join token that was just made.
    join_token: Option<String>,
    server: String,
    errors: Errors,
}

/// What was entered.
#[derive(Default)]
struct ServiceForm {
    name: String,
    image: String,
    host: String,
}

async fn page(app: &App, user: &User) -> Result<Ops, PageError> {
    let now = app.now();
    let records = hosts::list_hosts(app, user).await?;
    let all = vms::list_vms(app, user).await?;
    let services = services::list_services(app, user).await?;
    let matches = matches::list_matches(app, user).await?;
    let snapshots = nest::list_images(app, user).await?;
    let web = |snapshot: &&crate::domain::Snapshot| snapshot.facts.contract.game.is_none();
    let mut images: Vec<_> = snapshots
        .iter()
        .filter(web)
        .map(|snapshot| snapshot.facts.contract.name.clone())
        .collect();
    images.dedup();
    let mut lines: Vec<_> = records
        .iter()
        .map(|record| HostLine::of(record, &records, &all, now))
        .collect();
    lines.sort_by(|a, b| (&a.site, &a.name).cmp(&(&b.site, &b.name)));
    Ok(Ops {
        chrome: Chrome::of(user, "/ops"),
        may: user.role == Role::Operator,
        watch: false,
        oracle: OracleLine::of(app.oracle.status(), now),
        vms: all
            .iter()
            .map(|vm| VmLine::of(vm, &records, &services, &matches))
            .collect(),
        hosts: lines,
        services: services.iter().map(ServiceLine::of).collect(),
        snapshots: snapshots
            .iter()
            .map(|snapshot| SnapshotLine::of(snapshot, now))
            .collect(),
        images,
        targets: match user.role {
            Role::Operator => Some(accounting::who_is_probed(app, user).await?),
            _ => None,
        },
        matches,
        form: ServiceForm::default(),
        join_token: None,
        server: app.settings.public_url.clone(),
        errors: Errors::default(),
    })
}

/// What a match is called; an old one is not among the newest matches.
pub(crate) fn title_of(matches: &[MatchLine], id: &MatchId) -> String {
    let line = matches.iter().find(|line| line.id == *id);
    line.map_or_else(
        || "an older match".to_owned(),
        |line| format!("{} against {}", line.home.name, line.away.name),
    )
}

/// `GET /ops`; with `?watch` without forms, so that it can reload itself.
async fn show(
    State(app): State<App>,
    Organiser(user): Organiser,
    Query(query): Query<Fields>,
) -> Result<Response, PageError> {
    let mut page = page(&app, &user).await?;
    page.watch = query.has("watch");
    page.may &= !page.watch;
    Ok(page.into_response())
}

/// `GET /ops/live`: the fleet, again each time that it differs.
async fn follow(
    State(app): State<App>,
    Organiser(user): Organiser,
    lasting: Lasting,
) -> Result<Response, PageError> {
    let open = live::open(&app, &user)?;
    let changes = app.changes.subscribe();
    Ok(live::stream(open, changes, move || {
        let app = app.clone();
        async move {
            let user = lasting.user(&app).await?;
            let html = page(&app, &user).await?.as_live().render()?;
            Ok(live::Part { html, last: false })
        }
    }))
}

/// `POST /ops/oracle`: the off switch.
async fn switch_oracle(
    State(app): State<App>,
    Operator(user): Operator,
    Form(fields): Form<Fields>,
) -> Redirect {
    let off = fields.one("off") == "true";
    app.oracle.update(|status| status.off = off);
    tracing::warn!(by = %user.id, off, "the Oracle was switched");
    app.changed();
    Redirect::to("/ops")
}

/// `POST /ops/join-tokens`: shows the token in the answer, this once.
async fn create_join_token(State(app): State<App>, Operator(user): Operator) -> Result<Response, PageError> {
    let token = links::create_join_token(&app, &user).await?;
    let mut page = page(&app, &user).await?;
    page.join_token = Some(token.reveal().to_owned());
    Ok(page.into_response())
}

/// `POST /ops/hosts/{id}/remove`
async fn remove_host(
    State(app): State<App>,
    Operator(user): Operator,
    Path(id): Path<String>,
    Form(fields): Form<Fields>,
) -> Result<Redirect, PageError> {
    let id = id.parse().map_err(|_| PageError::not_found())?;
    let force = fields.one("force") == "true";
    hosts::remove_host(&app, &user, id, force)
        .await
        .map_err(|error| PageError::from(error).with_way("/ops".into(), "Back to Operations"))?;
    Ok(Redirect::to("/ops"))
}

/// `POST /ops/services`
async fn put_service(
    State(app): State<App>,
    Operator(user): Operator,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let text = |name| fields.one(name).to_owned();
    let form = ServiceForm {
        name: text("name"),
        image: text("image"),
        host: text("host"),
    };
    let new = services::NewService {
        name: text("name"),
        image: text("image"),
        host: text("host"),
    };
    let Err(error) = services::put_service(&app, &user, new).await else {
        return Ok(Redirect::to("/ops").into_response());
    };
    let errors = Errors::of(error)?;
    let page = Ops {
        form,
        errors,
        ..page(&app, &user).await?
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

fn parse(id: &str) -> Result<ServiceId, PageError> {
    id.parse().map_err(|_| PageError::not_found())
}

/// `POST /ops/services/{id}/suspend`
async fn suspend(
    State(app): State<App>,
    Operator(user): Operator,
    Path(id): Path<String>,
) -> Result<Redirect, PageError> {
    services::suspend_service(&app, &user, parse(&id)?).await?;
    Ok(Redirect::to("/ops"))
}

/// `POST /ops/services/{id}/wake`
async fn wake(
    State(app): State<App>,
    Operator(user): Operator,
    Path(id): Path<String>,
) -> Result<Redirect, PageError> {
    services::wake_service(&app, &user, parse(&id)?).await?;
    Ok(Redirect::to("/ops"))
}

/// `POST /ops/services/{id}/remove`
async fn remove(
    State(app): State<App>,
    Operator(user): Operator,
    Path(id): Path<String>,
) -> Result<Redirect, PageError> {
    services::remove_service(&app, &user, parse(&id)?).await?;
    Ok(Redirect::to("/ops"))
}
