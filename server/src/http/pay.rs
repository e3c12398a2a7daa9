//! `POST /api/pay`: a customer presses pay.

use std::net::IpAddr;

use app::api::{ErrorBody, PayAccepted, PayRequest};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use billing::payments::{BeginError, BeginPayment, Begun, CooldownReason};
use domain::{MacAddr, Msisdn, PackageId, payment::PaymentStatus};

use super::{AppState, error::ApiError, extract::ApiJson, passes::payer_cookie, request::Origin};

/// Longest idempotency key, as Stripe has it.
const KEY_MAX: usize = 255;

/// Sends an M-Pesa prompt to the customer's phone. The same `Idempotency-Key` with the same body gives the
/// same payment.
#[utoipa::path(post, path = "/api/pay", tag = "customer", request_body = PayRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "any text up to 255 characters")),
    responses(
        (status = 202, body = PayAccepted), (status = 400, body = ErrorBody),
        (status = 409, description = "a prompt may still be open on this phone or device", body = ErrorBody),
        (status = 422, description = "a field is not acceptable, or the key was used for another body", body = ErrorBody),
        (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)
    ))]
pub(super) async fn pay(
    State(state): State<AppState>,
    origin: Origin,
    headers: HeaderMap,
    ApiJson(request): ApiJson<PayRequest>,
) -> Result<Response, ApiError> {
    let begin = BeginPayment { idempotency_key: idempotency_key(&headers)?, ..parse(&request, origin)? };
    let begun = state.billing().begin_payment(begin).await?;
    let accepted = accepted(&begun);
    let location = [(header::LOCATION, accepted.status_url.clone())];
    let mut response = (StatusCode::ACCEPTED, location, Json(accepted)).into_response();
    if begun.is_new {
        response
            .headers_mut()
            .extend(payer_cookie(&state, begun.payment_id).map(|cookie| (header::SET_COOKIE, cookie)));
    }
    Ok(response)
}

/// Understands the fields, naming the first that is wrong.
pub(super) fn parse(request: &PayRequest, origin: Origin) -> Result<BeginPayment, ApiError> {
    let package_id = read_package(&request.package_id)?;
    let msisdn = read_phone(&request.phone)?;
    let mac = read_mac(&request.mac)?;
    let ip = read_ip(request.ip.as_deref())?;
    let router_slug = request.router.as_deref().map(str::trim).filter(|slug| !slug.is_empty()).map(str::to_owned);
    Ok(BeginPayment {
        package_id,
        msisdn,
        mac,
        ip,
        router_slug,
        idempotency_key: None,
        request_id: origin.request_id,
        remote_ip: Some(origin.ip),
    })
}

pub(super) fn read_package(text: &str) -> Result<PackageId, ApiError> {
    text.parse().map_err(|_| ApiError::invalid("package_id", "invalid_package", "Choose one of the packages."))
}

pub(super) fn read_phone(text: &str) -> Result<Msisdn, ApiError> {
    text.parse()
        .map_err(|error: domain::msisdn::InvalidMsisdn| ApiError::invalid("phone", "invalid_phone", error.to_string()))
}

pub(super) fn read_mac(text: &str) -> Result<MacAddr, ApiError> {
    text.parse().map_err(|error: domain::mac::InvalidMac| ApiError::invalid("mac", "invalid_mac", error.to_string()))
}

pub(super) fn read_ip(text: Option<&str>) -> Result<Option<IpAddr>, ApiError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let unknown = |_| ApiError::invalid("ip", "invalid_ip", "This is not the address of a device.");
    text.parse().map(Some).map_err(unknown)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().map(str::trim).filter(|key| (1..=KEY_MAX).contains(&key.len()));
    let message = "The Idempotency-Key must be 1 to 255 plain characters.";
    key.map(|key| Some(key.to_owned())).ok_or_else(|| ApiError::bad_request("invalid_idempotency_key", message))
}

fn accepted(begun: &Begun) -> PayAccepted {
    PayAccepted {
        payment_id: begun.payment_id.as_uuid(),
        status: status_word(begun.state.status()).to_owned(),
        account_reference: begun.account_reference.to_string(),
        amount_kes: begun.amount.shillings(),
        status_url: format!("/api/user/status?payment={}", begun.payment_id),
    }
}

/// The mission's three words.
pub(super) const fn status_word(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Pending => "Pending",
        PaymentStatus::Success => "Success",
        PaymentStatus::Failed => "Failed",
    }
}

fn cooldown_words(reason: CooldownReason, secs: u64) -> String {
    match reason {
        CooldownReason::SameAmount => format!(
            "M-Pesa takes the same amount from one number only every 2 minutes. If you got an M-Pesa SMS, do not pay \
             again; otherwise try again in {secs} seconds."
        ),
        CooldownReason::LineBusy => format!(
            "Another M-Pesa request is open on this phone. Finish or close it, then try again in {secs} seconds."
        ),
        CooldownReason::TooSoon => format!(
            "M-Pesa lets us ask a phone once a minute. Look at your phone first; you can try again in {secs} seconds."
        ),
        CooldownReason::TooManyUnpaid => {
            "This number was asked many times today without paying. Use another number, or try again tomorrow."
                .to_owned()
        }
    }
}

impl From<BeginError> for ApiError {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::UnknownPackage => {
                Self::invalid("package_id", "unknown_package", "This package is not on sale. Choose another one.")
            }
            BeginError::UnknownRouter => Self::invalid(
                "router",
                "unknown_router",
                "This hotspot is not known. Disconnect from the WiFi and join it again.",
            ),
            BeginError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request.",
            ),
            BeginError::PromptOpen { retry_after_secs, .. } => Self::new(
                StatusCode::CONFLICT,
                "prompt_open",
                "An M-Pesa prompt may still be open on this phone. Answer it, or wait a minute and try again.",
            )
            .with_retry_after(retry_after_secs),
            BeginError::TooMany { retry_after_secs } => {
                Self::too_many(retry_after_secs, "That was a lot of tries. Please wait a few minutes and try again.")
            }
            BeginError::Cooldown { retry_after_secs, reason } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "cooldown", cooldown_words(reason, retry_after_secs))
                    .with_retry_after(retry_after_secs)
            }
            BeginError::Blocked => Self::blocked(),
            BeginError::Busy { retry_after_secs } => {
                Self::too_many(retry_after_secs, "Many people are paying right now. Please try again in a moment.")
            }
            BeginError::Store(error) => error.into(),
        }
    }
}
