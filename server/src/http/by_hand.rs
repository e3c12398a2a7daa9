//! Where Daraja reports payments made by hand (C2B) and answers our questions about transactions. The paths are
//! neutral, because Safaricom bans some words in them, and end in a secret.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
};
use billing::Billing;
use daraja::c2b::ValidationReply;
use serde::Serialize;
use utoipa::ToSchema;

use super::{callback::source, error::ApiError, extract::body_error, request::Origin};

/// What Daraja expects to hear about a confirmation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Confirmed {
    #[serde(rename = "ResultCode")]
    result_code: u8,
    #[serde(rename = "ResultDesc")]
    result_desc: &'static str,
}

const CONFIRMED: Json<Confirmed> = Json(Confirmed { result_code: 0, result_desc: "Success" });

/// Money that was paid by hand, or the echo of a prompt. Answered once it is stored.
#[utoipa::path(post, path = "/api/pay/c2b/confirm/{token}", tag = "mpesa", request_body(content = String, content_type = "application/json"), params(("token" = String, Path)), responses(
    (status = 200, body = Confirmed), (status = 403, body = app::api::ErrorBody), (status = 404, body = app::api::ErrorBody),
    (status = 413, body = app::api::ErrorBody), (status = 503, body = app::api::ErrorBody)
))]
pub(super) async fn confirm(
    State(billing): State<Billing>,
    Origin { ip, .. }: Origin,
    Path(token): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Confirmed>, ApiError> {
    let body = body.map_err(|rejection| body_error(&rejection))?;
    billing.receive_c2b_confirmation(&token, &body, source(ip)).await?;
    Ok(CONFIRMED)
}

/// A payment that is about to be made by hand: `{"ResultCode":"0"}` takes it, `C2B00012` refuses an account number that
/// is nobody's. Answered within three seconds, in doubt with yes.
#[utoipa::path(post, path = "/api/pay/c2b/validate/{token}", tag = "mpesa", request_body(content = String, content_type = "application/json"), params(("token" = String, Path)), responses(
    (status = 200, description = "ResultCode, ResultDesc"), (status = 403, body = app::api::ErrorBody),
    (status = 404, body = app::api::ErrorBody), (status = 413, body = app::api::ErrorBody)
))]
pub(super) async fn validate(
    State(billing): State<Billing>,
    Origin { ip, .. }: Origin,
    Path(token): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<ValidationReply>, ApiError> {
    let body = body.map_err(|rejection| body_error(&rejection))?;
    let verdict = billing.validate_c2b(&token, &body, source(ip)).await?;
    Ok(Json(ValidationReply::new(verdict, None)))
}

/// The answer to a question about a transaction, or to a reversal; its secret is good for that one question.
#[utoipa::path(post, path = "/api/pay/result/{token}", tag = "mpesa", request_body(content = String, content_type = "application/json"), params(("token" = String, Path)), responses(
    (status = 200, body = Confirmed), (status = 404, body = app::api::ErrorBody), (status = 503, body = app::api::ErrorBody)
))]
pub(super) async fn result(
    State(billing): State<Billing>,
    Origin { ip, .. }: Origin,
    Path(token): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Confirmed>, ApiError> {
    let body = body.map_err(|rejection| body_error(&rejection))?;
    billing.receive_result(&token, &body, source(ip)).await?;
    Ok(CONFIRMED)
}

/// M-Pesa had no answer in time.
#[utoipa::path(post, path = "/api/pay/timeout/{token}", tag = "mpesa", request_body(content = String, content_type = "application/json"), params(("token" = String, Path)), responses(
    (status = 200, body = Confirmed), (status = 404, body = app::api::ErrorBody), (status = 503, body = app::api::ErrorBody)
))]
pub(super) async fn timeout(
    State(billing): State<Billing>,
    Origin { ip, .. }: Origin,
    Path(token): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Confirmed>, ApiError> {
    let body = body.map_err(|rejection| body_error(&rejection))?;
    billing.receive_timeout(&token, &body, source(ip)).await?;
    Ok(CONFIRMED)
}
