//! The task of one router.

mod backlog;
mod faults;
mod rounds;
pub(super) mod watch;
mod write;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{DeviceId, MacAddr, access};
use futures::{StreamExt, stream};
use routeros_api::{Connection, Hotspot, Link, RouterOsError};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use self::{backlog::Backlog, rounds::RoundError, watch::Watch};
use super::{Deps, credentials, target, writeback};
use crate::{
    db::{
        StoreError,
        routers::{self, RouterRecord},
        session_devices::{self, Usage, WorkRecord},
    },
    health::Pulse,
};

/// With more devices due than this, reading the whole router is cheaper than reading each.
const FAST_DEVICES: usize = 16;
/// A device that was let on but is not on yet is looked at after 1, 2, 4, 8 and 16 seconds, so that its
/// owner need not wait for the next comparison of the whole router to be told.
const LOOKS: u32 = 5;
/// Devices looked at in this way. When more come on at once the next comparison of the whole router tells.
const LOOKED_AT: usize = 64;
/// Devices whose use is written down between two looks at what is due.
const USES: usize = 500;
/// Sessions ended at a time.
const ENDS_AT_ONCE: usize = 4;
/// The wait after a database failure.
const STORE_WAIT: Duration = Duration::from_secs(2);

pub(super) struct Reconciler {
    deps: Deps,
    router: RouterRecord,
    link: Link,
    notify: Arc<Notify>,
    connection: Option<Connection>,
    /// When the lease was last renewed, while we hold it.
    lease_at: Option<Instant>,
    /// When the whole router was last compared, and how often it is: each a little different, so that many
    /// routers do not ask the database in step.
    full_at: Option<Instant>,
    full_every: Duration,
    /// What a comparison of the whole router found to be done and nobody has got to yet.
    backlog: Option<Backlog>,
    /// Use that was read and is not written down yet.
    uses: VecDeque<(WorkRecord, Usage)>,
    /// When paid time ends on this router, as far as is known.
    ends: BTreeSet<DateTime<Utc>>,
    /// Profiles that are known to be right on this connection.
    profiles: BTreeSet<String>,
    orphans: BTreeMap<MacAddr, DateTime<Utc>>,
    /// Devices the router would not log in although their entry is new, and its refusal.
    refused: BTreeMap<MacAddr, RouterOsError>,
    /// Devices that were just let on and are expected any second, with the looks already taken at them.
    expected: BTreeMap<MacAddr, (DeviceId, Instant, u32)>,
    /// Failures in a row of connections that had logged in.
    faults: u32,
    /// Until when the router is left alone after a failure, and why.
    pause: Option<(Instant, String)>,
    /// When it was last written down that the router answers; `None` when the last thing written was a failure.
    seen_at: Option<Instant>,
    watch: Watch,
    pulse: Pulse,
}

impl Reconciler {
    /// # Errors
    /// When the router's password cannot be opened.
    pub(super) fn new(deps: Deps, router: RouterRecord, notify: Arc<Notify>) -> Result<Self, crate::seal::SealError> {
        let login = credentials(&router, &deps.secret)?;
        let pulse = Pulse::new(deps.clock.now());
        let seed = router.id.as_uuid().as_u64_pair().1;
        let link = Link::new(target(&router), login, deps.settings, seed);
        let share = u32::try_from(seed % 20).unwrap_or(0);
        let full_every = deps.timing.full.saturating_sub(deps.timing.full / 100 * share);
        Ok(Self {
            deps,
            router,
            link,
            notify,
            connection: None,
            lease_at: None,
            full_at: None,
            full_every,
            backlog: None,
            uses: VecDeque::new(),
            ends: BTreeSet::new(),
            profiles: BTreeSet::new(),
            orphans: BTreeMap::new(),
            refused: BTreeMap::new(),
            expected: BTreeMap::new(),
            faults: 0,
            pause: None,
            seen_at: None,
            watch: Watch::default(),
            pulse,
        })
    }

