//! Bando's engine: what is sold, paid, granted and delivered, on MySQL or MariaDB.
//!
//! Three facts are kept apart: **money** ([`payments`], receipts), **entitlement** (sessions) and
//! **delivery** ([`access`]). Money commits first, alone; entitlement is made in the same transaction as
//! the success of its payment; delivery is reconciled for as long as it takes.

pub mod access;
pub mod admins;
pub mod audit;
pub mod books;
pub mod clock;
pub mod db;
pub mod devices;
pub mod events;
pub mod health;
mod housekeeping;
mod kept;
pub mod killpoint;
pub mod lists;
pub mod live;
pub mod notifications;
pub mod onboarding;
pub mod packages;
pub mod payments;
pub mod random;
pub mod refunds;
pub mod routers;
pub mod seal;
pub mod secrets;
mod sessions;
pub mod settings;
pub mod silence;
pub mod trail;
pub mod vouchers;
pub mod why;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Clock, RouterId};
use sqlx::MySqlPool;
use tokio::sync::{Notify, Semaphore, broadcast};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

pub use db::StoreError;
pub use events::Event;

/// See `Inner::nearby`.
const NEARBY_AT_ONCE: usize = 4;

/// What the engine is made of.
#[derive(Clone)]
pub struct Deps {
    /// The database.
    pub pool: MySqlPool,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Daraja.
    pub mpesa: Arc<daraja::Client>,
    /// Seals router passwords.
    pub secret: seal::AppSecret,
    /// What the owner configures.
    pub options: Options,
}

/// What to think of a callback's source address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallbackIps {
    /// Take no notice of it.
    #[default]
    Off,
    /// A callback from an address that is not Safaricom's is not trusted but verified by a query.
    Verify,
    /// A callback from an address that is not Safaricom's is refused.
    Enforce,
}

/// Whether callbacks are confirmed by asking M-Pesa.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallbackConfirm {
    /// Only those in which something does not fit.
    #[default]
    Suspicious,
    /// Every success, before anything is granted.
    Always,
}

/// What the owner configures.
#[derive(Debug, Clone)]
pub struct Options {
    /// `MPESA_CALLBACK_URL`: the public address callbacks come to; the payment's token is appended.
    pub callback_base: String,
    /// When a silent payment is queried, in seconds after it was begun. After the last it expires.
    pub query_delays_secs: Vec<u64>,
    /// At most so many queries a minute, for the whole installation.
    pub query_per_minute: u32,
    /// What to think of a callback's source address.
    pub callback_ips: CallbackIps,
    /// How fast pay may be pressed.
    pub limits: payments::PayLimits,
    /// Whether a callback that fits is believed at once.
    pub callback_confirm: CallbackConfirm,
    /// A failure learnt only by query is final from this age of the payment, in seconds.
    pub query_grace_secs: u64,
    /// Whether M-Pesa is asked every hour for what was paid (Pull Transactions).
    pub pull: bool,
    /// How often routers are looked at.
    pub timing: access::Timing,
}

impl Options {
    /// Our schedule: over 24 hours, denser while the customer is waiting.
    pub const DEFAULT_QUERY_DELAYS_SECS: [u64; 10] = [25, 45, 75, 110, 180, 600, 1_800, 7_200, 43_200, 86_400];

    /// When the query number `attempt` (from 0) is due after the payment was begun; `None` after the last.
    fn query_delay_at(&self, attempt: u32) -> Option<TimeDelta> {
        let secs = self.query_delays_secs.get(usize::try_from(attempt).ok()?)?;
        TimeDelta::try_seconds(i64::try_from(*secs).ok()?)
    }

    fn query_delay(&self, attempt: u32) -> TimeDelta {
        self.query_delay_at(attempt).unwrap_or(TimeDelta::seconds(25))
    }
}

/// The engine. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Billing {
    inner: Arc<Inner>,
}

