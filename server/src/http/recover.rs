//! `POST /api/user/recover`: a customer says that they have paid.

use app::api::{ErrorBody, RecoverRequest, Recovered};
use axum::{Json, extract::State, http::StatusCode};
use billing::{
    Billing,
    payments::{Recover, RecoverError, Recovery},
};
use domain::PaymentId;

use super::{error::ApiError, extract::ApiJson, pay, request::Origin};

/// Longest text that is taken, in bytes; two pasted messages are shorter.
const TEXT_MAX: usize = 4000;

/// Looks for the money of an M-Pesa code and connects the device if it is its own. Says nothing about other people's
/// payments: every code that is not this device's gets the same answer.
#[utoipa::path(post, path = "/api/user/recover", tag = "customer", request_body = RecoverRequest, responses(
    (status = 200, body = Recovered), (status = 422, description = "no code in the text, or a field is not acceptable", body = ErrorBody),
    (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)
))]
pub(super) async fn recover(
    State(billing): State<Billing>,
    origin: Origin,
    ApiJson(request): ApiJson<RecoverRequest>,
) -> Result<Json<Recovered>, ApiError> {
    Ok(Json(recovered(billing.recover(parse(&request, origin)?).await?)))
}

/// Understands the fields, naming the first that is wrong.
pub(super) fn parse(request: &RecoverRequest, origin: Origin) -> Result<Recover, ApiError> {
    if request.text.len() > TEXT_MAX {
        return Err(ApiError::invalid("text", "too_long", "Paste one M-Pesa message, or only its code."));
    }
    let filled =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Recover {
        text: request.text.clone(),
        mac: pay::read_mac(&request.mac)?,
        ip: pay::read_ip(request.ip.as_deref())?,
        router_slug: filled(&request.router),
        package_id: filled(&request.package_id).map(|id| pay::read_package(&id)).transpose()?,
        msisdn: filled(&request.phone).map(|phone| pay::read_phone(&phone)).transpose()?,
        request_id: origin.request_id,
        remote_ip: Some(origin.ip),
    })
}

fn recovered(recovery: Recovery) -> Recovered {
    Recovered {
        outcome: recovery.outcome.as_str().to_owned(),
        message: recovery.message,
        payment_id: recovery.payment_id.map(PaymentId::as_uuid),
    }
}

impl From<RecoverError> for ApiError {
    fn from(error: RecoverError) -> Self {
        let message = error.to_string();
        match error {
            RecoverError::NoCode => Self::invalid("text", "no_code", message),
            RecoverError::UnknownRouter => Self::invalid("router", "unknown_router", message),
            RecoverError::UnknownPackage => Self::invalid("package_id", "unknown_package", message),
            RecoverError::Blocked => Self::blocked(),
            RecoverError::TooMany { retry_after_secs } => Self::too_many(retry_after_secs, message),
            RecoverError::Store(error) => match error.is_unavailable() {
                true => Self::new(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable", message)
                    .with_retry_after(super::error::RETRY_SECS),
                false => error.into(),
            },
        }
    }
}
