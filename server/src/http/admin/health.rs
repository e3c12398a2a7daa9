//! How a router fares, what customers lost while it was away, and why a customer cannot get on.

use app::api::{
    Deed, ErrorBody, Outage, OutageCredited, OutagePolicy, ReasonRequest, RouterCheck, RouterChecks, RouterDetail,
    RouterEvent, Why, WhyStep,
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use billing::{
    Billing,
    access::Check,
    health::{self, CreditError, OutageRecord},
    settings::SettingError,
    why,
};
use domain::{PaymentId, RouterId};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    money::{reason, want_owner},
    routers::router_item,
    session::CurrentAdmin,
};
use crate::{
    config,
    http::{
        AppState,
        error::ApiError,
        extract::{ApiJson, ApiQuery, Named, named},
        request::Origin,
    },
};

/// One router: how it stands, what happened to it, and when it was away.
#[utoipa::path(get, path = "/api/admin/routers/{id}", tag = "admin", params(("id" = String, Path)), responses(
    (status = 200, body = RouterDetail), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)
))]
pub(in crate::http) async fn router(
    State(billing): State<Billing>,
    _admin: CurrentAdmin,
    Named(id): Named<RouterId>,
) -> Result<Json<RouterDetail>, ApiError> {
    let listed = billing.find_router_for_owner(id).await?.ok_or_else(ApiError::not_found)?;
    let health = billing.router_health(id).await?.ok_or_else(ApiError::not_found)?;
    let event = |event: health::EventRecord| RouterEvent { at: event.at, kind: event.kind, text: event.text };
    Ok(Json(RouterDetail {
        router: router_item(listed),
        customers: health.customers,
        answered_permille: health.answered_permille,
        history: health.history.into_iter().map(event).collect(),
        outages: health.outages.into_iter().map(outage).collect(),
    }))
}

fn outage(record: OutageRecord) -> Outage {
    Outage {
        id: record.id,
        from: record.from_at,
        to: record.to_at,
        sessions: record.sessions,
        credited_at: record.credited_at,
        credited_by: record.credited_by,
        credit_reason: record.credit_reason,
    }
}

/// Looks at everything that access depends on, now. Changes nothing.
#[utoipa::path(post, path = "/api/admin/routers/{id}/test", tag = "admin", params(("id" = String, Path)), responses(
    (status = 200, body = RouterChecks), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)
))]
pub(in crate::http) async fn test(
    State(state): State<AppState>,
    _admin: CurrentAdmin,
    Named(id): Named<RouterId>,
) -> Result<Json<RouterChecks>, ApiError> {
    let billing = state.billing();
    let all = billing.list_routers().await?;
    let router = all.into_iter().find(|router| router.id == id).ok_or_else(ApiError::not_found)?;
    let tested = billing.test_router(&router, config::portal(state.config())).await?;
    Ok(Json(RouterChecks {
        at: tested.at,
        checks: tested.checks.iter().map(check).collect(),
        round_trip_ms: tested.round_trip.and_then(|time| u32::try_from(time.as_millis()).ok()),
    }))
}

fn check(check: &Check) -> RouterCheck {
    RouterCheck {
        name: check.name.to_owned(),
        title: check.title.to_owned(),
        state: check.state.as_str().to_owned(),
        text: check.text.clone(),
        todo: check.todo.clone(),
    }
}

/// Gives customers back what they lost in an outage, once. Owners only.
#[utoipa::path(
    post, path = "/api/admin/routers/{id}/outages/{outage}/credit", tag = "admin", request_body = ReasonRequest,
    params(("id" = String, Path), ("outage" = String, Path)), responses(
        (status = 200, body = OutageCredited), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, description = "it lasts, or nothing was lost", body = ErrorBody),
        (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn credit(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    origin: Origin,
    Path((router, outage)): Path<(String, String)>,
    ApiJson(request): ApiJson<ReasonRequest>,
) -> Result<Json<OutageCredited>, ApiError> {
    want_owner(&admin)?;
    let (router, outage): (RouterId, Uuid) = (named(&router)?, named(&outage)?);
    let reason = reason(&request.reason)?;
    let credited = billing.credit_outage(router, outage, &admin.username, reason, Some(origin.ip)).await?;
    Ok(Json(OutageCredited { sessions: credited.sessions, secs: credited.secs }))
}

/// Says whether lost time is given back by itself. Owners only.
#[utoipa::path(post, path = "/api/admin/routers/outage-policy", tag = "admin", request_body = OutagePolicy, responses(
    (status = 200, body = OutagePolicy), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn policy(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    origin: Origin,
    ApiJson(request): ApiJson<OutagePolicy>,
) -> Result<Json<OutagePolicy>, ApiError> {
    want_owner(&admin)?;
    let policy = health::OutagePolicy { is_automatic: request.is_automatic, min_minutes: request.min_minutes };
    billing.set_outage_policy(policy, &admin.username, Some(origin.ip)).await?;
    Ok(Json(request))
}

/// What is asked.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
pub(in crate::http) struct WhyQuery {
    /// A phone number, a MAC address or an M-Pesa code.
    q: Option<String>,
}

/// Why a customer cannot get on. Asks the router, for at most five seconds.
#[utoipa::path(get, path = "/api/admin/why", tag = "admin", params(WhyQuery), responses(
    (status = 200, body = Why), (status = 401, body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn why(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    ApiQuery(query): ApiQuery<WhyQuery>,
) -> Result<Json<Why>, ApiError> {
    let question = query.q.unwrap_or_default();
    if !(1..=64).contains(&question.trim().chars().count()) {
        let message = "Give a phone number, a MAC address or an M-Pesa code.";
        return Err(ApiError::invalid("q", "invalid_question", message));
    }
    Ok(Json(why_answer(&billing.why(&question, admin.role).await?)))
}

/// The answer as JSON.
pub(crate) fn why_answer(why: &why::Why) -> Why {
    let step = |step: &why::Step| WhyStep {
        station: step.station.to_owned(),
        state: step.state.as_str().to_owned(),
        text: step.text.clone(),
        payment_id: step.payment_id.map(PaymentId::as_uuid),
        router_id: step.router_id.map(RouterId::as_uuid),
    };
    Why {
        kind: why.kind.to_owned(),
        verdict: why.verdict.clone(),
        is_well: why.is_well,
        todo: why.todo.clone(),
        steps: why.steps.iter().map(step).collect(),
        done: why.done.iter().map(|deed| Deed { at: deed.at, text: deed.text.clone() }).collect(),
    }
}

impl From<CreditError> for ApiError {
    fn from(error: CreditError) -> Self {
        let message = error.to_string();
        match error {
            CreditError::NotFound => Self::new(StatusCode::NOT_FOUND, "not_found", message),
            CreditError::StillAway => Self::new(StatusCode::CONFLICT, "still_away", message),
            CreditError::NothingLost => Self::new(StatusCode::CONFLICT, "nothing_lost", message),
            CreditError::TooOld => Self::new(StatusCode::CONFLICT, "too_old", message),
            CreditError::Store(error) => error.into(),
        }
    }
}

impl From<SettingError> for ApiError {
    fn from(error: SettingError) -> Self {
        match error {
            SettingError::Store(error) => error.into(),
            _ => Self::invalid("min_minutes", "invalid_minutes", "Give 1 to 1440 minutes."),
        }
    }
}
