//! Where Daraja reports payments. The answer is 200 only once the report is stored.

use axum::{Json, extract::State};
use billing::{Billing, payments::CallbackError};
use serde::Serialize;
use utoipa::ToSchema;

use super::{error::ApiError, report::Report};

/// What Daraja expects to hear.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Accepted {
    #[serde(rename = "ResultCode")]
    result_code: u8,
    #[serde(rename = "ResultDesc")]
    result_desc: &'static str,
}

const ACCEPTED: Accepted = Accepted { result_code: 0, result_desc: "Accepted" };

/// A report about the payment whose token is in the address.
#[utoipa::path(post, path = "/api/mpesa/callback/{token}", tag = "mpesa", request_body(content = String, content_type = "application/json"), params(("token" = String, Path)), responses(
    (status = 200, body = Accepted), (status = 404, description = "no payment has this token", body = app::api::ErrorBody),
    (status = 413, body = app::api::ErrorBody), (status = 503, body = app::api::ErrorBody)
))]
pub(super) async fn with_token(State(billing): State<Billing>, report: Report) -> Result<Json<Accepted>, ApiError> {
    let stored = billing.receive_callback(&report.token, &report.body, report.ip).await;
    report.answer(stored.map(|()| ACCEPTED))
}

/// A report without a token: noted as a hint that something may have happened, never believed.
#[utoipa::path(post, path = "/api/mpesa/callback", tag = "mpesa", request_body(content = String, content_type = "application/json"), responses((status = 200, body = Accepted)))]
pub(super) async fn without_token(State(billing): State<Billing>, report: Report) -> Result<Json<Accepted>, ApiError> {
    let stored = billing.receive_hint(&report.body, report.ip).await;
    report.answer(stored.map(|()| ACCEPTED))
}

impl From<CallbackError> for ApiError {
    fn from(error: CallbackError) -> Self {
        match error {
            CallbackError::UnknownToken => Self::not_found(),
            CallbackError::Address => {
                Self::forbidden("not_safaricom", "Reports are only taken from Safaricom's addresses.")
            }
            CallbackError::Store(error) => error.into(),
        }
    }
}
