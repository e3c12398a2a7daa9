//! The task of one router.

mod rounds;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{MacAddr, NotificationId, access};
use futures::{StreamExt, stream};
use routeros_api::{Connection, Hotspot, Link, RouterOsError, TrapKind};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use self::rounds::Finding;
use super::{Deps, credentials, target, words, writeback};
use crate::{
    db::{
        StoreError,
        notifications::{self, NewNotification, Severity},
        routers::{self, RouterRecord},
        session_devices::{self, WorkRecord},
    },
    random,
};

/// With more devices due than this, reading the whole router is cheaper than reading each.
const FAST_DEVICES: usize = 16;
/// A device that was let on but is not on yet is looked at after 1, 2, 4, 8 and 16 seconds, so that its
/// owner need not wait for the next comparison of the whole router to be told.
const LOOKS: u32 = 5;
/// A router that has been away for longer is worth telling the owner.
const ALERT_AFTER: TimeDelta = TimeDelta::seconds(60);
/// Devices written down at a time: together they wait for the disk once.
const WRITES_AT_ONCE: usize = 4;
/// The wait after a database failure.
const STORE_WAIT: Duration = Duration::from_secs(2);
/// The longest wait after a connection that logs in but then fails.
const LONGEST_FAULT_WAIT: Duration = Duration::from_secs(60);

pub(super) struct Reconciler {
    deps: Deps,
    router: RouterRecord,
    link: Link,
    notify: Arc<Notify>,
    connection: Option<Connection>,
    /// When the whole router was last compared.
    full_at: Option<Instant>,
    /// Profiles that are known to be right on this connection.
    profiles: BTreeSet<String>,
    orphans: BTreeMap<MacAddr, DateTime<Utc>>,
    /// Devices the router would not log in.
    refused: BTreeSet<MacAddr>,
    /// Devices that were just let on and are expected any second, with the looks already taken at them.
    expected: BTreeMap<MacAddr, (Instant, u32)>,
    /// Failures in a row of connections that had logged in.
    faults: u32,
}

