//! Files of `static/`, embedded, under names that carry their content's digest: cached for a year, never stale.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::{collections::BTreeMap, sync::LazyLock};

#[derive(RustEmbed)]
#[folder = "../static"]
struct Files;

/// Path of each file to its URL.
static URLS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    Files::iter()
        .filter_map(|path| {
            Some((
                path.to_string(),
                format!("/static/{}/{path}", tag(&Files::get(&path)?)),
            ))
        })
        .collect()
});

/// Where a browser finds a file of `static/`, such as `css/base.css`.
pub(crate) fn url(path: &str) -> &str {
    URLS.get(path).map_or("/static/missing", String::as_str)
}

fn tag(file: &EmbeddedFile) -> String {
    file.metadata
        .sha256_hash()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// `GET /static/{tag}/{path}`. Under an old tag the present file is served, to be asked for again each time.
pub(crate) async fn serve(Path((asked, path)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(file) = Files::get(&path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = tag(&file);
    let caching = if asked == tag {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let etag = format!("\"{tag}\"");
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|seen| seen.as_bytes() == etag.as_bytes());
    let mut answer = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        file.data.into_owned().into_response()
    };
    let out = answer.headers_mut();
    out.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(content_type(&path)),
    );
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    if let Ok(value) = HeaderValue::from_str(&etag) {
        out.insert(header::ETAG, value);
    }
    answer
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(path: &str, etag: Option<&str>) -> Response {
        let (tag, file) = path.trim_start_matches("/static/").split_once('/').unwrap();
        let mut headers = HeaderMap::new();
        if let Some(etag) = etag {
            headers.insert(header::IF_NONE_MATCH, etag.parse().unwrap());
        }
        serve(Path((tag.to_owned(), file.to_owned())), headers).await
    }

    #[tokio::test]
    async fn a_file_is_cached_for_ever_under_its_own_tag_only() {
        let url = url("css/base.css");
        assert_eq!(
            get(url, None).await.headers()["cache-control"],
            "public, max-age=31536000, immutable"
        );
        assert_eq!(
            get("/static/0123/css/base.css", None).await.headers()["cache-control"],
            "no-cache"
        );
    }

    #[tokio::test]
    async fn a_file_that_the_browser_has_is_not_sent_again() {
        let url = url("css/base.css");
        let etag = get(url, None).await.headers()["etag"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(get(url, Some(&etag)).await.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(get(url, Some("\"other\"")).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found() {
        assert_eq!(
            get("/static/0/../Cargo.toml", None).await.status(),
            StatusCode::NOT_FOUND
        );
    }

    #[test]
    fn every_file_that_a_template_names_is_there() {
        for path in [
            "css/base.css",
            "css/parts.css",
            "css/match.css",
            "live.js",
            "icon.svg",
        ] {
            assert!(url(path).ends_with(path), "{path} is missing");
        }
    }
}
