//! Money that needs a person: one payment in full and its decision, unmatched receipts, claims, and where M-Pesa
//! reports payments made by hand.

use app::api::{
    AcceptClaimRequest, AssignRequest, ClaimList, ClaimRow, DecideRequest, Done, ErrorBody, EventRow, PageMeta,
    PaymentDetail, ReasonRequest, ReceiptList, ReceiptRow,
};
use axum::{Json, extract::State, http::StatusCode};
use billing::{
    Billing,
    admins::{Admin, Role},
    db::{
        claims::ClaimState,
        receipts::{ReceiptCursor, ReceiptRecord, ReceiptState},
    },
    payments::{AssignTo, ClaimDecisionError, ClaimListed, DecideError, Decided, RegisterError},
};
use chrono::DateTime;
use domain::{ClaimId, Kes, PaymentId, Receipt};
use serde::Deserialize;

use super::{
    payments::{page, page_size, payment_row, read},
    refunds::refund_row,
    session::CurrentAdmin,
};
use crate::http::{
    error::ApiError,
    extract::{ApiJson, ApiQuery, Named},
    request::Origin,
};

/// Shortest and longest reason, in characters.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 3..=200;

/// Everything that is known about one payment.
#[utoipa::path(get, path = "/api/admin/payments/{id}", tag = "admin", params(("id" = String, Path)), responses(
    (status = 200, body = PaymentDetail), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)
))]
pub(in crate::http) async fn payment(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Named(id): Named<PaymentId>,
) -> Result<Json<PaymentDetail>, ApiError> {
    let detail = billing.payment_detail(id, admin.role).await?.ok_or_else(ApiError::not_found)?;
    let received_kes = detail
        .receipts
        .iter()
        .filter(|receipt| receipt.state != ReceiptState::Reversed)
        .fold(0_u32, |sum, receipt| sum.saturating_add(receipt.money.amount.shillings()));
    Ok(Json(PaymentDetail {
        payment: payment_row(&detail.payment),
        mac: detail.mac.to_string(),
        router: detail.router,
        review: detail.review.as_deref().map(review_words),
        received_kes,
        receipts: detail.receipts.iter().map(|receipt| receipt_row(receipt, Some(id))).collect(),
        events: detail
            .events
            .into_iter()
            .map(|event| EventRow { at: event.at, source: event.source, message: event.message, body: event.body })
            .collect(),
        refunds: billing.list_refunds(id).await?.into_iter().map(refund_row).collect(),
        actions: detail.actions.into_iter().map(str::to_owned).collect(),
    }))
}

fn review_words(reason: &str) -> String {
    match reason {
        "amount_differs" => "M-Pesa took another amount than the package costs.",
        "receipt_used" => "Its M-Pesa receipt already pays for something else.",
        "second_receipt" => "M-Pesa sent a second receipt for it: the customer may have paid twice.",
        "unreadable" => "M-Pesa reported success without a usable receipt or amount.",
        "contradictory" => "M-Pesa's result code and its words say opposite things.",
        "paid_after_refund" => "It was paid again after it was given back.",
        _ => "What M-Pesa says does not fit this payment.",
    }
    .to_owned()
}

/// Decides a payment in review.
#[utoipa::path(post, path = "/api/admin/payments/{id}/decide", tag = "admin", request_body = DecideRequest, params(("id" = String, Path)), responses(
    (status = 200, body = Done), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, description = "it is not in review", body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn decide(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    origin: Origin,
    Named(id): Named<PaymentId>,
    ApiJson(request): ApiJson<DecideRequest>,
) -> Result<Json<Done>, ApiError> {
    let is_paid = match request.decision.as_str() {
        "paid" => true,
        "not_paid" => false,
        _ => return Err(ApiError::invalid("decision", "invalid_decision", "Decide paid or not_paid.")),
    };
    let reason = reason(&request.reason)?;
    Ok(done(billing.decide_payment(id, is_paid, &admin.username, reason, Some(origin.ip)).await?))
}

/// Narrows the ledger.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
pub(in crate::http) struct ReceiptsQuery {
    /// `unmatched` (when left out), `credited`, `part`, `credit`, `dismissed` or `reversed`.
    state: Option<String>,
    /// `meta.next` of the page before.
    after: Option<String>,
    /// Rows, 1 to 200; 50 when left out.
    limit: Option<String>,
}

