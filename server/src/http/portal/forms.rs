//! The portal's forms. Success is a redirect to the device's page, so that a reload never pays twice; a
//! refused field is the same page again with what was typed.

use app::{
    api::PayRequest,
    portal::{
        local_path,
        model::{Device, Field, FieldError, Notice, Page, Shop, Theme},
    },
};
use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use billing::{payments::BeginError, vouchers::RedeemError};

use super::{
    pages::{device, shop, trouble},
    parameters::{self, Parameters},
    shell,
};
use crate::http::{AppState, error::ApiError, extract::body_error, pay, request::Origin};

/// What was typed, to show it again.
struct Typed {
    package_id: String,
    phone: String,
    voucher: String,
}

/// Why a form did not lead on.
enum Refusal {
    /// A field, or the whole, with the status to answer.
    Form { status: StatusCode, field: Option<Field>, message: String },
    /// Something that has a page of its own.
    Trouble(ApiError),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let field = match error.field() {
            Some("package_id") => Some(Field::Package),
            Some("phone") => Some(Field::Phone),
            _ => None,
        };
        let status = error.status();
        let is_trouble = status.is_server_error() || (field.is_none() && status == StatusCode::UNPROCESSABLE_ENTITY);
        if is_trouble {
            Self::Trouble(error)
        } else {
            Self::Form { status, field, message: error.message().to_owned() }
        }
    }
}

/// `POST /pay`.
pub(in crate::http) async fn pay(
    State(state): State<AppState>,
    origin: Origin,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    submit(&state, &headers, body, async |parameters: &Parameters, device: &Device| {
        let text = |name: &str| parameters.text(name).unwrap_or_default();
        let request = PayRequest {
            package_id: text("package_id"),
            phone: text("phone"),
            mac: device.mac.to_string(),
            ip: device.ip.clone(),
            router: Some(device.router.clone()),
        };
        match state.billing().begin_payment(pay::parse(&request, origin)?).await {
            Ok(begun) => Ok(device.payment_path(begun.payment_id)),
            // Pressed twice, or came back: the page of the prompt that is open already.
            Err(BeginError::PromptOpen { payment_id: Some(id), .. }) => Ok(device.payment_path(id)),
            Err(error) => Err(ApiError::from(error).into()),
        }
    })
    .await
}

/// `POST /voucher`.
pub(in crate::http) async fn voucher(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    submit(&state, &headers, body, async |parameters: &Parameters, device: &Device| {
        let code = parameters.text("code").unwrap_or_default();
        let done = state.billing().redeem_voucher(&code, Some(&device.router), device.mac, parameters.ip()).await;
        done.map(|_| device.path()).map_err(voucher_refusal)
    })
    .await
}

fn voucher_refusal(error: RedeemError) -> Refusal {
    let message = error.to_string();
    let status = match error {
        RedeemError::NotValid => StatusCode::UNPROCESSABLE_ENTITY,
        RedeemError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        RedeemError::UnknownRouter => {
            return Refusal::Trouble(ApiError::new(StatusCode::NOT_FOUND, "unknown_router", message));
        }
        RedeemError::Store(error) => return Refusal::Trouble(error.into()),
    };
    Refusal::Form { status, field: Some(Field::Voucher), message }
}

/// Reads a form, does what it asks for, and answers with a redirect or with the form again.
async fn submit(
    state: &AppState,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    act: impl AsyncFnOnce(&Parameters, &Device) -> Result<String, Refusal>,
) -> Response {
    let theme = parameters::theme(headers);
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return trouble(state, theme, "/".to_owned(), &body_error(&rejection)).await,
    };
    let parameters = Parameters::parse(&body);
    let device = match device(state, parameters.text("router"), &parameters).await {
        Ok(device) => device,
        Err(error) => return trouble(state, theme, "/".to_owned(), &error).await,
    };
    match act(&parameters, &device).await {
        Ok(path) => see_other(&path),
        Err(Refusal::Trouble(error)) => trouble(state, theme, device.path(), &error).await,
        Err(Refusal::Form { status, field, message }) => {
            let text = |name: &str| parameters.text(name).unwrap_or_default();
            let typed = Typed { package_id: text("package_id"), phone: text("phone"), voucher: text("code") };
            let here = device.path();
            match shop(state, device, None).await {
                Ok(shop) => {
                    let page = Page::Shop(refused(shop, typed, field, message));
                    shell::answer(state, status, theme, here, page).await
                }
                Err(error) => trouble(state, theme, here, &error).await,
            }
        }
    }
}

fn refused(shop: Shop, typed: Typed, field: Option<Field>, message: String) -> Shop {
    let (field_error, notice) = match field {
        Some(field) => (Some(FieldError { field, message }), None),
        None => (None, Some(Notice::Hint { message })),
    };
    Shop {
        chosen: typed.package_id.parse().ok(),
        phone: typed.phone.chars().take(40).collect(),
        voucher: typed.voucher.chars().take(40).collect(),
        field_error,
        notice,
        ..shop
    }
}

/// `POST /theme`: remembers the colours in a cookie and goes back.
pub(in crate::http) async fn theme(State(state): State<AppState>, body: Result<Bytes, BytesRejection>) -> Response {
    let Ok(body) = body else { return see_other("/") };
    let parameters = Parameters::parse(&body);
    let theme: Theme = parameters.text("theme").and_then(|text| text.parse().ok()).unwrap_or_default();
    let back = url::form_urlencoded::parse(&body).find(|(name, _)| name == "back").map(|(_, back)| back.into_owned());
    let mut response = see_other(local_path(back.as_deref().unwrap_or("/")));
    let secure = if state.config().http.is_https() { "; Secure" } else { "" };
    let cookie = format!("theme={}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly{secure}", theme.as_str());
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn see_other(path: &str) -> Response {
    match HeaderValue::try_from(path) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => (StatusCode::SEE_OTHER, [(header::LOCATION, "/")]).into_response(),
    }
}
