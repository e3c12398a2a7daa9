//! The owner's routers: the list, adding one by hand, changing it, taking it out of use and back. Passwords come in and
//! never go out.

use app::api::{
    AddRouterRequest, ChangeRouterRequest, ErrorBody, OutagePolicy, ReasonRequest, RemoveRouterRequest, RouterItem,
    RouterList,
};
use axum::{Json, extract::State, http::StatusCode};
use billing::{
    Billing,
    admins::{Admin, Role},
    routers::{AddRouterError, AskedBy, NewRouter, RouterChange, RouterError, RouterListed},
};
use domain::RouterId;
use secrecy::SecretString;
use serde::Deserialize;

use super::session::CurrentAdmin;
use crate::{
    config,
    http::{
        error::ApiError,
        extract::{ApiJson, ApiQuery, Named},
        request::Origin,
    },
};

/// Which routers to list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
pub(in crate::http) struct RoutersQuery {
    /// `true` for those that were taken out of use.
    removed: Option<String>,
}

/// Routers by name, with what happens after an outage.
#[utoipa::path(get, path = "/api/admin/routers", tag = "admin", params(RoutersQuery), responses(
    (status = 200, body = RouterList), (status = 401, body = ErrorBody)
))]
pub(in crate::http) async fn list(
    State(billing): State<Billing>,
    _admin: CurrentAdmin,
    ApiQuery(query): ApiQuery<RoutersQuery>,
) -> Result<Json<RouterList>, ApiError> {
    let is_removed = matches!(query.removed.as_deref(), Some("true" | "1"));
    let routers = billing.list_routers_for_owner(is_removed).await?;
    let policy = billing.outage_policy().await?;
    Ok(Json(RouterList {
        routers: routers.into_iter().map(router_item).collect(),
        outage_policy: OutagePolicy { is_automatic: policy.is_automatic, min_minutes: policy.min_minutes },
    }))
}

/// One router as the list shows it.
pub(in crate::http) fn router_item(listed: RouterListed) -> RouterItem {
    let router = listed.router;
    RouterItem {
        id: router.id.as_uuid(),
        slug: router.slug,
        name: router.name,
        reach: router.reach.as_str().to_owned(),
        host: router.host,
        port: router.port,
        username: router.username,
        is_pinned: router.tls_pin.is_some(),
        state: listed.state.to_owned(),
        message: listed.message,
        last_seen_at: router.last_seen_at,
        version: listed.version,
        board: listed.board,
        online_devices: listed.online_devices,
        waiting_devices: listed.waiting_devices,
    }
}

async fn item(billing: &Billing, id: RouterId) -> Result<Json<RouterItem>, ApiError> {
    billing.find_router_for_owner(id).await?.map(router_item).map(Json).ok_or_else(ApiError::not_found)
}

/// Routers are the owner's: who may change one can take its customers away.
fn owners_only(admin: &Admin) -> Result<(), ApiError> {
    match admin.role {
        Role::Owner => Ok(()),
        Role::Cashier => Err(ApiError::forbidden("owners_only", "Only an owner may change routers.")),
    }
}

fn pin(text: &str) -> Result<[u8; 32], ApiError> {
    let pin = config::tls_pin(&format!("pin:{}", text.trim())).flatten();
    let message = "The certificate's SHA-256 has 64 hexadecimal characters.";
    pin.ok_or_else(|| ApiError::invalid("tls_pin", "invalid_tls_pin", message))
}

