//! Passes: what a browser keeps of them, and `/api/user/pass` for programs.

use app::api::{ErrorBody, JoinAnswer, JoinRequest, UserDevice, UserPass};
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use billing::devices::{Guesser, Join, OwnDevice, Pass, PassError, Shown};
use domain::{DeviceId, MacAddr, PassCode, PaymentId, devices::Refusal, devices::Wish};
use serde::Deserialize;

use super::{
    AppState,
    error::ApiError,
    extract::{ApiJson, ApiQuery},
    pay,
    request::Origin,
};

/// How long a browser keeps the proof that it began a payment: as long as M-Pesa is asked about it, and a week.
const PAYER_KEPT_SECS: u64 = 8 * 86_400;

/// What a browser keeps, with a code that was typed.
pub(super) fn shown(headers: &HeaderMap, code: Option<String>) -> Shown {
    let cookie = |name: &str| {
        let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        pairs.flat_map(|value| value.split(';')).find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name && value.len() <= 100).then(|| value.to_owned())
        })
    };
    Shown { code, pass: cookie("pass"), payer: cookie("payer") }
}

/// Who shows it.
pub(super) fn guesser(origin: &Origin, mac: Option<MacAddr>) -> Guesser {
    Guesser { mac, remote_ip: Some(origin.ip) }
}

/// The cookie that makes a browser the holder of a pass.
pub(super) fn pass_cookie(state: &AppState, pass: &Pass) -> Option<HeaderValue> {
    cookie(state, "pass", &pass.token, pass.kept_secs)
}

/// The cookie that proves that a browser began a payment.
pub(super) fn payer_cookie(state: &AppState, id: PaymentId) -> Option<HeaderValue> {
    cookie(state, "payer", &state.billing().payer_token(id), PAYER_KEPT_SECS)
}

fn cookie(state: &AppState, name: &str, value: &str, kept_secs: u64) -> Option<HeaderValue> {
    let secure = if state.config().http.is_https() { "; Secure" } else { "" };
    HeaderValue::try_from(format!("{name}={value}; Path=/; Max-Age={kept_secs}; SameSite=Lax; HttpOnly{secure}")).ok()
}

/// The short link of a pass, whole.
pub(super) fn link(state: &AppState, code: &PassCode) -> String {
    state.config().http.public_url.join(&format!("p/{code}")).map_or_else(|_| format!("/p/{code}"), String::from)
}

/// The end of a hardware address, as customers may see it.
pub(super) fn tail(mac: MacAddr) -> String {
    let [.., a, b] = mac.bytes();
    format!("{a:02X}:{b:02X}")
}

/// The short code, where the browser keeps nothing.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(super) struct CodeQuery {
    /// The short code, as typed.
    code: Option<String>,
}

/// What a pass opens: the time left and the devices that share it.
#[utoipa::path(get, path = "/api/user/pass", tag = "customer", params(CodeQuery), responses(
    (status = 200, body = UserPass), (status = 404, description = "no pass, or its time is over", body = ErrorBody),
    (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)
))]
pub(super) async fn pass(
    State(state): State<AppState>,
    origin: Origin,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<CodeQuery>,
) -> Result<Json<UserPass>, ApiError> {
    let pass = held(&state, &headers, query.code, &origin, None).await?;
    Ok(Json(user_pass(&state, &pass)))
}

