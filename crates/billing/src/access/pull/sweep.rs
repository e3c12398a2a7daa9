//! What must happen for a router that polls although it does not: paid time ends in the database at its end, and the
//! owner hears of a router that has stopped asking.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    access::{Deps, writeback},
    db::{StoreError, router_pulls, routers, routers::RouterRecord, session_devices},
    health,
};

/// The longest rest between two sweeps.
const REST: Duration = Duration::from_secs(5);
/// The shortest: due work of a router that is away wakes its sweep all the time.
const SHORTEST_REST: Duration = Duration::from_millis(200);
/// A router that has not asked for so long has missed three times.
const SILENT: TimeDelta = TimeDelta::seconds(100);
/// How often the silence is written down anew.
const TOLD_EVERY: TimeDelta = TimeDelta::seconds(60);

/// Sweeps until `stop`. Needs no lease: to end what has ended is the same from every process.
pub(in crate::access) async fn run(deps: Deps, router: RouterRecord, woken: Arc<Notify>, stop: CancellationToken) {
    let mut told_at = None;
    loop {
        let rest = sweep(&deps, &router, &mut told_at).await.unwrap_or_else(|error| {
            tracing::debug!(router = router.slug, %error, "the router's sessions could not be swept; they will be again");
            REST
        });
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
            () = woken.notified() => tokio::time::sleep(SHORTEST_REST).await,
        }
    }
}

/// One sweep; how long to rest after it.
async fn sweep(
    deps: &Deps,
    router: &RouterRecord,
    told_at: &mut Option<DateTime<Utc>>,
) -> Result<Duration, StoreError> {
    let now = deps.clock.now();
    let work = session_devices::list_work(&deps.pool, router.id).await?;
    let mut next = REST;
    for device in &work {
        if let Some(reason) = writeback::is_over(device, now) {
            writeback::end(&deps.pool, router.id, device, reason, now).await?;
            deps.changed.notify_one();
        } else if let Some(ends_at) = device.ends_at.filter(|_| device.is_on_intended) {
            next = next.min((ends_at - now).to_std().unwrap_or(Duration::ZERO));
        }
    }
    if told_at.is_none_or(|at| now - at >= TOLD_EVERY || now < at)
        && let Some(since) = silent_since(deps, router, now).await?
    {
        *told_at = Some(now);
        tell_silence(deps, router, since, now).await?;
    }
    Ok(next.max(SHORTEST_REST))
}

/// Since when a router has not asked although it should have.
async fn silent_since(
    deps: &Deps,
    router: &RouterRecord,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let Some(record) = router_pulls::find_pull(&deps.pool, router.id).await? else { return Ok(None) };
    let since = record.polled_at.unwrap_or(record.created_at);
    Ok(Some(since).filter(|since| now - *since > SILENT))
}

/// The router is away: says so to its owner, and to those who look why a customer is not on.
async fn tell_silence(
    deps: &Deps,
    router: &RouterRecord,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let minutes = (now - since).num_minutes().max(1);
    let text = format!(
        "The router has not asked for {minutes} minute{}. Check its power and its internet connection, and that its script bando-pull runs.",
        if minutes == 1 { "" } else { "s" }
    );
    routers::record_error(&deps.pool, router.id, &text, now).await?;
    writeback::unreachable(&deps.pool, router.id, &text, Duration::ZERO, now).await?;
    health::polled_silent(deps, router, since, &text, now).await?;
    deps.changed.notify_one();
    Ok(())
}
