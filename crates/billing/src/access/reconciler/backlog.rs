//! What a comparison of a whole router found to be done, worked off in portions, so that whoever buys meanwhile does
//! not wait for the end of a long list.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use domain::DeviceId;
use routeros_api::{Hotspot, RouterOsError};

use super::{
    Reconciler,
    rounds::{Finding, RoundError},
};
use crate::{
    access::delivery::{Job, carry_out},
    db::session_devices::{self, WorkRecord},
};

/// Devices worked on between two looks at what is due.
const DEVICES_PER_ROUND: usize = 30;

/// The work, oldest first.
#[derive(Debug)]
pub(super) struct Backlog {
    jobs: VecDeque<Job>,
    /// The generations of the intents it was made for.
    generations: BTreeMap<DeviceId, u32>,
    /// Profiles that the router would not have, and why.
    refused: BTreeMap<String, RouterOsError>,
    planned_at: DateTime<Utc>,
}

impl Backlog {
    pub(super) fn new(jobs: Vec<Job>, refused: BTreeMap<String, RouterOsError>, planned_at: DateTime<Utc>) -> Self {
        let generations =
            jobs.iter().filter_map(|job| job.device.as_ref()).map(|device| (device.id, device.generation)).collect();
        Self { jobs: jobs.into(), generations, refused, planned_at }
    }

    /// When it was made. What came due later is not in it.
    pub(super) const fn planned_at(&self) -> DateTime<Utc> {
        self.planned_at
    }

    /// Whether a device is in it with the intent it has now.
    pub(super) fn has(&self, device: &WorkRecord) -> bool {
        self.generations.get(&device.id) == Some(&device.generation)
    }
}

impl Reconciler {
    /// Works off one portion of the backlog.
    pub(super) async fn backlog_round(&mut self, hotspot: &Hotspot) -> Result<Vec<Finding>, RoundError> {
        let Some(mut backlog) = self.backlog.take() else { return Ok(Vec::new()) };
        let count = backlog.jobs.len().min(DEVICES_PER_ROUND);
        let jobs: Vec<Job> = backlog.jobs.drain(..count).collect();
        let jobs = self.still_intended(jobs).await?;
        let results = carry_out(hotspot, &jobs, &backlog.refused).await;
        if !backlog.jobs.is_empty() {
            for job in &jobs {
                job.device.as_ref().map(|device| backlog.generations.remove(&device.id));
            }
            self.backlog = Some(backlog);
        }
        let mut findings = Vec::with_capacity(jobs.len());
        for (job, result) in jobs.into_iter().zip(results) {
            let Job { device, usage, planned_at, .. } = job;
            match (device, result) {
                (Some(device), result) => findings.push(Finding { device, result: Some(result), usage, planned_at }),
                (None, Err(error)) if error.is_of_router() => return Err(RoundError::Router(error)),
                // What is ours and nobody knows is tried again at the next comparison.
                (None, _) => {}
            }
        }
        Ok(findings)
    }

    /// Leaves out the devices whose intent has changed since the plan was made: they are due by themselves.
    async fn still_intended(&self, jobs: Vec<Job>) -> Result<Vec<Job>, RoundError> {
        let ids: Vec<DeviceId> = jobs.iter().filter_map(|job| job.device.as_ref()).map(|device| device.id).collect();
        if ids.is_empty() {
            return Ok(jobs);
        }
        let now: BTreeMap<DeviceId, WorkRecord> = session_devices::list_devices(&self.deps.pool, &ids)
            .await?
            .into_iter()
            .map(|device| (device.id, device))
            .collect();
        let renewed = |mut job: Job| {
            let Some(device) = job.device.take() else { return Some(job) };
            let current = now.get(&device.id).filter(|current| current.generation == device.generation)?;
            job.device = Some(current.clone());
            Some(job)
        };
        Ok(jobs.into_iter().filter_map(renewed).collect())
    }
}
