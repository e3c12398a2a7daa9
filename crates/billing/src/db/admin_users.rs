//! `admin_users`: people who may log in to the admin app.

use chrono::{DateTime, Utc};
use domain::AdminId;
use sqlx::MySqlPool;
use uuid::Uuid;

use super::StoreError;

/// One admin with the password's hash, which never leaves this crate.
pub(crate) struct AdminRecord {
    pub id: AdminId,
    pub username: String,
    pub password_hash: String,
    pub role: String,
    pub login_epoch: u32,
    pub is_disabled: bool,
}

/// By name, whatever its case.
pub(crate) async fn find_by_username(pool: &MySqlPool, username: &str) -> Result<Option<AdminRecord>, StoreError> {
    // The column is ASCII, and the database refuses to compare it with anything else.
    if !username.is_ascii() {
        return Ok(None);
    }
    Ok(sqlx::query_as!(
        AdminRecord,
        r#"select id as "id: Uuid", username, password_hash, role, login_epoch,
                  disabled_at is not null as "is_disabled!: bool"
           from admin_users where username = ?"#,
        username
    )
    .fetch_optional(pool)
    .await?)
}

/// By key.
pub(crate) async fn find_admin(pool: &MySqlPool, id: AdminId) -> Result<Option<AdminRecord>, StoreError> {
    Ok(sqlx::query_as!(
        AdminRecord,
        r#"select id as "id: Uuid", username, password_hash, role, login_epoch,
                  disabled_at is not null as "is_disabled!: bool"
           from admin_users where id = ?"#,
        id.as_uuid()
    )
    .fetch_optional(pool)
    .await?)
}

/// Adds an admin; `false` if the name is taken. With `only_first`, also `false` if there is any admin.
pub(crate) async fn insert_admin(
    pool: &MySqlPool,
    id: AdminId,
    username: &str,
    password_hash: &str,
    role: &str,
    only_first: bool,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert ignore into admin_users (id, username, password_hash, role, created_at, updated_at)
         select ?, ?, ?, ?, ?, ? from (select 1 as one) as row_source
         where not ? or not exists (select 1 from admin_users)",
        id.as_uuid(),
        username,
        password_hash,
        role,
        now,
        now,
        only_first
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Sets a new password and ends every login made before; `false` if there is no such admin.
pub(crate) async fn update_password(
    pool: &MySqlPool,
    username: &str,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update admin_users set password_hash = ?, login_epoch = login_epoch + 1, updated_at = ? where username = ?",
        password_hash,
        now,
        username
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether anybody can log in.
pub(crate) async fn any_admin(pool: &MySqlPool) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!("select exists(select 1 from admin_users)").fetch_one(pool).await?;
    Ok(found != 0)
}