impl Reconciler {
    /// # Errors
    /// When the router's password cannot be opened.
    pub(super) fn new(deps: Deps, router: RouterRecord, notify: Arc<Notify>) -> Result<Self, crate::seal::SealError> {
        let login = credentials(&router, &deps.secret)?;
        let seed = router.id.as_uuid().as_u64_pair().1;
        let link = Link::new(target(&router), login, deps.settings, seed);
        Ok(Self {
            deps,
            router,
            link,
            notify,
            connection: None,
            full_at: None,
            profiles: BTreeSet::new(),
            orphans: BTreeMap::new(),
            refused: BTreeSet::new(),
            expected: BTreeMap::new(),
            faults: 0,
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

    /// One look at the work list and, if there is any, one round of work. Returns how long to rest.
    async fn step(&mut self, shutdown: &CancellationToken) -> Result<Duration, StoreError> {
        let now = self.now();
        let lease = self.deps.timing.lease;
        let until_at = now + TimeDelta::from_std(lease).unwrap_or(TimeDelta::seconds(30));
        if !routers::hold_router(&self.deps.pool, self.router.id, self.deps.holder, now, until_at).await? {
            // Another process talks to this router.
            self.forget_connection().await;
            return Ok(lease / 3);
        }
        let work = self.work(now).await?;
        let is_let_on = |mac: &MacAddr| work.iter().any(|d| d.mac == *mac && d.is_on_intended && d.is_applied());
        self.expected.retain(|mac, _| is_let_on(mac));
        let due = work.iter().filter(|device| self.is_due(device, now)).count();
        if due == 0 && !self.is_full_due() {
            return Ok(self.rest(&work, now));
        }
        if let Some(error) = self.connect(shutdown).await {
            if shutdown.is_cancelled() {
                return Ok(Duration::ZERO);
            }
            return self.unreachable(&work, &error).await;
        }
        let Some(connection) = self.connection.clone() else { return Ok(Duration::ZERO) };
        let hotspot = Hotspot::new(connection, access::MARK);
        let outcome = if self.is_full_due() || due > FAST_DEVICES {
            self.full_round(&hotspot, &work).await
        } else {
            self.fast_round(&hotspot, &work).await
        };
        match outcome {
            Ok((findings, is_more)) => self.write_back(findings, &work, is_more).await,
            Err(error) => self.faulty(&work, &error).await,
        }
    }

    /// The work list, after sessions that are over were ended.
    async fn work(&self, now: DateTime<Utc>) -> Result<Vec<WorkRecord>, StoreError> {
        let work = session_devices::list_work(&self.deps.pool, self.router.id).await?;
        let mut is_changed = false;
        for device in &work {
            if let Some(reason) = writeback::is_over(device, now) {
                writeback::end(&self.deps.pool, self.router.id, device, reason, now).await?;
                is_changed = true;
            }
        }
        if !is_changed {
            return Ok(work);
        }
        self.deps.changed.notify_one();
        session_devices::list_work(&self.deps.pool, self.router.id).await
    }

    /// Whether a device needs work, or a look because it is expected.
    fn is_due(&self, device: &WorkRecord, now: DateTime<Utc>) -> bool {
        let is_looked_at = self.expected.get(&device.mac).is_some_and(|(at, _)| *at <= Instant::now());
        device.is_due(now) || (device.is_on_intended && device.is_applied() && is_looked_at)
    }

    /// Remembers to look again at a device that is not on yet, a few times.
    fn expect(&mut self, mac: MacAddr, is_online: bool, is_new: bool) {
        let looks = if is_new { Some(0) } else { self.expected.get(&mac).map(|(_, looks)| looks + 1) };
        match looks {
            Some(looks) if !is_online && looks < LOOKS => {
                let at = Instant::now() + Duration::from_secs(1 << looks);
                self.expected.insert(mac, (at, looks));
            }
            _ => drop(self.expected.remove(&mac)),
        }
    }

    fn is_full_due(&self) -> bool {
        let is_connected = self.connection.as_ref().is_some_and(|connection| !connection.is_closed());
        !is_connected || self.full_at.is_none_or(|at| at.elapsed() >= self.deps.timing.full)
    }

    /// Until the next end of a session, attempt, comparison, or renewal of the lease.
    fn rest(&self, work: &[WorkRecord], now: DateTime<Utc>) -> Duration {
        let until = |at: DateTime<Utc>| (at - now).to_std().unwrap_or(Duration::ZERO);
        let ends = work.iter().filter(|device| device.is_on_intended).filter_map(|device| device.ends_at);
        let tries = work.iter().filter(|device| !device.is_applied()).filter_map(|device| device.next_try_at);
        let next = ends.chain(tries).map(until).min().unwrap_or(Duration::MAX);
        let full = self.full_at.map_or(Duration::ZERO, |at| self.deps.timing.full.saturating_sub(at.elapsed()));
        let looks = self.expected.values().map(|(at, _)| at.saturating_duration_since(Instant::now())).min();
        next.min(full).min(looks.unwrap_or(Duration::MAX)).min(self.deps.timing.lease / 3)
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

    async fn forget_connection(&mut self) {
        self.connection = None;
        self.full_at = None;
        self.profiles.clear();
        self.link.close().await;
    }

    /// The router is away: says so once, and leaves its devices for later.
    async fn unreachable(&self, work: &[WorkRecord], error: &RouterOsError) -> Result<Duration, StoreError> {
        let now = self.now();
        let wait = self.link.retry_in().await.unwrap_or(Duration::from_secs(1)).max(Duration::from_millis(100));
        self.record_error(work, error, wait, now).await?;
        Ok(wait.min(self.rest_of_ends(work, now)))
    }

    /// The connection failed in the middle of a round: what was done is unknown and is read again.
    async fn faulty(&mut self, work: &[WorkRecord], error: &RouterOsError) -> Result<Duration, StoreError> {
        let now = self.now();
        let doubled = Duration::from_millis(250).saturating_mul(1 << self.faults.min(8)).min(LONGEST_FAULT_WAIT);
        // The first time may be a router that was restarted: at once.
        let wait = if self.faults == 0 { Duration::ZERO } else { doubled };
        self.faults = self.faults.saturating_add(1);
        if error.is_link_fault() {
            self.forget_connection().await;
        }
        self.record_error(work, error, wait, now).await?;
        Ok(wait.min(self.rest_of_ends(work, now)))
    }

    async fn record_error(
        &self,
        work: &[WorkRecord],
        error: &RouterOsError,
        wait: Duration,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let text = words::for_owner(error);
        // An open circuit only repeats what was said.
        if !matches!(error, RouterOsError::CircuitOpen { .. }) {
            tracing::warn!(router = self.router.slug, %error, "the router cannot be brought up to date");
        }
        routers::record_error(&self.deps.pool, self.router.id, &text, now).await?;
        for device in work.iter().filter(|device| device.is_due(now)) {
            writeback::failed(&self.deps.pool, device, &text, Some(wait), now).await?;
        }
        if let Some(since) = routers::find_silent_since(&self.deps.pool, self.router.id).await?
            && now - since > ALERT_AFTER
        {
            self.alert_owner(&text, now).await?;
        }
        self.deps.changed.notify_one();
        Ok(())
    }

    /// Tells the owner, once until it is read, that this router is away and customers may be waiting.
    async fn alert_owner(&self, error: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let message = format!(
            "Router {} is not reachable. Payments are kept and delivered when it is back. {error}",
            self.router.name
        );
        let key = format!("router_down:{}", self.router.id);
        let new = NewNotification {
            id: NotificationId::from_uuid(random::uuid(now)),
            severity: Severity::Critical,
            kind: "router_down",
            message: &message,
            subject: Some(self.router.id.to_string()),
            dedupe_key: Some(&key),
            created_at: now,
        };
        notifications::insert_notification(&self.deps.pool, &new).await.map(drop)
    }

    /// Until the next end of a session: those are ended in the database although the router is away.
    fn rest_of_ends(&self, work: &[WorkRecord], now: DateTime<Utc>) -> Duration {
        let ends = work.iter().filter(|device| device.is_on_intended).filter_map(|device| device.ends_at);
        let next = ends.map(|at| (at - now).to_std().unwrap_or(Duration::ZERO)).min().unwrap_or(Duration::MAX);
        next.min(self.deps.timing.lease / 3)
    }

    /// Writes down what a round found. A fault of the link in any of it ends the connection.
    async fn write_back(
        &mut self,
        findings: Vec<Finding>,
        work: &[WorkRecord],
        is_more: bool,
    ) -> Result<Duration, StoreError> {
        // What a customer waits for comes before what only counts.
        let (used, news): (Vec<Finding>, Vec<Finding>) =
            findings.into_iter().partition(|finding| finding.result.is_none() && finding.device.is_applied());
        for finding in news.iter().chain(&used) {
            self.note(finding);
        }
        let pool = self.deps.pool.clone();
        let mut writes = Vec::with_capacity(news.len());
        for finding in &news {
            writes.push(self.write_news(finding));
        }
        let written: Vec<Result<bool, StoreError>> =
            stream::iter(writes).buffer_unordered(WRITES_AT_ONCE).collect().await;
        let mut is_again = is_more;
        for is_outdated in written {
            is_again |= is_outdated?;
        }
        let used: Vec<_> = used.iter().map(|finding| (&finding.device, finding.usage)).collect();
        if writeback::used(&pool, &used, self.now()).await? || !news.is_empty() {
            self.deps.changed.notify_one();
        }
        let mut faults = news.into_iter().filter_map(|finding| finding.result?.err());
        if let Some(fault) = faults.find(RouterOsError::is_link_fault) {
            return self.faulty(work, &fault).await;
        }
        self.faults = 0;
        routers::record_seen(&pool, self.router.id, self.now()).await?;
        // The work list has changed by what was just written: look again before resting.
        let now = self.now();
        if is_again {
            return Ok(Duration::ZERO);
        }
        let work = session_devices::list_work(&pool, self.router.id).await?;
        Ok(self.rest(&work, now))
    }

    /// Remembers what the next rounds must know of a finding.
    fn note(&mut self, Finding { device, result, usage, .. }: &Finding) {
        if device.is_on_intended {
            let is_online = match result {
                Some(Ok(usage)) => usage.is_online,
                Some(Err(_)) => false,
                None => usage.is_online,
            };
            self.expect(device.mac, is_online, !device.is_applied());
        } else {
            self.expected.remove(&device.mac);
        }
        match result {
            Some(Ok(_)) => drop(self.refused.remove(&device.mac)),
            Some(Err(error)) if matches!(error.trap_kind(), Some(TrapKind::Hotspot(_))) => {
                self.refused.insert(device.mac);
            }
            _ => {}
        }
    }

    /// Writes down what became of a device for which something was to be done. `true` when its intent has
    /// changed in between, so that there is more to do.
    async fn write_news(&self, Finding { device, result, usage, planned_at }: &Finding) -> Result<bool, StoreError> {
        let (pool, now) = (&self.deps.pool, self.now());
        let usage = match result {
            Some(Err(error)) => {
                tracing::debug!(router = self.router.slug, mac = %device.mac.masked(), %error, "a device could not be brought up to date");
                let wait = error.is_link_fault().then_some(Duration::ZERO);
                writeback::failed(pool, device, &words::for_owner(error), wait, now).await?;
                return Ok(false);
            }
            Some(Ok(usage)) => usage,
            None => usage,
        };
        writeback::applied(pool, device, *usage, *planned_at, now).await.map(|is_current| !is_current)
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
