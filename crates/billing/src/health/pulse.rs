//! What one reconciler notices about the health of its router. Nothing here may keep a customer waiting: it is
//! looked at after the work is done.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use routeros_api::{Connection, RouterOsError, TlsFailure};
use tokio::time::Instant;

use super::{
    alerts::{self, Alert},
    facts, in_words, outage,
};
use crate::{
    access::Deps,
    db::{
        StoreError,
        notifications::{self, Severity},
        router_events::{self, EventKind},
        router_facts::FactsRecord,
        routers::{self, RouterRecord},
    },
};

/// A router that has been away for longer is worth telling the owner.
const ALERT_AFTER: TimeDelta = TimeDelta::seconds(60);
/// How often a router is asked about itself beside every new connection.
const FACTS_EVERY: Duration = Duration::from_secs(3600);

/// The word of the notification that a router is away.
const DOWN: &str = "router_down";
const CERTIFICATE: &str = "router_certificate";

/// What is remembered between rounds.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// Since when this process looks after the router without a break.
    since_at: DateTime<Utc>,
    /// Whether the router is known to be away; `None` until the database was asked.
    is_away: Option<bool>,
    /// When it was asked about itself on the connection that stands.
    facts_at: Option<Instant>,
}

impl Pulse {
    /// The watch begins, or begins anew because another process had it in between.
    pub(crate) const fn new(now: DateTime<Utc>) -> Self {
        Self { since_at: now, is_away: None, facts_at: None }
    }

    /// The connection was given up: after the next one it is asked about itself again.
    pub(crate) const fn forget_connection(&mut self) {
        self.facts_at = None;
    }

    /// The router did not do what it was asked, and `text` says why.
    pub(crate) async fn silent(
        &mut self,
        deps: &Deps,
        router: &RouterRecord,
        error: &RouterOsError,
        text: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some((seen_at, created_at)) = routers::find_seen(&deps.pool, router.id).await? else { return Ok(()) };
        let since = seen_at.unwrap_or(created_at);
        if is_another_certificate(error) {
            self.certificate(deps, router, text, since, now).await?;
        }
        if self.is_away == Some(false) {
            // What is told from here on is taken back when it is heard again.
            self.is_away = None;
        }
        if now - since <= ALERT_AFTER {
            return Ok(());
        }
        // While this process did not look, nobody knows whether the router was there.
        let from_at = since.max(self.since_at);
        let is_new = match seen_at {
            // Without ever having answered it has no customers who could miss it.
            None => !notifications::was_raised(&deps.pool, DOWN, &router.id.to_string()).await?,
            Some(_) if self.is_away == Some(true) || !error.is_link_fault() => false,
            Some(_) => {
                let is_new = outage::open(&deps.pool, router.id, from_at, text, now).await?;
                self.is_away = Some(true);
                is_new
            }
        };
        if is_new || (seen_at.is_some() && !error.is_link_fault()) {
            let message = if error.is_link_fault() {
                format!(
                    "Router {} is not reachable. Payments are kept and delivered when it is back. {text}",
                    router.name
                )
            } else {
                format!("Router {} answers, but does not let customers on. {text}", router.name)
            };
            let alert = Alert { kind: DOWN, severity: Severity::Critical, message: &message };
            alerts::tell(&deps.pool, router.id, &alert, now).await?;
        }
        Ok(())
    }

    /// Another certificate may be another machine in between: said at once, once while it lasts.
    async fn certificate(
        &self,
        deps: &Deps,
        router: &RouterRecord,
        text: &str,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if router_events::has_happened(&deps.pool, router.id, EventKind::Certificate, since).await? {
            return Ok(());
        }
        router_events::insert_event(&deps.pool, router.id, EventKind::Certificate, text, now).await?;
        let message = format!("Router {} may not be what answers: somebody may be in between. {text}", router.name);
        let alert = Alert { kind: CERTIFICATE, severity: Severity::Critical, message: &message };
        alerts::tell(&deps.pool, router.id, &alert, now).await
    }

    /// A round went through. Asks the router about itself when that is due, and ends its outage.
    pub(crate) async fn heard(
        &mut self,
        deps: &Deps,
        router: &RouterRecord,
        connection: Option<&Connection>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let is_due = self.facts_at.is_none_or(|at| at.elapsed() >= FACTS_EVERY);
        let mut uptime_secs = None;
        if let Some(connection) = connection.filter(|_| is_due) {
            self.facts_at = Some(Instant::now());
            match facts::read(connection, now).await {
                Ok(facts) => {
                    uptime_secs = Some(facts.uptime_secs);
                    facts::record(&deps.pool, router, facts, now).await?;
                }
                Err(error) => tracing::debug!(router = router.slug, %error, "the router would not say how it is"),
            }
        }
        if self.is_away == Some(false) {
            return Ok(());
        }
        back(deps, router, uptime_secs, now).await?;
        self.is_away = Some(false);
        Ok(())
    }
}

/// A router that asks the server has not done so since `since`.
pub(crate) async fn polled_silent(
    deps: &Deps,
    router: &RouterRecord,
    since: DateTime<Utc>,
    text: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let is_new = match router.last_seen_at {
        None => !notifications::was_raised(&deps.pool, DOWN, &router.id.to_string()).await?,
        Some(_) => outage::open(&deps.pool, router.id, since, text, now).await?,
    };
    if !is_new {
        return Ok(());
    }
    let message =
        format!("Router {} is not reachable. Payments are kept and delivered when it is back. {text}", router.name);
    alerts::tell(&deps.pool, router.id, &Alert { kind: DOWN, severity: Severity::Critical, message: &message }, now)
        .await
}

/// A router that asks the server has said what is on it, and that was written down. `facts` is what it said of itself;
/// `None` when it did not tell how long it has been running.
pub(crate) async fn polled_heard(
    deps: &Deps,
    router: &RouterRecord,
    facts: Option<FactsRecord>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let uptime_secs = facts.as_ref().map(|facts| facts.uptime_secs);
    if let Some(facts) = facts {
        facts::record_polled(&deps.pool, router, facts, now).await?;
    }
    back(deps, router, uptime_secs, now).await
}

/// Ends the outage of a router, if there is one, and tells its owner.
async fn back(
    deps: &Deps,
    router: &RouterRecord,
    uptime_secs: Option<u64>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if let Some(over) = outage::close(&deps.pool, router.id, uptime_secs, now).await? {
        let message = format!(
            "Router {} is back after {}. {} What was paid meanwhile is delivered now.",
            router.name,
            in_words(over.span.length()),
            outage::words(over.verdict)
        );
        let alert = Alert { kind: "router_back", severity: Severity::Info, message: &message };
        alerts::tell(&deps.pool, router.id, &alert, now).await?;
        deps.changed.notify_one();
    }
    for kind in [DOWN, CERTIFICATE] {
        alerts::take_back(&deps.pool, router.id, kind, now).await?;
    }
    Ok(())
}

const fn is_another_certificate(error: &RouterOsError) -> bool {
    match error {
        RouterOsError::Tls(TlsFailure::WrongPin { .. }) => true,
        RouterOsError::CircuitOpen { cause, .. } => {
            matches!(**cause, RouterOsError::Tls(TlsFailure::WrongPin { .. }))
        }
        _ => false,
    }
}
