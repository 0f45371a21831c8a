//! The page behind a clan's link for its players, and what its script, or `vmatrix ping`, asks and brings. No account, no cookie.

use super::{Chrome, error::PageError};
use crate::{
    actions::{
        ActionError,
        visits::{self, Visitor},
    },
    api::{Body, Problem},
    app::App,
    domain::{
        Brought, BroughtHost, HostId, HostRecord, Name, OfPings, Time, customer,
        limits::{
            ADDRESS_DAYS, BODY_OF_A_VISIT, INTERVAL_OF_A_VISIT_MS, READINGS_MS, SAMPLES_OF_A_VISIT,
            WARM_UP_OF_A_VISIT,
        },
    },
};
use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Extension, Json, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::header::CONTENT_SECURITY_POLICY,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use vmatrix_placement::Source;
use vmatrix_wire::Doors;

/// Who asks, as the server's edge sees them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/play/{token}", get(show))
        .route("/play/{token}/begin", post(begin))
        .route("/play/{token}/result", post(result))
        .layer(DefaultBodyLimit::max(BODY_OF_A_VISIT))
}

/// As for other pages; and this one measures to the hosts' doors, which have addresses of their own and change.
fn content_security_policy() -> String {
    super::CONTENT_SECURITY_POLICY.replace("connect-src 'self'", "connect-src 'self' https: wss:")
}

/// Everything that the page shows.
#[derive(Template, WebTemplate)]
#[template(path = "play.html")]
struct Play {
    chrome: Chrome,
    clan: String,
    against: String,
    start: Time,
    /// Its own link.
    path: String,
    link: String,
    /// Who of the roster has not come yet.
    names: Vec<Name>,
    address_days: i64,
    reading_hours: i64,
}

async fn show(State(app): State<App>, Path(token): Path<String>) -> Result<Response, PageError> {
    let invitation = visits::look_at(&app, &token).await.map_err(|error| match error {
        ActionError::NotFound { .. } => PageError::gone(
            "This link is not good any more: the match is over, your captain has made a newer link, or it was not copied \
             whole. Ask your captain for a new one.",
        ),
        other => other.into(),
    })?;
    let path = format!("/play/{token}");
    let page = Play {
        chrome: Chrome::of_visitor("error"),
        clan: invitation.clan.name.to_string(),
        against: invitation.against,
        start: invitation.of.start_at,
        link: format!("{}{path}", app.settings.public_url),
        path,
        names: invitation.names,
        address_days: ADDRESS_DAYS,
        reading_hours: READINGS_MS / 3_600_000,
    };
    Ok(([(CONTENT_SECURITY_POLICY, content_security_policy())], page).into_response())
}

/// Counts what comes from an address and by a link.
fn count(app: &App, peer: Peer, token: &str) -> Result<(), Problem> {
    let from_here = app.limits.by_visitor.count(&customer(peer.0));
    from_here
        .map_err(|wait| Problem::too_many("That came too often from your address. Wait a moment.", wait))?;
    let by_link = app.limits.by_link.count(&visits::hash_of(token)?);
    by_link.map_err(|wait| Problem::too_many("This link is used too often. Wait a moment.", wait))
}

/// All of it may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BeginBody {
    /// Under which name they will come, to be told at once if they cannot.
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    new: bool,
}

#[derive(Serialize)]
struct BeginAnswer {
    nonce: String,
    ticket: String,
    samples: u16,
    warm_up: u16,
    interval_ms: u64,
    hosts: Vec<HostAnswer>,
}

#[derive(Serialize)]
struct HostAnswer {
    id: HostId,
    name: String,
    site: String,
    address: IpAddr,
    doors: Doors,
}

impl From<HostRecord> for HostAnswer {
    fn from(record: HostRecord) -> Self {
        Self {
            id: record.host.id,
            name: record.host.name,
            site: record.host.site.name,
            address: record.host.public_address,
            doors: record.host.facts.doors,
        }
    }
}

async fn begin(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Path(token): Path<String>,
    Body(body): Body<BeginBody>,
) -> Result<Json<BeginAnswer>, Problem> {
    count(&app, peer, &token)?;
    let new = body.new;
    let who = body.name.map(|name| match Name::entered(&name) {
        Ok(name) => Ok(Visitor { name, new }),
        Err(wrong) => Err(ActionError::invalid(
            "name",
            wrong.value,
            "1 to 40 characters that can be seen",
        )),
    });
    let who = who.transpose()?;
    let begun = visits::begin_visit(&app, &token, peer.0, who.as_ref()).await?;
    Ok(Json(BeginAnswer {
        nonce: begun.visit.nonce,
        ticket: begun.visit.ticket.reveal().to_owned(),
        samples: SAMPLES_OF_A_VISIT,
        warm_up: WARM_UP_OF_A_VISIT,
        interval_ms: INTERVAL_OF_A_VISIT_MS,
        hosts: begun.hosts.into_iter().map(HostAnswer::from).collect(),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResultBody {
    nonce: String,
    name: String,
    /// They join although others are expected.
    #[serde(default)]
    new: bool,
    /// Absent: nothing is said of pings, and what was said before stays.
    #[serde(default)]
    may_ping: Option<bool>,
    via: Via,
    hosts: Vec<HostBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Via {
    Browser,
    Udp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HostBody {
    id: HostId,
    /// Read, so that a program that says another word is told.
    #[serde(rename = "way")]
    _way: WayBody,
    sent: u32,
    rtts_us: Vec<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum WayBody {
    WebTransport,
    WebRtc,
    WebSocket,
    Udp,
}

#[derive(Serialize)]
struct ResultAnswer {
    player: Name,
    measured: usize,
}

async fn result(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Path(token): Path<String>,
    Body(body): Body<ResultBody>,
) -> Result<Json<ResultAnswer>, Problem> {
    count(&app, peer, &token)?;
    let host = |host: HostBody| BroughtHost {
        id: host.id,
        sent: host.sent,
        rtts_us: host.rtts_us,
    };
    let brought = Brought {
        name: body.name,
        new: body.new,
        via: match body.via {
            Via::Browser => Source::Browser,
            Via::Udp => Source::Udp,
        },
        hosts: body.hosts.into_iter().map(host).collect(),
    };
    let said = match body.may_ping {
        Some(true) => OfPings::Yes,
        Some(false) => OfPings::No,
        None => OfPings::Unsaid,
    };
    let came = visits::end_visit(&app, &token, peer.0, &body.nonce, said, &brought).await?;
    Ok(Json(ResultAnswer {
        player: came.player,
        measured: came.measured,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_may_measure_to_hosts() {
        assert!(content_security_policy().contains("connect-src 'self' https: wss:;"));
    }
}
