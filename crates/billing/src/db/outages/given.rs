//! What was lost in outages and is given back.

use chrono::{DateTime, Utc};
use domain::{MacAddr, RouterId, SessionId, outage::Span, session::Times};
use sqlx::{MySqlConnection, MySqlPool};
use uuid::Uuid;

use crate::{
    db::{StoreError, ensure_rows, payments, sessions},
    health::Credited,
};

/// What decides whether an outage may be given back.
#[derive(Debug)]
pub(crate) struct OutageState {
    pub to_at: Option<DateTime<Utc>>,
    pub verdict: String,
    pub credited_at: Option<DateTime<Utc>>,
}

/// One outage of a router, held until the transaction ends.
pub(crate) async fn lock_outage(
    connection: &mut MySqlConnection,
    router_id: RouterId,
    id: Uuid,
) -> Result<Option<OutageState>, StoreError> {
    Ok(sqlx::query_as!(
        OutageState,
        r#"select to_at as "to_at: DateTime<Utc>", verdict, credited_at as "credited_at: DateTime<Utc>"
           from outages where id = ? and router_id = ? for update"#,
        id,
        router_id.as_uuid()
    )
    .fetch_optional(connection)
    .await?)
}

/// Says that an outage is given back, by whom and why.
pub(crate) async fn mark_credited(
    connection: &mut MySqlConnection,
    id: Uuid,
    by: &str,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update outages set credited_at = ?, credited_by = ?, credit_reason = ? where id = ? and credited_at is null",
        now,
        by.chars().take(80).collect::<String>(),
        reason.chars().take(255).collect::<String>(),
        id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Outages that ended since `since`, that nobody gave back, and in which customers are known to have lost time.
pub(crate) async fn list_provable(
    pool: &MySqlPool,
    since: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<(RouterId, Uuid, Span)>, StoreError> {
    let rows = sqlx::query!(
        r#"select id as "id: Uuid", router_id as "router_id: Uuid", from_at as "from_at: DateTime<Utc>",
                  to_at as "to_at!: DateTime<Utc>"
           from outages where to_at > ? and credited_at is null and verdict in ('off', 'cut') order by to_at limit ?"#,
        since,
        limit
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.router_id.into(), row.id, Span { from: row.from_at, to: row.to_at })).collect())
}

/// Outages that are to be given back, and of which somebody has not had theirs.
pub(crate) async fn list_unfinished(pool: &MySqlPool, limit: u32) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select o.id as "id: Uuid" from outages o
           where o.credited_at is not null
             and exists(select 1 from outage_sessions x
                        where x.outage_id = o.id and x.given_secs is null and x.lost_secs is not null)
           order by o.credited_at limit ?"#,
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// Sessions of an outage that have not had what they lost.
pub(crate) async fn list_ungiven(pool: &MySqlPool, outage_id: Uuid) -> Result<Vec<SessionId>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"select session_id as "id: Uuid" from outage_sessions
           where outage_id = ? and given_secs is null and lost_secs is not null order by session_id"#,
        outage_id
    )
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(SessionId::from).collect())
}

/// What a session lost, if it has not had it yet; held until the transaction ends.
pub(crate) async fn lock_ungiven(
    connection: &mut MySqlConnection,
    outage_id: Uuid,
    session_id: SessionId,
) -> Result<Option<u64>, StoreError> {
    let lost = sqlx::query_scalar!(
        "select lost_secs from outage_sessions
         where outage_id = ? and session_id = ? and given_secs is null for update",
        outage_id,
        session_id.as_uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(lost.flatten())
}

/// Says what a session was given: how much, and to which session it went, and when that one went on anew.
pub(crate) async fn record_given(
    connection: &mut MySqlConnection,
    (outage_id, session_id): (Uuid, SessionId),
    secs: u64,
    given: Option<(SessionId, Option<DateTime<Utc>>)>,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update outage_sessions set given_secs = ?, given_to = ?, revived_at = ?
         where outage_id = ? and session_id = ? and given_secs is null",
        secs,
        given.map(|(id, _)| id.as_uuid()),
        given.and_then(|(_, at)| at),
        outage_id,
        session_id.as_uuid()
    )
    .execute(connection)
    .await?;
    ensure_rows("give back lost time", done.rows_affected(), 1)
}

/// What was given back for an outage.
pub(crate) async fn sum_given(pool: &MySqlPool, outage_id: Uuid) -> Result<Credited, StoreError> {
    let row = sqlx::query!(
        r#"select cast(coalesce(sum(given_secs > 0), 0) as unsigned) as "sessions!: u32",
                  cast(coalesce(sum(given_secs), 0) as unsigned) as "secs!: u64"
           from outage_sessions where outage_id = ?"#,
        outage_id
    )
    .fetch_one(pool)
    .await?;
    Ok(Credited { sessions: row.sessions, secs: row.secs })
}

/// What a session was given back, by whom and why.
#[derive(Debug)]
pub(crate) struct GivenRecord {
    pub at: DateTime<Utc>,
    pub by: Option<String>,
    pub reason: Option<String>,
    pub secs: u64,
}

/// What a session was given back, newest first.
pub(crate) async fn list_given(pool: &MySqlPool, id: SessionId, limit: u32) -> Result<Vec<GivenRecord>, StoreError> {
    Ok(sqlx::query_as!(
        GivenRecord,
        r#"select o.credited_at as "at!: DateTime<Utc>", o.credited_by as "by", o.credit_reason as reason,
                  x.given_secs as "secs!: u64"
           from outage_sessions x join outages o on o.id = x.outage_id
           where x.given_to = ? and x.given_secs > 0 and o.credited_at is not null order by o.credited_at desc limit ?"#,
        id.as_uuid(),
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// Whether and why a session ended, and which device it is for.
#[derive(Debug)]
pub(crate) struct EndRecord {
    pub router_id: Option<RouterId>,
    pub mac: MacAddr,
    pub starts_at: Option<DateTime<Utc>>,
    pub ends_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub end_reason: Option<String>,
}

/// How a session ended.
pub(crate) async fn find_end(connection: &mut MySqlConnection, id: SessionId) -> Result<Option<EndRecord>, StoreError> {
    let row = sqlx::query!(
        r#"select router_id as "router_id: Uuid", mac, starts_at as "starts_at: DateTime<Utc>",
                  ends_at as "ends_at: DateTime<Utc>", ended_at as "ended_at: DateTime<Utc>", end_reason
           from sessions where id = ?"#,
        id.as_uuid()
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let mac = payments::read_mac(&row.mac).ok_or_else(|| StoreError::inconsistent("sessions", "mac", id))?;
        Ok(EndRecord {
            router_id: row.router_id.map(RouterId::from),
            mac,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            ended_at: row.ended_at,
            end_reason: row.end_reason,
        })
    })
    .transpose()
}

/// Lets a session that the clock has ended go on with these times; its row is held.
pub(crate) async fn revive_session(
    connection: &mut MySqlConnection,
    id: SessionId,
    times: &Times,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update sessions set duration_secs = ?, spent_secs = ?, added_secs = ?, starts_at = ?, ends_at = ?,
                             ended_at = null, end_reason = null, updated_at = ?
         where id = ?",
        times.duration_secs,
        times.spent_secs,
        times.added_secs,
        times.starts_at,
        times.ends_at,
        now,
        id.as_uuid()
    )
    .execute(&mut *connection)
    .await?;
    ensure_rows("let a session go on", done.rows_affected(), 1)?;
    sessions::touch_payment(connection, id, now).await
}
