//! `users`: customers, by MSISDN.

use chrono::{DateTime, Utc};
use domain::{Kes, Msisdn, UserId};
use sqlx::{MySqlConnection, MySqlPool};
use uuid::Uuid;

use super::{StoreError, ensure_rows};

/// One customer with totals.
#[derive(Debug, Clone)]
pub struct UserRecord {
    /// The key.
    pub id: UserId,
    /// The phone number.
    pub msisdn: Msisdn,
    /// Payments that succeeded.
    pub payments_count: u32,
    /// What they add up to.
    pub paid_kes: u64,
    /// First seen.
    pub created_at: DateTime<Utc>,
    /// Last time they pressed pay.
    pub last_seen_at: DateTime<Utc>,
}

/// Position in the list: last seen, then id.
pub type UserCursor = (DateTime<Utc>, UserId);

/// Finds or makes the customer and notes that they were seen; returns the id that is in the table.
pub(crate) async fn upsert_user(
    connection: &mut MySqlConnection,
    new_id: UserId,
    msisdn: Msisdn,
    now: DateTime<Utc>,
) -> Result<UserId, StoreError> {
    let number = msisdn.international();
    sqlx::query!(
        "insert into users (id, msisdn, created_at, last_seen_at) values (?, ?, ?, ?)
         on duplicate key update last_seen_at = values(last_seen_at)",
        new_id.as_uuid(),
        number,
        now,
        now
    )
    .execute(&mut *connection)
    .await?;
    let id = sqlx::query_scalar!(r#"select id as "id: Uuid" from users where msisdn = ?"#, number)
        .fetch_one(connection)
        .await?;
    Ok(id.into())
}

/// Adds a settled payment to the customer's totals.
pub(crate) async fn add_paid(connection: &mut MySqlConnection, id: UserId, amount: Kes) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update users set payments_count = payments_count + 1, paid_kes = paid_kes + ? where id = ?",
        amount.shillings(),
        id.as_uuid()
    )
    .execute(connection)
    .await?;
    ensure_rows("add to the customer's totals", done.rows_affected(), 1)
}

/// Customers, last seen first; `number` narrows to one MSISDN.
pub(crate) async fn list_users(
    pool: &MySqlPool,
    number: Option<Msisdn>,
    after: Option<UserCursor>,
    limit: u32,
) -> Result<Vec<UserRecord>, StoreError> {
    let number = number.map(Msisdn::international);
    let (seen_at, id) =
        after.map_or((DateTime::<Utc>::MAX_UTC.min(far_future()), Uuid::max()), |(at, id)| (at, id.as_uuid()));
    // Bound as a DATETIME: a zoned instant would be bound as a TIMESTAMP, which ends in 2038 on MariaDB.
    let seen_at = seen_at.naive_utc();
    let rows = sqlx::query!(
        r#"select id as "id: Uuid", msisdn, payments_count, paid_kes,
                  created_at as "created_at: DateTime<Utc>", last_seen_at as "last_seen_at: DateTime<Utc>"
           from users
           where (? is null or msisdn = ?) and (last_seen_at < ? or (last_seen_at = ? and id < ?))
           order by last_seen_at desc, id desc
           limit ?"#,
        number,
        number,
        seen_at,
        seen_at,
        id,
        limit
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(UserRecord {
                id: row.id.into(),
                msisdn: row.msisdn.parse().map_err(|_| StoreError::inconsistent("users", "msisdn", row.id))?,
                payments_count: row.payments_count,
                paid_kes: row.paid_kes,
                created_at: row.created_at,
                last_seen_at: row.last_seen_at,
            })
        })
        .collect()
}

/// Later than any row: the largest instant `DATETIME(6)` holds is in the year 9999.
fn far_future() -> DateTime<Utc> {
    DateTime::from_timestamp(253_370_764_800, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