/// The ledger in one state, newest first.
#[utoipa::path(get, path = "/api/admin/receipts", tag = "admin", params(ReceiptsQuery), responses(
    (status = 200, body = ReceiptList), (status = 401, body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn receipts(
    State(billing): State<Billing>,
    _admin: CurrentAdmin,
    ApiQuery(query): ApiQuery<ReceiptsQuery>,
) -> Result<Json<ReceiptList>, ApiError> {
    let limit = page_size(query.limit.as_deref())?;
    let state = read(query.state.as_deref(), "state", ReceiptState::read)?.unwrap_or(ReceiptState::Unmatched);
    let after = read(query.after.as_deref(), "after", cursor)?;
    let found = billing.list_receipts(state, after.as_ref(), limit + 1).await?;
    let (rows, next) = page(found, limit, |last| {
        format!("{}_{}", last.record.created_at.timestamp_micros(), last.record.money.receipt.as_str())
    });
    let receipts = rows.iter().map(|row| receipt_row(&row.record, row.payment_id)).collect();
    Ok(Json(ReceiptList { receipts, meta: PageMeta { next } }))
}

fn cursor(text: &str) -> Option<ReceiptCursor> {
    let (micros, receipt) = text.split_once('_')?;
    Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, receipt.parse().ok()?))
}

fn receipt_row(record: &ReceiptRecord, payment_id: Option<PaymentId>) -> ReceiptRow {
    ReceiptRow {
        receipt: record.money.receipt.as_str().to_owned(),
        amount_kes: record.money.amount.shillings(),
        state: record.state.as_str().to_owned(),
        source: record.source.as_str().to_owned(),
        account_reference: record.money.account_reference.clone(),
        payer: record.money.payer.clone(),
        payer_name: record.money.payer_name.clone(),
        paid_at: record.money.paid_at.unwrap_or(record.created_at),
        payment_id: payment_id.map(PaymentId::as_uuid),
        decided_by: record.decided_by.clone(),
        reason: record.reason.clone(),
    }
}

/// Says whose unmatched money is: a payment's, by its account number, or a customer's, as credit.
#[utoipa::path(post, path = "/api/admin/receipts/{receipt}/assign", tag = "admin", request_body = AssignRequest, params(("receipt" = String, Path)), responses(
    (status = 200, body = Done), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, description = "somebody placed it already", body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn assign(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    origin: Origin,
    Named(receipt): Named<Receipt>,
    ApiJson(request): ApiJson<AssignRequest>,
) -> Result<Json<Done>, ApiError> {
    let filled =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let to = match (filled(&request.account_reference), filled(&request.phone)) {
        (Some(text), None) => AssignTo::Payment(domain::AccountReference::from_typed(&text).ok_or_else(|| {
            ApiError::invalid("account_reference", "invalid_reference", "This is not an account number.")
        })?),
        (None, Some(phone)) => AssignTo::Customer(crate::http::pay::read_phone(&phone)?),
        _ => {
            let message = "Give either the account number of a payment or a phone number.";
            return Err(ApiError::invalid("account_reference", "one_of_two", message));
        }
    };
    let reason = reason(&request.reason)?;
    Ok(done(billing.assign_receipt(&receipt, &to, &admin.username, reason, Some(origin.ip)).await?))
}

/// Says that unmatched money was not meant for the WiFi.
#[utoipa::path(post, path = "/api/admin/receipts/{receipt}/dismiss", tag = "admin", request_body = ReasonRequest, params(("receipt" = String, Path)), responses(
    (status = 200, body = Done), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn dismiss(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    origin: Origin,
    Named(receipt): Named<Receipt>,
    ApiJson(request): ApiJson<ReasonRequest>,
) -> Result<Json<Done>, ApiError> {
    let reason = reason(&request.reason)?;
    Ok(done(billing.dismiss_receipt(&receipt, &admin.username, reason, Some(origin.ip)).await?))
}

/// Narrows the claims.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
pub(in crate::http) struct ClaimsQuery {
    /// `open` (when left out: everything that waits), `settled` or `refused`.
    state: Option<String>,
}