fn filled(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Adds a router that the owner has set up by hand.
#[utoipa::path(post, path = "/api/admin/routers", tag = "admin", request_body = AddRouterRequest, responses(
    (status = 201, body = RouterItem), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 409, description = "the name is taken", body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn add(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    ApiJson(request): ApiJson<AddRouterRequest>,
) -> Result<(StatusCode, Json<RouterItem>), ApiError> {
    owners_only(&admin)?;
    let tls_pin = filled(request.tls_pin).as_deref().map(pin).transpose()?;
    let new = NewRouter {
        name: request.name,
        host: request.host,
        port: request.port.unwrap_or_else(|| config::default_api_port(tls_pin)),
        username: request.username.trim().to_owned(),
        password: SecretString::from(request.password),
        tls_pin,
    };
    let added = billing.add_router_as(&new, asked_by(&admin, ip)).await?;
    Ok((StatusCode::CREATED, item(&billing, added.id).await?))
}

fn asked_by(admin: &Admin, ip: std::net::IpAddr) -> AskedBy<'_> {
    AskedBy { actor: &admin.username, remote_ip: Some(ip) }
}

/// Changes a router; what is left out stays.
#[utoipa::path(post, path = "/api/admin/routers/{id}", tag = "admin", request_body = ChangeRouterRequest, params(("id" = String, Path)), responses(
    (status = 200, body = RouterItem), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, description = "it asks by itself", body = ErrorBody),
    (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn change(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    Named(id): Named<RouterId>,
    ApiJson(request): ApiJson<ChangeRouterRequest>,
) -> Result<Json<RouterItem>, ApiError> {
    owners_only(&admin)?;
    let tls_pin = match request.tls_pin.as_deref().map(str::trim) {
        None => None,
        Some("") => Some(None),
        Some(text) => Some(Some(pin(text)?)),
    };
    let change = RouterChange {
        name: request.name,
        host: request.host,
        port: request.port,
        username: request.username.map(|text| text.trim().to_owned()),
        password: request.password.map(SecretString::from),
        tls_pin,
    };
    billing.change_router(id, &change, asked_by(&admin, ip)).await?;
    item(&billing, id).await
}

/// Takes a router out of use: no sales, its devices are not touched any more; what was sold stays on record.
#[utoipa::path(post, path = "/api/admin/routers/{id}/remove", tag = "admin", request_body = RemoveRouterRequest, params(("id" = String, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, description = "more customers have paid time there than the request agrees to", body = ErrorBody),
    (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn remove(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    Named(id): Named<RouterId>,
    ApiJson(request): ApiJson<RemoveRouterRequest>,
) -> Result<StatusCode, ApiError> {
    owners_only(&admin)?;
    let by = asked_by(&admin, ip);
    billing.remove_router(id, &request.reason, request.customers, by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a router back into use.
#[utoipa::path(post, path = "/api/admin/routers/{id}/restore", tag = "admin", request_body = ReasonRequest, params(("id" = String, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn restore(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    Named(id): Named<RouterId>,
    ApiJson(request): ApiJson<ReasonRequest>,
) -> Result<StatusCode, ApiError> {
    owners_only(&admin)?;
    billing.restore_router(id, &request.reason, asked_by(&admin, ip)).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<RouterError> for ApiError {
    fn from(error: RouterError) -> Self {
        let words = error.to_string();
        match error {
            RouterError::Unknown => Self::not_found(),
            RouterError::Username => Self::invalid("username", "invalid_username", words),
            RouterError::Port => Self::invalid("port", "invalid_port", words),
            RouterError::Reason => Self::invalid("reason", "invalid_reason", words),
            RouterError::Pull => Self::new(StatusCode::CONFLICT, "asks_by_itself", words),
            RouterError::Customers(_) => Self::new(StatusCode::CONFLICT, "customers_have_time", words),
            RouterError::Add(AddRouterError::Name) => Self::invalid("name", "invalid_name", words),
            RouterError::Add(AddRouterError::Host) => Self::invalid("host", "invalid_host", words),
            RouterError::Add(AddRouterError::Taken) => {
                Self::new(StatusCode::CONFLICT, "name_taken", words).with_field("name")
            }
            RouterError::Add(AddRouterError::Store(error)) => error.into(),
            RouterError::Add(AddRouterError::Seal(error)) => {
                tracing::error!(%error, "a router's password could not be sealed");
                Self::internal()
            }
        }
    }
}
