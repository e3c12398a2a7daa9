//! `routers`: MikroTik routers and which server process talks to them.

use chrono::{DateTime, Utc};
use domain::RouterId;
use sqlx::MySqlPool;
use uuid::Uuid;

use super::StoreError;

/// One router.
#[derive(Debug, Clone)]
pub struct RouterRecord {
    /// The key.
    pub id: RouterId,
    /// The public name in portal links.
    pub slug: String,
    /// The owner's name for it.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// The API port.
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
    host: String,
    port: u16,
    username: String,
    password_sealed: Vec<u8>,
    tls_pin: Option<Vec<u8>>,
    last_seen_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
}

impl From<RouterRow> for RouterRecord {
    fn from(row: RouterRow) -> Self {
        Self {
            id: row.id.into(),
            slug: row.slug,
            name: row.name,
            host: row.host,
            port: row.port,
            username: row.username,
            password_sealed: row.password_sealed,
            tls_pin: row.tls_pin,
            last_seen_at: row.last_seen_at,
            last_error: row.last_error,
        }
    }
}

/// Active routers, by name.
pub(crate) async fn list_routers(pool: &MySqlPool) -> Result<Vec<RouterRecord>, StoreError> {
    let rows = sqlx::query_as!(
        RouterRow,
        r#"select id as "id: Uuid", slug, name, host, port, username, password_sealed, tls_pin as "tls_pin: Vec<u8>",
                  last_seen_at as "last_seen_at: DateTime<Utc>", last_error
           from routers where is_active = 1 order by name, id limit 10000"#
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(RouterRecord::from).collect())
}

/// An active router by its public name.
pub(crate) async fn find_by_slug(pool: &MySqlPool, slug: &str) -> Result<Option<RouterRecord>, StoreError> {
    // The column is ASCII, and the database refuses to compare it with anything else.
    if !slug.is_ascii() {
        return Ok(None);
    }
    let row = sqlx::query_as!(
        RouterRow,
        r#"select id as "id: Uuid", slug, name, host, port, username, password_sealed, tls_pin as "tls_pin: Vec<u8>",
                  last_seen_at as "last_seen_at: DateTime<Utc>", last_error
           from routers where slug = ? and is_active = 1"#,
        slug
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(RouterRecord::from))
}

/// Adds a router; `false` if the slug is taken. With `only_first`, also `false` if there is any router.
pub(crate) async fn insert_router(
    pool: &MySqlPool,
    router: &RouterRecord,
    only_first: bool,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert ignore into routers (id, slug, name, host, port, username, password_sealed, tls_pin, created_at, updated_at)
         select ?, ?, ?, ?, ?, ?, ?, ?, ?, ? from (select 1 as one) as row_source
         where not ? or not exists (select 1 from routers)",
        router.id.as_uuid(),
        router.slug,
        router.name,
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

/// Takes or renews the lease on a router; `false` if another process talks to it. A lease that was not
/// renewed may be taken over, so what is done under it must be safe to do twice.
pub(crate) async fn hold_router(
    pool: &MySqlPool,
    id: RouterId,
    holder: Uuid,
    now: DateTime<Utc>,
    until_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    sqlx::query!(
        "update routers set lease_holder = ?, lease_until_at = ?
         where id = ? and is_active = 1 and (lease_holder is null or lease_holder = ? or lease_until_at <= ?)",
        holder,
        until_at,
        id.as_uuid(),
        holder,
        now
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

/// Since when the router has not answered: since it last did, or since it was added.
pub(crate) async fn find_silent_since(pool: &MySqlPool, id: RouterId) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select coalesce(last_seen_at, created_at) as "since!: DateTime<Utc>" from routers where id = ?"#,
        id.as_uuid()
    )
    .fetch_optional(pool)
    .await?)
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
