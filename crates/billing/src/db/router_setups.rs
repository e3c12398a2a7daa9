//! `router_setups`: routers that are being connected.

mod steps;

use chrono::{DateTime, Utc};
use domain::RouterId;
use sqlx::{MySqlConnection, MySqlExecutor, MySqlPool};
use uuid::Uuid;

pub(crate) use self::steps::{StepRow, count_steps, list_steps, upsert_step};
use super::StoreError;
use crate::db::routers::RouterRecord;

/// One set-up.
#[derive(Debug, Clone)]
pub(crate) struct SetupRow {
    pub id: Uuid,
    pub name: String,
    pub slug: String,
    pub reach: String,
    pub router_id: Option<Uuid>,
    pub password_sealed: Option<Vec<u8>>,
    pub router_key: Option<String>,
    pub run: Option<Vec<u8>>,
    pub before_setup_id: Option<Uuid>,
    pub before_run: Option<Vec<u8>>,
    pub remote_ip: Option<String>,
    pub fetched_at: Option<DateTime<Utc>>,
    pub approved_at: Option<DateTime<Utc>>,
    pub done_at: Option<DateTime<Utc>>,
    pub undo_at: Option<DateTime<Utc>>,
    pub undone_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
}

/// A set-up to begin.
#[derive(Debug)]
pub(crate) struct NewSetup<'a> {
    pub id: Uuid,
    pub name: &'a str,
    pub slug: &'a str,
    pub reach: &'a str,
    pub router_id: Option<Uuid>,
    pub token_hash: [u8; 32],
    pub password_sealed: Vec<u8>,
    pub expires_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub created_by: &'a str,
}

/// Begins one.
pub(crate) async fn insert_setup(pool: &MySqlPool, new: &NewSetup<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into router_setups
             (id, name, slug, reach, router_id, token_hash, password_sealed, expires_at, created_at, created_by)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        new.id,
        new.name,
        new.slug,
        new.reach,
        new.router_id,
        new.token_hash.as_slice(),
        new.password_sealed,
        new.expires_at,
        new.created_at,
        new.created_by
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// One by its key.
pub(crate) async fn find_setup(executor: impl MySqlExecutor<'_>, id: Uuid) -> Result<Option<SetupRow>, StoreError> {
    Ok(sqlx::query_as!(
        SetupRow,
        r#"select id as "id: Uuid", name, slug, reach, router_id as "router_id: Uuid", password_sealed,
                  router_key, run as "run: Vec<u8>", before_setup_id as "before_setup_id: Uuid",
                  before_run as "before_run: Vec<u8>", remote_ip,
                  fetched_at as "fetched_at: DateTime<Utc>", approved_at as "approved_at: DateTime<Utc>",
                  done_at as "done_at: DateTime<Utc>", undo_at as "undo_at: DateTime<Utc>",
                  undone_at as "undone_at: DateTime<Utc>", expires_at as "expires_at: DateTime<Utc>"
           from router_setups where id = ?"#,
        id
    )
    .fetch_optional(executor)
    .await?)
}

/// The one whose line has this secret.
pub(crate) async fn find_by_token(pool: &MySqlPool, token_hash: &[u8]) -> Result<Option<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(r#"select id as "id: Uuid" from router_setups where token_hash = ?"#, token_hash)
        .fetch_optional(pool)
        .await?)
}

/// Whether a public name is taken by another router, or by another set-up that is still open.
pub(crate) async fn is_slug_taken(
    pool: &MySqlPool,
    slug: &str,
    own_router: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select (exists(select 1 from routers where slug = ? and (? is null or id <> ?))
                or exists(select 1 from router_setups
                          where slug = ? and ? is null and done_at is null and undone_at is null
                            and router_id is null and expires_at > ? and fetched_at is not null))
           as "taken!: bool""#,
        slug,
        own_router,
        own_router,
        slug,
        own_router,
        now
    )
    .fetch_one(pool)
    .await?)
}

/// Notes that the script was fetched.
pub(crate) async fn record_fetched(pool: &MySqlPool, id: Uuid, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("update router_setups set fetched_at = ? where id = ? and fetched_at is null", now, id)
        .execute(pool)
        .await?;
    Ok(())
}

/// Makes `run` the one that counts. `false` if another router has answered to this line before, or a later run: what
/// an interrupted run said may arrive after the next one has begun.
pub(crate) async fn bind_run(
    executor: impl MySqlExecutor<'_>,
    id: Uuid,
    run: &[u8],
    router_key: &str,
    remote_ip: Option<String>,
) -> Result<bool, StoreError> {
    // Zero rows also means "nothing changed", so the caller's transaction reads back what holds.
    let done = sqlx::query!(
        "update router_setups set run = ?, router_key = ?, remote_ip = coalesce(?, remote_ip)
         where id = ? and (router_key is null or router_key = ?)
           and (run is null or substr(run, 2) <= substr(?, 2))",
        run,
        router_key,
        remote_ip,
        id,
        router_key,
        run
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The oldest state that is known of a router before Bando changed anything: the set-up and run that saw it.
pub(crate) async fn find_before(pool: &MySqlPool, router_key: &str) -> Result<Option<(Uuid, Vec<u8>)>, StoreError> {
    let row = sqlx::query!(
        r#"select before_setup_id as "setup_id!: Uuid", before_run as "run!: Vec<u8>"
           from router_setups
           where router_key = ? and approved_at is not null and undone_at is null and before_run is not null
             and before_setup_id is not null
           order by created_at, id limit 1"#,
        router_key
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| (row.setup_id, row.run)))
}

/// The name of a router in use, not the one that `setup` is about, whose last set-up was on the board `router_key`.
pub(crate) async fn find_connected_as(
    pool: &MySqlPool,
    router_key: &str,
    setup: &SetupRow,
) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select r.name from router_setups s join routers r on r.id = s.router_id
         where s.router_key = ? and s.id <> ? and s.done_at is not null and s.undone_at is null
           and r.is_active = 1 and (? is null or r.id <> ?)
           and not exists (select 1 from router_setups later
                           where later.router_id = r.id and later.done_at > s.done_at
                             and later.router_key <> s.router_key)
         order by s.done_at desc limit 1",
        router_key,
        setup.id,
        setup.router_id,
        setup.router_id
    )
    .fetch_optional(pool)
    .await?)
}

