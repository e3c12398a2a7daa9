//! `outages` and `outage_sessions`: times a router was away, and whose paid time ran meanwhile.

mod given;

use chrono::{DateTime, Utc};
use domain::{
    RouterId, SessionId,
    outage::{Span, Verdict},
};
use sqlx::{MySqlConnection, MySqlExecutor, MySqlPool};
use uuid::Uuid;

pub(crate) use self::given::*;
use super::StoreError;

/// The word for a verdict in the database.
const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Off { .. } => "off",
        Verdict::Cut => "cut",
        Verdict::Served => "served",
        Verdict::Unknown => "unknown",
    }
}

/// Begins an outage; `false` when there is one already. Notes whose paid time runs, and what they have used.
pub(crate) async fn open_outage(
    connection: &mut MySqlConnection,
    id: Uuid,
    router_id: RouterId,
    from_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert ignore into outages (id, router_id, open_router_id, from_at) values (?, ?, ?, ?)",
        id,
        router_id.as_uuid(),
        router_id.as_uuid(),
        from_at
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "insert into outage_sessions (outage_id, session_id, before_secs, before_bytes)
         select ?, s.id, coalesce(sum(d.used_secs), 0), coalesce(sum(d.used_bytes), 0)
         from session_devices d join sessions s on s.id = d.session_id
         where d.router_id = ? and (d.intended = 'on' or d.updated_at >= ?)
           and s.starts_at is not null and s.ends_at > ? and (s.ended_at is null or s.ended_at > ?)
         group by s.id",
        id,
        router_id.as_uuid(),
        from_at,
        from_at,
        from_at
    )
    .execute(connection)
    .await?;
    Ok(true)
}

/// The outage of a router that is away: its key and beginning. Holds the row until the transaction ends.
pub(crate) async fn lock_open(
    connection: &mut MySqlConnection,
    router_id: RouterId,
) -> Result<Option<(Uuid, DateTime<Utc>)>, StoreError> {
    let row = sqlx::query!(
        r#"select id as "id: Uuid", from_at as "from_at: DateTime<Utc>" from outages where open_router_id = ? for update"#,
        router_id.as_uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.id, row.from_at)))
}

/// A session whose paid time ran while its router was away.
#[derive(Debug, Clone)]
pub(crate) struct Sufferer {
    pub session_id: SessionId,
    /// When its time ran; empty when it does not run any more because it is paused.
    pub paid: Span,
    /// Seconds its devices were on since the outage was noticed, as far as the router knows.
    pub on_secs: u64,
    /// Bytes they moved.
    pub bytes: u64,
}

/// Everybody whose paid time ran, with what they used meanwhile.
pub(crate) async fn list_sufferers(
    connection: &mut MySqlConnection,
    outage_id: Uuid,
) -> Result<Vec<Sufferer>, StoreError> {
    let rows = sqlx::query!(
        r#"select o.session_id as "session_id: Uuid",
                  greatest(s.starts_at, coalesce((select max(r.revived_at) from outage_sessions r
                                                  where r.given_to = s.id), s.starts_at))
                      as "from_at?: DateTime<Utc>",
                  least(s.ends_at, coalesce(s.ended_at, s.ends_at)) as "to_at?: DateTime<Utc>",
                  o.before_secs, o.before_bytes,
                  cast(coalesce((select sum(d.used_secs) from session_devices d where d.session_id = s.id), 0)
                       as unsigned) as "after_secs!: u64",
                  cast(coalesce((select sum(d.used_bytes) from session_devices d where d.session_id = s.id), 0)
                       as unsigned) as "after_bytes!: u64"
           from outage_sessions o join sessions s on s.id = o.session_id where o.outage_id = ?"#,
        outage_id
    )
    .fetch_all(connection)
    .await?;
    let never = DateTime::<Utc>::UNIX_EPOCH;
    Ok(rows
        .into_iter()
        .map(|row| Sufferer {
            session_id: row.session_id.into(),
            paid: row.from_at.zip(row.to_at).map_or(Span { from: never, to: never }, |(from, to)| Span { from, to }),
            on_secs: row.after_secs.saturating_sub(row.before_secs),
            bytes: row.after_bytes.saturating_sub(row.before_bytes),
        })
        .collect())
}