/// Customers who say that they have paid, oldest first.
#[utoipa::path(get, path = "/api/admin/claims", tag = "admin", params(ClaimsQuery), responses(
    (status = 200, body = ClaimList), (status = 401, body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn claims(
    State(billing): State<Billing>,
    _admin: CurrentAdmin,
    ApiQuery(query): ApiQuery<ClaimsQuery>,
) -> Result<Json<ClaimList>, ApiError> {
    let state = read(query.state.as_deref(), "state", ClaimState::read)?;
    let state = state.filter(|state| !state.is_waiting());
    Ok(Json(ClaimList { claims: billing.list_claims(state).await?.iter().map(claim_row).collect() }))
}

fn claim_row(claim: &ClaimListed) -> ClaimRow {
    ClaimRow {
        id: claim.id.as_uuid(),
        receipt: claim.receipt.as_str().to_owned(),
        mac: claim.mac.to_string(),
        router: claim.router.clone(),
        payment: claim.payment.as_ref().map(payment_row),
        state: claim.state.to_owned(),
        message: claim.message.clone(),
        created_at: claim.created_at,
    }
}

/// The admin has seen the money of a claim.
#[utoipa::path(post, path = "/api/admin/claims/{id}/accept", tag = "admin", request_body = AcceptClaimRequest, params(("id" = String, Path)), responses(
    (status = 200, body = Done), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, description = "it is settled, or the code belongs to another payment", body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn accept(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    origin: Origin,
    Named(id): Named<ClaimId>,
    ApiJson(request): ApiJson<AcceptClaimRequest>,
) -> Result<Json<Done>, ApiError> {
    let amount = Kes::new(request.amount_kes)
        .map_err(|error| ApiError::invalid("amount_kes", "invalid_amount", format!("{error}.")))?;
    let reason = reason(&request.reason)?;
    Ok(done(billing.accept_claim(id, amount, &admin.username, reason, Some(origin.ip)).await?))
}

/// The admin did not find the money of a claim.
#[utoipa::path(post, path = "/api/admin/claims/{id}/refuse", tag = "admin", request_body = ReasonRequest, params(("id" = String, Path)), responses(
    (status = 200, body = Done), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn refuse(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    origin: Origin,
    Named(id): Named<ClaimId>,
    ApiJson(request): ApiJson<ReasonRequest>,
) -> Result<Json<Done>, ApiError> {
    let reason = reason(&request.reason)?;
    Ok(done(billing.refuse_claim(id, &admin.username, reason, Some(origin.ip)).await?))
}

/// Tells M-Pesa where to report payments made by hand. Owners only.
#[utoipa::path(post, path = "/api/admin/mpesa/register-urls", tag = "admin", responses(
    (status = 200, body = Done), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 409, description = "M-Pesa has other addresses, refused, or did not answer", body = ErrorBody)
))]
pub(in crate::http) async fn register_urls(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    origin: Origin,
) -> Result<Json<Done>, ApiError> {
    want_owner(&admin)?;
    let registration = billing.register_c2b_urls(&admin.username, Some(origin.ip)).await?;
    Ok(Json(Done { message: registration.message().to_owned() }))
}

/// `403` for cashiers.
pub(in crate::http) fn want_owner(admin: &Admin) -> Result<(), ApiError> {
    if admin.role == Role::Owner {
        return Ok(());
    }
    Err(ApiError::forbidden("owner_only", "Only an owner may do this."))
}

/// A reason a person can read later.
pub(in crate::http) fn reason(text: &str) -> Result<&str, ApiError> {
    let text = text.trim();
    if REASON_CHARS.contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    Err(ApiError::invalid("reason", "invalid_reason", "Say why, in 3 to 200 characters."))
}

fn done(decided: Decided) -> Json<Done> {
    Json(Done { message: decided.message })
}

impl From<DecideError> for ApiError {
    fn from(error: DecideError) -> Self {
        let message = error.to_string();
        match error {
            DecideError::NotFound => Self::new(StatusCode::NOT_FOUND, "not_found", message),
            DecideError::UnknownReference => Self::invalid("account_reference", "unknown_reference", message),
            DecideError::Placed => Self::new(StatusCode::CONFLICT, "placed", message),
            DecideError::NotNow => Self::new(StatusCode::CONFLICT, "not_now", message),
            DecideError::Store(error) => error.into(),
        }
    }
}

impl From<ClaimDecisionError> for ApiError {
    fn from(error: ClaimDecisionError) -> Self {
        let message = error.to_string();
        match error {
            ClaimDecisionError::NotFound => Self::new(StatusCode::NOT_FOUND, "not_found", message),
            ClaimDecisionError::Settled => Self::new(StatusCode::CONFLICT, "settled", message),
            ClaimDecisionError::UsedElsewhere => Self::new(StatusCode::CONFLICT, "used_elsewhere", message),
            ClaimDecisionError::Store(error) => error.into(),
        }
    }
}

impl From<RegisterError> for ApiError {
    fn from(error: RegisterError) -> Self {
        let message = error.to_string();
        match error {
            RegisterError::Address(_) => Self::new(StatusCode::CONFLICT, "address", message),
            RegisterError::Refused(_) => Self::new(StatusCode::CONFLICT, "refused", message),
            RegisterError::Unknown => Self::new(StatusCode::CONFLICT, "unknown", message),
            RegisterError::Store(error) => error.into(),
        }
    }
}
