//! The one error envelope. Whatever goes wrong, the answer is `{"error":{"code","message","field"}}` with a
//! fitting status; what went wrong inside is logged here, once, and never sent.

use std::borrow::Cow;

use app::api::{ErrorBody, ErrorDetail};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// How soon a client should try again when the database is away or the server is busy.
pub(crate) const RETRY_SECS: u64 = 3;

/// An answer other than success.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    retry_after_secs: Option<u64>,
}

impl ApiError {
    /// An error of any kind.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), field: None, retry_after_secs: None }
    }

    /// `400`: the request cannot be read.
    pub(crate) fn bad_request(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// `401`: nobody is logged in.
    #[must_use]
    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not_logged_in", "Please log in.")
    }

    /// `403`.
    pub(crate) fn forbidden(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// `404`.
    #[must_use]
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")
    }

    /// `403`: the owner keeps this device out.
    pub(crate) fn blocked() -> Self {
        Self::forbidden("device_blocked", billing::live::BLOCKED)
    }

    /// `422`: a field can be read but not accepted.
    pub(crate) fn invalid(field: &'static str, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message).with_field(field)
    }

    /// `413`: the body is longer than is taken here.
    #[must_use]
    pub(crate) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The request is too large.")
    }

    /// `400`: the connection broke in the middle of the body.
    #[must_use]
    pub(crate) fn cut_body() -> Self {
        Self::bad_request("unreadable_body", "The request could not be read to its end.")
    }

    /// `429`: try again in so many seconds.
    pub(crate) fn too_many(retry_after_secs: u64, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message).with_retry_after(retry_after_secs)
    }

    /// `503`: busy, or the database is away.
    pub(crate) fn unavailable(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message).with_retry_after(RETRY_SECS)
    }

    /// `503` while the database cannot be reached or is being prepared.
    #[must_use]
    pub(crate) fn database_away() -> Self {
        Self::unavailable("database_unavailable", "The service is not available for a moment. Please try again.")
    }

    /// `500`: our fault. The reason was logged.
    #[must_use]
    pub(crate) fn internal() -> Self {
        let message = "Something went wrong on our side. Please try again.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// Names the field that is wrong.
    #[must_use]
    pub(crate) fn with_field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub(crate) fn with_retry_after(mut self, secs: u64) -> Self {
        self.retry_after_secs = Some(secs.max(1));
        self
    }

    /// The status of the answer.
    #[must_use]
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable word for programs.
    #[must_use]
    pub(crate) const fn code(&self) -> &'static str {
        self.code
    }

    /// The words for a person.
    #[must_use]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The field that is wrong, if one is.
    #[must_use]
    pub(crate) fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let detail = ErrorDetail {
            code: self.code.to_owned(),
            message: self.message.into_owned(),
            field: self.field.map(Cow::into_owned),
        };
        let mut response = (self.status, Json(ErrorBody { error: detail })).into_response();
        if let Some(secs) = self.retry_after_secs {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}

/// For everything that is not a route.
pub(super) async fn not_found() -> ApiError {
    ApiError::not_found()
}

/// For routes asked with another method.
pub(super) async fn method_not_allowed() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This address does not answer that method.")
}

impl From<billing::StoreError> for ApiError {
    fn from(error: billing::StoreError) -> Self {
        if error.is_unavailable() {
            tracing::warn!(error = %crate::database::chain(&error), "the database is away");
            return Self::database_away();
        }
        tracing::error!(error = %crate::database::chain(&error), "the database did not do what was asked");
        Self::internal()
    }
}
