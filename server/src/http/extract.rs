//! Extractors whose refusals are the error envelope and name the field that is wrong.

use std::str::FromStr;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::BytesRejection},
    http::{StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// A JSON body.
#[derive(Debug)]
pub(crate) struct ApiJson<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        if !is_json(request.headers()) {
            let message = "Send the request as JSON, with Content-Type: application/json.";
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", message));
        }
        let body = Bytes::from_request(request, state).await.map_err(|rejection| body_error(&rejection))?;
        let mut deserializer = serde_json::Deserializer::from_slice(&body);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| json_error(&error))?;
        deserializer
            .end()
            .map_err(|_| ApiError::bad_request("invalid_json", "The JSON has something after its end."))?;
        Ok(Self(value))
    }
}

fn is_json(headers: &axum::http::HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
    })
}

/// Over the limit, or the connection broke.
pub(super) fn body_error(rejection: &BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE { ApiError::too_large() } else { ApiError::cut_body() }
}

fn json_error(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    if !error.inner().is_data() {
        return ApiError::bad_request("invalid_json", "The request is not valid JSON.");
    }
    let path = error.path().to_string();
    let message = error.inner().to_string();
    // A missing field is reported at the object it is missing from, with its name in the text.
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()).map(str::to_owned);
    let (code, message, field) = match missing {
        Some(name) => ("missing_field", format!("{name} is missing."), Some(name)),
        None if path == "." => ("invalid_json", "The request should be a JSON object.".to_owned(), None),
        None => ("invalid_field", format!("{path} has the wrong type."), Some(path)),
    };
    let error = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, message);
    match field {
        Some(field) => error.with_field(field),
        None => error,
    }
}

/// What the variable part of an address names. What cannot be read as a name of its kind names nothing: `404`.
#[derive(Debug)]
pub(crate) struct Named<T>(pub(crate) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| ApiError::not_found())?;
        named(&text).map(Self)
    }
}

/// The same for one of several parts.
pub(crate) fn named<T: FromStr>(text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|_| ApiError::not_found())
}

/// Query parameters.
#[derive(Debug)]
pub(crate) struct ApiQuery<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Query::from_request_parts(parts, state)
            .await
            .map(|Query(value)| Self(value))
            .map_err(|_| ApiError::bad_request("invalid_query", "The address has a part that is not understood."))
    }
}
