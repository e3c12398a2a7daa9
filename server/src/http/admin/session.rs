//! Who is logged in. A login lives in the database, so it holds over restarts and over all processes; the
//! cookie carries nothing but its random number.

use axum::{extract::FromRequestParts, http::request::Parts};
use billing::admins::Admin;
use chrono::{DateTime, TimeDelta, Utc};
use domain::AdminId;
use serde::{Deserialize, Serialize};
use tower_sessions::{
    Expiry, Session, SessionManagerLayer,
    cookie::{SameSite, time::Duration},
};
use tower_sessions_sqlx_store::MySqlStore;

use super::super::{AppState, error::ApiError};

/// A login ends when nothing was done for so long.
const IDLE_MAX: TimeDelta = TimeDelta::hours(8);
/// A login ends so long after it was made, whatever was done.
const AGE_MAX: TimeDelta = TimeDelta::days(7);
/// How often "something was done" is written down.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(5);
const KEY: &str = "login";

/// What is kept of a login.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Login {
    admin_id: AdminId,
    epoch: u32,
    logged_in_at: DateTime<Utc>,
    seen_at: DateTime<Utc>,
}

impl Login {
    fn is_over(&self, now: DateTime<Utc>) -> bool {
        now - self.seen_at >= IDLE_MAX || now - self.logged_in_at >= AGE_MAX
    }
}

/// The cookie layer. `__Host-` binds the cookie to this very host; browsers only take it over https.
pub(in crate::http) fn layer(store: MySqlStore, is_https: bool) -> SessionManagerLayer<MySqlStore> {
    SessionManagerLayer::new(store)
        .with_name(if is_https { "__Host-bando" } else { "bando" })
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(is_https)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(Duration::hours(8)))
}

/// Remembers a login under a new number, so that a number planted before is worth nothing.
pub(super) async fn start(session: &Session, admin: &Admin, now: DateTime<Utc>) -> Result<(), ApiError> {
    let login = Login { admin_id: admin.id, epoch: admin.login_epoch, logged_in_at: now, seen_at: now };
    session.cycle_id().await.map_err(|error| store_error(&error))?;
    session.insert(KEY, login).await.map_err(|error| store_error(&error))
}

/// Forgets the login.
pub(super) async fn end(session: &Session) -> Result<(), ApiError> {
    session.flush().await.map_err(|error| store_error(&error))
}

fn store_error(error: &tower_sessions::session::Error) -> ApiError {
    tracing::warn!(%error, "the login could not be read or written");
    ApiError::database_away()
}

/// The admin who asks; `401` when nobody is logged in.
#[derive(Debug, Clone)]
pub(in crate::http) struct CurrentAdmin(pub(in crate::http) Admin);

impl FromRequestParts<AppState> for CurrentAdmin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        let session = parts.extensions.get::<Session>().cloned().ok_or_else(ApiError::unauthorized)?;
        let found = session.get::<Login>(KEY).await;
        let login = match found {
            Ok(found) => found.ok_or_else(ApiError::unauthorized)?,
            // Written by another version: log in again.
            Err(tower_sessions::session::Error::SerdeJson(_)) => return Err(ApiError::unauthorized()),
            Err(error) => return Err(store_error(&error)),
        };
        let now = state.now();
        let admin = state.billing().find_admin(login.admin_id).await?;
        let admin = admin.filter(|admin| admin.login_epoch == login.epoch && !login.is_over(now));
        let Some(admin) = admin else {
            end(&session).await?;
            return Err(ApiError::unauthorized());
        };
        if now - login.seen_at >= TOUCH_EVERY {
            let touched = Login { seen_at: now, ..login };
            session.insert(KEY, touched).await.map_err(|error| store_error(&error))?;
        }
        Ok(Self(admin))
    }
}
