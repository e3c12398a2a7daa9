//! `router_events`: what happened to routers.

use chrono::{DateTime, Utc};
use domain::RouterId;
use sqlx::{MySqlExecutor, MySqlPool};

use super::StoreError;
use crate::random;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// It answered for the first time, or again.
    Online,
    /// It stopped answering.
    Offline,
    /// It started anew.
    Rebooted,
    /// Its software is another.
    Upgraded,
    /// It looks like another router.
    Changed,
    /// It showed another certificate and was refused.
    Certificate,
}

impl EventKind {
    /// The word in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Rebooted => "rebooted",
            Self::Upgraded => "upgraded",
            Self::Changed => "changed",
            Self::Certificate => "certificate",
        }
    }
}

/// One line of a router's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// When.
    pub at: DateTime<Utc>,
    /// See [`EventKind::as_str`]; `person` for what somebody did.
    pub kind: String,
    /// Words for the owner.
    pub text: String,
}

/// Adds a line.
pub(crate) async fn insert_event(
    executor: impl MySqlExecutor<'_>,
    router_id: RouterId,
    kind: EventKind,
    text: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into router_events (id, router_id, at, kind, text) values (?, ?, ?, ?, ?)",
        random::uuid(at),
        router_id.as_uuid(),
        at,
        kind.as_str(),
        text.chars().take(255).collect::<String>()
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// The newest lines of a router. What one look finds has one instant: then a router is another one, has other software
/// or was restarted before it is back, and is refused before it is away.
pub(crate) async fn list_events(pool: &MySqlPool, id: RouterId, limit: u32) -> Result<Vec<EventRecord>, StoreError> {
    Ok(sqlx::query_as!(
        EventRecord,
        r#"select at as "at: DateTime<Utc>", kind, text from router_events where router_id = ?
           order by at desc, field(kind, 'online', 'offline', 'rebooted', 'upgraded', 'changed', 'certificate'), id desc
           limit ?"#,
        id.as_uuid(),
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// Whether something of a kind happened to a router after `since`.
pub(crate) async fn has_happened(
    pool: &MySqlPool,
    id: RouterId,
    kind: EventKind,
    since: DateTime<Utc>,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select exists(select 1 from router_events where router_id = ? and kind = ? and at > ?) as "found!: bool""#,
        id.as_uuid(),
        kind.as_str(),
        since
    )
    .fetch_one(pool)
    .await?)
}

/// Forgets what happened before `before`, at most `limit` lines at a time; how many.
pub(crate) async fn forget_events(pool: &MySqlPool, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
    let done =
        sqlx::query!("delete from router_events where at < ? order by at limit ?", before, limit).execute(pool).await?;
    Ok(done.rows_affected())
}
