//! Logging in and out, and who one is.

use app::api::{ErrorBody, LoginRequest, Me};
use axum::{Json, extract::State, http::StatusCode};
use billing::admins::{Admin, LoginError};
use tower_sessions::Session;

use super::session::{self, CurrentAdmin};
use crate::http::{AppState, error::ApiError, extract::ApiJson, request::Origin};

/// Starts a login and sets its cookie.
#[utoipa::path(post, path = "/api/admin/login", tag = "admin", request_body = LoginRequest, responses(
    (status = 200, body = Me), (status = 401, body = ErrorBody),
    (status = 429, description = "too many failures; Retry-After says when to come back", body = ErrorBody)
))]
pub(in crate::http) async fn log_in(
    State(state): State<AppState>,
    origin: Origin,
    session: Session,
    ApiJson(request): ApiJson<LoginRequest>,
) -> Result<Json<Me>, ApiError> {
    let LoginRequest { username, password } = request;
    let admin = state.billing().log_in(&username, password.into(), Some(origin.ip)).await?;
    session::start(&session, &admin, state.now()).await?;
    Ok(Json(me(admin)))
}

/// Ends the login.
#[utoipa::path(post, path = "/api/admin/logout", tag = "admin", responses((status = 204)))]
pub(in crate::http) async fn log_out(session: Session) -> Result<StatusCode, ApiError> {
    session::end(&session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who is logged in.
#[utoipa::path(get, path = "/api/admin/me", tag = "admin", responses((status = 200, body = Me), (status = 401, body = ErrorBody)))]
pub(in crate::http) async fn who(CurrentAdmin(admin): CurrentAdmin) -> Json<Me> {
    Json(me(admin))
}

fn me(admin: Admin) -> Me {
    Me { username: admin.username, role: admin.role.as_str().to_owned() }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::BadCredentials => {
                Self::new(StatusCode::UNAUTHORIZED, "wrong_login", "The user name or the password is wrong.")
            }
            LoginError::TooMany { retry_after_secs } => {
                Self::too_many(retry_after_secs, "Too many failed logins. Please wait a while and try again.")
            }
            LoginError::Hash => {
                tracing::error!("a password could not be checked");
                Self::internal()
            }
            LoginError::Store(error) => error.into(),
        }
    }
}
