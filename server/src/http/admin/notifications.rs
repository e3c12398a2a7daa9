//! What the owner should know.

use app::api::{ErrorBody, NotificationList, NotificationRow};
use axum::{Json, extract::State, http::StatusCode};
use billing::{Billing, notifications::NotificationRecord};
use domain::NotificationId;

use super::session::CurrentAdmin;
use crate::http::{AppState, error::ApiError, extract::Named};

/// Unread first, newest first, at most 50.
#[utoipa::path(get, path = "/api/admin/notifications", tag = "admin", responses(
    (status = 200, body = NotificationList), (status = 401, body = ErrorBody)
))]
pub(in crate::http) async fn list(
    State(billing): State<Billing>,
    _admin: CurrentAdmin,
) -> Result<Json<NotificationList>, ApiError> {
    let notifications = billing.list_notifications().await?.iter().map(row).collect();
    Ok(Json(NotificationList { notifications }))
}

/// Marks one as read. Doing it twice is fine.
#[utoipa::path(post, path = "/api/admin/notifications/{id}/read", tag = "admin", params(("id" = String, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)
))]
pub(in crate::http) async fn mark_read(
    State(billing): State<Billing>,
    _admin: CurrentAdmin,
    Named(id): Named<NotificationId>,
) -> Result<StatusCode, ApiError> {
    billing.mark_notification_read(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One notification; for the live stream.
pub(in crate::http) async fn find_row(
    state: &AppState,
    id: NotificationId,
) -> Result<Option<NotificationRow>, ApiError> {
    Ok(state.billing().list_notifications().await?.iter().find(|found| found.id == id).map(row))
}

fn row(notification: &NotificationRecord) -> NotificationRow {
    NotificationRow {
        id: notification.id.as_uuid(),
        severity: notification.severity.clone(),
        kind: notification.kind.clone(),
        message: notification.message.clone(),
        created_at: notification.created_at,
        is_read: notification.read_at.is_some(),
    }
}
