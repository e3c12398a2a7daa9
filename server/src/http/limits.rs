//! Limits on the work in hand. When there is too much, customers' and owners' requests are turned away with
//! a `503` first; M-Pesa's reports have places of their own and are the last to be turned away.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;

use super::error::ApiError;

/// Largest request body anywhere, in bytes.
pub(crate) const BODY_MAX: usize = 64 * 1024;
/// Longest a handler may take, reading the body included.
pub(crate) const HANDLER_MAX: Duration = Duration::from_secs(15);
/// Ordinary requests in hand at once.
pub(crate) const REQUESTS_MAX: usize = 512;
/// M-Pesa's reports in hand at once, beside the ordinary requests.
pub(crate) const CALLBACKS_MAX: usize = 2048;
/// Routers being answered at once, beside everybody else.
pub(crate) const POLLS_MAX: usize = 128;

/// Requests in hand at once of routers that are being connected.
pub(crate) const SETUPS_MAX: usize = 64;

/// Files being sent at once.
pub(crate) const UPLOADS_MAX: usize = 2;
/// Longest sending a file may take, over a slow line.
pub(crate) const UPLOAD_MAX: Duration = Duration::from_secs(120);

/// Places for one class of requests.
#[derive(Debug, Clone)]
pub(crate) struct Places(Arc<Semaphore>);

impl Places {
    /// So many at once.
    #[must_use]
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }
}

/// Middleware: answers `503` at once when no place is free, and after [`HANDLER_MAX`] when it takes too long.
pub(super) async fn limit(places: State<Places>, request: Request, next: Next) -> Response {
    limit_to(HANDLER_MAX, places, request, next).await
}

/// Middleware: the same for files, which take longer.
pub(super) async fn limit_upload(places: State<Places>, request: Request, next: Next) -> Response {
    limit_to(UPLOAD_MAX, places, request, next).await
}

async fn limit_to(longest: Duration, State(places): State<Places>, request: Request, next: Next) -> Response {
    let Ok(_place) = places.0.try_acquire() else {
        metrics::counter!("bando_http_shed_total").increment(1);
        return ApiError::unavailable("busy", "There are too many requests at the moment. Please try again.")
            .into_response();
    };
    match tokio::time::timeout(longest, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::unavailable("too_slow", "This took too long. Please try again.").into_response(),
    }
}

/// Middleware: turns answers that are not in the envelope (body limits, malformed paths, panics) into it.
pub(super) async fn envelope(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_plain_error = (status.is_client_error() || status.is_server_error())
        && response
            .headers()
            .get(axum::http::header::CONTENT_TYPE)
            .is_none_or(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("text/plain")));
    if !is_plain_error {
        return response;
    }
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(),
        StatusCode::NOT_FOUND => ApiError::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => {
            let error = ApiError::new(status, "method_not_allowed", "This address does not answer that method.")
                .into_response();
            return keep_allow(&response, error);
        }
        status if status.is_client_error() => ApiError::new(status, "bad_request", "The request is not understood."),
        _ => ApiError::internal(),
    }
    .into_response()
}

fn keep_allow(from: &Response, mut to: Response) -> Response {
    if let Some(allow) = from.headers().get(axum::http::header::ALLOW) {
        to.headers_mut().insert(axum::http::header::ALLOW, allow.clone());
    }
    to
}
