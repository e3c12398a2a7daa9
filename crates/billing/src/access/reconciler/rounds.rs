//! One round of work on a router: the whole of it, or the few devices that are due.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::{
    DataSize, MacAddr, SessionId,
    access::{self, Current, Intended},
};
use futures::{StreamExt, stream};
use routeros_api::{Hotspot, RouterOsError, hotspot::RouterState};
use tokio::time::Instant;

use super::{Reconciler, backlog::Backlog, watch};
use crate::{
    access::{
        delivery::{Job, Seen, Uses, carry_out, ensure_profiles, sort},
        rows, spared,
    },
    db::{
        StoreError,
        session_devices::{self, Usage, WorkRecord},
    },
};

/// Devices read and brought on at a time on the fast path.
const FAST_AT_ONCE: usize = 2;

/// What a round was about, for one device.
pub(super) struct Finding {
    pub(super) device: WorkRecord,
    /// `None` when nothing was to be done and only use was read.
    pub(super) result: Option<Result<Usage, RouterOsError>>,
    pub(super) usage: Usage,
    pub(super) planned_at: DateTime<Utc>,
}

/// Why a round ended early.
#[derive(Debug)]
pub(super) enum RoundError {
    Router(RouterOsError),
    Store(StoreError),
}

impl From<RouterOsError> for RoundError {
    fn from(error: RouterOsError) -> Self {
        Self::Router(error)
    }
}

impl From<StoreError> for RoundError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Reconciler {
    /// Reads the whole router, finds the difference, and works off the first portion of it.
    pub(super) async fn full_round(&mut self, hotspot: &Hotspot) -> Result<Vec<Finding>, RoundError> {
        // The list first: what is paid for while the router is read is not missing from it as a stranger would be.
        let mut work = session_devices::list_work(&self.deps.pool, self.router.id).await?;
        let state = hotspot.read_state().await?;
        let planned_at = self.now();
        let current = rows::current_of_router(&state);
        let usages = count(&mut work, &current);
        let over = self.end_sessions(&work, planned_at).await?;
        let is_on = |device: &&WorkRecord| device.is_on_intended && !over.contains(&device.id);
        // Whoever failed before comes last.
        work.sort_by_key(|device| device.attempts);
        let intended: Vec<Intended> = work
            .iter()
            .filter(is_on)
            .map(|device| rows::intended(device, planned_at, self.refused.contains_key(&device.mac)))
            .filter(|device| device.remaining_secs > 0)
            .collect();
        let off: Vec<MacAddr> = work.iter().filter(|device| !is_on(device)).map(|device| device.mac).collect();
        spared::spare(&self.deps.pool, self.router.id, &mut self.orphans, &current, planned_at).await?;
        let plan = access::plan(planned_at, &intended, &off, &current, &self.orphans);
        self.orphans = plan.orphans;
        let mut taken_off = watch::taken_off(&plan.commands);
        let (profiles, commands) = sort(plan.commands);
        let refused = ensure_profiles(hotspot, &profiles).await?;
        self.profiles =
            intended.iter().map(|device| device.profile.name()).filter(|name| !refused.contains_key(name)).collect();
        self.ends = work.iter().filter(is_on).filter_map(|device| device.ends_at).collect();
        self.full_at = Some(Instant::now());

        let mut devices: BTreeMap<MacAddr, WorkRecord> =
            work.into_iter().filter(|device| !over.contains(&device.id)).map(|device| (device.mac, device)).collect();
        let jobs = jobs(commands, &state, &mut devices, &usages, planned_at);
        let conflicts: BTreeSet<MacAddr> = plan.conflicts.into_iter().collect();
        let untouched = devices.into_values().map(|device| {
            let is_conflict = device.is_on_intended && conflicts.contains(&device.mac);
            let result = is_conflict.then(|| Err(RouterOsError::NotOurs { name: device.mac.to_string() }));
            Finding { usage: usages.get(&device.mac).copied().unwrap_or_default(), device, result, planned_at }
        });
        let untouched: Vec<Finding> = untouched.collect();
        self.backlog = Some(Backlog::new(jobs, refused, planned_at));
        let mut findings = self.backlog_round(hotspot).await?;
        let has_failed = |finding: &Finding| matches!(finding.result, Some(Err(_)));
        findings.iter().filter(|finding| has_failed(finding)).for_each(|finding| {
            taken_off.remove(&finding.device.mac);
        });
        findings.extend(untouched);
        self.watch(hotspot, &state, &current, &intended, taken_off).await?;
        Ok(findings)
    }

