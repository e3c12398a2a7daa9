//! `leases`: work that only one server process does at a time.

use chrono::{DateTime, Utc};
use sqlx::MySqlPool;
use uuid::Uuid;

use super::StoreError;

/// Takes or renews the lease; `false` if another process holds it. A lease that was not renewed in time
/// may be taken over, so its work must still be safe to do twice.
pub(crate) async fn hold_lease(
    pool: &MySqlPool,
    name: &str,
    holder: Uuid,
    now: DateTime<Utc>,
    until_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    sqlx::query!("insert ignore into leases (name, holder, until_at) values (?, ?, ?)", name, holder, until_at)
        .execute(pool)
        .await?;
    let done = sqlx::query!(
        "update leases set holder = ?, until_at = ? where name = ? and (holder = ? or until_at <= ?)",
        holder,
        until_at,
        name,
        holder,
        now
    )
    .execute(pool)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(true);
    }
    // Zero rows also means "nothing changed": the same holder and instant as just inserted.
    let current = sqlx::query_scalar!(r#"select holder as "holder: Uuid" from leases where name = ?"#, name)
        .fetch_optional(pool)
        .await?;
    Ok(current == Some(holder))
}

/// Gives the lease back at shutdown, so that another process need not wait.
pub(crate) async fn release_lease(pool: &MySqlPool, name: &str, holder: Uuid) -> Result<(), StoreError> {
    sqlx::query!("delete from leases where name = ? and holder = ?", name, holder).execute(pool).await?;
    Ok(())
}

/// Claims a turn of work that is done once in a while; `false` while somebody has it or had it done. A turn is a lease of its own, so it cannot be taken twice, not even by the same process.
pub(crate) async fn take_turn(
    pool: &MySqlPool,
    name: &str,
    turn: Uuid,
    now: DateTime<Utc>,
    until_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let waiting = sqlx::query_scalar!(
        r#"select exists(select 1 from leases where name = ? and until_at > ?) as "found!: bool""#,
        name,
        now
    )
    .fetch_one(pool)
    .await?;
    if waiting { Ok(false) } else { hold_lease(pool, name, turn, now, until_at).await }
}
