//! Where logins of the admin app are kept: the table `tower_sessions` of our own database.

use std::{sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use sqlx::MySqlPool;
use tokio_util::sync::CancellationToken;
use tower_sessions::ExpiredDeletion as _;
use tower_sessions_sqlx_store::MySqlStore;
use url::Url;

use crate::readiness::Readiness;

const CLEAN_EVERY: Duration = Duration::from_secs(900);

/// The store over the pool; `None` if the database's name is not a plain one.
#[must_use]
pub(crate) fn store(pool: &MySqlPool, database_url: &SecretString) -> Option<MySqlStore> {
    let url = Url::parse(database_url.expose_secret()).ok()?;
    let schema = url.path().trim_matches('/').to_owned();
    MySqlStore::new(pool.clone()).with_schema_name(schema).ok()?.with_table_name("tower_sessions").ok()
}

/// Deletes logins that are over, now and then, until `shutdown`.
pub(crate) async fn delete_expired(store: MySqlStore, readiness: Arc<Readiness>, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(CLEAN_EVERY) => {}
        }
        if !readiness.is_migrated() {
            continue;
        }
        if let Err(error) = store.delete_expired().await {
            tracing::warn!(%error, "logins that are over could not be deleted; trying again later");
        }
    }
}
