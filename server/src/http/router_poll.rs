//! Where routers ask that nothing can reach from outside. What a router and the server say to each other is read and
//! written by `billing::access::pull`.

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use billing::{Billing, access::pull::PollError};

use super::error::ApiError;

/// A router asks what to do and says what it has. Its key is in the `Authorization` header.
#[utoipa::path(post, path = "/api/router/poll/{router}", tag = "routers", request_body(content = String, content_type = "text/plain"), params(("router" = String, Path)), responses(
    (status = 200, body = String, content_type = "text/plain"), (status = 400, description = "the report is not whole", body = app::api::ErrorBody),
    (status = 401, description = "no such router, or the wrong key", body = app::api::ErrorBody),
    (status = 413, body = app::api::ErrorBody), (status = 429, body = app::api::ErrorBody), (status = 503, body = app::api::ErrorBody)
))]
pub(super) async fn poll(
    State(billing): State<Billing>,
    Path(router): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    // Boards and comments may be in whatever letters the router knows.
    let body = String::from_utf8_lossy(&body);
    let answer = billing.answer_poll(&router, shown, &body).await?;
    let plain = [(header::CONTENT_TYPE, "text/plain"), (header::CACHE_CONTROL, "no-store")];
    Ok((plain, answer).into_response())
}

impl From<PollError> for ApiError {
    fn from(error: PollError) -> Self {
        match error {
            PollError::Unknown | PollError::Sealed => {
                Self::new(StatusCode::UNAUTHORIZED, "unknown_router", "The router or its key is not known.")
            }
            PollError::TooOften { retry_after_secs } => {
                Self::too_many(retry_after_secs, "The router asks too often. Please wait.")
            }
            PollError::Unreadable => Self::bad_request("unreadable_report", "The report cannot be read."),
            PollError::Store(error) => error.into(),
        }
    }
}
