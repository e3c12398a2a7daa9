//! HTTP: the one table of routes, grouped by who asks, and the layers around them.

mod admin;
mod assets;
mod by_hand;
mod callback;
mod client_ip;
mod cross_site;
mod csv;
mod encoding;
mod error;
mod events;
mod extract;
mod health;
mod limits;
mod openapi;
mod packages;
mod passes;
mod pay;
mod portal;
mod recover;
mod report;
mod request;
mod router_poll;
mod router_setup;
mod security;
mod state;
mod status;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{Next, from_fn, from_fn_with_state},
    response::Response,
    routing::{delete, get, post},
};
use tower_http::{CompressionLevel, catch_panic::CatchPanicLayer, compression::CompressionLayer};
use tower_sessions_sqlx_store::MySqlStore;

use error::ApiError;
use limits::{BODY_MAX, CALLBACKS_MAX, POLLS_MAX, Places, REQUESTS_MAX, SETUPS_MAX, UPLOADS_MAX};

pub(crate) use admin::{health::why_answer, statements::statement_report};
pub(crate) use packages::package_item;
pub(crate) use state::AppState;

/// Every route with every layer.
pub(crate) fn routes(state: AppState, sessions: MySqlStore) -> Router {
    let ordinary = Places::new(REQUESTS_MAX);
    let reports = Places::new(CALLBACKS_MAX);
    Router::new()
        .merge(mpesa(&state).route_layer(from_fn_with_state(reports, limits::limit)))
        .merge(routers(&state).route_layer(from_fn_with_state(Places::new(POLLS_MAX), limits::limit)))
        .merge(customers(&state).route_layer(from_fn_with_state(ordinary.clone(), limits::limit)))
        .merge(owners(&state, sessions.clone()).route_layer(from_fn_with_state(ordinary, limits::limit)))
        .merge(
            uploads(&state, sessions).route_layer(from_fn_with_state(Places::new(UPLOADS_MAX), limits::limit_upload)),
        )
        .merge(new_routers(&state).route_layer(from_fn_with_state(Places::new(SETUPS_MAX), limits::limit)))
        .merge(files())
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(CatchPanicLayer::new())
        .layer(from_fn(limits::envelope))
        .layer(from_fn_with_state(state.clone(), security::headers))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(from_fn_with_state(state.clone(), request::trace))
        .with_state(state)
}

/// Daraja. The neutral addresses are the ones to give to Safaricom, which bans some words in them.
fn mpesa(state: &AppState) -> Router<AppState> {
    Router::new()
        .route("/api/mpesa/callback", post(callback::without_token))
        .route("/api/mpesa/callback/{token}", post(callback::with_token))
        .route("/api/pay/hook", post(callback::without_token))
        .route("/api/pay/hook/{token}", post(callback::with_token))
        .route("/api/pay/c2b/confirm/{token}", post(by_hand::confirm))
        .route("/api/pay/c2b/validate/{token}", post(by_hand::validate))
        .route("/api/pay/result/{token}", post(by_hand::result))
        .route("/api/pay/timeout/{token}", post(by_hand::timeout))
        .route_layer(from_fn_with_state(state.clone(), wait_for_database))
}

/// Routers that ask.
fn routers(state: &AppState) -> Router<AppState> {
    Router::new()
        .route("/api/router/poll/{router}", post(router_poll::poll))
        .route_layer(from_fn_with_state(state.clone(), want_database))
}

/// Routers that are being connected.
fn new_routers(state: &AppState) -> Router<AppState> {
    Router::new()
        .route("/r/{key}", get(router_setup::script))
        .route("/r/{key}/{what}", get(router_setup::ask))
        .route("/r/{key}/{what}/{name}", get(router_setup::fetch).post(router_setup::report))
        .route_layer(from_fn_with_state(state.clone(), want_database))
}

/// Customers: the API behind the portal, and the portal's own pages, which explain a missing database in
/// words instead.
fn customers(state: &AppState) -> Router<AppState> {
    let api = Router::new()
        .route("/api/packages", get(packages::list))
        .route("/api/pay", post(pay::pay))
        .route("/api/user/status", get(status::status))
        .route("/api/user/events", get(events::user))
        .route("/api/user/recover", post(recover::recover))
        .route("/api/user/pass", get(passes::pass))
        .route("/api/user/pass/devices", post(passes::join))
        .route("/api/user/pass/devices/{id}", delete(passes::remove))
        .route_layer(from_fn_with_state(state.clone(), want_database));
    Router::new()
        .route("/", get(portal::unnamed))
        .route("/w/{router}", get(portal::named))
        .route("/pay", post(portal::pay))
        .route("/voucher", post(portal::voucher))
        .route("/recover", post(portal::recover))
        .route("/p/{code}", get(portal::open_pass))
        .route("/pass", post(portal::join_pass))
        .route("/devices/add", post(portal::add_device))
        .route("/devices/remove", post(portal::remove_device))
        .route("/theme", post(portal::theme))
        .merge(api)
        .route_layer(from_fn_with_state(state.clone(), cross_site::refuse_other_sites))
}

