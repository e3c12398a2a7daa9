//! `GET /` and `GET /w/{router}`: one page for a device, whatever state it is in.

use app::portal::model::{
    Delivering, Device, Ended, Failure, Notice, Online, Page, PassPage, Recovering, Sharing, Shop, Theme, Waiting,
};
use axum::{
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use billing::{
    devices::{Pass, PassError},
    payments::{CustomerStatus, Phase},
};
use chrono::TimeDelta;
use domain::{DataSize, PaymentId, PaymentState};

use super::{
    devices,
    parameters::{self, Parameters},
    shell,
};
use crate::http::{AppState, error::ApiError, passes, request::Origin, status::pay_by_hand};

/// `GET /`: for links without a router's name, such as those of an owner with one router.
pub(in crate::http) async fn unnamed(
    State(state): State<AppState>,
    origin: Origin,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    show(&state, None, &uri, query, (&headers, &origin)).await
}

/// `GET /w/{router}`.
pub(in crate::http) async fn named(
    State(state): State<AppState>,
    origin: Origin,
    Path(router): Path<String>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    show(&state, Some(router), &uri, query, (&headers, &origin)).await
}

async fn show(
    state: &AppState,
    router: Option<String>,
    uri: &Uri,
    query: Option<String>,
    (headers, origin): (&HeaderMap, &Origin),
) -> Response {
    let theme = parameters::theme(headers);
    let here = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes());
    if parameters.mac().is_none() {
        return shell::answer(state, StatusCode::OK, theme, here, Page::NoDevice).await;
    }
    let visit = async {
        let device = device(state, router, &parameters).await?;
        let pass = pass(state, &device, &parameters, headers, origin).await?;
        Ok((page(state, device, pass.as_ref(), &parameters).await?, pass))
    };
    match visit.await {
        Ok((page, pass)) => {
            let mut response = shell::answer(state, StatusCode::OK, theme, here, page).await;
            // The browser that paid keeps the pass of what it bought.
            let is_new = |pass: &Pass| passes::shown(headers, None).pass.as_ref() != Some(&pass.token);
            let cookie = pass.filter(is_new).and_then(|pass| passes::pass_cookie(state, &pass));
            response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
            response
        }
        Err(error) => trouble(state, theme, here, &error).await,
    }
}

