//! Who is on the network, and what can be done about it. Cashiers may log devices out, pause and resume; what gives or
//! takes what was paid for is for owners.

use app::api::{
    BlockItem, BlockList, BlockRequest, ErrorBody, ExtendRequest, LiveCounts, LiveList, LiveRow, PageMeta,
    ReasonRequest,
};
use axum::{Json, extract::State, http::StatusCode};
use billing::{
    Billing,
    admins::Role,
    live::{BlockRecord, LiveError, LiveFilter, LiveRecord},
};
use domain::{
    PaymentId, RouterId, SessionId,
    live::{LiveAction, LiveState},
    session::TimesRefusal,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    payments::{page, page_size, read},
    session::CurrentAdmin,
};
use crate::http::{
    AppState,
    error::ApiError,
    extract::{ApiJson, ApiQuery, Named},
    pay::read_mac,
    request::Origin,
};

/// Narrows the list; all parts are optional.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
pub(in crate::http) struct LiveQuery {
    /// `online`, `away`, `waiting`, `paused` or `ghost`.
    state: Option<String>,
    /// A router's id or public name.
    router: Option<String>,
    /// A phone number or a MAC address, whole or a part, or the beginning of a name.
    q: Option<String>,
    /// `meta.next` of the page before.
    after: Option<String>,
    /// Rows, 1 to 200; 50 when left out.
    limit: Option<String>,
}

/// Every device that has paid time, and every device that a router lets through without any.
#[utoipa::path(get, path = "/api/admin/live", tag = "admin", params(LiveQuery), responses(
    (status = 200, body = LiveList), (status = 401, body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn list(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    ApiQuery(query): ApiQuery<LiveQuery>,
) -> Result<Json<LiveList>, ApiError> {
    let limit = page_size(query.limit.as_deref())?;
    let after = read(query.after.as_deref(), "after", |text| text.parse::<Uuid>().ok())?;
    let filter = LiveFilter {
        state: read(query.state.as_deref(), "state", LiveState::read)?,
        router_id: router(&billing, query.router.as_deref()).await?,
        query: query.q.filter(|text| !text.trim().is_empty()),
    };
    let found = billing.list_live(&filter, after, limit + 1, admin.role).await?;
    let counts = billing.count_live(filter.router_id).await?;
    let (rows, next) = page(found, limit, |last| last.id.to_string());
    Ok(Json(LiveList {
        devices: rows.into_iter().map(row).collect(),
        counts: LiveCounts {
            online: counts.online,
            away: counts.away,
            waiting: counts.waiting,
            paused: counts.paused,
            ghost: counts.ghost,
        },
        meta: PageMeta { next },
    }))
}

async fn router(billing: &Billing, text: Option<&str>) -> Result<Option<RouterId>, ApiError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if let Ok(id) = text.parse() {
        return Ok(Some(id));
    }
    let unknown = || ApiError::invalid("router", "invalid_filter", "router is not understood.");
    Ok(Some(billing.find_router(text).await?.ok_or_else(unknown)?.id))
}

/// One row as the list shows it; for the live stream.
pub(in crate::http) async fn find_row(state: &AppState, id: Uuid, role: Role) -> Result<Option<LiveRow>, ApiError> {
    Ok(state.billing().find_live(id, role).await?.map(row))
}

fn row(record: LiveRecord) -> LiveRow {
    LiveRow {
        id: record.id.to_string(),
        session_id: record.session_id.map(SessionId::as_uuid),
        payment_id: record.payment_id.map(PaymentId::as_uuid),
        router_id: record.router_id.as_uuid(),
        router: record.router,
        mac: record.mac.to_string(),
        ip: record.ip,
        phone: record.msisdn.map(domain::Msisdn::display),
        package: record.package_name,
        state: record.state.map_or("gone", LiveState::as_str).to_owned(),
        text: record.text,
        starts_at: record.starts_at,
        ends_at: record.ends_at,
        seconds_remaining: record.seconds_remaining,
        used_secs: record.used_secs,
        used_bytes: record.used_bytes,
        bytes_remaining: record.bytes_remaining,
        devices: record.devices,
        devices_max: record.devices_max,
        actions: record.actions.into_iter().map(LiveAction::as_str).map(str::to_owned).collect(),
    }
}

