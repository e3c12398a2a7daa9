//! The database: connection, migrations, transactions that are repeated when the database asks for it.
//! One file a table holds all SQL of that table.

pub mod admin_users;
pub mod audit_findings;
pub mod blocks;
pub mod claims;
pub mod credits;
pub mod leases;
pub mod logs;
pub mod notifications;
pub mod outages;
pub mod packages;
pub mod payment_events;
pub mod payments;
pub mod prompt_slots;
pub mod receipts;
pub mod refunds;
pub mod router_events;
pub mod router_facts;
pub mod router_pulls;
pub mod router_setups;
pub mod router_strangers;
pub mod router_tunnels;
pub mod routers;
pub mod session_devices;
pub mod session_moves;
pub mod session_passes;
pub mod sessions;
pub mod settings;
pub mod statements;
pub mod users;
pub mod vouchers;
pub(crate) mod why;

use std::{str::FromStr, time::Duration};

use sqlx::{
    Connection as _, Executor as _, MySqlPool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};

use crate::random;

/// What a caller of the database can do about an error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away, overloaded or restarting. Nothing is known to have been written: try again.
    #[error("the database cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// A row holds something the program cannot have written.
    #[error("{table}.{column} holds an impossible value in row {row}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key, for the log.
        row: String,
    },
    /// A write touched another number of rows than it must.
    #[error("{what}: {actual} rows were written instead of {expected}")]
    RowCount {
        /// Which write.
        what: &'static str,
        /// How many rows it must touch.
        expected: u64,
        /// How many it touched.
        actual: u64,
    },
    /// The statement itself failed: a fault of the program or of the schema.
    #[error("a database statement failed")]
    Statement(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether trying again later makes sense.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// A row whose `column` cannot be read.
    #[must_use]
    pub fn inconsistent(table: &'static str, column: &'static str, row: impl ToString) -> Self {
        Self::Inconsistent { table, column, row: row.to_string() }
    }

    /// Whether the database asked to repeat the whole transaction: deadlock, lock wait, snapshot conflict,
    /// or a cluster node that refused the commit.
    fn asks_to_repeat(&self) -> bool {
        let (Self::Unavailable(error) | Self::Statement(error)) = self else { return false };
        mysql_code(error).is_some_and(|code| matches!(code, 1020 | 1047 | 1205 | 1213))
    }

    /// Whether a unique key refused the write.
    pub(crate) fn is_duplicate(&self) -> bool {
        matches!(self, Self::Statement(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}

fn mysql_code(error: &sqlx::Error) -> Option<u16> {
    let database = error.as_database_error()?.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?;
    Some(database.number())
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // 1040 too many connections, 1053 shutting down, 1290/1836 read-only, 1021/1114 disk full, 3024/1969
        // statement timeout: the statement is fine, the database is not.
        let away = match &error {
            sqlx::Error::Database(_) => mysql_code(&error).is_some_and(|code| {
                matches!(code, 1021 | 1040 | 1047 | 1053 | 1114 | 1290 | 1836 | 1969 | 2006 | 2013 | 3024)
            }),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            _ => false,
        };
        if away { Self::Unavailable(error) } else { Self::Statement(error) }
    }
}

/// `DATABASE_URL` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("this is not a MySQL or MariaDB address: {0}")]
pub struct InvalidDatabaseUrl(String);

/// A pool for `url` (`mysql://user:password@host:port/database`) that connects when first used. At most
/// `max_connections`; waiting for one is bounded by 3 seconds.
///
/// # Errors
/// [`InvalidDatabaseUrl`] if the address cannot be parsed.
pub fn connect_lazy(url: &str, max_connections: u32) -> Result<MySqlPool, InvalidDatabaseUrl> {
    let options = MySqlConnectOptions::from_str(url).map_err(|error| InvalidDatabaseUrl(error.to_string()))?;
    Ok(pool_options(max_connections).connect_lazy_with(options))
}

/// A connection that was idle for longer is tried before it is used.
const PROVEN_FOR: Duration = Duration::from_secs(1);

/// The settings every connection gets: READ COMMITTED, because each decision is a locking read or a
/// conditional write and nothing relies on snapshots; short lock waits, because everything is retried.
#[must_use]
pub fn pool_options(max_connections: u32) -> MySqlPoolOptions {
    MySqlPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(Duration::from_secs(3))
        .idle_timeout(Duration::from_secs(300))
        // A connection that worked a moment ago is not asked again whether it does.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for >= PROVEN_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move {
                // Two statements: the two servers do not share a spelling for both at once.
                connection.execute("set session transaction isolation level read committed").await?;
                connection.execute("set session innodb_lock_wait_timeout = 5").await.map(drop)
            })
        })
}

