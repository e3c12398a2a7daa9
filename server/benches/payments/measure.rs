//! Callers that work for a while, and what that comes to.

use std::{future::Future, time::Duration};

use futures::future::try_join_all;
use tokio::time::Instant;

use crate::Outcome;

/// What a number of callers got done.
pub(crate) struct Load {
    pub(crate) what: &'static str,
    pub(crate) connections: usize,
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Runs the callers until `until`; each gives the times of what it did.
pub(crate) async fn together<F>(callers: Vec<F>, started: Instant) -> Outcome<Load>
where
    F: Future<Output = Outcome<Vec<Duration>>> + Send + 'static,
{
    let connections = callers.len();
    let tasks: Vec<_> = callers.into_iter().map(tokio::spawn).collect();
    let mut times = Vec::new();
    for done in try_join_all(tasks).await? {
        times.extend(done?);
    }
    let secs = started.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |percent: usize| {
        let rank = times.len().saturating_mul(percent).div_ceil(100).saturating_sub(1);
        times.get(rank).copied().unwrap_or_default().as_secs_f64() * 1000.0
    };
    let count = u32::try_from(times.len())?;
    Ok(Load { what: "", connections, per_second: f64::from(count) / secs, p50_ms: at(50), p99_ms: at(99) })
}
