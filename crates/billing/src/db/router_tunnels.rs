//! `router_tunnels`: which router has which address inside the tunnel.

use chrono::{DateTime, Utc};
use sqlx::{MySqlExecutor, MySqlPool};
use uuid::Uuid;

use super::StoreError;

/// The tunnel address of a set-up, if it has one.
pub(crate) async fn find_tunnel(
    executor: impl MySqlExecutor<'_>,
    setup_id: Uuid,
) -> Result<Option<(u32, Option<String>)>, StoreError> {
    let row = sqlx::query!("select address, public_key from router_tunnels where setup_id = ?", setup_id)
        .fetch_optional(executor)
        .await?;
    // A column that is compared byte by byte is read as bytes.
    Ok(row.map(|row| (row.address, row.public_key.and_then(|key| String::from_utf8(key).ok()))))
}

/// Gives the address of a router to its new set-up, so that setting up anew changes nothing on the server.
pub(crate) async fn take_over_tunnel(pool: &MySqlPool, setup_id: Uuid, router_id: Uuid) -> Result<bool, StoreError> {
    let done = sqlx::query!("update router_tunnels set setup_id = ? where router_id = ?", setup_id, router_id)
        .execute(pool)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Frees addresses of set-ups that came to nothing.
pub(crate) async fn free_tunnels(pool: &MySqlPool, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from router_tunnels where router_id is null
             and setup_id in (select id from router_setups where expires_at < ? and done_at is null)",
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// The lowest address in a range that nobody has; `None` when all are given out.
pub(crate) async fn next_tunnel_address(pool: &MySqlPool, first: u32, last: u32) -> Result<Option<u32>, StoreError> {
    let taken: Vec<u32> = sqlx::query_scalar!(
        "select address from router_tunnels where address between ? and ? order by address",
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    let mut free = first;
    for address in taken {
        if address != free {
            break;
        }
        free = free.saturating_add(1);
    }
    Ok((free <= last).then_some(free))
}

/// Allots an address; `false` if somebody was faster.
pub(crate) async fn insert_tunnel(
    pool: &MySqlPool,
    address: u32,
    setup_id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert ignore into router_tunnels (address, setup_id, created_at) values (?, ?, ?)",
        address,
        setup_id,
        now
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps the router's WireGuard key, and which router it is once that is known.
pub(crate) async fn save_tunnel(
    executor: impl MySqlExecutor<'_>,
    setup_id: Uuid,
    public_key: &str,
    router_id: Option<Uuid>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update router_tunnels set public_key = ?, router_id = coalesce(?, router_id) where setup_id = ?",
        public_key,
        router_id,
        setup_id
    )
    .execute(executor)
    .await?;
    Ok(())
}
