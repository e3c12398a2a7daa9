//! What must happen for a router that polls although it does not: paid time ends in the database at its end.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    access::{Deps, writeback},
    db::{StoreError, routers::RouterRecord, session_devices},
};

/// The longest rest between two sweeps.
const REST: Duration = Duration::from_secs(5);
/// The shortest: due work of a router that is away wakes its sweep all the time.
const SHORTEST_REST: Duration = Duration::from_millis(200);

/// Sweeps until `stop`. Needs no lease: to end what has ended is the same from every process.
pub(in crate::access) async fn run(deps: Deps, router: RouterRecord, woken: Arc<Notify>, stop: CancellationToken) {
    loop {
        let rest = sweep(&deps, &router).await.unwrap_or_else(|error| {
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
async fn sweep(deps: &Deps, router: &RouterRecord) -> Result<Duration, StoreError> {
    let now = deps.clock.now();
    let mut next = REST;
    for device in session_devices::list_work(&deps.pool, router.id).await? {
        if let Some(reason) = writeback::is_over(&device, now) {
            writeback::end(&deps.pool, router.id, &device, reason, now).await?;
            deps.changed.notify_one();
        } else if let Some(ends_at) = device.ends_at.filter(|_| device.is_on_intended) {
            next = next.min(until(ends_at, now));
        }
    }
    Ok(next.max(SHORTEST_REST))
}

fn until(at: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (at - now).to_std().unwrap_or(Duration::ZERO)
}
