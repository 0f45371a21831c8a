//! What browsers are told about every answer.

use crate::pages::CONTENT_SECURITY_POLICY;
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

/// Sets what the handler has not set itself.
pub(super) async fn security(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    unless_set(headers, header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    unless_set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    unless_set(headers, header::X_FRAME_OPTIONS, "DENY");
    // A link's token stands in the path: other websites must not learn it from the browser.
    unless_set(headers, header::REFERRER_POLICY, "same-origin");
    unless_set(
        headers,
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    unless_set(headers, header::CACHE_CONTROL, "no-store");
    response
}

fn unless_set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