/// The pass that the visitor holds: the code in the address, or what the browser keeps.
async fn pass(
    state: &AppState,
    device: &Device,
    parameters: &Parameters,
    headers: &HeaderMap,
    origin: &Origin,
) -> Result<Option<Pass>, ApiError> {
    let shown = passes::shown(headers, parameters.text("code"));
    match devices::pass_of(state, device, &shown, origin).await {
        Ok(pass) => Ok(pass),
        // Time that ended since the code was typed: the page of the device says what there is.
        Err(PassError::NotValid) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A page that says what went wrong; one that passes by itself is tried again by the browser.
pub(super) async fn trouble(state: &AppState, theme: Theme, here: String, error: &ApiError) -> Response {
    let passes = error.status().is_server_error();
    let title = match (passes, error.code()) {
        (true, _) => "One moment, please",
        (false, "device_blocked") => "This device is blocked",
        (false, _) => "This did not work",
    };
    let failure =
        Failure { title: title.to_owned(), message: error.message().to_owned(), retry: passes.then(|| here.clone()) };
    let refresh = HeaderValue::try_from(format!("5;url={}", app::portal::local_path(&here)));
    let mut response = shell::answer(state, error.status(), theme, here, Page::Failure(failure)).await;
    if passes {
        if let Ok(refresh) = refresh {
            response.headers_mut().insert("refresh", refresh);
        }
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(crate::http::error::RETRY_SECS));
    }
    response
}

async fn page(
    state: &AppState,
    device: Device,
    pass: Option<&Pass>,
    parameters: &Parameters,
) -> Result<Page, ApiError> {
    if state.billing().is_blocked(device.mac).await? {
        return Err(ApiError::blocked());
    }
    let status = status(state, &device, parameters).await?;
    let is_served = matches!(status.phase, Phase::Paid | Phase::Online);
    if is_served && let Some(ip) = parameters.ip() {
        state.billing().note_address(&device.router, device.mac, ip).await?;
    }
    // The pass of what this device has itself, or of what another has.
    let (own, other) = match pass {
        Some(pass) if is_served && status.session_id == Some(pass.session_id) => (Some(pass), None),
        Some(pass) if !is_served => (None, Some(pass)),
        _ => (None, None),
    };
    let view = parameters.text("view");
    let has_paid = view.as_deref() == Some("paid");
    let wants_shop = has_paid || view.as_deref() == Some("shop");
    match (status.phase, status.payment_id, view.as_deref(), other) {
        (_, _, Some("devices"), _) => {
            devices::devices(state, device, own.or(other), parameters).await.map(Page::Devices)
        }
        (_, _, Some("pass"), Some(pass)) => {
            let is_code_shown = parameters.text("code").is_some();
            let offer = devices::offer(state, &device, device.mac, pass, is_code_shown).await?;
            Ok(Page::Pass(PassPage { device, offer, target: None }))
        }
        (Phase::Pending, Some(payment), _, _) if !(wants_shop && (status.can_retry || has_paid)) => {
            waiting(state, device, payment, status).await.map(Page::Waiting)
        }
        (Phase::Paid, payment, _, _) if !wants_shop && !status.is_paused => {
            delivering(state, device, payment, status).await.map(Page::Delivering)
        }
        (Phase::Online, payment, _, _) if !wants_shop => {
            Ok(Page::Online(Online { sharing: own.map(sharing), ..online(state, device, payment, &status).await }))
        }
        _ => {
            let notice = notice(&status, wants_shop, parameters);
            let pay_by_hand = status.pay_by_hand.map(pay_by_hand);
            let recovering = Recovering { is_open: has_paid, ..Recovering::default() };
            let offer = match other.filter(|_| status.phase != Phase::Pending) {
                Some(pass) => Some(devices::offer(state, &device, device.mac, pass, false).await?),
                None => None,
            };
            let shop = shop(state, device, notice).await?;
            Ok(Page::Shop(Shop { pay_by_hand, recovering, offer, ..shop }))
        }
    }
}

fn sharing(pass: &Pass) -> Sharing {
    Sharing { in_use: pass.devices.len(), places: pass.places, code: pass.code.clone() }
}

/// The device on its router; the only router's when none was named.
pub(super) async fn device(
    state: &AppState,
    router: Option<String>,
    parameters: &Parameters,
) -> Result<Device, ApiError> {
    state.ensure_migrated()?;
    let unknown = || {
        let message = "This hotspot is not known. Disconnect from the WiFi and join it again, or ask for help.";
        ApiError::new(StatusCode::NOT_FOUND, "unknown_router", message)
    };
    let router = match router {
        Some(slug) => state.billing().find_router(&slug).await?.ok_or_else(unknown)?.slug,
        None => match <[_; 1]>::try_from(state.billing().list_routers().await?) {
            Ok([only]) => only.slug,
            Err(_) => return Err(unknown()),
        },
    };
    let message = "This device did not say who it is. Disconnect from the WiFi and join it again.";
    parameters.device(router).ok_or_else(|| ApiError::invalid("mac", "invalid_mac", message))
}

/// What is known of the device; of the payment in the address only when the device itself is not online.
async fn status(state: &AppState, device: &Device, parameters: &Parameters) -> Result<CustomerStatus, ApiError> {
    let billing = state.billing();
    let of_device = billing.device_status(Some(&device.router), device.mac).await?;
    let payment: Option<PaymentId> = parameters.text("payment").and_then(|text| text.parse().ok());
    if of_device.phase != Phase::Online
        && let Some(id) = payment
        && let Some(of_payment) = billing.payment_status(id).await?
    {
        // Paid here, but the time went on on another device.
        let has_left = match of_payment.session_id {
            Some(session) => billing.has_left(session, device.mac).await?,
            None => false,
        };
        if !has_left {
            return Ok(of_payment);
        }
    }
    Ok(of_device)
}

fn notice(status: &CustomerStatus, wants_shop: bool, parameters: &Parameters) -> Option<Notice> {
    match status.phase {
        Phase::Failed if !wants_shop => Some(Notice::PaymentFailed { message: status.message.clone() }),
        Phase::Expired if status.is_stopped => Some(Notice::Ended(Ended::Stopped)),
        Phase::Expired if status.bytes_remaining == Some(0) && status.seconds_remaining != Some(0) => {
            Some(Notice::Ended(Ended::Data))
        }
        Phase::Expired => Some(Notice::Ended(Ended::Time)),
        Phase::Paid if status.is_paused => {
            Some(Notice::Paused { seconds_remaining: status.seconds_remaining.unwrap_or_default() })
        }
        Phase::Online | Phase::Paid => {
            status.seconds_remaining.map(|seconds_remaining| Notice::BuyMore { seconds_remaining })
        }
        Phase::None | Phase::Failed | Phase::Pending => {
            parameters.text("err").map(|error| Notice::Router { error: error.chars().take(200).collect() })
        }
    }
}

/// The packages, with nothing typed yet.
pub(super) async fn shop(state: &AppState, device: Device, notice: Option<Notice>) -> Result<Shop, ApiError> {
    let packages = state.billing().list_packages().await?;
    Ok(Shop {
        device,
        packages,
        chosen: None,
        phone: String::new(),
        voucher: String::new(),
        field_error: None,
        notice,
        pay_by_hand: None,
        recovering: Recovering::default(),
        offer: None,
    })
}

async fn waiting(
    state: &AppState,
    device: Device,
    payment: PaymentId,
    status: CustomerStatus,
) -> Result<Waiting, ApiError> {
    state.billing().watch(payment).await?;
    let listed = state.billing().find_listed_payment(payment).await?.ok_or_else(ApiError::internal)?;
    let (Some(amount), Some(account_reference)) = (status.amount, status.account_reference) else {
        return Err(ApiError::internal());
    };
    Ok(Waiting {
        device,
        payment,
        package: status.package_name.unwrap_or_default(),
        amount,
        account_reference,
        phone: listed.msisdn.masked(),
        elapsed_secs: status.pending_secs,
        may_start_again: status.can_retry,
        is_in_review: listed.state == PaymentState::Review,
        is_claimed: status.is_claimed,
        received: (status.received_kes > 0).then(|| status.message.clone()),
        pay_by_hand: status.pay_by_hand.map(pay_by_hand),
        message: status.message,
    })
}

async fn delivering(
    state: &AppState,
    device: Device,
    payment: Option<PaymentId>,
    status: CustomerStatus,
) -> Result<Delivering, ApiError> {
    let listed = match payment {
        Some(id) => state.billing().find_listed_payment(id).await?,
        None => None,
    };
    let since = listed.as_ref().map(|listed| state.now() - listed.created_at);
    Ok(Delivering {
        device,
        payment,
        package: status.package_name.unwrap_or_default(),
        receipt: listed.and_then(|listed| listed.receipt),
        waiting_secs: since.and_then(|since| u64::try_from(since.num_seconds()).ok()).unwrap_or(0),
        credit: status.credit,
    })
}

async fn online(state: &AppState, device: Device, payment: Option<PaymentId>, status: &CustomerStatus) -> Online {
    let zone = shell::settings(state).await.time_zone;
    let now = state.now();
    let seconds_remaining = status.seconds_remaining.unwrap_or(0);
    let left = i64::try_from(seconds_remaining).ok().and_then(TimeDelta::try_seconds).unwrap_or_default();
    let ends_at = status.ends_at.unwrap_or(now + left);
    Online {
        device,
        payment,
        package: status.package_name.clone().unwrap_or_default(),
        seconds_remaining,
        data_remaining: status.bytes_remaining.map(DataSize::from_bytes),
        ends_at: ends_at.with_timezone(&zone).fixed_offset(),
        now: now.with_timezone(&zone).fixed_offset(),
        credit: status.credit.clone(),
        sharing: None,
    }
}
