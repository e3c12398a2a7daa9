//! What happens between listening and being ready, for as long as it takes: the database is waited for and
//! brought up to date, the first owner and router are made, background tasks begin.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use billing::{
    Billing, StoreError,
    admins::AdminError,
    db::MigrateError,
    routers::{AddRouterError, NewRouter},
};
use tokio_util::sync::CancellationToken;

use crate::{
    application::Engine,
    config::{Config, FirstRouter},
    database,
    readiness::Readiness,
};

const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// An unchanged trouble is said again this often.
const REPEAT_EVERY: Duration = Duration::from_secs(30);

/// Gets everything ready. Returns when it is.
pub(crate) async fn prepare(engine: &Engine, config: &Config, readiness: &Readiness, shutdown: &CancellationToken) {
    let Engine { billing, mpesa, .. } = engine;
    let started = Instant::now();
    let mut patience = Patience::default();
    while let Err(error) = billing::db::migrate(billing.pool()).await {
        let text = match &error {
            MigrateError::Unavailable(_) => "the database cannot be reached",
            MigrateError::Refused(_) => "the database could not be brought up to date",
        };
        patience.wait(text, database::advice(&error), &database::chain(&error)).await;
    }
    readiness.set_migrated();
    let mut patience = Patience::default();
    while let Err(error) = make_first(billing, config).await {
        patience
            .wait("the first owner or router could not be made", database::advice(&error), &database::chain(&error))
            .await;
    }
    billing.spawn_tasks(shutdown);
    readiness.set_tasks_running();
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(elapsed_ms, "ready");
    warn_of_trouble(billing, mpesa).await;
}

/// Grows the pause between tries and keeps the log readable.
#[derive(Debug, Default)]
struct Patience {
    pause: Option<Duration>,
    said: BTreeSet<String>,
    said_at: Option<Instant>,
}

impl Patience {
    async fn wait(&mut self, what: &str, todo: &str, cause: &str) {
        let is_due = self.said_at.is_none_or(|at| at.elapsed() >= REPEAT_EVERY);
        if self.said.insert(cause.to_owned()) || is_due {
            tracing::error!(cause, "{what}: {todo}. Trying again until it works");
            self.said_at = Some(Instant::now());
        }
        let pause = self.pause.map_or(RETRY_FIRST, |pause| (pause * 2).min(RETRY_MAX));
        self.pause = Some(pause);
        tokio::time::sleep(pause).await;
    }
}

/// The owner and the router of the configuration, when there are none. What is wrong with them is said and
/// does not stop the server; only a database that is away is tried again.
async fn make_first(billing: &Billing, config: &Config) -> Result<(), StoreError> {
    if let Some(owner) = &config.first_owner {
        match billing.ensure_first_owner(&owner.username, owner.password.clone()).await {
            Ok(true) => tracing::info!(admin.username = %owner.username, "made the first owner"),
            Ok(false) => {}
            Err(AdminError::Store(error)) => return Err(error),
            Err(error) => tracing::error!("the first owner was not made: {error}"),
        }
    }
    if let Some(router) = &config.first_router {
        match billing.ensure_first_router(&new_router(router)).await {
            Ok(true) => tracing::info!(router.host = %router.host, "added the first router"),
            Ok(false) => {}
            Err(AddRouterError::Store(error)) => return Err(error),
            Err(error) => tracing::error!("the first router was not added: {error}"),
        }
    }
    Ok(())
}

fn new_router(first: &FirstRouter) -> NewRouter {
    NewRouter {
        name: "Main".to_owned(),
        host: first.host.clone(),
        port: first.port,
        username: first.username.clone(),
        password: first.password.clone(),
        tls_pin: first.tls_pin,
    }
}

/// What `bando doctor` would find and a log should say, too.
async fn warn_of_trouble(billing: &Billing, mpesa: &daraja::Client) {
    match billing.has_admin().await {
        Ok(true) => {}
        Ok(false) => tracing::warn!("nobody can log in yet: make an owner with `bando admin add`"),
        Err(error) => tracing::debug!(%error, "admins could not be counted"),
    }
    for router in billing.list_routers().await.unwrap_or_default() {
        if let Err(error) = billing.router_password(&router) {
            tracing::error!(router.slug = %router.slug, "{error}: restore it, or add the router again with its password");
        }
    }
    let flush: Result<i64, _> =
        sqlx::query_scalar("select cast(@@innodb_flush_log_at_trx_commit as signed)").fetch_one(billing.pool()).await;
    if flush.is_ok_and(|value| value != 1) {
        tracing::warn!("a power cut may lose payments: set innodb_flush_log_at_trx_commit = 1 in the database");
    }
    if let Err(error) = mpesa.check_credentials().await {
        tracing::error!("M-Pesa: {error}");
    }
}
