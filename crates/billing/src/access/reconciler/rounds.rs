//! One round of work on a router: the whole of it, or the few devices that are due.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::{
    DataSize, MacAddr,
    access::{self, Intended},
};
use futures::{StreamExt, stream};
use routeros_api::{Hotspot, RouterOsError};
use tokio::time::Instant;

use super::Reconciler;
use crate::{
    access::{
        delivery::{Seen, Work, carry_out},
        rows,
    },
    db::session_devices::{Usage, WorkRecord},
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

impl Reconciler {
    /// Reads the whole router and works off the difference, at most one round of it.
    pub(super) async fn full_round(
        &mut self,
        hotspot: &Hotspot,
        work: &[WorkRecord],
    ) -> Result<(Vec<Finding>, bool), RouterOsError> {
        let state = hotspot.read_state().await?;
        let planned_at = self.now();
        let current = rows::current_of_router(&state);
        let seen = Seen::router(&state, &current);
        // What the router has just told counts, also for how much data is left.
        let usages: BTreeMap<MacAddr, Usage> =
            work.iter().map(|device| (device.mac, seen.usage(device.mac, device.session_id))).collect();
        let usage_of = |mac: &MacAddr| usages.get(mac).copied().unwrap_or_default();
        let work: Vec<_> = work.iter().map(|device| with_usage(device, usage_of(&device.mac))).collect();
        let intended: Vec<Intended> = work
            .iter()
            .filter(|device| device.is_on_intended)
            .map(|device| rows::intended(device, planned_at, self.refused.contains(&device.mac)))
            .filter(|device| device.remaining_secs > 0)
            .collect();
        let off: Vec<MacAddr> = work.iter().filter(|device| !device.is_on_intended).map(|device| device.mac).collect();
        let plan = access::plan(planned_at, &intended, &off, &current, &self.orphans);
        let mut todo = Work::new(plan.commands);
        let later: BTreeSet<MacAddr> = todo.cut().into_iter().collect();
        let mut results = carry_out(hotspot, &todo, &seen, &usages).await?;
        let is_fine = |mac: &MacAddr| !matches!(results.get(mac), Some(Err(_))) && !later.contains(mac);
        let fine = intended.iter().filter(|device| is_fine(&device.mac));
        self.profiles = fine.map(|device| device.profile.name()).collect();
        self.orphans = plan.orphans;
        if later.is_empty() {
            self.full_at = Some(Instant::now());
        }
        let findings = work
            .into_iter()
            .filter(|device| !later.contains(&device.mac))
            .map(|device| {
                let usage = usage_of(&device.mac);
                let result = if plan.conflicts.contains(&device.mac) {
                    Some(Err(RouterOsError::NotOurs { name: device.mac.to_string() }))
                } else {
                    results.remove(&device.mac)
                };
                Finding { device, result, usage, planned_at }
            })
            .collect();
        Ok((findings, !later.is_empty()))
    }

    /// Brings on, or takes off, the few devices that are due, reading only them.
    pub(super) async fn fast_round(
        &mut self,
        hotspot: &Hotspot,
        work: &[WorkRecord],
    ) -> Result<(Vec<Finding>, bool), RouterOsError> {
        let now = self.now();
        let mut devices = Vec::new();
        for device in work {
            if self.is_due(device, now) {
                devices.push(self.fast(hotspot, device.clone()));
            }
        }
        let findings: Vec<Result<Finding, RouterOsError>> =
            stream::iter(devices).buffered(FAST_AT_ONCE).collect().await;
        let findings = findings.into_iter().collect::<Result<Vec<_>, _>>()?;
        for finding in
            findings.iter().filter(|finding| finding.device.is_on_intended && matches!(finding.result, Some(Ok(_))))
        {
            self.profiles.insert(rows::intended(&finding.device, now, false).profile.name());
        }
        Ok((findings, false))
    }

    async fn fast(&self, hotspot: &Hotspot, device: WorkRecord) -> Result<Finding, RouterOsError> {
        let state = hotspot.read_device(device.mac).await?;
        let planned_at = self.now();
        let mut intended = Vec::new();
        let mut off = Vec::new();
        let mut current = rows::current_of_device(&state);
        let usage = Seen::device(&state, &current).usage(device.mac, device.session_id);
        if device.is_on_intended {
            let wanted = rows::intended(&with_usage(&device, usage), planned_at, self.refused.contains(&device.mac));
            if self.profiles.contains(&wanted.profile.name()) {
                current.profiles.push(rows::right_profile(&wanted.profile));
            }
            intended.push(wanted);
        } else {
            off.push(device.mac);
        }
        let seen = Seen::device(&state, &current);
        let plan = access::plan(planned_at, &intended, &off, &current, &BTreeMap::new());
        let result = if plan.conflicts.is_empty() {
            carry_out(hotspot, &Work::new(plan.commands), &seen, &BTreeMap::from([(device.mac, usage)]))
                .await?
                .remove(&device.mac)
        } else {
            Some(Err(RouterOsError::NotOurs { name: device.mac.to_string() }))
        };
        Ok(Finding { device, result, usage, planned_at })
    }
}

/// The device as if the router's account of its use were written already.
fn with_usage(device: &WorkRecord, usage: Usage) -> WorkRecord {
    let more = usage.used_bytes.saturating_sub(device.used_bytes);
    let session_used = device.session_used.saturating_add(DataSize::from_bytes(more));
    WorkRecord { session_used, ..device.clone() }
}
