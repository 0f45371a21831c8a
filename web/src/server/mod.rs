//! The whole of what the server answers: pages, API, agents, health; and the layers around them.
//!
//! ```text
//!   every request    id, trace, panics caught, figures, security headers, time limit
//!     pages, ops     compression, session, errors as pages, sign-in limit, CSRF protection, panics caught
//!     api            bearer tokens, compression
//!     agents         bearer secrets, enrolment limit; never compressed: chunks are, and orders must not wait
//!     health         nothing
//! ```

mod headers;
mod health;
mod https;
mod limit;
mod trace;

pub use health::collect;
pub use https::{BadCertificate, Files};

use crate::{
    agents, api, app::App, auth::session, domain::limits::HEAD_WITHIN, ops, pages, pages::error::PageError,
};
use axum::{
    Router,
    http::{Response, StatusCode},
    middleware::{from_fn, from_fn_with_state},
    response::IntoResponse,
    routing::get,
};
use axum_server::{
    Handle, Server,
    accept::NoDelayAcceptor,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto,
};
use limit::Limits;
use std::{any::Any, io, net::SocketAddr, time::Duration};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, Predicate},
    },
    csrf::CsrfLayer,
    timeout::TimeoutLayer,
};

/// How long a handler may take: longer than agents' long polls are held. What streams afterwards is not counted.
const TIME_LIMIT: Duration = Duration::from_secs(vmatrix_wire::HOLD_SECONDS + 10);
/// How long requests under way may go on when the server is told to stop.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How the server is reached.
#[derive(Debug, Clone, Copy, Default)]
pub struct Edge {
    /// Browsers come by https: cookies are sent that way only.
    pub secure: bool,
    /// A reverse proxy stands in front: the last address of `x-forwarded-for` is who asks.
    pub behind_proxy: bool,
}

/// Everything that is answered.
pub fn router(app: App, edge: Edge) -> Router {
    let limits = Limits::new(edge.behind_proxy);
    let pages = pages::router()
        .merge(ops::router())
        .method_not_allowed_fallback(pages::error::wrong_method)
        .layer(CatchPanicLayer::custom(page_panicked))
        .layer(csrf(&app.settings.public_url))
        .layer(from_fn_with_state(limits.clone(), limit::sign_in))
        .layer(from_fn_with_state(app.clone(), pages::error::with_chrome))
        .layer(session::layer(&app, edge.secure))
        .layer(compression());
    let agents = agents::router().layer(from_fn_with_state(limits, limit::enrolment));
    let health = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics));
    let layers = ServiceBuilder::new()
        .layer(trace::set_id())
        .layer(trace::layer())
        .layer(trace::propagate_id())
        .layer(from_fn(headers::security))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(trace::count))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIME_LIMIT,
        ));
    Router::new()
        .nest("/api/v1", api::router().layer(compression()))
        .nest("/agent/v1", agents)
        .merge(health)
        .merge(pages)
        .layer(layers)
        .with_state(app)
}

/// Not what is streamed as it happens, nor what is compressed already.
fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new().compress_when(DefaultPredicate::new())
}

/// A form of another website, sent by a browser of ours, is refused.
fn csrf(
    public_url: &str,
) -> CsrfLayer<impl tower_http::csrf::ResponseForProtectionError<axum::body::Body> + use<>> {
    let layer = CsrfLayer::new();
    // Behind a proxy that does not keep `Host`, the browser's `Origin` is still this.
    let layer = match layer.clone().add_trusted_origin(public_url) {
        Ok(trusting) => trusting,
        Err(error) => {
            tracing::warn!(%error, "the public URL is not trusted as an origin");
            layer
        }
    };
    layer.with_rejection_response(|_| {
        PageError::forbidden("This form was sent by another website. Open the page here and send it again.")
            .into_response()
    })
}

fn words_of<'a>(cause: &'a (dyn Any + Send + 'static)) -> &'a str {
    cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

#[allow(clippy::needless_pass_by_value)]
fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response<axum::body::Body> {
    api::Problem::internal(&format_args!("panic: {}", words_of(&*cause))).into_response()
}

#[allow(clippy::needless_pass_by_value)]
fn page_panicked(cause: Box<dyn Any + Send + 'static>) -> Response<axum::body::Body> {
    PageError::internal(&format_args!("panic: {}", words_of(&*cause))).into_response()
}

/// A connection that says nothing, or too slowly, is not kept.
fn set_patience(http: &mut auto::Builder<TokioExecutor>) {
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN);
}

/// Answers on `listener` until `stop`; then requests under way get a moment to end. With a certificate it speaks https.
///
/// # Errors
/// If the listener breaks.
pub async fn serve(
    app: App,
    edge: Edge,
    listener: TcpListener,
    certificate: Option<RustlsConfig>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let handle = Handle::<SocketAddr>::new();
    let server = Server::from_listener(listener)
        // Orders are small and wanted at once: not to be held back for more bytes.
        .acceptor(NoDelayAcceptor)
        // To tell HTTP/2 apart the first bytes would be waited for without an end.
        .http1_only()
        .handle(handle.clone());
    let service = router(app, edge).into_make_service_with_connect_info::<SocketAddr>();
    let serving = async {
        match certificate {
            None => {
                let mut server = server;
                set_patience(server.http_builder());
                server.serve(service).await
            }
            Some(certificate) => {
                let tls = RustlsAcceptor::new(certificate);
                let mut server = server.acceptor(tls.acceptor(NoDelayAcceptor));
                set_patience(server.http_builder());
                server.serve(service).await
            }
        }
    };
    let stopping = async {
        stop.await;
        // Long polls and live pages never end by themselves.
        handle.graceful_shutdown(Some(LAST_WORDS));
        std::future::pending().await
    };
    tokio::select! {
        done = serving => done,
        never = stopping => never,
    }
}

#[cfg(test)]
#[path = "patience_tests.rs"]
mod tests;
