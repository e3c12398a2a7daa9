//! The pages and forms about passes: time that goes on on another device, and several devices that share it. Every
//! change is asked for on a page that says what will happen, and every form works without JavaScript.

use app::portal::model::{
    Device, Devices, Failure, Nearby, Offer, OwnDevice, Page, PassKept, PassPage, Picking, Removing, Target, Theme,
};
use axum::{
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, Uri, header},
    response::Response,
};
use billing::devices::{Join, NearbyError, Pass, PassError, Shown};
use domain::{DeviceId, MacAddr, devices::Refusal};

use super::{
    forms::see_other,
    pages::{device, trouble},
    parameters::{self, Parameters},
    shell,
};
use crate::http::{
    AppState,
    error::ApiError,
    extract::body_error,
    passes::{self, guesser, shown},
    request::Origin,
};

/// What a device without a name is called.
const UNNAMED: &str = "TV or console";

/// `GET /p/{code}`: the browser keeps the pass and learns how to go on.
pub(in crate::http) async fn open(
    State(state): State<AppState>,
    origin: Origin,
    Path(code): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let theme = parameters::theme(&headers);
    let here = uri.path().to_owned();
    if let Err(error) = state.ensure_migrated() {
        return trouble(&state, theme, here, &error).await;
    }
    let code = Shown { code: Some(code), ..Shown::default() };
    let found = state.billing().find_pass(&code, guesser(&origin, None)).await;
    match found.and_then(|pass| pass.ok_or(PassError::NotValid)) {
        Ok(pass) => {
            let cookie = passes::pass_cookie(&state, &pass);
            let page =
                PassKept { code: pass.code, package: pass.package_name, seconds_remaining: pass.seconds_remaining };
            let mut response = shell::answer(&state, StatusCode::OK, theme, here, Page::PassKept(page)).await;
            response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
            response
        }
        Err(PassError::NotValid) => {
            let failure = Failure {
                title: "This pass does not work".to_owned(),
                message:
                    "It is not valid, or its time is over. Ask whoever gave you the link for a new one, or join the \
                          WiFi and choose a package there."
                        .to_owned(),
                retry: None,
            };
            let status = ApiError::from(PassError::NotValid).status();
            shell::answer(&state, status, theme, here, Page::Failure(failure)).await
        }
        Err(error) => trouble(&state, theme, here, &error.into()).await,
    }
}

/// The pass of whoever looks at the page of a device, if they hold one.
pub(super) async fn pass_of(
    state: &AppState,
    device: &Device,
    shown: &Shown,
    origin: &Origin,
) -> Result<Option<Pass>, PassError> {
    state.billing().find_pass(shown, guesser(origin, Some(device.mac))).await
}

/// What the holder of a pass can do for a device: the one in front, or another on the same router.
pub(super) async fn offer(
    state: &AppState,
    device: &Device,
    mac: MacAddr,
    pass: &Pass,
    is_code_shown: bool,
) -> Result<Offer, ApiError> {
    let router = state.billing().find_router(&device.router).await?;
    let router_id = router.map(|router| router.id);
    let own = |own: &billing::devices::OwnDevice| OwnDevice {
        id: own.id,
        label: own.label.clone(),
        ip: own.ip.clone(),
        tail: passes::tail(own.mac),
        is_this: Some(own.router_id) == router_id && own.mac == device.mac,
        is_online: own.is_online,
    };
    // The same device at another router is the one to replace, and that is no move.
    let is_roaming = |own: &billing::devices::OwnDevice| own.mac == mac && Some(own.router_id) != router_id;
    let mut devices: Vec<&billing::devices::OwnDevice> = pass.devices.iter().collect();
    devices.sort_by_key(|own| !is_roaming(own));
    let can_roam = devices.first().is_some_and(|own| is_roaming(own));
    let can_add = pass.free_places > 0;
    let can_move = pass.moves_left > 0 || can_roam;
    let nothing = (!can_add && !can_move).then_some(Refusal::NoMoveLeft);
    Ok(Offer {
        package: pass.package_name.clone(),
        seconds_remaining: pass.seconds_remaining,
        places: pass.places,
        devices: devices.into_iter().map(own).collect(),
        can_add,
        can_move,
        moves_left: pass.moves_left,
        refusal: pass.refusal.or(nothing).map(|refusal| refusal.to_string()),
        code: is_code_shown.then(|| pass.code.clone()),
    })
}

/// `view=devices`.
pub(super) async fn devices(
    state: &AppState,
    device: Device,
    pass: Option<&Pass>,
    parameters: &Parameters,
) -> Result<Devices, ApiError> {
    let Some(pass) = pass else {
        return Ok(Devices {
            device,
            offer: None,
            code: None,
            link: None,
            picking: Picking::Closed,
            typed: String::new(),
            label: String::new(),
            error: None,
        });
    };
    let mut offer = offer(state, &device, device.mac, pass, false).await?;
    // The list is of use although nothing can be added any more today.
    offer.refusal = pass.refusal.map(|refusal| refusal.to_string());
    let picking = match parameters.text("near") {
        Some(_) => picking(state, &device).await?,
        None => Picking::Closed,
    };
    let link = passes::link(state, &pass.code);
    Ok(Devices {
        device,
        offer: Some(offer),
        code: Some(pass.code.clone()),
        link: Some(link),
        picking,
        typed: parameters.text("typed").unwrap_or_default(),
        label: parameters.text("label").unwrap_or_default(),
        error: None,
    })
}

