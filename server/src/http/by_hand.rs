//! Where Daraja reports payments made by hand (C2B) and answers our questions about transactions. The paths are
//! neutral, because Safaricom bans some words in them, and end in a secret.

use axum::{Json, extract::State};
use billing::Billing;
use daraja::c2b::ValidationReply;
use serde::Serialize;
use utoipa::ToSchema;

use super::{error::ApiError, report::Report};

/// What Daraja expects to hear about a confirmation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Confirmed {
    #[serde(rename = "ResultCode")]
    result_code: u8,
    #[serde(rename = "ResultDesc")]
    result_desc: &'static str,
}

const CONFIRMED: Confirmed = Confirmed { result_code: 0, result_desc: "Success" };

/// Money that was paid by hand, or the echo of a prompt. Answered once it is stored.
#[utoipa::path(post, path = "/api/pay/c2b/confirm/{token}", tag = "mpesa", request_body(content = String, content_type = "application/json"), params(("token" = String, Path)), responses(
    (status = 200, body = Confirmed), (status = 403, body = app::api::ErrorBody), (status = 404, body = app::api::ErrorBody),
    (status = 413, body = app::api::ErrorBody), (status = 503, body = app::api::ErrorBody)
))]
pub(super) async fn confirm(State(billing): State<Billing>, report: Report) -> Result<Json<Confirmed>, ApiError> {
    let stored = billing.receive_c2b_confirmation(&report.token, &report.body, report.ip).await;
    report.answer(stored.map(|()| CONFIRMED))
}

/// A payment that is about to be made by hand: `{"ResultCode":"0"}` takes it, `C2B00012` refuses an account number that
/// is nobody's. Answered within three seconds, in doubt with yes.
#[utoipa::path(post, path = "/api/pay/c2b/validate/{token}", tag = "mpesa", request_body(content = String, content_type = "application/json"), params(("token" = String, Path)), responses(
    (status = 200, description = "ResultCode, ResultDesc"), (status = 403, body = app::api::ErrorBody),
    (status = 404, body = app::api::ErrorBody), (status = 413, body = app::api::ErrorBody)
))]
pub(super) async fn validate(
    State(billing): State<Billing>,
    report: Report,
) -> Result<Json<ValidationReply>, ApiError> {
    let verdict = billing.validate_c2b(&report.token, &report.body, report.ip).await;
    report.answer(verdict.map(|verdict| ValidationReply::new(verdict, None)))
}

/// The answer to a question about a transaction, or to a reversal; its secret is good for that one question.
#[utoipa::path(post, path = "/api/pay/result/{token}", tag = "mpesa", request_body(content = String, content_type = "application/json"), params(("token" = String, Path)), responses(
    (status = 200, body = Confirmed), (status = 404, body = app::api::ErrorBody), (status = 503, body = app::api::ErrorBody)
))]
pub(super) async fn result(State(billing): State<Billing>, report: Report) -> Result<Json<Confirmed>, ApiError> {
    let stored = billing.receive_result(&report.token, &report.body, report.ip).await;
    report.answer(stored.map(|()| CONFIRMED))
}

/// M-Pesa had no answer in time.
#[utoipa::path(post, path = "/api/pay/timeout/{token}", tag = "mpesa", request_body(content = String, content_type = "application/json"), params(("token" = String, Path)), responses(
    (status = 200, body = Confirmed), (status = 404, body = app::api::ErrorBody), (status = 503, body = app::api::ErrorBody)
))]
pub(super) async fn timeout(State(billing): State<Billing>, report: Report) -> Result<Json<Confirmed>, ApiError> {
    let stored = billing.receive_timeout(&report.token, &report.body, report.ip).await;
    report.answer(stored.map(|()| CONFIRMED))
}
