//! `routers`: MikroTik routers and which server process talks to them.

pub(crate) mod listing;

use chrono::{DateTime, TimeDelta, Utc};
use domain::RouterId;
use sqlx::MySqlPool;
use uuid::Uuid;

use super::StoreError;

/// How the server and a router come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// The server connects to the router's API.
    Direct,
    /// The router asks the server over HTTPS; nothing can reach it from outside.
    Pull,
}

impl Reach {
    /// `direct` or `pull`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Pull => "pull",
        }
    }
}

/// One router.
#[derive(Debug, Clone)]
pub struct RouterRecord {
    /// The key.
    pub id: RouterId,
    /// The public name in portal links.
    pub slug: String,
    /// The owner's name for it.
    pub name: String,
    /// Who connects to whom.
    pub reach: Reach,
    /// Host name or address; empty for [`Reach::Pull`].
    pub host: String,
    /// The API port; 0 for [`Reach::Pull`].
    pub port: u16,
    /// The API user.
    pub username: String,
    /// The sealed password; opens with the router's id as context.
    pub password_sealed: Vec<u8>,
    /// SHA-256 of the certificate; `None` is plain TCP.
    pub tls_pin: Option<Vec<u8>>,
    /// When it last answered.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// What was wrong last, in words; `None` when all is well.
    pub last_error: Option<String>,
}

struct RouterRow {
    id: Uuid,
    slug: String,
    name: String,
    reach: String,
    host: String,
    port: u16,
    username: String,
    password_sealed: Vec<u8>,
    tls_pin: Option<Vec<u8>>,
    last_seen_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
}

impl TryFrom<RouterRow> for RouterRecord {
    type Error = StoreError;

    fn try_from(row: RouterRow) -> Result<Self, StoreError> {
        let reach = match row.reach.as_str() {
            "direct" => Reach::Direct,
            "pull" => Reach::Pull,
            _ => return Err(StoreError::inconsistent("routers", "reach", row.id)),
        };
        Ok(Self {
            id: row.id.into(),
            slug: row.slug,
            name: row.name,
            reach,
            host: row.host,
            port: row.port,
            username: row.username,
            password_sealed: row.password_sealed,
            tls_pin: row.tls_pin,
            last_seen_at: row.last_seen_at,
            last_error: row.last_error,
        })
    }
}

/// Active routers, by name.
pub(crate) async fn list_routers(pool: &MySqlPool) -> Result<Vec<RouterRecord>, StoreError> {
    let rows = sqlx::query_as!(
        RouterRow,
        r#"select id as "id: Uuid", slug, name, reach, host, port, username, password_sealed, tls_pin as "tls_pin: Vec<u8>",
                  last_seen_at as "last_seen_at: DateTime<Utc>", last_error
           from routers where is_active = 1 order by name, id limit 10000"#
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(RouterRecord::try_from).collect()
}

/// An active router by its public name.
pub(crate) async fn find_by_slug(pool: &MySqlPool, slug: &str) -> Result<Option<RouterRecord>, StoreError> {
    // The column is ASCII, and the database refuses to compare it with anything else.
    if !slug.is_ascii() {
        return Ok(None);
    }
    let row = sqlx::query_as!(
        RouterRow,
        r#"select id as "id: Uuid", slug, name, reach, host, port, username, password_sealed, tls_pin as "tls_pin: Vec<u8>",
                  last_seen_at as "last_seen_at: DateTime<Utc>", last_error
           from routers where slug = ? and is_active = 1"#,
        slug
    )
    .fetch_optional(pool)
    .await?;
    row.map(RouterRecord::try_from).transpose()
}

/// Adds a router; `false` if the slug is taken. With `only_first`, also `false` if there is any router.
pub(crate) async fn insert_router(
    pool: &MySqlPool,
    router: &RouterRecord,
    only_first: bool,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert ignore into routers (id, slug, name, reach, host, port, username, password_sealed, tls_pin, created_at, updated_at)
         select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? from (select 1 as one) as row_source
         where not ? or not exists (select 1 from routers)",
        router.id.as_uuid(),
        router.slug,
        router.name,
        router.reach.as_str(),
        router.host,
        router.port,
        router.username,
        router.password_sealed,
        router.tls_pin,
        now,
        now,
        only_first
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes or renews the lease on a router for as long as it lasts; `false` if another process talks to it. A lease
/// that was not renewed may be taken over, so what is done under it must be safe to do twice. One that reaches
/// further than any lease does is left from a clock that was wrong.
pub(crate) async fn hold_router(
    pool: &MySqlPool,
    id: RouterId,
    holder: Uuid,
    now: DateTime<Utc>,
    lasts: TimeDelta,
) -> Result<bool, StoreError> {
    sqlx::query!(
        "update routers set lease_holder = ?, lease_until_at = ?
         where id = ? and is_active = 1
           and (lease_holder is null or lease_holder = ? or lease_until_at <= ? or lease_until_at > ?)",
        holder,
        now + lasts,
        id.as_uuid(),
        holder,
        now,
        now + lasts * 3
    )
    .execute(pool)
    .await?;
    // Read back: a count of changed rows would not tell "renewed in the same instant" from "not ours".
    let current = sqlx::query_scalar!(
        r#"select lease_holder as "holder: Uuid" from routers where id = ? and is_active = 1"#,
        id.as_uuid()
    )
    .fetch_optional(pool)
    .await?;
    Ok(current.flatten() == Some(holder))
}

/// Gives the lease back at shutdown, so that another process need not wait.
pub(crate) async fn release_router(pool: &MySqlPool, id: RouterId, holder: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "update routers set lease_holder = null, lease_until_at = null where id = ? and lease_holder = ?",
        id.as_uuid(),
        holder
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Records that the router answered.
pub(crate) async fn record_seen(pool: &MySqlPool, id: RouterId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("update routers set last_seen_at = ?, last_error = null where id = ?", now, id.as_uuid())
        .execute(pool)
        .await?;
    Ok(())
}

/// When a router last answered, if ever, and when it was added.
pub(crate) async fn find_seen(
    pool: &MySqlPool,
    id: RouterId,
) -> Result<Option<(Option<DateTime<Utc>>, DateTime<Utc>)>, StoreError> {
    let row = sqlx::query!(
        r#"select last_seen_at as "last_seen_at: DateTime<Utc>", created_at as "created_at: DateTime<Utc>"
           from routers where id = ?"#,
        id.as_uuid()
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| (row.last_seen_at, row.created_at)))
}

/// Records what is wrong with the router, in words for its owner.
pub(crate) async fn record_error(
    pool: &MySqlPool,
    id: RouterId,
    error: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!("update routers set last_error = ?, last_error_at = ? where id = ?", error, now, id.as_uuid())
        .execute(pool)
        .await?;
    Ok(())
}