/// Says how much a session lost.
pub(crate) async fn record_loss(
    connection: &mut MySqlConnection,
    outage_id: Uuid,
    session_id: SessionId,
    lost_secs: u64,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update outage_sessions set lost_secs = ? where outage_id = ? and session_id = ?",
        lost_secs,
        outage_id,
        session_id.as_uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends an outage.
pub(crate) async fn close_outage(
    connection: &mut MySqlConnection,
    id: Uuid,
    to_at: DateTime<Utc>,
    verdict: Verdict,
) -> Result<(), StoreError> {
    let off_until_at = match verdict {
        Verdict::Off { until_at } => Some(until_at),
        _ => None,
    };
    sqlx::query!(
        "update outages set to_at = ?, open_router_id = null, verdict = ?, off_until_at = ? where id = ?",
        to_at,
        word(verdict),
        off_until_at,
        id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// One outage as stored.
#[derive(Debug, Clone)]
pub struct OutageRecord {
    /// The key.
    pub id: Uuid,
    /// The router.
    pub router_id: Uuid,
    /// When the router was last heard of.
    pub from_at: DateTime<Utc>,
    /// When it was back; `None` while it is away.
    pub to_at: Option<DateTime<Utc>>,
    /// `off`, `cut`, `served` or `unknown`.
    pub verdict: String,
    /// Sessions whose paid time ran meanwhile.
    pub sessions: u32,
    /// When lost time was given back.
    pub credited_at: Option<DateTime<Utc>>,
    /// Who gave it back.
    pub credited_by: Option<String>,
    /// Why.
    pub credit_reason: Option<String>,
}

/// Times a router was away, newest first.
pub(crate) async fn list_outages(
    pool: &MySqlPool,
    router_id: RouterId,
    limit: u32,
) -> Result<Vec<OutageRecord>, StoreError> {
    Ok(sqlx::query_as!(
        OutageRecord,
        r#"select o.id as "id: Uuid", o.router_id as "router_id: Uuid", o.from_at as "from_at: DateTime<Utc>",
                  o.to_at as "to_at: DateTime<Utc>", o.verdict,
                  cast((select count(*) from outage_sessions x where x.outage_id = o.id) as unsigned)
                      as "sessions!: u32",
                  o.credited_at as "credited_at: DateTime<Utc>", o.credited_by, o.credit_reason
           from outages o where o.router_id = ? order by o.from_at desc limit ?"#,
        router_id.as_uuid(),
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// When a router was away within a time.
pub(crate) async fn list_spans(
    executor: impl MySqlExecutor<'_>,
    router_id: RouterId,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<Span>, StoreError> {
    let rows = sqlx::query!(
        r#"select from_at as "from_at: DateTime<Utc>", to_at as "to_at: DateTime<Utc>" from outages
           where router_id = ? and (to_at is null or to_at > ?) order by from_at limit 10000"#,
        router_id.as_uuid(),
        since
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| Span { from: row.from_at, to: row.to_at.unwrap_or(now) }).collect())
}

/// Forgets outages that were over before `before`, and what was lost in them, at most `limit` at a time; how many.
pub(crate) async fn forget_outages(pool: &MySqlPool, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
    let ids: Vec<Uuid> =
        sqlx::query_scalar!(r#"select id as "id: Uuid" from outages where to_at < ? limit ?"#, before, limit)
            .fetch_all(pool)
            .await?;
    let mut forgotten = 0;
    for id in ids {
        let mut transaction = pool.begin().await?;
        sqlx::query!("delete from outage_sessions where outage_id = ?", id).execute(&mut *transaction).await?;
        forgotten +=
            sqlx::query!("delete from outages where id = ?", id).execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await?;
    }
    Ok(forgotten)
}
