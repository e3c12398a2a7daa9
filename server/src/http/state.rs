//! What every handler can reach.

use std::sync::Arc;

use axum::extract::FromRef;
use billing::Billing;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{
    assets::AssetStore,
    error::ApiError,
    portal::{PortalAssets, ShellCache},
};
use crate::{config::Config, readiness::Readiness, telemetry};

/// Event streams open at once, owners' and customers' together.
const STREAMS_MAX: usize = 2048;

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState(Arc<Inner>);

struct Inner {
    config: Config,
    billing: Billing,
    clock: Arc<dyn domain::Clock>,
    readiness: Arc<Readiness>,
    assets: AssetStore,
    portal_assets: PortalAssets,
    shell_cache: ShellCache,
    streams: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl AppState {
    /// Everything the routes need.
    #[must_use]
    pub(crate) fn new(
        config: Config,
        billing: Billing,
        clock: Arc<dyn domain::Clock>,
        readiness: Arc<Readiness>,
        shutdown: CancellationToken,
    ) -> Self {
        let assets = AssetStore::new(config.web_dir.clone());
        let portal_assets = PortalAssets::load(&assets);
        let streams = Arc::new(Semaphore::new(STREAMS_MAX));
        Self(Arc::new(Inner {
            config,
            billing,
            clock,
            readiness,
            assets,
            portal_assets,
            shell_cache: ShellCache::default(),
            streams,
            shutdown,
        }))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn billing(&self) -> &Billing {
        &self.0.billing
    }

    pub(crate) fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.0.clock.now()
    }

    pub(crate) fn readiness(&self) -> &Readiness {
        &self.0.readiness
    }

    /// `503` until the schema is up to date.
    pub(super) fn ensure_migrated(&self) -> Result<(), ApiError> {
        if self.readiness().is_migrated() { Ok(()) } else { Err(ApiError::database_away()) }
    }

    pub(super) fn shell_cache(&self) -> &ShellCache {
        &self.0.shell_cache
    }

    pub(super) fn assets(&self) -> &AssetStore {
        &self.0.assets
    }

    pub(super) fn portal_assets(&self) -> PortalAssets {
        // A development build reads them anew, so that a rebuilt bundle shows.
        if cfg!(debug_assertions) { PortalAssets::load(&self.0.assets) } else { self.0.portal_assets.clone() }
    }

    pub(crate) fn streams(&self) -> &Arc<Semaphore> {
        &self.0.streams
    }

    pub(crate) fn shutdown(&self) -> &CancellationToken {
        &self.0.shutdown
    }

    pub(crate) fn telemetry(&self) -> &'static PrometheusHandle {
        telemetry::metrics()
    }

    pub(crate) fn new_request_id(&self) -> String {
        billing::random::uuid(self.now()).to_string()
    }

    /// Gauges that nobody else keeps.
    pub(crate) fn observe_pool(&self) {
        let pool = self.billing().pool();
        metrics::gauge!("bando_database_connections").set(f64::from(pool.size()));
        let open = STREAMS_MAX.saturating_sub(self.streams().available_permits());
        metrics::gauge!("bando_event_streams").set(f64::from(u32::try_from(open).unwrap_or(u32::MAX)));
    }
}

impl FromRef<AppState> for Billing {
    fn from_ref(state: &AppState) -> Self {
        state.billing().clone()
    }
}
