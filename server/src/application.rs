//! The whole server: built from a configuration, run until told to stop. Tests start the same thing on a
//! free port.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use billing::{Billing, seal::AppSecret};
use domain::Clock;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::{Config, MpesaConfig},
    http::{self, AppState},
    listener, logins,
    readiness::Readiness,
    startup, telemetry,
};

/// Connections to the database at most; a callback needs one for a few milliseconds.
const POOL_MAX: u32 = 16;
/// How long requests and background work in hand may take on the way out.
pub const SHUTDOWN_MAX: Duration = Duration::from_secs(20);

/// The server cannot start. Each text is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error("port {} is in use on {}: stop the other program, or set PORT to another number", .0.port(), .0.ip())]
    PortBusy(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address} ({source}): check HOST and PORT; ports below 1024 need root rights")]
    Listen {
        /// `HOST` and `PORT`.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// `MPESA_*` cannot be used.
    #[error("{0}")]
    Mpesa(#[from] daraja::ConfigError),
    /// `DATABASE_URL` cannot be used.
    #[error("DATABASE_URL cannot be used: {0}")]
    Database(#[from] billing::db::InvalidDatabaseUrl),
    /// `APP_SECRET` cannot be used.
    #[error("APP_SECRET cannot be used: {0}")]
    Secret(#[from] billing::seal::SealError),
    /// The table of logins cannot be named.
    #[error("the database named in DATABASE_URL cannot be used: its name may only have letters, digits, _ and $")]
    DatabaseName,
}

/// The engine and its way to M-Pesa.
#[derive(Clone)]
pub struct Engine {
    /// The engine.
    pub billing: Billing,
    /// The client inside it.
    pub mpesa: Arc<daraja::Client>,
    /// Opens router passwords.
    pub secret: AppSecret,
}

/// The engine of a configuration, without background tasks: what the command line works with, too.
///
/// # Errors
/// [`StartError`], without anything having been reached over the network.
pub fn engine(config: &Config, clock: &Arc<dyn Clock>, connections_max: u32) -> Result<Engine, StartError> {
    // A second installation in one process is refused, which is as good as done.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mpesa = Arc::new(daraja::Client::new(daraja_config(&config.mpesa), Arc::clone(clock))?);
    let pool = billing::db::connect_lazy(config.database_url.expose_secret(), connections_max)?;
    let secret = AppSecret::new(&config.app_secret)?;
    let secret = match &config.app_secret_old {
        Some(old) => secret.with_old(old)?,
        None => secret,
    };
    let defaults = billing::Options::DEFAULT_QUERY_DELAYS_SECS.to_vec();
    let options = billing::Options {
        callback_base: config.mpesa.callback_url.clone(),
        query_delays_secs: config.mpesa.query_delays_secs.clone().unwrap_or(defaults),
        query_per_minute: config.mpesa.query_per_minute,
        callback_ips: config.mpesa.callback_ips,
        limits: config.pay_limits,
        callback_confirm: config.mpesa.callback_confirm,
        query_grace_secs: config.mpesa.query_grace_secs,
        pull: config.mpesa.pull,
        timing: billing::access::Timing::default(),
    };
    let deps =
        billing::Deps { pool, clock: Arc::clone(clock), mpesa: Arc::clone(&mpesa), secret: secret.clone(), options };
    Ok(Engine { billing: Billing::new(deps), mpesa, secret })
}

/// The configuration as the Daraja client wants it.
#[must_use]
pub fn daraja_config(mpesa: &MpesaConfig) -> daraja::Config {
    daraja::Config {
        environment: mpesa.environment(),
        base_url: mpesa.base_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned()),
        consumer_key: mpesa.consumer_key.clone(),
        consumer_secret: mpesa.consumer_secret.clone(),
        passkey: mpesa.passkey.clone(),
        shortcode: mpesa.shortcode.clone(),
        till: mpesa.till.clone(),
        transaction_type: match mpesa.till {
            Some(_) => daraja::TransactionType::CustomerBuyGoodsOnline,
            None => daraja::TransactionType::CustomerPayBillOnline,
        },
        initiator: mpesa.initiator.clone(),
        timing: daraja::Timing::default(),
    }
}

/// A server that listens but does not serve yet.
pub struct Application {
    listener: TcpListener,
    address: SocketAddr,
    config: Config,
    engine: Engine,
    clock: Arc<dyn Clock>,
    readiness: Arc<Readiness>,
}

impl Application {
    /// Takes the port first, so that a busy one is said at once, then puts the parts together. Nothing is
    /// reached over the network.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn build(config: Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let wanted = SocketAddr::new(config.http.host, config.http.port);
        let listener = TcpListener::bind(wanted).await.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::PortBusy(wanted),
            _ => StartError::Listen { address: wanted, source },
        })?;
        let address = listener.local_addr().map_err(|source| StartError::Listen { address: wanted, source })?;
        let config = config.with_port(address.port());
        let engine = engine(&config, &clock, POOL_MAX)?;
        Ok(Self { listener, address, config, engine, clock, readiness: Arc::default() })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The engine inside.
    #[must_use]
    pub const fn billing(&self) -> &Billing {
        &self.engine.billing
    }

    /// Serves until `shutdown`; then finishes what is in hand, at most [`SHUTDOWN_MAX`]. While the database
    /// is away, health routes and 503 answers are all there is.
    ///
    /// # Errors
    /// [`StartError::DatabaseName`].
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), StartError> {
        let Self { listener, address, config, engine, clock, readiness } = self;
        let billing = engine.billing.clone();
        let _ = telemetry::metrics();
        let logins = logins::store(billing.pool(), &config.database_url).ok_or(StartError::DatabaseName)?;
        let connections = TaskTracker::new();
        let tasks = TaskTracker::new();
        let state = AppState::new(config.clone(), billing.clone(), clock, Arc::clone(&readiness), shutdown.clone());
        let routes = http::routes(state, logins.clone());
        tracing::info!(%address, public_url = %config.http.public_url, version = env!("CARGO_PKG_VERSION"), "listening");

        let is_ready = Arc::clone(&readiness);
        let stop = shutdown.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = startup::prepare(&engine, &config, &is_ready, &stop) => {}
            }
        });
        tasks.spawn(logins::delete_expired(logins, Arc::clone(&readiness), shutdown.clone()));
        tasks.spawn(telemetry::keep_up(shutdown.clone()));
        listener::serve(listener, routes, shutdown, connections.clone()).await;

        readiness.set_stopping();
        finish(&billing, &connections, &tasks).await;
        Ok(())
    }
}

async fn finish(billing: &Billing, connections: &TaskTracker, tasks: &TaskTracker) {
    tracing::info!("stopping: finishing what is in hand");
    let started = Instant::now();
    connections.close();
    tasks.close();
    let requests = async {
        connections.wait().await;
        tasks.wait().await;
    };
    let are_answered = tokio::time::timeout(SHUTDOWN_MAX, requests).await.is_ok();
    let is_done = billing.finish(SHUTDOWN_MAX.saturating_sub(started.elapsed())).await;
    if are_answered && is_done {
        tracing::info!("stopped");
    } else {
        tracing::warn!("stopped before everything was finished; the next start takes it up");
    }
    // Closing waits for connections in use, so it must not take longer than the rest.
    if tokio::time::timeout(Duration::from_secs(1), billing.pool().close()).await.is_err() {
        tracing::debug!("a database connection was still in use");
    }
}