    /// Brings on, or takes off, the few devices that are due, reading only them.
    pub(super) async fn fast_round(
        &mut self,
        hotspot: &Hotspot,
        due: Vec<WorkRecord>,
    ) -> Result<Vec<Finding>, RoundError> {
        let now = self.now();
        let mut devices = Vec::with_capacity(due.len());
        for device in due {
            devices.push(self.fast(hotspot, device));
        }
        let findings: Vec<Result<Finding, RouterOsError>> =
            stream::iter(devices).buffered(FAST_AT_ONCE).collect().await;
        let findings = findings.into_iter().collect::<Result<Vec<_>, _>>()?;
        for finding in
            findings.iter().filter(|finding| finding.device.is_on_intended && matches!(finding.result, Some(Ok(_))))
        {
            self.profiles.insert(rows::intended(&finding.device, now, false).profile.name());
        }
        Ok(findings)
    }

    async fn fast(&self, hotspot: &Hotspot, device: WorkRecord) -> Result<Finding, RouterOsError> {
        let mac = device.mac;
        let state = hotspot.read_device(mac).await?;
        let planned_at = self.now();
        let mut current = rows::current_of_device(&state);
        // Rows and logins were read at once: whether it is on is certain, what it used is left to the comparison of
        // the whole router, which reads one after the other.
        let usage = Usage { counters: None, ..Uses::new(&current).of(mac, device.session_id) };
        let (mut intended, mut off) = (Vec::new(), Vec::new());
        if device.is_on_intended {
            let wanted = rows::intended(&device, planned_at, self.refused.contains_key(&mac));
            if self.profiles.contains(&wanted.profile.name()) {
                current.profiles.push(rows::right_profile(&wanted.profile));
            }
            intended.push(wanted);
        } else {
            off.push(mac);
        }
        let plan = access::plan(planned_at, &intended, &off, &current, &BTreeMap::new());
        if !plan.conflicts.is_empty() {
            let result = Some(Err(RouterOsError::NotOurs { name: mac.to_string() }));
            return Ok(Finding { device, result, usage, planned_at });
        }
        let (profiles, commands) = sort(plan.commands);
        let refused = ensure_profiles(hotspot, &profiles).await?;
        let seen = Seen::device(&state);
        let jobs: Vec<Job> = commands
            .into_iter()
            .map(|(mac, commands)| Job {
                device: None,
                commands,
                users: seen.users_of(mac),
                hosts: seen.hosts_of(mac),
                usage,
                planned_at,
            })
            .collect();
        let result = carry_out(hotspot, &jobs, &refused).await.into_iter().next();
        Ok(Finding { device, result, usage, planned_at })
    }
}

/// Counts what the router has just told into the work list, also for the data that the other devices of a session
/// have left, and gives it by device.
fn count(work: &mut [WorkRecord], current: &Current) -> BTreeMap<MacAddr, Usage> {
    let uses = Uses::new(current);
    let usages: BTreeMap<MacAddr, Usage> =
        work.iter().map(|device| (device.mac, uses.of(device.mac, device.session_id))).collect();
    let mut more: BTreeMap<SessionId, u64> = BTreeMap::new();
    for device in work.iter() {
        let (used, _) = device.used_with(&usages.get(&device.mac).copied().unwrap_or_default());
        let sum = more.entry(device.session_id).or_default();
        *sum = sum.saturating_add(used.bytes.saturating_sub(device.used_bytes));
    }
    for device in work.iter_mut() {
        let more = more.get(&device.session_id).copied().unwrap_or_default();
        device.session_used = device.session_used.saturating_add(DataSize::from_bytes(more));
    }
    usages
}

/// The work of a plan with what the router has of each device; the devices it is for are taken out of `devices`.
fn jobs(
    commands: Vec<(MacAddr, Vec<access::Command>)>,
    state: &RouterState,
    devices: &mut BTreeMap<MacAddr, WorkRecord>,
    usages: &BTreeMap<MacAddr, Usage>,
    planned_at: DateTime<Utc>,
) -> Vec<Job> {
    let seen = Seen::router(state);
    let job = |(mac, commands)| Job {
        device: devices.remove(&mac),
        commands,
        users: seen.users_of(mac),
        hosts: seen.hosts_of(mac),
        usage: usages.get(&mac).copied().unwrap_or_default(),
        planned_at,
    };
    commands.into_iter().map(job).collect()
}
