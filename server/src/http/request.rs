//! What every request gets first: an id, the client's address, a log span, a line in the log and its
//! metrics. Paths are logged as route patterns, because some addresses carry secrets.

use std::{
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
    middleware::Next,
    response::Response,
};
use tracing::Instrument as _;

use super::{AppState, client_ip::client_ip, error::ApiError};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Who asks, and under which id the request is logged.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// At most 36 characters; also stored with a payment.
    pub(crate) request_id: String,
    /// The client's address behind trusted proxies.
    pub(crate) ip: IpAddr,
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::internal)
    }
}

/// Middleware around every route.
pub(super) async fn trace(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let peer = peer.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)));
    let origin = Origin {
        request_id: accepted_id(request.headers()).unwrap_or_else(|| state.new_request_id()),
        ip: client_ip(peer, request.headers(), &state.config().http.trusted_proxies),
    };
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let span =
        tracing::info_span!("request", request.id = %origin.request_id, http.method = %method, http.route = %route);
    let id = HeaderValue::from_str(&origin.request_id).ok();
    request.extensions_mut().insert(origin);

    let mut response = next.run(request).instrument(span.clone()).await;

    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let status = response.status();
    let elapsed = started.elapsed();
    span.in_scope(|| {
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        if status.is_server_error() {
            tracing::warn!(http.status = status.as_u16(), elapsed_ms, "answered");
        } else if is_quiet(&route) {
            tracing::debug!(http.status = status.as_u16(), elapsed_ms, "answered");
        } else {
            tracing::info!(http.status = status.as_u16(), elapsed_ms, "answered");
        }
    });
    let labels =
        [("route", route), ("method", method_label(&method).to_owned()), ("status", status.as_str().to_owned())];
    metrics::counter!("bando_http_requests_total", &labels).increment(1);
    metrics::histogram!("bando_http_request_duration_seconds", &labels[..1]).record(elapsed.as_secs_f64());
    response
}

/// A client may choose the id if it is short and plain, so that logs of several programs can be joined.
fn accepted_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(&REQUEST_ID)?.to_str().ok()?;
    let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    ((8..=36).contains(&id.len()) && is_plain).then(|| id.to_owned())
}

/// Methods are free text on the wire; only the known ones become labels.
fn method_label(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Asked every few seconds by machines and waiting pages: not worth a line each.
fn is_quiet(route: &str) -> bool {
    matches!(route, "/healthz" | "/readyz" | "/metrics" | "/api/user/status" | "/assets/{*path}" | "/r/{key}/{what}")
}
