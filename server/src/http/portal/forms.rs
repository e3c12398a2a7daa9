//! The portal's forms. Success is a redirect to the device's page, so that a reload never pays twice; a
//! refused field is the same page again with what was typed.

use app::{
    api::{PayRequest, RecoverRequest},
    portal::{
        local_path,
        model::{Choose, Device, Field, FieldError, Notice, Page, Recovering, Shop, Theme},
    },
};
use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use billing::{
    devices::{PassError, Shown},
    payments::{BeginError, RecoveryOutcome},
    vouchers::RedeemError,
};
use domain::PassCode;

use super::{
    devices,
    pages::{device, shop, trouble},
    parameters::{self, Parameters},
    shell,
};
use crate::http::{AppState, error::ApiError, extract::body_error, passes, pay, recover, request::Origin};

/// What was typed, to show it again.
struct Typed {
    package_id: String,
    phone: String,
    voucher: String,
    text: String,
}

/// Where a form led on to, and what the browser keeps of it.
struct Done {
    path: String,
    cookie: Option<HeaderValue>,
}

impl From<String> for Done {
    fn from(path: String) -> Self {
        Self { path, cookie: None }
    }
}

/// Why a form did not lead on.
enum Refusal {
    /// A field, or the whole, with the status to answer.
    Form { status: StatusCode, field: Option<Field>, message: String },
    /// The form for money that was paid already, with the status to answer: what was wrong, or that more has to be said.
    Paid { status: StatusCode, error: Option<String>, choose: Option<String> },
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
            // Only the browser that begins a payment is its payer: who merely knows the device is not.
            Ok(begun) => Ok(Done {
                path: device.payment_path(begun.payment_id),
                cookie: if begun.is_new { passes::payer_cookie(&state, begun.payment_id) } else { None },
            }),
            // Pressed twice, or came back: the page of the prompt that is open already.
            Err(BeginError::PromptOpen { payment_id: Some(id), .. }) => Ok(device.payment_path(id).into()),
            Err(error) => Err(ApiError::from(error).into()),
        }
    })
    .await
}

/// `POST /voucher`: the code of a voucher, or of a pass.
pub(in crate::http) async fn voucher(
    State(state): State<AppState>,
    origin: Origin,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    submit(&state, &headers, body, async |parameters: &Parameters, device: &Device| {
        let code = parameters.text("code").unwrap_or_default();
        if let Ok(code) = code.parse::<PassCode>() {
            return use_pass(&state, &origin, device, &code).await;
        }
        let done = state.billing().redeem_voucher(&code, Some(&device.router), device.mac, parameters.ip()).await;
        let session = done.map_err(voucher_refusal)?;
        // The time is the customer's already: without a pass it is only bound to this device.
        let pass = state.billing().first_pass(session, &passes::shown(&headers, None)).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a voucher was redeemed, but its pass could not be made");
            None
        });
        let cookie = pass.and_then(|pass| passes::pass_cookie(&state, &pass));
        Ok(Done { path: device.path(), cookie })
    })
    .await
}

