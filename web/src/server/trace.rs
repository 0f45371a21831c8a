//! Ids, log lines and figures of requests. Routes are named by their pattern: a path may hold a link's token.

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, Response},
    middleware::Next,
};
use std::time::{Duration, Instant};
use tower_http::{
    classify::{ServerErrorsAsFailures, SharedClassifier},
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    trace::{MakeSpan, OnResponse, TraceLayer},
};
use tracing::Span;

pub(super) fn set_id() -> SetRequestIdLayer<MakeRequestUuid> {
    SetRequestIdLayer::x_request_id(MakeRequestUuid)
}

pub(super) fn propagate_id() -> PropagateRequestIdLayer {
    PropagateRequestIdLayer::new(HeaderName::from_static("x-request-id"))
}

pub(super) fn layer() -> TraceLayer<SharedClassifier<ServerErrorsAsFailures>, Spans, (), Answered> {
    TraceLayer::new_for_http()
        .make_span_with(Spans)
        .on_request(())
        .on_response(Answered)
}

#[derive(Clone)]
pub(super) struct Spans;

impl<B> MakeSpan<B> for Spans {
    fn make_span(&mut self, request: &axum::http::Request<B>) -> Span {
        let extensions = request.extensions();
        let route = extensions
            .get::<MatchedPath>()
            .map_or("(none)", MatchedPath::as_str);
        let id = extensions
            .get::<RequestId>()
            .and_then(|id| id.header_value().to_str().ok());
        let id = id.unwrap_or_default();
        tracing::info_span!("request", method = %request.method(), route, id)
    }
}

#[derive(Clone)]
pub(super) struct Answered;

impl<B> OnResponse<B> for Answered {
    fn on_response(self, response: &Response<B>, latency: Duration, _: &Span) {
        let ms = latency.as_secs_f64() * 1000.0;
        tracing::debug!(status = response.status().as_u16(), ms, "answered");
    }
}

/// Counts and times what is answered.
pub(super) async fn count(request: Request, next: Next) -> axum::response::Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "(none)".to_owned(), |path| path.as_str().to_owned());
    // A stranger may send any word as method, and a metric is kept for ever.
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    };
    let started = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!("http_requests_total", "method" => method, "route" => route.clone(), "status" => status)
        .increment(1);
    // A long poll's time says nothing but how quiet it is.
    if !route.ends_with("/orders") {
        metrics::histogram!("http_request_seconds", "route" => route).record(started.elapsed().as_secs_f64());
    }
    response
}
