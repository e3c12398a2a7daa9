//! Writing down what a round found.

use std::time::Duration;

use routeros_api::{HotspotRefusal, RouterOsError, TrapKind};
use tokio::time::Instant;

use super::{Reconciler, USES, rounds::Finding};
use crate::{
    access::{
        rows, words,
        writeback::{self, Delivered},
    },
    db::{
        StoreError, routers,
        session_devices::{Usage, WorkRecord},
    },
};

/// That a router answers is written down this often.
const SEEN_EVERY: Duration = Duration::from_secs(5);

impl Reconciler {
    /// Writes down what a round found. A fault that lies in the router ends the round.
    pub(super) async fn write_back(&mut self, mut findings: Vec<Finding>) -> Result<Duration, StoreError> {
        for finding in &mut findings {
            let refusal = self.refused.get(&finding.device.mac).cloned();
            self.note(finding);
            // Its entry was cleared after a refusal, which is no delivery yet: the next attempt sees what came of it.
            let is_cleared = matches!(&finding.result, Some(Ok(usage)) if !usage.is_online);
            if let Some(refusal) = refusal.filter(|_| is_cleared && finding.device.is_on_intended) {
                finding.result = Some(Err(refusal));
            }
        }
        // What a customer waits for comes before what only counts.
        // A device that failed and needs nothing any more is news: what was said of it is taken back.
        let is_used = |finding: &Finding| {
            finding.result.is_none() && finding.device.is_applied() && finding.device.next_try_at.is_none()
        };
        let (used, news): (Vec<Finding>, Vec<Finding>) = findings.into_iter().partition(is_used);
        self.write_news(&news).await?;
        let is_first = self.uses.is_empty();
        self.uses.extend(used.into_iter().map(|finding| (finding.device, finding.usage)));
        if is_first && self.uses.len() <= USES {
            self.write_uses_now().await?;
        }
        if self.note_strangers().await? || !news.is_empty() {
            self.deps.changed.notify_one();
        }
        let mut faults = news.into_iter().filter_map(|finding| finding.result?.err());
        if let Some(fault) = faults.find(RouterOsError::is_of_router) {
            return self.faulty(&fault).await;
        }
        self.faults = 0;
        if self.seen_at.is_none_or(|at| at.elapsed() >= SEEN_EVERY) {
            routers::record_seen(&self.deps.pool, self.router.id, self.now()).await?;
            self.seen_at = Some(Instant::now());
        }
        self.pulse.heard(&self.deps, &self.router, self.connection.as_ref(), self.now()).await?;
        // What is due has changed by what was just written: look again before resting.
        Ok(Duration::ZERO)
    }

    /// Writes down a part of the use that was read; when there is none left, says how long to rest.
    pub(super) async fn write_uses(&mut self) -> Result<Duration, StoreError> {
        if self.uses.is_empty() {
            return self.rest().await;
        }
        self.write_uses_now().await.map(|()| Duration::ZERO)
    }

    async fn write_uses_now(&mut self) -> Result<(), StoreError> {
        let some: Vec<(WorkRecord, Usage)> = self.uses.drain(..self.uses.len().min(USES)).collect();
        let some: Vec<_> = some.iter().map(|(device, usage)| (device, *usage)).collect();
        if writeback::used(&self.deps.pool, &some, self.now()).await? {
            self.deps.changed.notify_one();
        }
        Ok(())
    }

    /// Remembers what the next rounds must know of a finding.
    fn note(&mut self, Finding { device, result, usage, planned_at }: &Finding) {
        if device.is_on_intended {
            let is_online = match result {
                Some(Ok(usage)) => usage.is_online,
                Some(Err(_)) => false,
                None => usage.is_online,
            };
            self.expect(device, is_online);
            if !matches!(result, Some(Err(_))) {
                self.ends.insert(rows::ends_at(device, *planned_at));
            }
        } else {
            self.expected.remove(&device.mac);
        }
        match result {
            Some(Ok(_)) => drop(self.refused.remove(&device.mac)),
            Some(Err(error)) => match error.trap_kind() {
                // A new entry of the device may be let on; after the other refusals it has one, or it makes no room.
                Some(TrapKind::Hotspot(HotspotRefusal::UptimeLimit | HotspotRefusal::TrafficLimit)) => {
                    self.refused.insert(device.mac, error.clone());
                }
                // Somebody has removed the profile in between.
                Some(TrapKind::InvalidValue { arg }) if arg == "profile" => {
                    self.profiles.remove(&rows::intended(device, *planned_at, false).profile.name());
                }
                _ => {}
            },
            None => drop(self.refused.remove(&device.mac)),
        }
    }

    /// Writes down what became of devices for which something was to be done.
    async fn write_news(&self, news: &[Finding]) -> Result<(), StoreError> {
        let (pool, now) = (&self.deps.pool, self.now());
        let (mut delivered, mut failed) = (Vec::new(), Vec::new());
        for Finding { device, result, usage, planned_at } in news {
            match result {
                Some(Err(error)) => {
                    tracing::debug!(router = self.router.slug, mac = %device.mac.masked(), %error, "a device could not be brought up to date");
                    let wait = error.is_of_router().then_some(Duration::ZERO);
                    failed.push((device, words::for_owner(error), wait));
                }
                Some(Ok(usage)) => {
                    delivered.push(Delivered { device, usage: *usage, since_at: writeback::since(*planned_at, now) })
                }
                None => {
                    delivered.push(Delivered { device, usage: *usage, since_at: writeback::since(*planned_at, now) })
                }
            }
        }
        // Those whose intent has changed in between are due by themselves.
        let outdated = writeback::applied(pool, &delivered, now).await?;
        if !outdated.is_empty() {
            tracing::debug!(
                router = self.router.slug,
                count = outdated.len(),
                "intents changed while they were delivered"
            );
        }
        writeback::failed(pool, failed, now).await
    }
}
