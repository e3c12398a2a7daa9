//! Giving money back. Owners only, with a reason.

use app::api::{Done, ErrorBody, RefundRequest, RefundRow};
use axum::{Json, extract::State, http::StatusCode};
use billing::{
    Billing,
    refunds::{RefundError, RefundKind, RefundRecord},
};
use domain::PaymentId;

use super::session::CurrentAdmin;
use crate::http::{
    error::ApiError,
    extract::{ApiJson, Named},
    request::Origin,
};

/// Records that a payment was given back by hand, or asks M-Pesa to give it back.
#[utoipa::path(post, path = "/api/admin/payments/{id}/refund", tag = "admin", params(("id" = String, Path)), request_body = RefundRequest, responses(
    (status = 200, body = Done), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, description = "not in a state to be given back", body = ErrorBody),
    (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn refund(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    Named(id): Named<PaymentId>,
    ApiJson(request): ApiJson<RefundRequest>,
) -> Result<Json<Done>, ApiError> {
    let kind = RefundKind::read(&request.kind)
        .ok_or_else(|| ApiError::invalid("kind", "invalid_kind", "kind is manual or reversal."))?;
    let message = match kind {
        RefundKind::Manual => billing.record_refund(id, &admin, &request.reason, Some(ip)).await?,
        RefundKind::Reversal => billing.ask_reversal(id, &admin, &request.reason, Some(ip)).await?,
    };
    Ok(Json(Done { message }))
}

/// One refund as the payment shows it.
pub(super) fn refund_row(refund: RefundRecord) -> RefundRow {
    RefundRow {
        id: refund.id,
        kind: refund.kind,
        state: refund.state,
        amount_kes: refund.amount_kes,
        message: refund.message,
        reason: refund.reason,
        by: refund.by,
        created_at: refund.created_at,
    }
}

impl From<RefundError> for ApiError {
    fn from(error: RefundError) -> Self {
        let words = error.to_string();
        match error {
            RefundError::NotOwner => Self::forbidden("owners_only", words),
            RefundError::Reason => Self::invalid("reason", "invalid_reason", words),
            RefundError::UnknownPayment => Self::not_found(),
            RefundError::WrongState(_) => Self::new(StatusCode::CONFLICT, "wrong_state", words),
            RefundError::NoReceipt => Self::new(StatusCode::CONFLICT, "no_receipt", words),
            RefundError::SeveralReceipts => Self::new(StatusCode::CONFLICT, "several_receipts", words),
            RefundError::CreditSpent { .. } => Self::new(StatusCode::CONFLICT, "credit_spent", words),
            RefundError::Open => Self::new(StatusCode::CONFLICT, "refund_open", words),
            RefundError::NoInitiator => Self::new(StatusCode::CONFLICT, "no_initiator", words),
            RefundError::Address(_) => Self::new(StatusCode::CONFLICT, "no_address", words),
            RefundError::Store(error) => error.into(),
        }
    }
}