async fn picking(state: &AppState, device: &Device) -> Result<Picking, ApiError> {
    let Some(router) = state.billing().find_router(&device.router).await? else { return Ok(Picking::Unavailable) };
    match state.billing().list_nearby(&router).await {
        Ok(list) => {
            let shown = |near: billing::devices::Nearby| Nearby { handle: near.handle, ip: near.ip, tail: near.tail };
            Ok(Picking::Open(list.into_iter().map(shown).collect()))
        }
        Err(NearbyError::Unavailable) => Ok(Picking::Unavailable),
        Err(NearbyError::Store(error)) => Err(error.into()),
    }
}

/// A form of the holder of a pass.
struct Form {
    theme: Theme,
    parameters: Parameters,
    device: Device,
    pass: Pass,
    is_code_shown: bool,
}

/// Reads a form and opens the pass; an answer at once when there is none.
async fn form(
    state: &AppState,
    origin: &Origin,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Form, Response> {
    let theme = parameters::theme(headers);
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return Err(trouble(state, theme, "/".to_owned(), &body_error(&rejection)).await),
    };
    let parameters = Parameters::parse(&body);
    let device = match device(state, parameters.text("router"), &parameters).await {
        Ok(device) => device,
        Err(error) => return Err(trouble(state, theme, "/".to_owned(), &error).await),
    };
    match state.billing().is_blocked(device.mac).await {
        Ok(false) => {}
        Ok(true) => return Err(trouble(state, theme, device.path(), &ApiError::blocked()).await),
        Err(error) => return Err(trouble(state, theme, device.path(), &error.into()).await),
    }
    let shown = shown(headers, parameters.text("code"));
    match pass_of(state, &device, &shown, origin).await {
        Ok(Some(pass)) => {
            let is_code_shown = shown.code.is_some();
            Ok(Form { theme, parameters, device, pass, is_code_shown })
        }
        // A browser that keeps nothing, or time that has ended meanwhile: the page of the device says what there is.
        Ok(None) => Err(see_other(&device.path())),
        Err(error) => Err(trouble(state, theme, device.path(), &error.into()).await),
    }
}

