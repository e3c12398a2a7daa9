//! The server's clock as far as this browser can tell, for times that count down without asking.

use std::time::Duration;

use chrono::{DateTime, Utc};
use js_sys::Date;
use leptos::prelude::*;

/// Differences up to this are the way of the answer, not the clock.
const NOISE_MS: f64 = 2000.0;

/// Ticks once a second while its page is open.
#[derive(Debug, Clone, Copy)]
pub(in crate::admin) struct Clock {
    now_ms: RwSignal<f64>,
    /// How far this browser's clock is ahead of the server's.
    ahead_ms: RwSignal<f64>,
}

impl Clock {
    /// A clock that ticks until the present owner is gone.
    pub(in crate::admin) fn start() -> Self {
        let clock = Self { now_ms: RwSignal::new(Date::now()), ahead_ms: RwSignal::new(0.0) };
        let ticks = set_interval_with_handle(move || clock.now_ms.set(Date::now()), Duration::from_secs(1)).ok();
        on_cleanup(move || {
            if let Some(ticks) = ticks {
                ticks.clear();
            }
        });
        clock
    }

    /// Sets it by an instant of which the server just said how far off it is.
    pub(in crate::admin) fn set_by(self, at: DateTime<Utc>, left_secs: u64) {
        let server_now_ms = millis(at) - seconds(left_secs) * 1000.0;
        let ahead = Date::now() - server_now_ms;
        self.ahead_ms.maybe_update(|known| {
            let is_off = (*known - ahead).abs() > NOISE_MS;
            if is_off {
                *known = ahead;
            }
            is_off
        });
    }

    /// Seconds until `at`, never below zero; tracked.
    pub(in crate::admin) fn secs_until(self, at: DateTime<Utc>) -> u64 {
        whole((millis(at) - self.now_ms.get() + self.ahead_ms.get()) / 1000.0)
    }
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "instants of this age are exact as f64")]
fn millis(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "durations of a life are exact as f64")]
fn seconds(secs: u64) -> f64 {
    secs as f64
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and what is below zero is zero"
)]
fn whole(secs: f64) -> u64 {
    secs.ceil() as u64
}
