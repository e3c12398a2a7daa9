//! Delivery: brings every router to what has been paid for, and keeps it there.
//!
//! One task a router. Each looks at the router's work list in the database, compares it with the router
//! itself ([`domain::access::plan`]) and tells the router the difference, over one connection that is kept.
//! What was found is written back. No transaction is open while a router is talked to, and a router that is
//! away delays no other. Several processes may run: a lease says which of them talks to a router.

mod check;
mod delivery;
pub mod pull;
mod reconciler;
mod rows;
mod spared;
mod supervisor;
#[cfg(test)]
mod tests;
mod words;
mod writeback;

use std::{sync::Arc, time::Duration};

use domain::{Clock, RouterId};
use routeros_api::{Credentials, Security, Target};
use sqlx::MySqlPool;
use tokio::sync::{Notify, broadcast};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

pub(crate) use check::reach_router;
pub use check::{Check, CheckState, Expected, Portal, Tested, test_router};
pub use words::for_owner;

/// The script, and its schedule, that ends paid time on a router while no server does.
pub(crate) const REAPER: &str = "bando-reap";

use crate::{
    db::routers::RouterRecord,
    seal::{AppSecret, SealError},
};

/// What the reconcilers need.
#[derive(Clone)]
pub struct Deps {
    /// The database.
    pub pool: MySqlPool,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Opens router passwords.
    pub secret: AppSecret,
    /// This process, in leases.
    pub holder: Uuid,
    /// Says for which router there is something to do. Losing a message costs [`Timing::poll`].
    pub wake: broadcast::Sender<RouterId>,
    /// Woken after something was written that people look at.
    pub changed: Arc<Notify>,
    /// How often things are looked at.
    pub timing: Timing,
    /// Limits of the connections to routers.
    pub settings: routeros_api::Settings,
}

/// How often things are looked at without a reason.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The database, for work that another process caused; 1 s.
    pub poll: Duration,
    /// The list of routers; 5 s.
    pub routers: Duration,
    /// A whole router, row by row; 60 s.
    pub full: Duration,
    /// How long a lease lasts without renewal; 30 s. It is renewed at a third of it.
    pub lease: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            routers: Duration::from_secs(5),
            full: Duration::from_secs(60),
            lease: Duration::from_secs(30),
        }
    }
}

/// The running reconcilers.
#[derive(Debug, Clone)]
pub struct Handle {
    wake: broadcast::Sender<RouterId>,
}

impl Handle {
    /// Says that there is something to do for a router, such as a purchase that was just settled.
    pub fn wake(&self, id: RouterId) {
        // Without a receiver the supervisor has ended, and there is nobody to wake.
        let _ = self.wake.send(id);
    }
}

/// Starts the reconcilers of all routers. They notice routers that are added, changed and removed, and end
/// when `shutdown` is cancelled, finishing what is in hand.
pub fn spawn(deps: Deps, tracker: &TaskTracker, shutdown: CancellationToken) -> Handle {
    let handle = Handle { wake: deps.wake.clone() };
    // Subscribed here, so that nothing sent after this call is missed.
    let woken = deps.wake.subscribe();
    tracker.spawn(supervisor::run(deps, woken, tracker.clone(), shutdown));
    handle
}

/// How to reach a router.
pub(crate) fn target(router: &RouterRecord) -> Target {
    let pin = router.tls_pin.as_deref().and_then(|pin| <[u8; 32]>::try_from(pin).ok());
    let security = pin.map_or(Security::Plain, Security::Pinned);
    Target { host: router.host.clone(), port: router.port, security }
}

/// How to log in to a router.
pub(crate) fn credentials(router: &RouterRecord, secret: &AppSecret) -> Result<Credentials, SealError> {
    let password = secret.open(router.id.as_uuid().as_bytes(), &router.password_sealed)?;
    Ok(Credentials { username: router.username.clone(), password })
}
