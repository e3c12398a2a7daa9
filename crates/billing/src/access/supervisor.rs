//! Keeps one task for every active router.

use std::{collections::HashMap, sync::Arc};

use domain::RouterId;
use tokio::{
    sync::{Notify, broadcast, broadcast::error::RecvError},
    task::JoinHandle,
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Deps, pull, reconciler::Reconciler};
use crate::db::{
    StoreError, routers,
    routers::{Reach, RouterRecord},
    session_devices,
};

/// A router's task.
struct Running {
    router: RouterRecord,
    notify: Arc<Notify>,
    stop: CancellationToken,
    /// `None` when it could not be started.
    task: Option<JoinHandle<()>>,
}

impl Running {
    fn has_ended(&self) -> bool {
        self.task.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

pub(super) async fn run(
    deps: Deps,
    mut woken: broadcast::Receiver<RouterId>,
    tracker: TaskTracker,
    shutdown: CancellationToken,
) {
    let mut running: HashMap<RouterId, Running> = HashMap::new();
    let mut listed_at: Option<Instant> = None;
    loop {
        if listed_at.is_none_or(|at| at.elapsed() >= deps.timing.routers) {
            match refresh(&deps, &tracker, &shutdown, &mut running).await {
                Ok(is_stopping) => listed_at = (!is_stopping).then(Instant::now),
                Err(error) => tracing::debug!(%error, "the list of routers could not be read; it will be tried again"),
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            id = woken.recv() => match id {
                Ok(id) => match running.get(&id) {
                    Some(task) => task.notify.notify_one(),
                    // A router that was just added.
                    None => listed_at = None,
                },
                Err(RecvError::Lagged(_)) => running.values().for_each(|task| task.notify.notify_one()),
                // We hold a sender ourselves, so this cannot be while we run.
                Err(RecvError::Closed) => return,
            },
            () = tokio::time::sleep(deps.timing.poll) => notify_due(&deps, &running).await,
        }
    }
}

/// Wakes the tasks whose routers have something due, whichever process caused it.
async fn notify_due(deps: &Deps, running: &HashMap<RouterId, Running>) {
    match session_devices::list_due_routers(&deps.pool, deps.clock.now()).await {
        Ok(due) => due.iter().filter_map(|id| running.get(id)).for_each(|task| task.notify.notify_one()),
        Err(error) => tracing::debug!(%error, "due work could not be read; it will be tried again"),
    }
}

/// Starts, restarts and stops tasks so that they are those of the active routers. One that is to be started anew ends
/// first, because two of one process would share the lease. `true` while one has not ended yet.
async fn refresh(
    deps: &Deps,
    tracker: &TaskTracker,
    shutdown: &CancellationToken,
    running: &mut HashMap<RouterId, Running>,
) -> Result<bool, StoreError> {
    let active = routers::list_routers(&deps.pool).await?;
    let mut is_stopping = false;
    running.retain(|id, task| {
        let is_same = active.iter().any(|router| router.id == *id && is_reached_alike(router, &task.router));
        if is_same {
            return true;
        }
        task.stop.cancel();
        let has_ended = task.has_ended();
        is_stopping |= !has_ended;
        !has_ended
    });
    for router in active {
        if running.contains_key(&router.id) {
            continue;
        }
        let notify = Arc::new(Notify::new());
        let stop = shutdown.child_token();
        if router.reach == Reach::Pull {
            // Nothing to connect to: the router asks.
            let sweep = pull::sweep::run(deps.clone(), router.clone(), Arc::clone(&notify), stop.clone());
            let task = Some(tracker.spawn(sweep));
            running.insert(router.id, Running { router, notify, stop, task });
            continue;
        }
        let task = match Reconciler::new(deps.clone(), router.clone(), Arc::clone(&notify)) {
            Ok(reconciler) => Some(tracker.spawn(reconciler.run(stop.clone()))),
            Err(error) => {
                tracing::warn!(router = router.slug, %error, "the router's password cannot be used");
                let text = "The saved password cannot be opened: APP_SECRET has changed. Enter the password again.";
                routers::record_error(&deps.pool, router.id, text, deps.clock.now()).await?;
                None
            }
        };
        running.insert(router.id, Running { router, notify, stop, task });
    }
    Ok(is_stopping)
}

/// Whether a task that was started for `old` serves `new` as well.
fn is_reached_alike(new: &RouterRecord, old: &RouterRecord) -> bool {
    new.reach == old.reach
        && new.host == old.host
        && new.port == old.port
        && new.username == old.username
        && new.password_sealed == old.password_sealed
        && new.tls_pin == old.tls_pin
}
