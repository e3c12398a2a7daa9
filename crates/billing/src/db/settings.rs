//! `settings`: what the owner may change without a restart.

use chrono::{DateTime, Utc};
use sqlx::MySqlPool;

use super::StoreError;

/// Every setting that has been set.
pub(crate) async fn list_settings(pool: &MySqlPool) -> Result<Vec<(String, String)>, StoreError> {
    let rows = sqlx::query!("select name, value from settings order by name").fetch_all(pool).await?;
    Ok(rows.into_iter().map(|row| (row.name, row.value)).collect())
}

/// Sets one.
pub(crate) async fn upsert_setting(
    pool: &MySqlPool,
    name: &str,
    value: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into settings (name, value, updated_at) values (?, ?, ?)
         on duplicate key update value = values(value), updated_at = values(updated_at)",
        name,
        value,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}
