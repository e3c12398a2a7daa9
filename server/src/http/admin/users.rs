//! The owner's list of customers.

use app::api::{ErrorBody, PageMeta, UserList, UserRow};
use axum::{Json, extract::State};
use billing::{
    Billing,
    lists::{UserCursor, UserRecord},
};
use chrono::DateTime;
use serde::Deserialize;

use super::{
    payments::{page, page_size, read},
    session::CurrentAdmin,
};
use crate::http::{error::ApiError, extract::ApiQuery};

/// Narrows the list; all parts are optional.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
pub(in crate::http) struct UsersQuery {
    /// A phone number.
    q: Option<String>,
    /// `meta.next` of the page before.
    after: Option<String>,
    /// Rows, 1 to 200; 50 when left out.
    limit: Option<String>,
}

/// Customers, last seen first.
#[utoipa::path(get, path = "/api/admin/users", tag = "admin", params(UsersQuery), responses(
    (status = 200, body = UserList), (status = 401, body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn list(
    State(billing): State<Billing>,
    _admin: CurrentAdmin,
    ApiQuery(query): ApiQuery<UsersQuery>,
) -> Result<Json<UserList>, ApiError> {
    let limit = page_size(query.limit.as_deref())?;
    let after = read(query.after.as_deref(), "after", cursor)?;
    let found = billing.list_users(query.q.as_deref(), after, limit + 1).await?;
    let (rows, next) = page(found, limit, |last| format!("{}_{}", last.last_seen_at.timestamp_micros(), last.id));
    Ok(Json(UserList { users: rows.iter().map(user_row).collect(), meta: PageMeta { next } }))
}

fn cursor(text: &str) -> Option<UserCursor> {
    let (micros, id) = text.split_once('_')?;
    Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, id.parse().ok()?))
}

fn user_row(user: &UserRecord) -> UserRow {
    UserRow {
        id: user.id.as_uuid(),
        phone: user.msisdn.display(),
        payments: user.payments_count,
        paid_kes: user.paid_kes,
        created_at: user.created_at,
        last_seen_at: user.last_seen_at,
    }
}