/// The migrations failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database is away: try again.
    #[error("the database cannot be reached")]
    Unavailable(#[source] StoreError),
    /// The database refused a migration, or its history differs from ours.
    #[error("the database could not be brought up to date: {0}")]
    Refused(#[source] sqlx::migrate::MigrateError),
}

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// Brings the schema up to date. Takes a lock in the database first, so several processes may start at once.
///
/// # Errors
/// [`MigrateError`] says whether to try again or to act.
pub async fn migrate(pool: &MySqlPool) -> Result<(), MigrateError> {
    let away = |error: sqlx::Error| migrate_error(sqlx::migrate::MigrateError::Execute(error));
    // Detached: however this ends, the connection is closed, and with it the lock is given back.
    let mut connection = pool.acquire().await.map_err(away)?.detach();
    // sqlx takes a lock of its own, but waits for it with -1 seconds, which MariaDB does not take for "for ever".
    let lock = "select get_lock(left(concat('bando.migrate.', database()), 64), 60)";
    let is_locked: Option<i64> = sqlx::query_scalar(lock).fetch_one(&mut connection).await.map_err(away)?;
    if is_locked != Some(1) {
        return Err(MigrateError::Unavailable(StoreError::Unavailable(sqlx::Error::PoolTimedOut)));
    }
    MIGRATIONS.run_direct(&mut connection).await.map_err(migrate_error)
}

fn migrate_error(error: sqlx::migrate::MigrateError) -> MigrateError {
    match error {
        sqlx::migrate::MigrateError::Execute(source) | sqlx::migrate::MigrateError::ExecuteMigration(source, _) => {
            match StoreError::from(source) {
                unavailable @ StoreError::Unavailable(_) => MigrateError::Unavailable(unavailable),
                StoreError::Statement(source) => MigrateError::Refused(sqlx::migrate::MigrateError::Execute(source)),
                other => MigrateError::Unavailable(other),
            }
        }
        other => MigrateError::Refused(other),
    }
}

/// How many migrations this program has that the database has not.
///
/// # Errors
/// [`StoreError`].
pub async fn pending_migrations(pool: &MySqlPool) -> Result<usize, StoreError> {
    let applied: i64 =
        match sqlx::query_scalar("select count(*) from _sqlx_migrations where success = 1").fetch_one(pool).await {
            Ok(applied) => applied,
            // 1146: no such table, so nothing was ever applied.
            Err(error) if mysql_code(&error) == Some(1146) => 0,
            Err(error) => return Err(error.into()),
        };
    Ok(MIGRATIONS.iter().count().saturating_sub(usize::try_from(applied).unwrap_or(0)))
}

/// Counts the tries of one transaction. The whole transaction is repeated, at most four times, when the
/// database asks for it (deadlock, lock wait, snapshot conflict, a cluster node that refused the commit).
#[derive(Debug, Default)]
pub(crate) struct Repeat {
    failures: u32,
}

impl Repeat {
    const MAX_FAILURES: u32 = 4;

    /// Runs a transaction from its beginning to its commit, and again whenever the database asks for it.
    pub(crate) async fn run<T, E: AsStoreError, F>(mut transaction: impl FnMut() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut repeat = Self::default();
        loop {
            match transaction().await {
                Err(error) if repeat.after(&error).await => {}
                done => return done,
            }
        }
    }

    /// Whether to run the transaction again after `error`; waits a moment first. For those who have other reasons to
    /// try again beside it; everybody else calls [`Repeat::run`].
    pub(crate) async fn after(&mut self, error: &impl AsStoreError) -> bool {
        let asked = error.as_store_error().is_some_and(StoreError::asks_to_repeat);
        if !asked || self.failures == Self::MAX_FAILURES {
            return false;
        }
        self.failures += 1;
        metrics::counter!("bando_transactions_repeated_total").increment(1);
        tokio::time::sleep(random::jitter(Duration::from_millis(20 << self.failures))).await;
        true
    }
}

/// An error that may be a [`StoreError`] inside, so that [`Repeat`] can see whether to repeat.
pub(crate) trait AsStoreError {
    /// The database's part of the error.
    fn as_store_error(&self) -> Option<&StoreError>;
}

impl AsStoreError for StoreError {
    fn as_store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

/// A key as the 32 hexadecimal digits in which it travels inside a JSON document.
pub(crate) fn hex_id(id: uuid::Uuid) -> String {
    id.simple().to_string()
}

/// Fails unless a write touched exactly the rows it must.
pub(crate) fn ensure_rows(what: &'static str, actual: u64, expected: u64) -> Result<(), StoreError> {
    if actual == expected { Ok(()) } else { Err(StoreError::RowCount { what, expected, actual }) }
}

/// Whether the database answers within one second.
pub async fn is_reachable(pool: &MySqlPool) -> bool {
    let ping = async { pool.acquire().await?.ping().await };
    matches!(tokio::time::timeout(Duration::from_secs(1), ping).await, Ok(Ok(())))
}
