//! `router_pulls` and `router_pull_parts`: what the server keeps for routers that poll.

use chrono::{DateTime, Utc};
use domain::RouterId;
use sqlx::MySqlPool;
use uuid::Uuid;

use super::StoreError;

/// What the server keeps for one router.
#[derive(Debug, Clone)]
pub(crate) struct PullRecord {
    /// The sealed key.
    pub key_sealed: Vec<u8>,
    /// A sealed newer key that the router has not used yet.
    pub next_key_sealed: Option<Vec<u8>>,
    /// When it last asked.
    pub polled_at: Option<DateTime<Utc>>,
    /// When it last said all it has.
    pub reported_at: Option<DateTime<Utc>>,
    /// What one plan hands to the next.
    pub memory: String,
    /// When the row was made.
    pub created_at: DateTime<Utc>,
}

/// A router's row; `None` when no key was ever made for it.
pub(crate) async fn find_pull(pool: &MySqlPool, router_id: RouterId) -> Result<Option<PullRecord>, StoreError> {
    Ok(sqlx::query_as!(
        PullRecord,
        r#"select key_sealed, next_key_sealed, polled_at as "polled_at: DateTime<Utc>",
                  reported_at as "reported_at: DateTime<Utc>", memory, created_at as "created_at: DateTime<Utc>"
           from router_pulls where router_id = ?"#,
        router_id.as_uuid()
    )
    .fetch_optional(pool)
    .await?)
}

/// Keeps a new key beside the one in use, until the router shows it; the first key of a router counts at once.
pub(crate) async fn keep_next_key(
    pool: &MySqlPool,
    router_id: RouterId,
    key_sealed: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into router_pulls (router_id, key_sealed, memory, created_at, updated_at) values (?, ?, '{}', ?, ?)
         on duplicate key update next_key_sealed = values(key_sealed), updated_at = values(updated_at)",
        router_id.as_uuid(),
        key_sealed,
        now,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// The router has shown its newer key: the old one is worth nothing from now on.
pub(crate) async fn use_next_key(
    pool: &MySqlPool,
    router_id: RouterId,
    next_key_sealed: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update router_pulls set key_sealed = next_key_sealed, next_key_sealed = null, updated_at = ?
         where router_id = ? and next_key_sealed = ?",
        now,
        router_id.as_uuid(),
        next_key_sealed
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// What a router says of itself whenever it asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub clock_skew_secs: Option<i64>,
    pub uptime_secs: Option<u64>,
    pub version: &'a str,
    pub board: &'a str,
    /// Whether it checks a digest of the answers.
    pub is_digesting: bool,
}

/// Notes that the router has asked, and what it said of itself.
pub(crate) async fn record_poll(
    pool: &MySqlPool,
    router_id: RouterId,
    facts: Facts<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update router_pulls set polled_at = ?, clock_skew_secs = ?, uptime_secs = ?, version = ?, board = ?,
             is_digesting = ?, updated_at = ? where router_id = ?",
        now,
        facts.clock_skew_secs,
        facts.uptime_secs,
        facts.version,
        facts.board,
        facts.is_digesting,
        now,
        router_id.as_uuid()
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Hands out a ticket for the next report; earlier ones are worth nothing, and nor are their parts.
pub(crate) async fn issue_ticket(pool: &MySqlPool, router_id: RouterId, ticket: &str) -> Result<(), StoreError> {
    sqlx::query!("update router_pulls set ticket = ? where router_id = ?", ticket, router_id.as_uuid())
        .execute(pool)
        .await?;
    sqlx::query!("delete from router_pull_parts where router_id = ? and ticket <> ?", router_id.as_uuid(), ticket)
        .execute(pool)
        .await?;
    Ok(())
}

/// Keeps one part of a report, if its ticket is the current one; `false` if it is not.
pub(crate) async fn keep_part(
    pool: &MySqlPool,
    router_id: RouterId,
    ticket: &str,
    part: u16,
    body: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert ignore into router_pull_parts (router_id, ticket, part, body, created_at)
         select router_id, ticket, ?, ?, ? from router_pulls where router_id = ? and ticket = ?",
        part,
        body,
        now,
        router_id.as_uuid(),
        ticket
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The parts that were kept under a ticket, in order; they are not needed any more.
pub(crate) async fn take_parts(
    pool: &MySqlPool,
    router_id: RouterId,
    ticket: &str,
) -> Result<Vec<(u16, String)>, StoreError> {
    let rows = sqlx::query!(
        "select part, body from router_pull_parts where router_id = ? and ticket = ? order by part limit 100",
        router_id.as_uuid(),
        ticket
    )
    .fetch_all(pool)
    .await?;
    sqlx::query!("delete from router_pull_parts where router_id = ?", router_id.as_uuid()).execute(pool).await?;
    Ok(rows.into_iter().map(|row| (row.part, row.body)).collect())
}

/// Uses a ticket up and begins the work on its report; `false` if the ticket is not the current one, was used, or
/// another report of the router is being worked on until `until_at` at the latest.
pub(crate) async fn claim_ticket(
    pool: &MySqlPool,
    router_id: RouterId,
    ticket: &str,
    turn: Uuid,
    now: DateTime<Utc>,
    until_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update router_pulls set ticket = null, busy_with = ?, busy_until_at = ?
         where router_id = ? and ticket = ? and (busy_until_at is null or busy_until_at <= ?)",
        turn,
        until_at,
        router_id.as_uuid(),
        ticket,
        now
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends the work on a report, whatever became of it.
pub(crate) async fn finish_turn(pool: &MySqlPool, router_id: RouterId, turn: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "update router_pulls set busy_with = null, busy_until_at = null where router_id = ? and busy_with = ?",
        router_id.as_uuid(),
        turn
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes that a report was worked off, and what the next plan must know.
pub(crate) async fn record_report(
    pool: &MySqlPool,
    router_id: RouterId,
    memory: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update router_pulls set reported_at = ?, memory = ?, updated_at = ? where router_id = ?",
        now,
        memory,
        now,
        router_id.as_uuid()
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Whether a payment made at this router since `since` is open: its customer will wait for the router in a moment.
pub(crate) async fn has_open_payment(
    pool: &MySqlPool,
    router_id: RouterId,
    since: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let floor = crate::random::uuid_floor(since);
    Ok(sqlx::query_scalar!(
        r#"select exists(select 1 from payments where status = 'Pending' and id >= ? and router_id = ?) as "found!: bool""#,
        floor,
        router_id.as_uuid()
    )
    .fetch_one(pool)
    .await?)
}

/// Forgets parts of reports that were begun before `before` and never finished, at most `limit` at a time; how many.
pub(crate) async fn forget_parts(pool: &MySqlPool, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
    let done =
        sqlx::query!("delete from router_pull_parts where created_at < ? limit ?", before, limit).execute(pool).await?;
    Ok(done.rows_affected())
}