/// Owners and cashiers.
fn owners(state: &AppState, sessions: MySqlStore) -> Router<AppState> {
    let doors = Router::new()
        .route("/api/admin/login", post(admin::login::log_in))
        .route("/api/admin/logout", post(admin::login::log_out))
        .route_layer(from_fn_with_state(state.clone(), cross_site::refuse_other_sites));
    let rooms = Router::new()
        .route("/api/admin/me", get(admin::login::who))
        .route("/api/admin/payments", get(admin::payments::list))
        .route("/api/admin/payments.csv", get(admin::payments::file))
        .route("/api/admin/payments/{id}", get(admin::money::payment))
        .route("/api/admin/payments/{id}/decide", post(admin::money::decide))
        .route("/api/admin/receipts", get(admin::money::receipts))
        .route("/api/admin/receipts/{receipt}/assign", post(admin::money::assign))
        .route("/api/admin/receipts/{receipt}/dismiss", post(admin::money::dismiss))
        .route("/api/admin/claims", get(admin::money::claims))
        .route("/api/admin/claims/{id}/accept", post(admin::money::accept))
        .route("/api/admin/claims/{id}/refuse", post(admin::money::refuse))
        .route("/api/admin/mpesa/register-urls", post(admin::money::register_urls))
        .route("/api/admin/users", get(admin::users::list))
        .route("/api/admin/notifications", get(admin::notifications::list))
        .route("/api/admin/notifications/{id}/read", post(admin::notifications::mark_read))
        .route("/api/events", get(events::admin))
        .merge(books())
        .merge(live())
        .merge(setups())
        .merge(router_health())
        .route_layer(from_fn_with_state(state.clone(), cross_site::want_own_site));
    doors
        .merge(rooms)
        .route_layer(from_fn_with_state(state.clone(), want_database))
        .route("/metrics", get(health::metrics))
        .route_layer(admin::session::layer(sessions, state.config().http.is_https()))
}

/// Money that goes back, and M-Pesa's own books.
fn books() -> Router<AppState> {
    Router::new()
        .route("/api/admin/payments/{id}/refund", post(admin::refunds::refund))
        .route("/api/admin/statements", get(admin::statements::list))
        .route("/api/admin/statements/{id}", get(admin::statements::one))
        .route("/api/admin/statements/{id}/lines", get(admin::statements::lines))
        .route("/api/admin/statements/{id}/lines/{receipt}/settle", post(admin::statements::settle))
}

/// Devices on the network, their paid time, and routers.
fn live() -> Router<AppState> {
    Router::new()
        .route("/api/admin/live", get(admin::live::list))
        .route("/api/admin/live/{id}/kick", post(admin::live::kick))
        .route("/api/admin/sessions/{id}/pause", post(admin::live::pause))
        .route("/api/admin/sessions/{id}/resume", post(admin::live::resume))
        .route("/api/admin/sessions/{id}/extend", post(admin::live::extend))
        .route("/api/admin/sessions/{id}/end", post(admin::live::end))
        .route("/api/admin/blocks", get(admin::live::blocks).post(admin::live::block))
        .route("/api/admin/blocks/{id}/lift", post(admin::live::lift))
        .route("/api/admin/routers", get(admin::routers::list).post(admin::routers::add))
        .route("/api/admin/routers/{id}", get(admin::health::router).post(admin::routers::change))
        .route("/api/admin/routers/{id}/remove", post(admin::routers::remove))
        .route("/api/admin/routers/{id}/restore", post(admin::routers::restore))
}

/// How routers fare, and why a customer cannot get on.
fn router_health() -> Router<AppState> {
    Router::new()
        .route("/api/admin/routers/{id}/test", post(admin::health::test))
        .route("/api/admin/routers/{id}/outages/{outage}/credit", post(admin::health::credit))
        .route("/api/admin/routers/outage-policy", post(admin::health::policy))
        .route("/api/admin/why", get(admin::health::why))
}

/// Connecting routers in one paste.
fn setups() -> Router<AppState> {
    Router::new()
        .route("/api/admin/routers/setups", post(admin::setups::begin))
        .route("/api/admin/routers/setups/{id}", get(admin::setups::one))
        .route("/api/admin/routers/setups/{id}/approve", post(admin::setups::approve))
}

/// Files that owners send: larger and slower than anything else, so few at a time.
fn uploads(state: &AppState, sessions: MySqlStore) -> Router<AppState> {
    Router::new()
        .route("/api/admin/statements", post(admin::statements::import))
        .layer(DefaultBodyLimit::max(daraja::statement::MAX_BYTES))
        .route_layer(from_fn_with_state(state.clone(), cross_site::want_own_site))
        .route_layer(from_fn_with_state(state.clone(), want_database))
        .route_layer(admin::session::layer(sessions, state.config().http.is_https()))
}

/// What needs no database.
fn files() -> Router<AppState> {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/api/openapi.json", get(openapi::description))
        .route("/admin", get(admin::page::shell))
        .route("/admin/", get(admin::page::shell))
        .route("/admin/{*path}", get(admin::page::shell))
        .route("/assets/{*path}", get(assets::bundle))
        .route("/robots.txt", get(|| assets::public("robots.txt")))
        .route("/favicon.ico", get(|| assets::public("favicon.ico")))
        .route("/icon.svg", get(|| assets::public("icon.svg")))
}

/// How long a report waits for a server that has just started to reach its database. Daraja does not report twice.
const REPORTS_WAIT: std::time::Duration = std::time::Duration::from_secs(8);

/// Middleware: as [`want_database`], but with patience.
async fn wait_for_database(State(state): State<AppState>, request: Request, next: Next) -> Result<Response, ApiError> {
    let until = tokio::time::Instant::now() + REPORTS_WAIT;
    while state.ensure_migrated().is_err() && tokio::time::Instant::now() < until {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    want_database(State(state), request, next).await
}

/// Middleware: `503` until the schema is up to date.
async fn want_database(State(state): State<AppState>, request: Request, next: Next) -> Result<Response, ApiError> {
    state.ensure_migrated()?;
    Ok(next.run(request).await)
}