    /// Works until `shutdown`, then gives the lease back.
    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let rest = match self.step(&shutdown).await {
                Ok(rest) => rest,
                Err(error) => {
                    tracing::debug!(router = self.router.slug, %error, "the router's work list could not be read or written");
                    STORE_WAIT
                }
            };
            // A connection that has ended must not cut the rest short.
            self.connection = self.connection.take().filter(|connection| !connection.is_closed());
            if rest.is_zero() {
                continue;
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.notify.notified() => {}
                () = tokio::time::sleep(rest) => {}
                () = closed(self.connection.as_ref()) => {}
            }
        }
        if let Err(error) = routers::release_router(&self.deps.pool, self.router.id, self.deps.holder).await {
            tracing::debug!(router = self.router.slug, %error, "the router's lease could not be given back; it will run out");
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.deps.clock.now()
    }

    /// One look at what is due and, if anything is, one round of work. Returns how long to rest.
    async fn step(&mut self, shutdown: &CancellationToken) -> Result<Duration, StoreError> {
        if !self.hold().await? {
            // Another process talks to this router.
            self.forget_connection().await;
            self.pulse = Pulse::new(self.now());
            return Ok(self.deps.timing.lease / 3);
        }
        let now = self.now();
        self.end_over(now).await?;
        if let Some(wait) = self.paused(now).await? {
            return Ok(wait);
        }
        let due = self.due(now).await?;
        if due.is_empty() && !self.is_full_due() && self.backlog.is_none() {
            if !self.is_watch_due().await? {
                return self.write_uses().await;
            }
            self.full_at = None;
        }
        if let Some(error) = self.connect(shutdown).await {
            if shutdown.is_cancelled() {
                return Ok(Duration::ZERO);
            }
            return self.unreachable(&error).await;
        }
        let Some(connection) = self.connection.clone() else { return Ok(Duration::ZERO) };
        let hotspot = Hotspot::new(connection, access::MARK);
        let outcome = if self.is_full_due() || (self.backlog.is_none() && due.len() > FAST_DEVICES) {
            self.prepare_watch().await?;
            self.full_round(&hotspot).await
        } else if due.is_empty() {
            self.backlog_round(&hotspot).await
        } else {
            self.fast_round(&hotspot, due).await
        };
        match outcome {
            Ok(findings) => self.write_back(findings).await,
            Err(RoundError::Router(error)) => self.faulty(&error).await,
            Err(RoundError::Store(error)) => Err(error),
        }
    }

    /// Whether this process talks to the router. The lease is renewed long before it runs out.
    async fn hold(&mut self) -> Result<bool, StoreError> {
        let lease = self.deps.timing.lease;
        if self.lease_at.is_some_and(|at| at.elapsed() < lease / 3) {
            return Ok(true);
        }
        let (now, asked_at) = (self.now(), Instant::now());
        let lasts = TimeDelta::from_std(lease).unwrap_or(TimeDelta::seconds(30));
        let is_held = routers::hold_router(&self.deps.pool, self.router.id, self.deps.holder, now, lasts).await?;
        self.lease_at = is_held.then_some(asked_at);
        Ok(is_held)
    }

    /// Ends the sessions whose paid time is over, also while the router is away.
    async fn end_over(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        while self.ends.first().is_some_and(|at| *at <= now) {
            self.ends.pop_first();
        }
        let over = session_devices::list_over(&self.deps.pool, self.router.id, now).await?;
        self.end_sessions(&over, now).await.map(drop)
    }

    /// Ends the sessions of those devices whose time or data is used up; which they are.
    async fn end_sessions(&self, devices: &[WorkRecord], now: DateTime<Utc>) -> Result<BTreeSet<DeviceId>, StoreError> {
        let mut ends = Vec::new();
        for device in devices {
            if let Some(reason) = writeback::is_over(device, now) {
                let end = writeback::end(&self.deps.pool, self.router.id, device, reason, now);
                ends.push(async move { end.await.map(|()| device.id) });
            }
        }
        if ends.is_empty() {
            return Ok(BTreeSet::new());
        }
        let ended: Vec<Result<DeviceId, StoreError>> =
            stream::iter(ends).buffer_unordered(ENDS_AT_ONCE).collect().await;
        self.deps.changed.notify_one();
        ended.into_iter().collect()
    }

    /// What is to be done now: devices whose intent is new, attempts whose time has come, and devices that are
    /// expected. What the backlog has already is left to it.
    async fn due(&mut self, now: DateTime<Utc>) -> Result<Vec<WorkRecord>, StoreError> {
        let most = u32::try_from(FAST_DEVICES + 1).unwrap_or(u32::MAX);
        let since = self.backlog.as_ref().map(Backlog::planned_at);
        let pool = &self.deps.pool;
        let mut due = session_devices::list_due(pool, self.router.id, since, now, most).await?;
        due.retain(|device| self.backlog.as_ref().is_none_or(|backlog| !backlog.has(device)));
        due.truncate(if self.backlog.is_some() { FAST_DEVICES } else { due.len() });
        self.ends.extend(due.iter().filter_map(|device| device.ends_at).filter(|at| *at > now));
        let looks: Vec<DeviceId> =
            self.expected.values().filter(|(_, at, _)| *at <= Instant::now()).map(|(id, _, _)| *id).collect();
        if !looks.is_empty() {
            let found = session_devices::list_devices(pool, &looks).await?;
            let is_looked_at = |device: &&WorkRecord| device.is_on_intended && device.is_applied();
            let found: Vec<_> = found.iter().filter(is_looked_at).cloned().collect();
            self.expected.retain(|_, (id, _, _)| !looks.contains(id) || found.iter().any(|device| device.id == *id));
            due.extend(found);
        }
        Ok(due)
    }

    /// Remembers to look again at a device that is not on yet, a few times.
    fn expect(&mut self, device: &WorkRecord, is_online: bool) {
        let looks = match self.expected.get(&device.mac) {
            _ if !device.is_applied() => (self.expected.len() < LOOKED_AT).then_some(0),
            Some((_, _, looks)) => Some(looks + 1),
            None => None,
        };
        match looks {
            Some(looks) if !is_online && looks < LOOKS => {
                let at = Instant::now() + Duration::from_secs(1 << looks);
                self.expected.insert(device.mac, (device.id, at, looks));
            }
            _ => drop(self.expected.remove(&device.mac)),
        }
    }

    fn is_full_due(&self) -> bool {
        let is_connected = self.connection.as_ref().is_some_and(|connection| !connection.is_closed());
        !is_connected || self.full_at.is_none_or(|at| at.elapsed() >= self.full_every)
    }

    /// Until the next end of a session, attempt, comparison, or renewal of the lease.
    async fn rest(&self) -> Result<Duration, StoreError> {
        let now = self.now();
        let until = |at: DateTime<Utc>| (at - now).to_std().unwrap_or(Duration::ZERO);
        let next_try = session_devices::find_next_try(&self.deps.pool, self.router.id).await?;
        // What is due and yet was not done waits for something else.
        let next_try = next_try.map(|at| until(at).max(self.deps.timing.poll));
        let full = self.full_at.map_or(Duration::ZERO, |at| self.full_every.saturating_sub(at.elapsed()));
        let looks = self.expected.values().map(|(_, at, _)| at.saturating_duration_since(Instant::now())).min();
        let rest = [next_try, Some(full), looks, Some(self.rest_of_ends(now))];
        Ok(rest.into_iter().flatten().min().unwrap_or_default().max(Duration::from_millis(1)))
    }

    /// Until the next end of a session or renewal of the lease: those are seen to although the router is away.
    fn rest_of_ends(&self, now: DateTime<Utc>) -> Duration {
        let next = self.ends.first().map_or(Duration::MAX, |at| (*at - now).to_std().unwrap_or(Duration::ZERO));
        next.min(self.deps.timing.lease / 3)
    }

    /// Makes sure there is a live connection; the error if there is none.
    async fn connect(&mut self, shutdown: &CancellationToken) -> Option<RouterOsError> {
        if self.connection.as_ref().is_some_and(|connection| !connection.is_closed()) {
            return None;
        }
        self.forget_connection().await;
        let connected = tokio::select! {
            () = shutdown.cancelled() => return Some(RouterOsError::Closed(routeros_api::CloseReason::Ours)),
            connected = self.link.connection() => connected,
        };
        match connected {
            Ok(connection) => {
                tracing::info!(router = self.router.slug, "connected to the router");
                self.connection = Some(connection);
                None
            }
            Err(error) => Some(error),
        }
    }

    /// The next connection begins with a comparison of the whole router.
    async fn forget_connection(&mut self) {
        self.connection = None;
        self.forget_plan();
        self.profiles.clear();
        self.watch.forget();
        self.pulse.forget_connection();
        self.link.close().await;
    }

    fn forget_plan(&mut self) {
        self.full_at = None;
        self.backlog = None;
    }
}

/// The end of the connection, if there is one.
async fn closed(connection: Option<&Connection>) {
    match connection {
        Some(connection) => {
            connection.closed().await;
        }
        None => std::future::pending().await,
    }
}