struct Inner {
    deps: Deps,
    /// This process, in leases.
    holder: Uuid,
    events: broadcast::Sender<Event>,
    feed_wake: Arc<Notify>,
    query_wake: Notify,
    router_wake: broadcast::Sender<RouterId>,
    tracker: TaskTracker,
    limits: payments::limits::Limits,
    kept: kept::Kept,
    /// Connections to routers that customers may cause at once, to see the devices around them.
    nearby: Semaphore,
    settler: payments::Settler,
    pull_pace: access::pull::Pace,
}

impl Billing {
    /// An engine without background tasks; enough for the command line.
    #[must_use]
    pub fn new(deps: Deps) -> Self {
        let holder = random::uuid(deps.clock.now());
        let settler = payments::Settler::new(&deps.pool);
        let inner = Inner {
            limits: payments::limits::Limits::new(deps.options.limits),
            kept: kept::Kept::default(),
            nearby: Semaphore::new(NEARBY_AT_ONCE),
            deps,
            holder,
            events: broadcast::Sender::new(1024),
            feed_wake: Arc::new(Notify::new()),
            query_wake: Notify::new(),
            router_wake: broadcast::Sender::new(1024),
            tracker: TaskTracker::new(),
            settler,
            pull_pace: access::pull::Pace::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Starts the query scheduler, the live feed and the routers' reconcilers. They end when `shutdown` is
    /// cancelled; [`finish`](Self::finish) waits for them.
    pub fn spawn_tasks(&self, shutdown: &CancellationToken) {
        let tracker = &self.inner.tracker;
        tracker.spawn(self.clone().seed_limits());
        tracker.spawn(self.clone().run_queries(shutdown.clone()));
        tracker.spawn(self.clone().run_feed(shutdown.clone()));
        tracker.spawn(self.clone().run_chores(shutdown.clone()));
        access::spawn(self.access_deps(), tracker, shutdown.clone());
    }

    /// What the routers' reconcilers need of the engine.
    fn access_deps(&self) -> access::Deps {
        access::Deps {
            pool: self.pool().clone(),
            clock: Arc::clone(&self.inner.deps.clock),
            secret: self.inner.deps.secret.clone(),
            holder: self.inner.holder,
            wake: self.inner.router_wake.clone(),
            changed: Arc::clone(&self.inner.feed_wake),
            timing: access::Timing {
                lease: Duration::from_secs(killpoint::lease_secs().unsigned_abs()),
                ..self.options().timing
            },
            settings: routeros_api::Settings::default(),
        }
    }

    /// Tests one router, which should lead customers to `portal`; see [`access::test_router`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn test_router(
        &self,
        router: &routers::RouterRecord,
        portal: access::Portal,
    ) -> Result<access::Tested, StoreError> {
        let expected = access::Expected { portal, zone: self.zone().await? };
        let Deps { pool, secret, clock, .. } = &self.inner.deps;
        let settings = routeros_api::Settings::default();
        access::test_router(pool, router, secret, settings, &expected, clock.as_ref()).await
    }

    /// Waits until pushes in flight and background tasks have ended, at most `deadline`; `false` if some
    /// had to be left. What was left is taken up again at the next start.
    pub async fn finish(&self, deadline: Duration) -> bool {
        self.inner.tracker.close();
        tokio::time::timeout(deadline, self.inner.tracker.wait()).await.is_ok()
    }

    /// The database.
    #[must_use]
    pub fn pool(&self) -> &MySqlPool {
        &self.inner.deps.pool
    }

    /// Changes, as they happen, to re-read and show. A receiver that lags has to re-read everything it shows.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    fn now(&self) -> DateTime<Utc> {
        self.inner.deps.clock.now()
    }

    fn options(&self) -> &Options {
        &self.inner.deps.options
    }

    fn mpesa(&self) -> &daraja::Client {
        &self.inner.deps.mpesa
    }

    fn wake_feed(&self) {
        self.inner.feed_wake.notify_one();
    }

    fn wake_queries(&self) {
        self.inner.query_wake.notify_one();
    }

    fn wake_router(&self, id: RouterId) {
        // Nobody listens when the reconcilers run in another process: its timer finds the work.
        let _ = self.inner.router_wake.send(id);
    }
}
