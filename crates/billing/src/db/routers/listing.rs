//! Routers for their owner: with what is known of them, held while they are changed, in use or not.

use chrono::{DateTime, Utc};
use domain::RouterId;
use sqlx::{MySqlConnection, MySqlExecutor, MySqlPool, Row as _};

use super::{RouterRecord, RouterRow};
use crate::db::{StoreError, ensure_rows};

/// A router with what it said of itself.
#[derive(Debug)]
pub(crate) struct OwnedRouter {
    pub router: RouterRecord,
    pub version: Option<String>,
    pub board: Option<String>,
}

const COLUMNS: &str = "r.id, r.slug, r.name, r.reach, r.host, r.port, r.username, r.password_sealed, r.tls_pin, \
     r.last_seen_at, r.last_error, r.is_active";

fn read(row: &sqlx::mysql::MySqlRow) -> Result<RouterRecord, StoreError> {
    RouterRow {
        id: row.try_get("id")?,
        slug: row.try_get("slug")?,
        name: row.try_get("name")?,
        reach: row.try_get("reach")?,
        host: row.try_get("host")?,
        port: row.try_get("port")?,
        username: row.try_get("username")?,
        password_sealed: row.try_get("password_sealed")?,
        tls_pin: row.try_get("tls_pin")?,
        last_seen_at: row.try_get("last_seen_at")?,
        last_error: row.try_get("last_error")?,
    }
    .try_into()
}

/// Routers in use, or the others, by name.
pub(crate) async fn list_for_owner(pool: &MySqlPool, is_active: bool) -> Result<Vec<OwnedRouter>, StoreError> {
    let query = format!(
        "select {COLUMNS}, coalesce(f.version, p.version) as version, coalesce(f.board, p.board) as board
         from routers r left join router_facts f on f.router_id = r.id left join router_pulls p on p.router_id = r.id
         where r.is_active = ? order by r.name, r.id limit 10000"
    );
    let rows = sqlx::query(&query).bind(is_active).fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            let known = |column: &str| -> Result<Option<String>, StoreError> {
                Ok(row.try_get::<Option<String>, _>(column)?.filter(|text| !text.is_empty()))
            };
            Ok(OwnedRouter { router: read(row)?, version: known("version")?, board: known("board")? })
        })
        .collect()
}

/// Holds a router until the transaction ends; with whether it is in use.
pub(crate) async fn lock_router(
    connection: &mut MySqlConnection,
    id: RouterId,
) -> Result<Option<(RouterRecord, bool)>, StoreError> {
    let query = format!("select {COLUMNS} from routers r where r.id = ? for update");
    let row = sqlx::query(&query).bind(id.as_uuid()).fetch_optional(connection).await?;
    row.map(|row| Ok((read(&row)?, row.try_get("is_active")?))).transpose()
}

/// Writes what may be changed about a router that is held.
pub(crate) async fn store_router(
    connection: &mut MySqlConnection,
    router: &RouterRecord,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update routers
         set name = ?, host = ?, port = ?, username = ?, password_sealed = ?, tls_pin = ?, updated_at = ?
         where id = ? and is_active = 1",
        router.name,
        router.host,
        router.port,
        router.username,
        router.password_sealed,
        router.tls_pin,
        now,
        router.id.as_uuid()
    )
    .execute(connection)
    .await?;
    ensure_rows("change a router", done.rows_affected(), 1)
}

/// Takes a router that is held out of use or back. Whoever talks to it has to ask again.
pub(crate) async fn switch_router(
    connection: &mut MySqlConnection,
    id: RouterId,
    is_active: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update routers set is_active = ?, lease_holder = null, lease_until_at = null, updated_at = ? where id = ?",
        is_active,
        now,
        id.as_uuid()
    )
    .execute(connection)
    .await?;
    ensure_rows("switch a router", done.rows_affected(), 1)
}

/// How many sessions with a device on a router have time left.
pub(crate) async fn count_customers(
    executor: impl MySqlExecutor<'_>,
    id: RouterId,
    now: DateTime<Utc>,
) -> Result<u32, StoreError> {
    let count = sqlx::query_scalar!(
        "select count(distinct s.id) from session_devices d join sessions s on s.id = d.session_id
         where d.router_id = ? and d.left_at is null and (d.intended = 'on' or s.paused_at is not null)
           and s.ended_at is null and (s.ends_at is null or s.ends_at > ?)",
        id.as_uuid(),
        now
    )
    .fetch_one(executor)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}
