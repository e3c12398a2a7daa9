//! The expiry script the product installs, `bando-reap`, played by the simulator: scripts themselves do not run here.

use crate::routeros::{clock::Millis, hotspot::Cause, router::Router, value::parse_duration_ms};

/// The script and the scheduler that runs it bear this name.
pub(crate) const REAPER: &str = "bando-reap";
/// Below this the clock is not set, and the script does nothing.
const PLAUSIBLE_EPOCH_SECS: i64 = 1_760_000_000;
/// Start of the comments of rows that are ours.
const COMMENT_PREFIX: &str = "bando1;";

impl Router {
    fn reaper_interval_ms(&self) -> Option<Millis> {
        // `[:timestamp]`, on which the script stands, exists from 7.10.2.
        if !self.options.ros.is_v7() || self.device_mode_blocks("/system/scheduler") {
            return None;
        }
        let row = self.named("/system/scheduler", REAPER).filter(|row| !row.is_true("disabled"))?;
        parse_duration_ms(&row.text("interval")).filter(|ms| *ms > 0)
    }

    /// Starts, stops or re-times the reaper after the scheduler changed or the router came up: its first run is one
    /// interval later (documented for `start-time=startup`).
    pub(crate) fn arm_reaper(&mut self) {
        let from_ms = self.now_ms.max(self.up_at_ms);
        self.reap_at_ms = self.reaper_interval_ms().map(|interval| from_ms.saturating_add(interval));
    }

    pub(crate) fn reap_if_due(&mut self) {
        if self.reap_at_ms.is_none_or(|at| at > self.now_ms) {
            return;
        }
        self.arm_reaper();
        if let Some(row) = self.table("/system/scheduler").rows.iter_mut().find(|row| row.text("name") == REAPER) {
            let runs: u64 = row.text("run-count").parse().unwrap_or(0);
            row.set("run-count", runs.saturating_add(1).to_string());
        }
        let now = self.epoch_secs();
        if now <= PLAUSIBLE_EPOCH_SECS {
            return;
        }
        let expired: Vec<(u32, String)> = self
            .rows("/ip/hotspot/user")
            .iter()
            .filter(|row| expiry_epoch_secs(&row.text("comment")).is_some_and(|at| at > 0 && at <= now))
            .map(|row| (row.id, row.text("name")))
            .collect();
        for (id, name) in expired {
            self.delete("/ip/hotspot/user", id);
            self.end_sessions_of(&name, Cause::AdminReset);
            self.drop_cookies(|cookie| cookie.user == name);
        }
    }

    pub(crate) fn end_sessions_of(&mut self, user: &str, cause: Cause) {
        let at: Vec<_> = self.hotspot.sessions.iter().filter(|s| s.user == user).map(|s| s.ip).collect();
        for ip in at {
            self.end_session(ip, cause);
        }
    }
}

/// The ten digits after `;e=` of a comment of ours.
fn expiry_epoch_secs(comment: &str) -> Option<i64> {
    let rest = comment.strip_prefix(COMMENT_PREFIX).map(|_| comment)?;
    let at = rest.find(";e=")?.checked_add(3)?;
    rest.get(at..at.checked_add(10)?)?.parse().ok()
}