/// `POST /pass`: the device in front, or the one that was named, uses the time.
pub(in crate::http) async fn join(
    State(state): State<AppState>,
    origin: Origin,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let form = match form(&state, &origin, &headers, body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    match join_now(&state, &form).await {
        Ok(path) => {
            let mut response = see_other(&path);
            let cookie = passes::pass_cookie(&state, &form.pass);
            response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
            response
        }
        Err(error) => refused(&state, form, &error).await,
    }
}

async fn join_now(state: &AppState, form: &Form) -> Result<String, ApiError> {
    let Form { parameters, device, pass, .. } = form;
    let action = parameters.text("do").unwrap_or_default();
    let wish = passes::wish(pass, &action, parameters.text("from").as_deref())?;
    let named = named(state, device, parameters).await?;
    let (mac, ip, label, path) = match named {
        Some(named) => (named.mac, named.ip.parse().ok(), parameters.text("label"), device.devices_path()),
        None => (device.mac, parameters.ip(), None, device.path()),
    };
    let join = Join { router_slug: Some(device.router.clone()), mac, ip, wish, label };
    state.billing().join(pass, &join).await?;
    Ok(path)
}

/// A device that was typed or picked.
struct Named {
    mac: MacAddr,
    ip: String,
    target: Target,
}

async fn named(state: &AppState, device: &Device, parameters: &Parameters) -> Result<Option<Named>, ApiError> {
    let label = parameters.text("label").map_or_else(|| UNNAMED.to_owned(), |label| label.chars().take(40).collect());
    let gone = || ApiError::invalid("pick", "unknown_device", "That device is not waiting on this WiFi any more.");
    if let Some(typed) = parameters.text("typed") {
        let mac = read_typed(&typed)?;
        let detail = mac.to_string();
        let is_seen = is_seen(state, device, mac).await;
        let target = Target { field: "typed", value: mac.to_string(), label, detail, is_seen };
        return Ok(Some(Named { mac, ip: String::new(), target }));
    }
    let Some(handle) = parameters.text("pick") else { return Ok(None) };
    let router = state.billing().find_router(&device.router).await?.ok_or_else(gone)?;
    let (mac, ip) = match state.billing().find_nearby(&router, &handle).await {
        Ok(found) => found.ok_or_else(gone)?,
        Err(NearbyError::Unavailable) => return Err(gone()),
        Err(NearbyError::Store(error)) => return Err(error.into()),
    };
    let detail = format!("{ip}, ends in {}", passes::tail(mac));
    let target = Target { field: "pick", value: handle, label, detail, is_seen: true };
    Ok(Some(Named { mac, ip, target }))
}

/// Whether the hotspot sees a device now, as far as that can be known.
async fn is_seen(state: &AppState, device: &Device, mac: MacAddr) -> bool {
    let Ok(Some(router)) = state.billing().find_router(&device.router).await else { return false };
    state.billing().is_nearby(&router, mac).await
}

/// An address as people copy it from a television: spaces around, inside or instead of the colons.
fn read_typed(typed: &str) -> Result<MacAddr, ApiError> {
    let plain: String = typed.split_whitespace().collect();
    let spaced = typed.split_whitespace().collect::<Vec<_>>().join(":");
    plain
        .parse()
        .or_else(|first| spaced.parse().map_err(|_| first))
        .map_err(|error: domain::mac::InvalidMac| ApiError::invalid("typed", "invalid_mac", error.to_string()))
}

/// `POST /devices/add`: asks whether exactly this device is to be let on.
pub(in crate::http) async fn add(
    State(state): State<AppState>,
    origin: Origin,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let form = match form(&state, &origin, &headers, body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    match confirmation(&state, &form).await {
        Ok(page) => shell::answer(&state, StatusCode::OK, form.theme, form.device.devices_path(), page).await,
        Err(error) => refused(&state, form, &error).await,
    }
}

async fn confirmation(state: &AppState, form: &Form) -> Result<Page, ApiError> {
    let named = named(state, &form.device, &form.parameters).await?;
    let missing = || ApiError::invalid("typed", "missing_field", "Type the address of the device, or pick it.");
    let Named { mac, target, .. } = named.ok_or_else(missing)?;
    let offer = offer(state, &form.device, mac, &form.pass, form.is_code_shown).await?;
    Ok(Page::Pass(PassPage { device: form.device.clone(), offer, target: Some(target) }))
}

/// `POST /devices/remove`: asks, and with `confirm=yes` takes the device off.
pub(in crate::http) async fn remove(
    State(state): State<AppState>,
    origin: Origin,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let form = match form(&state, &origin, &headers, body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let id: Option<DeviceId> = form.parameters.text("id").and_then(|id| id.parse().ok());
    let is_confirmed = form.parameters.text("confirm").as_deref() == Some("yes");
    let path = form.device.devices_path();
    match id {
        Some(id) if is_confirmed => match state.billing().remove_device(&form.pass, id).await {
            Ok(()) => see_other(&path),
            Err(error) => refused(&state, form, &error.into()).await,
        },
        Some(id) => match offer(&state, &form.device, form.device.mac, &form.pass, false).await {
            Ok(offer) => match offer.devices.into_iter().find(|own| own.id == id) {
                Some(own) => {
                    let refusal = (form.pass.devices.len() == 1).then(|| Refusal::Last.to_string());
                    let page = Page::Removing(Removing { device: form.device, own, refusal });
                    shell::answer(&state, StatusCode::OK, form.theme, path, page).await
                }
                None => see_other(&path),
            },
            Err(error) => trouble(&state, form.theme, path, &error).await,
        },
        None => see_other(&path),
    }
}

/// What was wrong: at the field when there is one, else on a page that leads back.
async fn refused(state: &AppState, form: Form, error: &ApiError) -> Response {
    let Form { theme, parameters, device, pass, .. } = form;
    let here = device.devices_path();
    if matches!(error.field(), Some("typed" | "pick")) {
        let again = devices(state, device, Some(&pass), &parameters).await;
        return match again {
            Ok(again) => {
                let page = Page::Devices(Devices { error: Some(error.message().to_owned()), ..again });
                shell::answer(state, error.status(), theme, here, page).await
            }
            Err(error) => trouble(state, theme, here, &error).await,
        };
    }
    if error.status().is_server_error() {
        return trouble(state, theme, device.path(), error).await;
    }
    let failure = Failure {
        title: "This did not work".to_owned(),
        message: error.message().to_owned(),
        retry: Some(device.path()),
    };
    shell::answer(state, error.status(), theme, device.path(), Page::Failure(failure)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_copy_them() {
        for typed in
            ["A4:CF:12:00:00:01", "a4 cf 12 00 00 01", " a4-cf-12-00-00-01 ", "A4CF 1200 0001", "A4: CF: 12: 0: 0: 1"]
        {
            let read = read_typed(typed).map(|mac| mac.to_string());
            assert_eq!(read.ok().as_deref(), Some("A4:CF:12:00:00:01"), "{typed}");
        }
        for typed in ["", "hello", "A4:CF:12:00:00", "FF:FF:FF:FF:FF:FF", "A4CF12000001 A4CF12000001"] {
            assert!(read_typed(typed).is_err(), "{typed}");
        }
    }
}
