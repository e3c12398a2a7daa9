//! How sales go: the part of `payments` that the silence alarm reads.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{PaymentId, PaymentState, ResultCode};
use sqlx::MySqlPool;
use uuid::Uuid;

use crate::{db::StoreError, random};

/// The newest payment that succeeded.
pub(crate) async fn last_sale(pool: &MySqlPool) -> Result<Option<PaymentId>, StoreError> {
    let id = sqlx::query_scalar!(
        r#"select id as "id: Uuid" from payments where status = 'Success' order by id desc limit 1"#
    )
    .fetch_optional(pool)
    .await?;
    Ok(id.map(PaymentId::from))
}

/// When payments since `since` succeeded. One that took more than two days to succeed is not found.
pub(crate) async fn list_sales(pool: &MySqlPool, since: DateTime<Utc>) -> Result<Vec<DateTime<Utc>>, StoreError> {
    let floor = random::uuid_floor(since - TimeDelta::days(2));
    Ok(sqlx::query_scalar!(
        r#"select settled_at as "settled_at!: DateTime<Utc>" from payments
           where status = 'Success' and id >= ? and settled_at >= ? limit 200000"#,
        floor,
        since
    )
    .fetch_all(pool)
    .await?)
}

/// How the newest payments begun since `since` ended, newest first.
pub(crate) async fn list_ended(
    pool: &MySqlPool,
    since: DateTime<Utc>,
) -> Result<Vec<(PaymentState, Option<ResultCode>)>, StoreError> {
    let rows = sqlx::query!(
        r#"select id as "id: Uuid", state, result_code from payments
           where id >= ? and state not in ('created', 'pending', 'unknown') order by id desc limit 50"#,
        random::uuid_floor(since)
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state = row.state.parse().map_err(|_| StoreError::inconsistent("payments", "state", row.id))?;
            Ok((state, row.result_code.as_deref().map(ResultCode::new)))
        })
        .collect()
}
