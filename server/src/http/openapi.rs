//! `GET /api/openapi.json`, generated from the handlers themselves.

use axum::{Json, response::IntoResponse};
use utoipa::OpenApi;

use super::{admin, by_hand, callback, events, health, packages, passes, pay, recover, router_poll, status};

#[derive(OpenApi)]
#[openapi(
    info(title = "Bando", description = "M-Pesa WiFi billing. Errors everywhere have the form of ErrorBody."),
    paths(
        packages::list,
        pay::pay,
        status::status,
        events::user,
        callback::with_token,
        callback::without_token,
        recover::recover,
        passes::pass,
        passes::join,
        passes::remove,
        by_hand::confirm,
        by_hand::validate,
        by_hand::result,
        by_hand::timeout,
        admin::login::log_in,
        admin::login::log_out,
        admin::login::who,
        admin::payments::list,
        admin::payments::file,
        admin::money::payment,
        admin::money::decide,
        admin::money::receipts,
        admin::money::assign,
        admin::money::dismiss,
        admin::money::claims,
        admin::money::accept,
        admin::money::refuse,
        admin::money::register_urls,
        admin::refunds::refund,
        admin::statements::import,
        admin::statements::list,
        admin::statements::one,
        admin::statements::lines,
        admin::statements::settle,
        admin::health::router,
        admin::health::test,
        admin::health::credit,
        admin::health::policy,
        admin::health::why,
        admin::setups::begin,
        admin::setups::one,
        admin::setups::approve,
        admin::users::list,
        admin::live::list,
        admin::live::kick,
        admin::live::pause,
        admin::live::resume,
        admin::live::extend,
        admin::live::end,
        admin::live::blocks,
        admin::live::block,
        admin::live::lift,
        admin::routers::list,
        admin::routers::add,
        admin::routers::change,
        admin::routers::remove,
        admin::routers::restore,
        admin::notifications::list,
        admin::notifications::mark_read,
        events::admin,
        router_poll::poll,
        health::healthz,
        health::readyz,
        health::metrics
    ),
    components(schemas(app::api::ErrorBody, app::api::ErrorDetail, app::api::PaymentRow, app::api::NotificationRow))
)]
struct Description;

/// Addresses that are answered by the handler of another one.
const ALIASES: [(&str, &str); 2] =
    [("/api/pay/hook", "/api/mpesa/callback"), ("/api/pay/hook/{token}", "/api/mpesa/callback/{token}")];

/// The description of this very server.
pub(super) async fn description() -> impl IntoResponse {
    let mut description = Description::openapi();
    let paths = &mut description.paths.paths;
    for (alias, original) in ALIASES {
        if let Some(item) = paths.get(original).cloned() {
            paths.insert(alias.to_owned(), item);
        }
    }
    Json(description)
}
