//! What a phone, a device or an address tried lately: the part of `payments` that limits are counted from.

use chrono::{DateTime, Utc};
use domain::{PaymentState, UserId};
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::db::StoreError;

/// One attempt to pay, as far as limits are concerned.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub amount_kes: u32,
    pub state: PaymentState,
    pub result_code: Option<String>,
    pub submitted_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A customer's attempts since the instant that `since` (a UUIDv7 floor) stands for, newest first, at most 60.
/// Payments that were begun for money already paid are none: nobody's phone was prompted.
pub(crate) async fn list_attempts_of_user(
    connection: &mut MySqlConnection,
    user_id: UserId,
    since: Uuid,
) -> Result<Vec<Attempt>, StoreError> {
    let rows = sqlx::query!(
        r#"select id as "id: Uuid", amount_kes, state, result_code, submitted_at as "submitted_at: DateTime<Utc>",
                  created_at as "created_at: DateTime<Utc>", updated_at as "updated_at: DateTime<Utc>"
           from payments where user_id = ? and id > ? and (result_code is null or result_code <> 'by_hand')
           order by id desc limit 60"#,
        user_id.as_uuid(),
        since
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Attempt {
                amount_kes: row.amount_kes,
                state: row.state.parse().map_err(|_| StoreError::inconsistent("payments", "state", row.id))?,
                result_code: row.result_code,
                submitted_at: row.submitted_at,
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        })
        .collect()
}
