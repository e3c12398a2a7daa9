//! `GET /api/user/status`: where a customer stands. Nothing personal is in it, because a MAC address or a
//! status link may be known to others.

use app::api::{ErrorBody, UserStatus};
use axum::{Json, extract::State};
use billing::payments::CustomerStatus;
use domain::{MacAddr, PaymentId};
use serde::Deserialize;

use super::{AppState, error::ApiError, extract::ApiQuery};

/// One of the two is needed; the payment says more.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(super) struct StatusQuery {
    /// The payment, as answered by `POST /api/pay`.
    payment: Option<String>,
    /// The device.
    mac: Option<String>,
    /// The device's router, by its public name.
    router: Option<String>,
}

/// How a payment or a device stands.
#[utoipa::path(get, path = "/api/user/status", tag = "customer", params(StatusQuery), responses(
    (status = 200, body = UserStatus), (status = 404, description = "no such payment", body = ErrorBody),
    (status = 422, body = ErrorBody), (status = 503, body = ErrorBody)
))]
pub(super) async fn status(
    State(state): State<AppState>,
    ApiQuery(query): ApiQuery<StatusQuery>,
) -> Result<Json<UserStatus>, ApiError> {
    if let Some(payment) = query.payment.filter(|text| !text.is_empty()) {
        let id = payment.parse().map_err(|_| unknown_payment())?;
        state.billing().watch(id).await?;
        return Ok(Json(of_payment(&state, id).await?));
    }
    let Some(mac) = query.mac.filter(|text| !text.is_empty()) else {
        return Err(ApiError::invalid("payment", "missing_field", "Say which payment or which device (mac)."));
    };
    let mac: MacAddr = mac
        .parse()
        .map_err(|error: domain::mac::InvalidMac| ApiError::invalid("mac", "invalid_mac", error.to_string()))?;
    let router = query.router.as_deref().filter(|slug| !slug.is_empty());
    Ok(Json(user_status(state.billing().device_status(router, mac).await?)))
}

/// How one payment stands.
pub(super) async fn of_payment(state: &AppState, id: PaymentId) -> Result<UserStatus, ApiError> {
    let status = state.billing().payment_status(id).await?;
    status.map(user_status).ok_or_else(unknown_payment)
}

pub(super) fn unknown_payment() -> ApiError {
    ApiError::new(axum::http::StatusCode::NOT_FOUND, "unknown_payment", "There is no such payment.")
        .with_field("payment")
}

/// Whether anything but the passing of time is different.
pub(super) fn has_changed(before: &UserStatus, after: &UserStatus) -> bool {
    let without_time = |status: &UserStatus| UserStatus { seconds_remaining: None, ..status.clone() };
    without_time(before) != without_time(after)
}

fn user_status(status: CustomerStatus) -> UserStatus {
    UserStatus {
        status: status.phase.as_str().to_owned(),
        seconds_remaining: status.seconds_remaining,
        bytes_remaining: status.bytes_remaining,
        ends_at: status.ends_at,
        message: status.message,
        can_retry: status.can_retry,
        payment_id: status.payment_id.map(PaymentId::as_uuid),
        pay_by_hand: status.pay_by_hand.map(pay_by_hand),
    }
}

/// Where to pay by hand, as the API and the portal show it.
pub(super) fn pay_by_hand(by_hand: billing::payments::PayByHand) -> app::api::PayByHand {
    app::api::PayByHand {
        kind: if by_hand.account.is_some() { "paybill" } else { "till" }.to_owned(),
        number: by_hand.number,
        account: by_hand.account.map(|account| account.to_string()),
        amount_kes: by_hand.amount_kes,
    }
}
