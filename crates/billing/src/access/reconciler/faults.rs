//! What to do when a router cannot be reached, or fails in the middle of the work.

use std::time::Duration;

use chrono::{DateTime, Utc};
use routeros_api::RouterOsError;
use tokio::time::Instant;

use super::Reconciler;
use crate::{
    access::{words, writeback},
    db::{StoreError, routers},
};

/// The longest wait after a connection that logs in but then fails.
const LONGEST_FAULT_WAIT: Duration = Duration::from_secs(60);

impl Reconciler {
    /// Whether the router is left alone for now, and until when. What came due meanwhile is told why.
    pub(super) async fn paused(&mut self, now: DateTime<Utc>) -> Result<Option<Duration>, StoreError> {
        let Some((until, text)) = self.pause.take() else { return Ok(None) };
        let wait = until.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return Ok(None);
        }
        writeback::unreachable(&self.deps.pool, self.router.id, &text, wait, now).await?;
        self.pause = Some((until, text));
        Ok(Some(wait.min(self.rest_of_ends(now)).max(Duration::from_millis(1))))
    }

    /// The router is away: says so, and leaves its devices for later.
    pub(super) async fn unreachable(&mut self, error: &RouterOsError) -> Result<Duration, StoreError> {
        let wait = self.link.retry_in().await.unwrap_or(Duration::from_secs(1)).max(Duration::from_millis(100));
        self.record_fault(error, wait).await
    }

    /// The connection failed in the middle of a round, or the router refuses everything: what was done is unknown
    /// and is read again.
    pub(super) async fn faulty(&mut self, error: &RouterOsError) -> Result<Duration, StoreError> {
        let doubled = Duration::from_millis(250).saturating_mul(1 << self.faults.min(8)).min(LONGEST_FAULT_WAIT);
        // The first time may be a router that was restarted: at once.
        let wait = if self.faults == 0 { Duration::ZERO } else { doubled };
        self.faults = self.faults.saturating_add(1);
        if error.is_link_fault() {
            self.forget_connection().await;
        } else {
            self.forget_plan();
        }
        self.record_fault(error, wait).await
    }

    async fn record_fault(&mut self, error: &RouterOsError, wait: Duration) -> Result<Duration, StoreError> {
        let now = self.now();
        let text = words::for_owner(error);
        // An open circuit only repeats what was said.
        if !matches!(error, RouterOsError::CircuitOpen { .. }) {
            tracing::warn!(router = self.router.slug, %error, "the router cannot be brought up to date");
        }
        let is_news = self.seen_at.take().is_some() || !matches!(error, RouterOsError::CircuitOpen { .. });
        if is_news {
            routers::record_error(&self.deps.pool, self.router.id, &text, now).await?;
        }
        writeback::unreachable(&self.deps.pool, self.router.id, &text, wait, now).await?;
        self.pulse.silent(&self.deps, &self.router, error, &text, now).await?;
        self.deps.changed.notify_one();
        self.pause = (!wait.is_zero()).then(|| (Instant::now() + wait, text));
        Ok(wait.min(self.rest_of_ends(now)))
    }
}