/// Notes the owner's approval; `false` if it was given before, or the router was looked at anew meanwhile.
pub(crate) async fn approve(
    executor: impl MySqlExecutor<'_>,
    id: Uuid,
    run: &[u8],
    before: &(Uuid, Vec<u8>),
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update router_setups set approved_at = ?, before_setup_id = ?, before_run = ?
         where id = ? and run = ? and approved_at is null",
        now,
        before.0,
        before.1,
        id,
        run
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes which router a set-up is about, before it ends.
pub(crate) async fn set_router(
    executor: impl MySqlExecutor<'_>,
    id: Uuid,
    router_id: RouterId,
) -> Result<(), StoreError> {
    sqlx::query!("update router_setups set router_id = ? where id = ?", router_id.as_uuid(), id)
        .execute(executor)
        .await?;
    Ok(())
}

/// Ends a set-up: the router's row has everything, so the password goes.
pub(crate) async fn finish(
    executor: impl MySqlExecutor<'_>,
    id: Uuid,
    router_id: RouterId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update router_setups set done_at = ?, router_id = ?, password_sealed = null where id = ? and done_at is null",
        now,
        router_id.as_uuid(),
        id
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that taking back has begun.
pub(crate) async fn record_undo(pool: &MySqlPool, id: Uuid, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("update router_setups set undo_at = ? where id = ? and undo_at is null", now, id)
        .execute(pool)
        .await?;
    Ok(())
}

/// Notes that a router is as it was: for every set-up it had.
pub(crate) async fn record_undone(pool: &MySqlPool, router_key: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "update router_setups set undone_at = ? where router_key = ? and approved_at is not null and undone_at is null",
        now,
        router_key
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Keeps the row to this transaction. A report names it twice, as what it belongs to and as what it changes: without
/// this, two reports at once would wait for each other.
pub(crate) async fn lock_setup(transaction: &mut MySqlConnection, id: Uuid) -> Result<(), StoreError> {
    sqlx::query_scalar!(r#"select id as "id: Uuid" from router_setups where id = ? for update"#, id)
        .fetch_optional(transaction)
        .await?;
    Ok(())
}

/// Adds the router of a set-up, or brings an existing one up to date; `false` if its public name is taken.
pub(crate) async fn save_router(
    executor: impl MySqlExecutor<'_>,
    router: &RouterRecord,
    reach: &str,
    is_new: bool,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = if is_new {
        sqlx::query!(
            "insert ignore into routers
                 (id, slug, name, reach, host, port, username, password_sealed, tls_pin, created_at, updated_at)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            router.id.as_uuid(),
            router.slug,
            router.name,
            reach,
            router.host,
            router.port,
            router.username,
            router.password_sealed,
            router.tls_pin,
            now,
            now
        )
        .execute(executor)
        .await?
    } else {
        sqlx::query!(
            "update routers set reach = ?, host = ?, port = ?, username = ?, password_sealed = ?, tls_pin = ?,
                    is_active = 1, updated_at = ? where id = ?",
            reach,
            router.host,
            router.port,
            router.username,
            router.password_sealed,
            router.tls_pin,
            now,
            router.id.as_uuid()
        )
        .execute(executor)
        .await?
    };
    Ok(done.rows_affected() == 1)
}

/// A router in use or not, by its key: public name and name.
pub(crate) async fn find_router_names(pool: &MySqlPool, id: Uuid) -> Result<Option<(String, String)>, StoreError> {
    let row = sqlx::query!("select slug, name from routers where id = ?", id).fetch_optional(pool).await?;
    Ok(row.map(|row| (row.slug, row.name)))
}

/// The set-ups of a router.
pub(crate) async fn list_setups_of(pool: &MySqlPool, router_id: RouterId, limit: u32) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select id as "id: Uuid" from router_setups where router_id = ? order by created_at desc limit ?"#,
        router_id.as_uuid(),
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// Forgets set-ups that lapsed before `before` without an owner's approval, with all that was reported under them, at most
/// `limit` at a time; how many. One that others refer to stays.
pub(crate) async fn forget_setups(pool: &MySqlPool, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
    let ids: Vec<Uuid> = sqlx::query_scalar!(
        r#"select s.id as "id: Uuid" from router_setups s
           where s.id < ? and s.expires_at < ? and s.approved_at is null and s.done_at is null and s.undo_at is null
             and not exists (select 1 from router_tunnels t where t.setup_id = s.id)
             and not exists (select 1 from router_setups o where o.before_setup_id = s.id)
           order by s.id limit ?"#,
        crate::random::uuid_floor(before),
        before,
        limit
    )
    .fetch_all(pool)
    .await?;
    let mut forgotten = 0;
    for id in ids {
        let mut transaction = pool.begin().await?;
        lock_setup(&mut transaction, id).await?;
        sqlx::query!("delete from router_setup_steps where setup_id = ?", id).execute(&mut *transaction).await?;
        let done = sqlx::query!("delete from router_setups where id = ? and approved_at is null", id);
        forgotten += done.execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await?;
    }
    Ok(forgotten)
}