/// A pass was typed: shows what it can do here.
async fn use_pass(state: &AppState, origin: &Origin, device: &Device, code: &PassCode) -> Result<Done, Refusal> {
    let shown = Shown { code: Some(code.to_string()), ..Shown::default() };
    match devices::pass_of(state, device, &shown, origin).await.and_then(|pass| pass.ok_or(PassError::NotValid)) {
        Ok(pass) => {
            Ok(Done { path: format!("{}&code={code}", device.pass_path()), cookie: passes::pass_cookie(state, &pass) })
        }
        Err(PassError::Store(error)) => Err(Refusal::Trouble(error.into())),
        Err(error) => {
            let message = error.to_string();
            let status = match error {
                PassError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            Err(Refusal::Form { status, field: Some(Field::Voucher), message })
        }
    }
}

/// `POST /recover`.
pub(in crate::http) async fn recover(
    State(state): State<AppState>,
    origin: Origin,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    submit(&state, &headers, body, async |parameters: &Parameters, device: &Device| {
        let request = RecoverRequest {
            text: parameters.long_text("text"),
            mac: device.mac.to_string(),
            ip: device.ip.clone(),
            router: Some(device.router.clone()),
            package_id: parameters.text("package_id"),
            phone: parameters.text("phone"),
        };
        let request = recover::parse(&request, origin).map_err(recover_refusal)?;
        let recovery = state.billing().recover(request).await.map_err(|error| recover_refusal(error.into()))?;
        match (recovery.outcome, recovery.payment_id) {
            (RecoveryOutcome::Choose, _) => {
                Err(Refusal::Paid { status: StatusCode::OK, error: None, choose: Some(recovery.message) })
            }
            (RecoveryOutcome::Refused, _) | (_, None) => Err(Refusal::Paid {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                error: Some(recovery.message),
                choose: None,
            }),
            // Whoever has the M-Pesa message of a payment is its payer.
            (RecoveryOutcome::Connected, Some(id)) => {
                Ok(Done { path: device.path(), cookie: passes::payer_cookie(&state, id) })
            }
            (_, Some(id)) => Ok(device.payment_path(id).into()),
        }
    })
    .await
}

fn recover_refusal(error: ApiError) -> Refusal {
    match error.field() {
        Some("package_id" | "phone") => {
            Refusal::Paid { status: error.status(), error: None, choose: Some(error.message().to_owned()) }
        }
        Some("text") => Refusal::Paid { status: error.status(), error: Some(error.message().to_owned()), choose: None },
        _ => error.into(),
    }
}

fn voucher_refusal(error: RedeemError) -> Refusal {
    let message = error.to_string();
    let status = match error {
        RedeemError::NotValid => StatusCode::UNPROCESSABLE_ENTITY,
        RedeemError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        RedeemError::UnknownRouter => {
            return Refusal::Trouble(ApiError::new(StatusCode::NOT_FOUND, "unknown_router", message));
        }
        RedeemError::Blocked => return Refusal::Trouble(ApiError::blocked()),
        RedeemError::Store(error) => return Refusal::Trouble(error.into()),
    };
    Refusal::Form { status, field: Some(Field::Voucher), message }
}

/// Reads a form, does what it asks for, and answers with a redirect or with the form again.
async fn submit(
    state: &AppState,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    act: impl AsyncFnOnce(&Parameters, &Device) -> Result<Done, Refusal>,
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
        Ok(Done { path, cookie }) => {
            let mut response = see_other(&path);
            response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
            response
        }
        Err(Refusal::Trouble(error)) => trouble(state, theme, device.path(), &error).await,
        Err(Refusal::Form { status, field, message }) => {
            let with = |shop, typed| refused(shop, typed, field, message);
            shop_again(state, theme, status, (device, &parameters), with).await
        }
        Err(Refusal::Paid { status, error, choose }) => {
            let with = |shop, typed| paid(shop, typed, error, choose);
            shop_again(state, theme, status, (device, &parameters), with).await
        }
    }
}

/// The packages again, with what was typed and what was wrong with it.
async fn shop_again(
    state: &AppState,
    theme: Theme,
    status: StatusCode,
    (device, parameters): (Device, &Parameters),
    with: impl FnOnce(Shop, Typed) -> Shop,
) -> Response {
    let text = |name: &str| parameters.text(name).unwrap_or_default();
    let typed = Typed {
        package_id: text("package_id"),
        phone: text("phone"),
        voucher: text("code"),
        text: parameters.long_text("text"),
    };
    let here = device.path();
    match shop(state, device, None).await {
        Ok(shop) => shell::answer(state, status, theme, here, Page::Shop(with(shop, typed))).await,
        Err(error) => trouble(state, theme, here, &error).await,
    }
}

/// The form for money that was paid already, first on the page.
fn paid(shop: Shop, typed: Typed, error: Option<String>, choose: Option<String>) -> Shop {
    let notice = choose.clone().map(|message| Notice::Hint { message });
    let phone: String = typed.phone.chars().take(40).collect();
    let choose = choose.map(|_| Choose { packages: shop.packages.clone(), phone });
    let recovering = Recovering { is_open: true, text: typed.text, error, choose };
    Shop { notice, recovering, ..shop }
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

pub(super) fn see_other(path: &str) -> Response {
    match HeaderValue::try_from(path) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => (StatusCode::SEE_OTHER, [(header::LOCATION, "/")]).into_response(),
    }
}
