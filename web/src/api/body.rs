//! Bodies and paths into types that cannot be wrong, or into a problem that names the field.

use super::Problem;
use crate::domain::Refusal;
use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, OptionalFromRequest, Path, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::not_json());
        }
        let bytes = bytes(request, state).await?;
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Body<T> {
    type Rejection = Problem;
    /// Nothing at all is no body, whatever it is said to be.
    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let json = is_json(request.headers());
        let bytes = bytes(request, state).await?;
        match (bytes.is_empty(), json) {
            (true, _) => Ok(None),
            (false, true) => parse(&bytes).map(|body| Some(Self(body))),
            (false, false) => Err(Problem::not_json()),
        }
    }
}

/// Reads a whole body, up to the limit of its route.
pub(crate) async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| too_large_or_broken(&rejection))
}

impl Problem {
    fn not_json() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Send JSON: Content-Type: application/json",
        )
    }
}

fn too_large_or_broken(rejection: &BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The body is larger than this path takes.",
        ),
        _ => Problem::new(StatusCode::BAD_REQUEST, "The body did not come whole."),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Reads JSON; what cannot be taken is named by its path in the body.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("The body is not JSON: {error}.")))?;
    serde_path_to_error::deserialize(&value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "" } else { path.as_str() };
        Problem::invalid(vec![refusal(&value, path, &error.inner().to_string())])
    })
}

/// What serde says of a field, as whoever sent it can use it.
fn refusal(body: &Value, path: &str, said: &str) -> Refusal {
    let named = |start: &str| said.strip_prefix(start).and_then(|rest| rest.split('`').next());
    if let Some(name) = named("missing field `") {
        let field = if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        };
        return Refusal::new(field, "(absent)", "this field is needed");
    }
    let field = if path.is_empty() { "body" } else { path };
    if is_secret(field) {
        return Refusal::new(field, "(not shown)", "a text");
    }
    let expected = match said.rsplit_once(", expected ") {
        Some((_, fields)) if said.starts_with("unknown field") => {
            let fields = fields.strip_prefix("one of ").unwrap_or(fields);
            format!("no field of this name; there are {fields}")
        }
        Some((_, what)) => in_words(what).to_owned(),
        None if said.starts_with("data did not match any variant") => "a number".to_owned(),
        None if said.starts_with("UUID") => format!(
            "an id such as 0199e3a2-7c1b-7a55-8d0e-3f4b5a6c7d8e: {}",
            super::index::lists_ids_of(field)
        ),
        None => said.to_owned(),
    };
    Refusal::new(field, held_at(body, path), expected)
}

/// The kind of a value, as people who send JSON call it. What is said in words already stays.
fn in_words(kind: &str) -> &str {
    match kind {
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "f32" | "f64" => "a number",
        "a string" | "string or map" | "variant identifier" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        _ if kind.starts_with("struct ") => "an object",
        _ if kind.starts_with("enum ") => "a text",
        said => said,
    }
}

/// Whether what a field holds must not be said back, not even to whoever sent it: answers are kept in logs.
fn is_secret(path: &str) -> bool {
    ["token", "secret", "password", "rcon"]
        .iter()
        .any(|word| path.contains(word))
}

/// Characters of a list or an object that are said back.
const LONGEST_SHOWN: usize = 120;

/// What a body held at a path such as `rosters[0].clan`.
fn held_at(body: &Value, path: &str) -> String {
    let steps = path.replace('[', ".").replace(']', "").replace('.', "/");
    let pointer = if steps.is_empty() {
        steps
    } else {
        format!("/{steps}")
    };
    match body.pointer(&pointer) {
        None => "(absent)".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => {
            let text = other.to_string();
            if is_secret(&text) {
                return "(not shown)".into();
            }
            match text.char_indices().nth(LONGEST_SHOWN) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            }
        }
    }
}

/// Ids out of a path. What is no id is no such thing.
#[derive(Debug)]
pub(crate) struct At<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(ids)) => Ok(Self(ids)),
            Err(_) => Err(Problem::not_found(format!(
                "There is nothing at this path: an id in it is not one. {}.",
                super::index::lists_ids_of(parts.uri.path())
            ))),
        }
    }
}

/// 201 with what was made.
pub(crate) fn created<T: Serialize>(body: T) -> Response {
    (StatusCode::CREATED, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Outer {
        rosters: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        clan: u8,
        #[serde(default)]
        password: u8,
    }

    fn refused(text: &str) -> String {
        let problem = parse::<Outer>(text.as_bytes()).unwrap_err();
        serde_json::to_string(&problem).unwrap()
    }

    #[test]
    fn a_wrong_value_is_named_by_its_path() {
        let said = refused(r#"{"rosters": [{"clan": 1}, {"clan": "x"}]}"#);
        assert!(
            said.contains(r#""field":"rosters[1].clan","value":"x""#),
            "{said}"
        );
    }

    #[test]
    fn what_is_no_id_is_told_where_to_find_one() {
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        struct Of {
            clan: crate::domain::ClanId,
        }
        let problem = parse::<Of>(br#"{"clan": "Reds"}"#).unwrap_err();
        let said = serde_json::to_string(&problem).unwrap();
        assert!(said.contains("GET /api/v1/clans lists them"), "{said}");
    }

    #[test]
    fn an_unknown_field_is_named() {
        let said = refused(r#"{"rosters": [], "colour": "red"}"#);
        assert!(said.contains("colour"), "{said}");
    }

    #[test]
    fn what_is_expected_is_said_without_words_of_the_programming_language() {
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        struct All {
            #[serde(default)]
            whole: i64,
            #[serde(default)]
            small: u8,
            #[serde(default)]
            part: f64,
            #[serde(default)]
            text: String,
            #[serde(default)]
            is: bool,
            #[serde(default)]
            list: Vec<Inner>,
            role: Option<vmatrix_placement::Role>,
        }
        let cases = [
            ("whole", r#""x""#, "a whole number"),
            ("whole", "1.5", "a whole number"),
            ("small", "300", "a whole number from 0 to 255"),
            ("part", r#""x""#, "a number"),
            ("text", "7", "a text"),
            ("is", "7", "true or false"),
            ("list", "{}", "a list"),
            ("list[0]", "[7]", "an object"),
            ("role", "7", "a text"),
        ];
        for (field, value, expected) in cases {
            let name = field.split('[').next().unwrap();
            let problem = parse::<All>(format!(r#"{{"{name}": {value}}}"#).as_bytes()).unwrap_err();
            let said = serde_json::to_string(&problem).unwrap();
            let told = format!(r#""field":"{field}","#);
            assert!(
                said.contains(&told) && said.contains(&format!(r#""expected":"{expected}""#)),
                "{said}"
            );
        }
        let body = parse::<All>(b"[]").unwrap_err();
        assert!(
            serde_json::to_string(&body).unwrap().contains("an object"),
            "{body:?}"
        );
    }

    #[test]
    fn a_secret_is_not_said_back() {
        let said = refused(r#"{"rosters": [{"clan": 1, "password": "hunter2"}]}"#);
        assert!(
            said.contains("rosters[0].password") && !said.contains("hunter2"),
            "{said}"
        );
    }

    #[test]
    fn what_is_no_json_is_a_bad_request() {
        assert!(refused("{").contains("400"));
    }
}
