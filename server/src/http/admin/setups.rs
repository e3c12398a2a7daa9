//! Connecting routers in one paste: begin, follow, approve. Cashiers may look; owners do.

use app::api::{ErrorBody, RouterCheck, RouterSetup, SetupRequest, SetupStep};
use axum::{Json, extract::State, http::StatusCode};
use billing::onboarding::{By, Finding, SetupAsked, SetupError, SetupReach, SetupView, StepView};
use uuid::Uuid;

use super::session::CurrentAdmin;
use crate::{
    config::site,
    http::{
        AppState,
        error::ApiError,
        extract::{ApiJson, Named},
        request::Origin,
    },
};

/// Begins to set a router up. The line to paste is only in this answer.
#[utoipa::path(post, path = "/api/admin/routers/setups", tag = "admin", request_body = SetupRequest, responses(
    (status = 201, body = RouterSetup), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, description = "no such router", body = ErrorBody),
    (status = 409, description = "the name is taken, or the tunnel is not configured", body = ErrorBody),
    (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn begin(
    State(state): State<AppState>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    ApiJson(request): ApiJson<SetupRequest>,
) -> Result<(StatusCode, Json<RouterSetup>), ApiError> {
    let reach = SetupReach::read(&request.reach)
        .ok_or_else(|| ApiError::invalid("reach", "invalid_reach", "reach is direct, tunnel or pull."))?;
    let asked = SetupAsked { name: request.name, reach, router_id: request.router_id };
    let by = By { admin: Some(&admin), remote_ip: Some(ip) };
    let view = state.billing().begin_setup(by, &asked, &site(state.config())).await?;
    Ok((StatusCode::CREATED, Json(setup(view))))
}

/// How a set-up stands; asked every two seconds by the page.
#[utoipa::path(get, path = "/api/admin/routers/setups/{id}", tag = "admin", params(("id" = Uuid, Path)), responses(
    (status = 200, body = RouterSetup), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)
))]
pub(in crate::http) async fn one(
    State(state): State<AppState>,
    CurrentAdmin(admin): CurrentAdmin,
    Named(id): Named<Uuid>,
) -> Result<Json<RouterSetup>, ApiError> {
    let by = By { admin: Some(&admin), remote_ip: None };
    let view = state.billing().setup(by, id, &site(state.config())).await?.ok_or_else(ApiError::not_found)?;
    Ok(Json(setup(view)))
}

/// The owner agrees to what will be changed. Approving twice is approving once.
#[utoipa::path(post, path = "/api/admin/routers/setups/{id}/approve", tag = "admin", params(("id" = Uuid, Path)), responses(
    (status = 200, body = RouterSetup), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, description = "nothing to approve", body = ErrorBody)
))]
pub(in crate::http) async fn approve(
    State(state): State<AppState>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    Named(id): Named<Uuid>,
) -> Result<Json<RouterSetup>, ApiError> {
    let by = By { admin: Some(&admin), remote_ip: Some(ip) };
    Ok(Json(setup(state.billing().approve_setup(by, id, &site(state.config())).await?)))
}

fn setup(view: SetupView) -> RouterSetup {
    RouterSetup {
        id: view.id,
        name: view.name,
        reach: view.reach.as_str().to_owned(),
        command: view.command,
        expires_at: view.expires_at,
        state: view.state.to_owned(),
        message: view.message,
        checks: view.checks.into_iter().map(check).collect(),
        existing: view.existing,
        planned: view.planned,
        steps: view.steps.into_iter().map(step).collect(),
        tunnel_config: view.tunnel_config,
        router_id: view.router_id,
        undo_command: view.undo_command,
    }
}

fn check(finding: Finding) -> RouterCheck {
    RouterCheck {
        name: finding.name.to_owned(),
        title: finding.title.to_owned(),
        state: finding.state.to_owned(),
        text: finding.text,
        todo: finding.todo,
    }
}

fn step(step: StepView) -> SetupStep {
    SetupStep { at: step.at, title: step.title.to_owned(), state: step.state.to_owned(), text: step.text }
}

impl From<SetupError> for ApiError {
    fn from(error: SetupError) -> Self {
        let words = error.to_string();
        match error {
            SetupError::NotOwner => Self::forbidden("owner_only", words),
            SetupError::Name => Self::invalid("name", "invalid_name", words),
            SetupError::Taken => Self::new(StatusCode::CONFLICT, "name_taken", words).with_field("name"),
            SetupError::UnknownRouter | SetupError::Unknown => Self::not_found(),
            SetupError::NoTunnel => Self::new(StatusCode::CONFLICT, "no_tunnel", words),
            SetupError::TunnelFull => Self::new(StatusCode::CONFLICT, "tunnel_full", words),
            SetupError::NotAsking => Self::new(StatusCode::CONFLICT, "not_asking", words),
            SetupError::Seal(error) => {
                tracing::error!(%error, "a secret for a router could not be made");
                Self::internal()
            }
            SetupError::Store(error) => error.into(),
        }
    }
}
