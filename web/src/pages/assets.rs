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

    /// Relative luminance of `#rrggbb`, as WCAG defines it.
    fn luminance(colour: &str) -> f64 {
        let part = |n: usize| f64::from(u8::from_str_radix(&colour[n..n + 2], 16).unwrap()) / 255.0;
        let linear = |c: f64| {
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(part(1)) + 0.7152 * linear(part(3)) + 0.0722 * linear(part(5))
    }

    #[test]
    fn text_is_readable_on_its_ground_by_day_and_by_night() {
        let css = Files::get("css/base.css").unwrap().data;
        let css = std::str::from_utf8(&css).unwrap();
        let mut colours = BTreeMap::new();
        for root in css.split(":root {").skip(1) {
            let lines = root.split('}').next().unwrap().lines();
            colours.extend(lines.filter_map(|line| {
                let (name, value) = line.trim().strip_prefix("--")?.split_once(": #")?;
                Some((name, format!("#{}", value.trim_end_matches(';'))))
            }));
            let of = |name: &str| luminance(&colours[name]);
            let pairs = [
                ("ink", "paper"),
                ("ink", "accent-wash"),
                ("ink", "warn-wash"),
                ("ink", "bad-wash"),
                ("soft", "paper"),
                ("soft", "card"),
                ("soft", "sunk"),
                ("soft", "accent-wash"),
                ("accent", "paper"),
                ("accent", "card"),
                ("accent", "warn-wash"),
                ("accent-ink", "accent"),
                ("good", "accent-wash"),
                ("warn", "warn-wash"),
                ("bad", "bad-wash"),
                ("bad", "card"),
                ("home", "accent-wash"),
                ("away", "accent-wash"),
            ];
            for (text, ground) in pairs {
                let (a, b) = (of(text).max(of(ground)), of(text).min(of(ground)));
                let contrast = (a + 0.05) / (b + 0.05);
                assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
            }
        }
    }
}
