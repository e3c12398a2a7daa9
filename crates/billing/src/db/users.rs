//! `users`: customers, by MSISDN.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{Kes, Msisdn, UserId};
use serde_json::json;
use sqlx::{MySqlConnection, MySqlPool};
use uuid::Uuid;

use super::{StoreError, ensure_rows, hex_id};
use crate::random;

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

/// Finds or makes the customer and notes that they were seen; returns the id that is in the table, and their credit in
/// whole shillings.
pub(crate) async fn upsert_user(
    connection: &mut MySqlConnection,
    new_id: UserId,
    msisdn: Msisdn,
    now: DateTime<Utc>,
) -> Result<(UserId, u32), StoreError> {
    let number = msisdn.international();
    let hash = random::plain_digest(number.as_bytes());
    sqlx::query!(
        "insert into users (id, msisdn, msisdn_sha256, created_at, last_seen_at) values (?, ?, ?, ?, ?)
         on duplicate key update last_seen_at = values(last_seen_at)",
        new_id.as_uuid(),
        number,
        hash.as_slice(),
        now,
        now
    )
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query!(r#"select id as "id: Uuid", credit_kes from users where msisdn = ?"#, number)
        .fetch_one(connection)
        .await?;
    Ok((row.id.into(), row.credit_kes))
}

/// Adds settled payments to their customers' totals.
pub(crate) async fn add_paid(
    connection: &mut MySqlConnection,
    settled: impl Iterator<Item = (UserId, Kes)>,
) -> Result<(), StoreError> {
    let mut totals: BTreeMap<String, (u32, u64)> = BTreeMap::new();
    for (id, amount) in settled {
        let total = totals.entry(hex_id(id.as_uuid())).or_default();
        *total = (total.0.saturating_add(1), total.1.saturating_add(u64::from(amount.shillings())));
    }
    let rows: Vec<_> = totals.iter().map(|(id, (count, kes))| json!({"id": id, "n": count, "kes": kes})).collect();
    let done = sqlx::query!(
        "update json_table(?, '$[*]' columns (id char(32) path '$.id', n int unsigned path '$.n',
                                              kes bigint unsigned path '$.kes')) v
         straight_join users u force index (primary) on u.id = unhex(v.id)
         set u.payments_count = u.payments_count + v.n, u.paid_kes = u.paid_kes + v.kes",
        json!(rows).to_string()
    )
    .execute(connection)
    .await?;
    ensure_rows("add to customers' totals", done.rows_affected(), u64::try_from(rows.len()).unwrap_or(u64::MAX))
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
