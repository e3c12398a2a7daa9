//! `GET /healthz`: the process is alive. `GET /readyz`: it can do its work. `GET /metrics`: how it is doing.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{AppState, admin::session::CurrentAdmin, error::ApiError, request::Origin};

/// Answer of `GET /healthz`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Alive {
    status: &'static str,
    version: &'static str,
}

/// Whether the process answers at all; needs nothing else.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = Alive)))]
pub(super) async fn healthz() -> Json<Alive> {
    Json(Alive { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// Answer of `GET /readyz`. `missing` is empty when everything is there.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ready {
    status: &'static str,
    database: bool,
    migrations: bool,
    tasks: bool,
    /// What is missing, in words.
    missing: Vec<&'static str>,
}

/// Whether requests can be served: the database answers within a second, migrations are done, tasks run.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, body = Ready), (status = 503, description = "not ready; the body says what is missing", body = Ready)
))]
pub(super) async fn readyz(State(state): State<AppState>) -> Response {
    let readiness = state.readiness();
    let database = billing::db::is_reachable(state.billing().pool()).await;
    let (migrations, tasks) = (readiness.is_migrated(), readiness.has_tasks());
    let checks = [
        (database, "the database does not answer"),
        (migrations, "the database is not up to date yet"),
        (tasks, "the background tasks do not run yet"),
        (!readiness.is_stopping(), "the server is stopping"),
    ];
    let missing: Vec<&'static str> = checks.iter().filter(|(is_there, _)| !is_there).map(|(_, what)| *what).collect();
    let (code, status) = match missing.is_empty() {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
    };
    let mut response = (code, Json(Ready { status, database, migrations, tasks, missing })).into_response();
    if code != StatusCode::OK {
        response.headers_mut().insert(header::RETRY_AFTER, super::error::RETRY_SECS.into());
    }
    response
}

/// Prometheus text. Only for this machine itself and for a logged-in admin; anybody else gets 403.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, description = "Prometheus text format"), (status = 403, body = app::api::ErrorBody)))]
pub(super) async fn metrics(
    State(state): State<AppState>,
    origin: Origin,
    headers: HeaderMap,
    admin: Result<CurrentAdmin, ApiError>,
) -> Result<Response, ApiError> {
    // Behind a proxy that is not declared as trusted, everybody seems to come from this machine.
    let is_local = origin.ip.is_loopback() && !headers.contains_key("x-forwarded-for");
    if !is_local && admin.is_err() {
        return Err(ApiError::forbidden("not_allowed", "Metrics are for this machine and for logged-in admins."));
    }
    state.observe_pool();
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((kind, state.telemetry().render()).into_response())
}
