//! The simulator's own time: a count of milliseconds since start, and the wall clock the router shows.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::options::ClockMode;

/// Milliseconds of simulated time since the simulator started.
pub(crate) type Millis = u64;

/// Simulated time: real time plus what was advanced by hand, or only the latter.
#[derive(Debug)]
pub(crate) struct SimClock {
    mode: ClockMode,
    started: Instant,
    start_epoch_secs: i64,
    advanced_ms: Millis,
}

impl SimClock {
    pub(crate) fn new(mode: ClockMode) -> Self {
        let start_epoch_secs = match mode {
            ClockMode::Virtual { start_epoch_secs } => start_epoch_secs,
            ClockMode::Real => system_epoch_secs(),
        };
        Self { mode, started: Instant::now(), start_epoch_secs, advanced_ms: 0 }
    }

    pub(crate) fn now_ms(&self) -> Millis {
        let real_ms = match self.mode {
            ClockMode::Virtual { .. } => 0,
            ClockMode::Real => u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        real_ms.saturating_add(self.advanced_ms)
    }

    pub(crate) fn advance(&mut self, ms: Millis) {
        self.advanced_ms = self.advanced_ms.saturating_add(ms);
    }

    pub(crate) const fn is_real(&self) -> bool {
        matches!(self.mode, ClockMode::Real)
    }

    /// The true wall clock at `at_ms`, Unix seconds. What the router believes may differ.
    pub(crate) fn true_epoch_secs(&self, at_ms: Millis) -> i64 {
        self.start_epoch_secs.saturating_add(i64::try_from(at_ms / 1000).unwrap_or(i64::MAX))
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the simulator reads the system clock")]
fn system_epoch_secs() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}