/// Logs a device out. With paid time it logs in again; without, when it can.
#[utoipa::path(post, path = "/api/admin/live/{id}/kick", tag = "admin", params(("id" = String, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, description = "it is not logged in", body = ErrorBody)
))]
pub(in crate::http) async fn kick(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    Named(id): Named<Uuid>,
) -> Result<StatusCode, ApiError> {
    billing.kick_device(id, &admin, Some(ip)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops paid time; what is left is kept. At most three times a session.
#[utoipa::path(post, path = "/api/admin/sessions/{id}/pause", tag = "admin", params(("id" = String, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, description = "over, not running, or paused too often", body = ErrorBody)
))]
pub(in crate::http) async fn pause(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    Named(id): Named<SessionId>,
) -> Result<StatusCode, ApiError> {
    billing.pause_session(id, &admin, Some(ip)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets paid time go on.
#[utoipa::path(post, path = "/api/admin/sessions/{id}/resume", tag = "admin", params(("id" = String, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)
))]
pub(in crate::http) async fn resume(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    Named(id): Named<SessionId>,
) -> Result<StatusCode, ApiError> {
    billing.resume_session(id, &admin, Some(ip)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds paid time.
#[utoipa::path(post, path = "/api/admin/sessions/{id}/extend", tag = "admin", request_body = ExtendRequest, params(("id" = String, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn extend(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    Named(id): Named<SessionId>,
    ApiJson(request): ApiJson<ExtendRequest>,
) -> Result<StatusCode, ApiError> {
    billing.extend_session(id, request.minutes, &admin, &request.reason, Some(ip)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends paid time for good.
#[utoipa::path(post, path = "/api/admin/sessions/{id}/end", tag = "admin", request_body = ReasonRequest, params(("id" = String, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn end(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    Named(id): Named<SessionId>,
    ApiJson(request): ApiJson<ReasonRequest>,
) -> Result<StatusCode, ApiError> {
    billing.stop_session(id, &admin, &request.reason, Some(ip)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Devices that are kept out, newest first.
#[utoipa::path(get, path = "/api/admin/blocks", tag = "admin", responses(
    (status = 200, body = BlockList), (status = 401, body = ErrorBody)
))]
pub(in crate::http) async fn blocks(
    State(billing): State<Billing>,
    _admin: CurrentAdmin,
) -> Result<Json<BlockList>, ApiError> {
    Ok(Json(BlockList { blocks: billing.list_blocks().await?.into_iter().map(block_item).collect() }))
}

fn block_item(block: BlockRecord) -> BlockItem {
    BlockItem {
        id: block.id,
        mac: block.mac.to_string(),
        reason: block.reason,
        by: block.blocked_by,
        created_at: block.created_at,
    }
}

/// Keeps a device from the network and from the portal. One that is blocked already stays so.
#[utoipa::path(post, path = "/api/admin/blocks", tag = "admin", request_body = BlockRequest, responses(
    (status = 201, body = BlockItem), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn block(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    ApiJson(request): ApiJson<BlockRequest>,
) -> Result<(StatusCode, Json<BlockItem>), ApiError> {
    let mac = read_mac(&request.mac)?;
    let block = billing.block_device(mac, &admin, &request.reason, Some(ip)).await?;
    Ok((StatusCode::CREATED, Json(block_item(block))))
}

/// Ends a block. A device that still has paid time is let on again.
#[utoipa::path(post, path = "/api/admin/blocks/{id}/lift", tag = "admin", request_body = ReasonRequest, params(("id" = String, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn lift(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    Named(id): Named<Uuid>,
    ApiJson(request): ApiJson<ReasonRequest>,
) -> Result<StatusCode, ApiError> {
    billing.lift_block(id, &admin, &request.reason, Some(ip)).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<LiveError> for ApiError {
    fn from(error: LiveError) -> Self {
        let words = error.to_string();
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, error.to_string());
        match error {
            LiveError::NotOwner => Self::forbidden("owners_only", words),
            LiveError::Reason => Self::invalid("reason", "invalid_reason", words),
            LiveError::Unknown => Self::not_found(),
            LiveError::NotKickable => conflict("not_logged_in_there"),
            LiveError::Times(TimesRefusal::Length) => Self::invalid("minutes", "invalid_minutes", words),
            LiveError::Times(TimesRefusal::Over) => conflict("time_over"),
            LiveError::Times(TimesRefusal::NotRunning) => conflict("not_running"),
            LiveError::Times(TimesRefusal::PausesUsed) => conflict("pauses_used"),
            LiveError::TooManyBlocks => conflict("too_many_blocks"),
            LiveError::Store(error) => error.into(),
        }
    }
}