/// Lets a device use the time of a pass, beside the others or in the place of one.
#[utoipa::path(post, path = "/api/user/pass/devices", tag = "customer", request_body = JoinRequest, responses(
    (status = 200, body = JoinAnswer), (status = 404, description = "no pass, or its time is over", body = ErrorBody),
    (status = 409, description = "a rule stands against it", body = ErrorBody), (status = 422, body = ErrorBody),
    (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)
))]
pub(super) async fn join(
    State(state): State<AppState>,
    origin: Origin,
    headers: HeaderMap,
    ApiJson(request): ApiJson<JoinRequest>,
) -> Result<Response, ApiError> {
    let mac = pay::read_mac(&request.mac)?;
    let ip = pay::read_ip(request.ip.as_deref())?;
    let pass = held(&state, &headers, request.code, &origin, Some(mac)).await?;
    let wish = wish(&pass, &request.action, request.from.as_deref())?;
    let router_slug = request.router.filter(|slug| !slug.trim().is_empty());
    let join = Join { router_slug, mac, ip, wish, label: request.label };
    let outcome = state.billing().join(&pass, &join).await?.as_str().to_owned();
    let mut response = Json(JoinAnswer { outcome }).into_response();
    response.headers_mut().extend(pass_cookie(&state, &pass).map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

/// Takes a device off.
#[utoipa::path(delete, path = "/api/user/pass/devices/{id}", tag = "customer",
    params(("id" = String, Path, description = "the device"), CodeQuery), responses(
    (status = 204), (status = 404, description = "no pass, or its time is over", body = ErrorBody),
    (status = 409, description = "a rule stands against it", body = ErrorBody),
    (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)
))]
pub(super) async fn remove(
    State(state): State<AppState>,
    origin: Origin,
    headers: HeaderMap,
    Path(id): Path<String>,
    ApiQuery(query): ApiQuery<CodeQuery>,
) -> Result<StatusCode, ApiError> {
    let pass = held(&state, &headers, query.code, &origin, None).await?;
    let id: DeviceId = id.parse().map_err(|_| ApiError::from(PassError::Refused(Refusal::NotAMember)))?;
    state.billing().remove_device(&pass, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn held(
    state: &AppState,
    headers: &HeaderMap,
    code: Option<String>,
    origin: &Origin,
    mac: Option<MacAddr>,
) -> Result<Pass, ApiError> {
    let shown = shown(headers, code.filter(|code| !code.trim().is_empty()));
    let pass = state.billing().find_pass(&shown, guesser(origin, mac)).await?;
    pass.ok_or_else(|| PassError::NotValid.into())
}

/// What is asked for. Without a device to stop, it is the only one there is.
pub(super) fn wish(pass: &Pass, action: &str, from: Option<&str>) -> Result<Wish, ApiError> {
    match action {
        "add" => Ok(Wish::Add),
        "move" => {
            let only = match pass.devices.as_slice() {
                [only] => Some(only.id),
                _ => None,
            };
            let id = match from.map(str::trim).filter(|from| !from.is_empty()) {
                Some(from) => from.parse().ok(),
                None => only,
            };
            let message = "Choose the device that stops.";
            id.map(Wish::Replace).ok_or_else(|| ApiError::invalid("from", "missing_field", message))
        }
        _ => Err(ApiError::invalid("action", "invalid_action", "The action is add or move.")),
    }
}

fn user_pass(state: &AppState, pass: &Pass) -> UserPass {
    UserPass {
        code: pass.code.to_string(),
        link: link(state, &pass.code),
        package: pass.package_name.clone(),
        seconds_remaining: pass.seconds_remaining,
        places: pass.places,
        free_places: pass.free_places,
        moves_left: pass.moves_left,
        devices: pass.devices.iter().map(user_device).collect(),
        refusal: pass.refusal.map(|refusal| refusal.to_string()),
    }
}

fn user_device(device: &OwnDevice) -> UserDevice {
    UserDevice {
        id: device.id.as_uuid(),
        label: device.label.clone(),
        ip: device.ip.clone(),
        mac_ends_in: tail(device.mac),
        is_online: device.is_online,
    }
}

impl From<PassError> for ApiError {
    fn from(error: PassError) -> Self {
        let message = error.to_string();
        match error {
            PassError::NotValid => Self::new(StatusCode::NOT_FOUND, "unknown_pass", message).with_field("code"),
            PassError::TooMany { retry_after_secs } => Self::too_many(retry_after_secs, message),
            PassError::Refused(refusal) => Self::new(StatusCode::CONFLICT, refusal_word(refusal), message),
            PassError::UnknownRouter => Self::invalid("router", "unknown_router", message),
            PassError::Store(error) => match error.is_unavailable() {
                true => Self::unavailable("database_unavailable", message),
                false => error.into(),
            },
        }
    }
}

/// The stable word for programs.
const fn refusal_word(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Over => "time_over",
        Refusal::Paused => "paused",
        Refusal::Taken => "device_taken",
        Refusal::Blocked => "device_blocked",
        Refusal::Full => "no_place",
        Refusal::NoMoveLeft => "no_move_left",
        Refusal::NotAMember => "unknown_device",
        Refusal::Last => "last_device",
    }
}
