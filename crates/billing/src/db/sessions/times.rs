//! The times of a session, read and written under its lock.

use chrono::{DateTime, Utc};
use domain::{SessionId, session::Times};
use sqlx::MySqlConnection;

use crate::db::{StoreError, ensure_rows};

/// Holds a session until the transaction ends and gives its times; `None` if there is no such session. Its devices are
/// held before it.
pub(crate) async fn lock_times(connection: &mut MySqlConnection, id: SessionId) -> Result<Option<Times>, StoreError> {
    Ok(sqlx::query_as!(
        Times,
        r#"select duration_secs, spent_secs, added_secs, starts_at as "starts_at: DateTime<Utc>",
                  ends_at as "ends_at: DateTime<Utc>", ended_at as "ended_at: DateTime<Utc>",
                  paused_at as "paused_at: DateTime<Utc>", pauses
           from sessions where id = ? for update"#,
        id.as_uuid()
    )
    .fetch_optional(connection)
    .await?)
}

/// Writes the times of a session that is not over and is held.
pub(crate) async fn store_times(
    connection: &mut MySqlConnection,
    id: SessionId,
    times: &Times,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update sessions
         set duration_secs = ?, spent_secs = ?, added_secs = ?, starts_at = ?, ends_at = ?, paused_at = ?, pauses = ?,
             updated_at = ?
         where id = ? and ended_at is null",
        times.duration_secs,
        times.spent_secs,
        times.added_secs,
        times.starts_at,
        times.ends_at,
        times.paused_at,
        times.pauses,
        now,
        id.as_uuid()
    )
    .execute(&mut *connection)
    .await?;
    ensure_rows("change the times of a session", done.rows_affected(), 1)?;
    super::touch_payment(connection, id, now).await
}
