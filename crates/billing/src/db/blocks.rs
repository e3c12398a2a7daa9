//! `blocks`: devices that are kept from the network and the portal.

use chrono::{DateTime, Utc};
use domain::MacAddr;
use sqlx::{MySqlConnection, MySqlExecutor, MySqlPool};
use uuid::Uuid;

use super::StoreError;

/// Most devices that may be blocked at a time.
pub(crate) const MOST: u32 = 500;

/// One block that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRecord {
    /// The key.
    pub id: Uuid,
    /// The device.
    pub mac: MacAddr,
    /// Why.
    pub reason: String,
    /// Who.
    pub blocked_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

struct BlockRow {
    id: Uuid,
    mac: Vec<u8>,
    reason: String,
    blocked_by: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<BlockRow> for BlockRecord {
    type Error = StoreError;

    fn try_from(row: BlockRow) -> Result<Self, StoreError> {
        let wrong = || StoreError::inconsistent("blocks", "mac", row.id);
        Ok(Self {
            id: row.id,
            mac: super::payments::read_mac(&row.mac).ok_or_else(wrong)?,
            reason: row.reason,
            blocked_by: row.blocked_by,
            created_at: row.created_at,
        })
    }
}

/// Blocks a device; `false` if it is blocked already.
pub(crate) async fn insert_block(connection: &mut MySqlConnection, block: &BlockRecord) -> Result<bool, StoreError> {
    let mac = block.mac.bytes().to_vec();
    let done = sqlx::query!(
        "insert ignore into blocks (id, mac, active_mac, reason, blocked_by, created_at, updated_at)
         values (?, ?, ?, ?, ?, ?, ?)",
        block.id,
        mac,
        mac,
        block.reason,
        block.blocked_by,
        block.created_at,
        block.created_at
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lifts a block, once. Gives its device; `None` if there is no such block.
pub(crate) async fn lift_block(
    connection: &mut MySqlConnection,
    id: Uuid,
    by: &str,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Option<(MacAddr, bool)>, StoreError> {
    let row = sqlx::query_scalar!(r#"select mac as "mac: Vec<u8>" from blocks where id = ? for update"#, id)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mac = super::payments::read_mac(&row).ok_or_else(|| StoreError::inconsistent("blocks", "mac", id))?;
    let done = sqlx::query!(
        "update blocks set active_mac = null, lifted_at = ?, lifted_by = ?, lift_reason = ?, updated_at = ?
         where id = ? and lifted_at is null",
        now,
        by,
        reason,
        now,
        id
    )
    .execute(connection)
    .await?;
    Ok(Some((mac, done.rows_affected() == 1)))
}

/// The block of a device, if one stands.
pub(crate) async fn find_block(
    executor: impl MySqlExecutor<'_>,
    mac: MacAddr,
) -> Result<Option<BlockRecord>, StoreError> {
    let row = sqlx::query_as!(
        BlockRow,
        r#"select id as "id: Uuid", mac as "mac: Vec<u8>", reason, blocked_by, created_at as "created_at: DateTime<Utc>"
           from blocks where active_mac = ?"#,
        mac.bytes().to_vec()
    )
    .fetch_optional(executor)
    .await?;
    row.map(BlockRecord::try_from).transpose()
}

/// How many blocks stand.
pub(crate) async fn count_blocks(connection: &mut MySqlConnection) -> Result<u32, StoreError> {
    let count =
        sqlx::query_scalar!("select count(*) from blocks where active_mac is not null").fetch_one(connection).await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Blocks that stand, newest first.
pub(crate) async fn list_blocks(pool: &MySqlPool, limit: u32) -> Result<Vec<BlockRecord>, StoreError> {
    let rows = sqlx::query_as!(
        BlockRow,
        r#"select id as "id: Uuid", mac as "mac: Vec<u8>", reason, blocked_by, created_at as "created_at: DateTime<Utc>"
           from blocks where active_mac is not null order by id desc limit ?"#,
        limit
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(BlockRecord::try_from).collect()
}

/// When a block was made or lifted last, in microseconds since 1970; 0 for never.
pub(crate) async fn changed_micros(pool: &MySqlPool) -> Result<i64, StoreError> {
    let at =
        sqlx::query_scalar!(r#"select max(updated_at) as "at: DateTime<Utc>" from blocks"#).fetch_one(pool).await?;
    Ok(at.map_or(0, |at| at.timestamp_micros()))
}
