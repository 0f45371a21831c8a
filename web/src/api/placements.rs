//! Where a match would be fair: the engine's answer to values in the body, as `vmatrix place --json` gives it to a file.

use super::{Problem, body::Body, policy::named_or_whole, rtt::Rtt};
use crate::{
    actions::placements,
    app::App,
    auth::Viewer,
    domain::{
        Refusal,
        limits::{BODY_OF_A_PREVIEW, LETTERS_OF_A_PREVIEWED_NAME, PEOPLE_OF_A_PREVIEW, VALUES_OF_A_PREVIEW},
    },
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use vmatrix_placement::{
    BadMatrix, Host, Inputs, Matrix, Player, Policy, Role, Side, Weight, read::check_name,
};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/placements:preview", post(preview))
        .layer(DefaultBodyLimit::max(BODY_OF_A_PREVIEW))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PreviewBody {
    /// Name of a preset, or the whole rule; the thesis's if absent.
    #[serde(default, deserialize_with = "named_or_whole")]
    policy: Policy,
    players: Vec<PlayerBody>,
    hosts: Vec<String>,
    /// A row per host, a value per player; `null` is unknown.
    rtt_ms: Vec<Vec<Option<Rtt>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlayerBody {
    name: String,
    side: Option<Side>,
    #[serde(default)]
    role: Role,
    /// Per cent of a player, for coaches and casters.
    #[serde(default)]
    weight: Weight,
    /// Their own cap.
    cap_ms: Option<Rtt>,
}

async fn preview(Viewer(user): Viewer, Body(body): Body<PreviewBody>) -> Result<Response, Problem> {
    let report = placements::preview(&user, body.try_into()?).await?;
    Ok(([(CONTENT_TYPE, "application/json")], report).into_response())
}

impl TryFrom<PreviewBody> for Inputs {
    type Error = Problem;
    fn try_from(body: PreviewBody) -> Result<Self, Problem> {
        check_size(body.players.len(), body.hosts.len())?;
        check_names(&body)?;
        let lengths: Vec<usize> = body.rtt_ms.iter().map(Vec::len).collect();
        let host = |name: String| Host {
            id: name.clone(),
            name,
        };
        let row = |row: Vec<Option<Rtt>>| row.into_iter().map(|rtt| rtt.map(|rtt| rtt.0)).collect();
        let matrix = Matrix::new(
            body.players.into_iter().map(player).collect(),
            body.hosts.into_iter().map(host).collect(),
            body.rtt_ms.into_iter().map(row).collect(),
        );
        Ok(Self {
            policy: body.policy,
            matrix: matrix.map_err(|bad| Problem::invalid(vec![refusal(&bad, &lengths)]))?,
            states: Vec::new(),
        })
    }
}

/// Whether the answer would be of a size that can be computed and sent.
fn check_size(people: usize, hosts: usize) -> Result<(), Problem> {
    if people > PEOPLE_OF_A_PREVIEW {
        let expected = format!("at most {PEOPLE_OF_A_PREVIEW} people");
        let refusal = Refusal::new("players", format!("{people} people"), expected);
        return Err(Problem::invalid(vec![refusal]));
    }
    let values = hosts.saturating_mul(people);
    if values > VALUES_OF_A_PREVIEW {
        let value = format!("{values} values, of {hosts} hosts to {people} people");
        let expected =
            format!("at most {VALUES_OF_A_PREVIEW} values: fewer hosts; vmatrix place has no such limit");
        return Err(Problem::invalid(vec![Refusal::new("hosts", value, expected)]));
    }
    Ok(())
}

fn check_names(body: &PreviewBody) -> Result<(), Problem> {
    let people = (0..)
        .zip(&body.players)
        .map(|(at, player)| (format!("players[{at}].name"), &player.name));
    let hosts = (0..)
        .zip(&body.hosts)
        .map(|(at, host)| (format!("hosts[{at}]"), host));
    let wrong = people.chain(hosts).filter_map(|(field, name)| {
        let letters = name.chars().count();
        let expected = if letters > LETTERS_OF_A_PREVIEWED_NAME {
            format!("a name of at most {LETTERS_OF_A_PREVIEWED_NAME} characters; this one has {letters}")
        } else {
            format!("another name: {}", check_name(name).err()?)
        };
        Some(Refusal::new(field, name, expected))
    });
    let wrong: Vec<Refusal> = wrong.collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(wrong))
    }
}

fn player(body: PlayerBody) -> Player {
    let mut player = Player::new(body.name.clone(), body.name, body.side).with_role(body.role);
    player.weight = body.weight;
    player.cap = body.cap_ms.map(|cap| cap.0);
    player
}

/// Names the field that is wrong.
fn refusal(bad: &BadMatrix, lengths: &[usize]) -> Refusal {
    let said = bad.to_string();
    match bad {
        BadMatrix::NoPlayers => Refusal::new("players", "(none)", "at least two who play"),
        BadMatrix::NoHosts => Refusal::new("hosts", "(none)", "at least one"),
        BadMatrix::OnePlayer { player } | BadMatrix::Sideless { player } => {
            Refusal::new("players", player, said)
        }
        BadMatrix::OneSided { .. } => Refusal::new("players", "(one side)", said),
        BadMatrix::TooManyPlayers { players } => Refusal::new("players", players, said),
        BadMatrix::SamePlayer { id, at } => Refusal::new(format!("players[{}].name", at[1]), id, said),
        BadMatrix::SameHost { id, at } => Refusal::new(format!("hosts[{}]", at[1]), id, said),
        BadMatrix::Rows { rows, hosts } => Refusal::new(
            "rtt_ms",
            format!("{rows} rows"),
            format!("a row for each of the {hosts} hosts"),
        ),
        BadMatrix::Ragged { found, players, .. } => {
            let row = lengths
                .iter()
                .position(|length| length != players)
                .unwrap_or_default();
            let expected = format!("a value for each of the {players} players, null if unknown");
            Refusal::new(format!("rtt_ms[{row}]"), format!("{found} values"), expected)
        }
    }
}
