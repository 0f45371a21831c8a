//! What there is, for whoever comes without a map: no token is needed to read it.

use crate::app::App;
use axum::{Json, Router, extract::State, routing::get};
use serde_json::{Value, json};

pub(super) fn router() -> Router<App> {
    Router::new().route("/", get(index))
}

/// Path below `/api/v1`, and what is there. `docs/api.md` says each verb.
const LISTS: [(&str, &str, &str); 12] = [
    (
        "clans",
        "/clans",
        "GET, POST; players below /clans/{clan}/players, and /vouch below each",
    ),
    (
        "matches",
        "/matches",
        "GET, POST; /matches/{id}/rosters/{clan}, /player-links, /end, /retry, /rematch and /report",
    ),
    ("images", "/images", "GET: what can be booked"),
    (
        "nest",
        "/nest/missing",
        "POST: operators; PUT /nest/chunks/{digest} and /nest/manifests/{digest}",
    ),
    (
        "placements",
        "/placements:preview",
        "POST: where a match would be fair; nothing is booked",
    ),
    ("tokens", "/tokens", "GET, POST, DELETE: your own"),
    ("invitations", "/invitations", "POST: a link for a clan's captain"),
    (
        "hosts",
        "/hosts",
        "GET: organisers and operators; DELETE: operators",
    ),
    (
        "latency",
        "/latency",
        "GET ?from=ADDRESS&to=ADDRESS: organisers and operators",
    ),
    (
        "services",
        "/services",
        "GET: organisers and operators; POST, DELETE, /suspend and /wake: operators",
    ),
    ("users", "/users", "GET, POST: operators"),
    ("join_tokens", "/join-tokens", "POST: operators"),
];

async fn index(State(app): State<App>) -> Json<Value> {
    let base = format!("{}/api/v1", app.settings.public_url);
    let list = |(name, path, what): (&str, &str, &str)| {
        let link = json!({ "href": format!("{base}{path}"), "what": what });
        (name.to_owned(), link)
    };
    Json(json!({
        "name": "vMatrix",
        "version": env!("CARGO_PKG_VERSION"),
        "authorization": "Authorization: Bearer TOKEN; make one on the page Account",
        "account": format!("{}/account", app.settings.public_url),
        "links": LISTS.into_iter().map(list).collect::<serde_json::Map<_, _>>(),
    }))
}

/// Where ids of the kind are found that a field such as `rosters[0].clan` or a path such as `/clans/x/players` wants.
pub(super) fn lists_ids_of(place: &str) -> &'static str {
    let kinds = [
        ("players", "GET /api/v1/clans/CLAN/players lists them"),
        (
            "rosters/",
            "GET /api/v1/clans lists clans, GET /api/v1/matches matches",
        ),
        ("clan", "GET /api/v1/clans lists them"),
        ("match", "GET /api/v1/matches lists them"),
        ("hosts", "GET /api/v1/hosts lists them"),
        ("service", "GET /api/v1/services lists them"),
        ("token", "GET /api/v1/tokens lists them"),
    ];
    let found = kinds.iter().find(|(word, _)| place.contains(word));
    found.map_or("GET /api/v1 says where ids are found", |(_, says)| says)
}

#[cfg(test)]
mod tests {
    use super::lists_ids_of;

    #[test]
    fn ids_are_found_by_kind() {
        for (place, list) in [
            ("rosters[0].clan", "/clans lists"),
            ("rosters[1].players[0]", "/players lists"),
            ("/clans/x", "/clans lists"),
            ("/clans/x/players/y", "/players lists"),
            ("/matches/x/rosters/y", "/clans lists"),
            ("/matches/x", "/matches lists"),
            ("/hosts/x", "/hosts lists"),
            ("/services/x/wake", "/services lists"),
            ("id", "GET /api/v1 says"),
        ] {
            assert!(
                lists_ids_of(place).contains(list),
                "{place}: {}",
                lists_ids_of(place)
            );
        }
    }
}
