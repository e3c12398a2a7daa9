//! The query schedule's part of `payments`: what is due, and who takes it.

use chrono::{DateTime, Utc};
use domain::PaymentId;
use sqlx::{MySqlExecutor, MySqlPool};
use uuid::Uuid;

use crate::db::StoreError;

/// Asks for a query as soon as possible.
pub(crate) async fn query_soon(
    executor: impl MySqlExecutor<'_>,
    id: PaymentId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update payments set next_query_at = ?
         where id = ? and state in ('created', 'pending', 'unknown', 'expired', 'failed', 'rejected')",
        now,
        id.as_uuid()
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// A payment whose query is due.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DueQuery {
    pub id: PaymentId,
    pub attempts: u32,
    pub next_query_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub watched_at: Option<DateTime<Utc>>,
}

/// Payments whose query is due, longest due first.
pub(crate) async fn list_due_queries(pool: &MySqlPool, now: DateTime<Utc>) -> Result<Vec<DueQuery>, StoreError> {
    let rows = sqlx::query!(
        r#"select id as "id: Uuid", query_attempts, next_query_at as "next_query_at!: DateTime<Utc>",
                  created_at as "created_at: DateTime<Utc>", watched_at as "watched_at: DateTime<Utc>"
           from payments where next_query_at <= ? order by next_query_at, id limit 100"#,
        now
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DueQuery {
            id: row.id.into(),
            attempts: row.query_attempts,
            next_query_at: row.next_query_at,
            created_at: row.created_at,
            watched_at: row.watched_at,
        })
        .collect())
}

/// Takes one due query for this process and sets when the next one is due (`None` ends the schedule);
/// `false` if another process was faster.
pub(crate) async fn claim_query(
    pool: &MySqlPool,
    due: &DueQuery,
    next_query_at: Option<DateTime<Utc>>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update payments set query_attempts = query_attempts + 1, next_query_at = ?
         where id = ? and query_attempts = ? and next_query_at = ?",
        next_query_at,
        due.id.as_uuid(),
        due.attempts,
        due.next_query_at
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}
