//! Paid time. A session starts when a router first confirms access and ends by the wall clock.

mod times;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use times::{EXTENSION_MAX_SECS, PAUSES_MAX, Times, TimesRefusal};

/// Where a session is in its life at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Session {
    /// Paid for, not yet confirmed by a router: time does not run while we fail to deliver.
    Waiting {
        /// The whole paid time.
        duration_secs: u64,
    },
    /// Delivered at least once.
    Running {
        /// When a router first confirmed access.
        starts_at: DateTime<Utc>,
        /// When paid time is over.
        ends_at: DateTime<Utc>,
    },
    /// Over: time ran out, or it was folded into a later session, or it was revoked.
    Ended {
        /// When it ended.
        at: DateTime<Utc>,
    },
}

impl Session {
    /// Reads the stored columns at the instant `now`.
    #[must_use]
    pub fn at(
        now: DateTime<Utc>,
        duration_secs: u64,
        starts_at: Option<DateTime<Utc>>,
        ends_at: Option<DateTime<Utc>>,
        ended_at: Option<DateTime<Utc>>,
    ) -> Self {
        match (ended_at, starts_at, ends_at) {
            (Some(at), _, _) => Self::Ended { at },
            (None, Some(_), Some(ends_at)) if ends_at <= now => Self::Ended { at: ends_at },
            (None, Some(starts_at), Some(ends_at)) => Self::Running { starts_at, ends_at },
            (None, _, _) => Self::Waiting { duration_secs },
        }
    }

    /// Paid seconds that are left at `now`, rounded up so that nobody is cut off early.
    #[must_use]
    pub fn remaining_secs(self, now: DateTime<Utc>) -> u64 {
        match self {
            Self::Waiting { duration_secs } => duration_secs,
            Self::Running { ends_at, .. } => secs_rounded_up(ends_at - now),
            Self::Ended { .. } => 0,
        }
    }
}

/// When paid time that starts at `starts_at` is over. Saturates at the end of the calendar.
#[must_use]
pub fn ends_at(starts_at: DateTime<Utc>, duration_secs: u64) -> DateTime<Utc> {
    i64::try_from(duration_secs)
        .ok()
        .and_then(TimeDelta::try_seconds)
        .and_then(|duration| starts_at.checked_add_signed(duration))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Whole seconds in `delta`, rounded up; negative is zero.
#[must_use]
pub fn secs_rounded_up(delta: TimeDelta) -> u64 {
    if delta <= TimeDelta::zero() {
        return 0;
    }
    let partial = u64::from(delta.subsec_nanos() > 0);
    u64::try_from(delta.num_seconds()).unwrap_or(0).saturating_add(partial)
}

/// The `limit-uptime` that leaves `remaining_secs` to a hotspot user who has already used `used_secs`:
/// RouterOS limits are lifetime totals of the user record, so what was used has to be added back.
#[must_use]
pub const fn limit_uptime_secs(used_secs: u64, remaining_secs: u64) -> u64 {
    used_secs.saturating_add(remaining_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_300_000 + secs, 0).unwrap()
    }

    #[test]
    fn time_does_not_run_before_delivery() {
        let session = Session::at(instant(9_999), 3600, None, None, None);
        assert_eq!(session.remaining_secs(instant(9_999)), 3600);
    }

    #[test]
    fn runs_and_ends_by_the_wall_clock() {
        let at = |now| Session::at(instant(now), 3600, Some(instant(0)), Some(instant(3600)), None);
        assert_eq!(at(0).remaining_secs(instant(0)), 3600);
        assert_eq!(at(3599).remaining_secs(instant(3599)), 1);
        assert_eq!(at(3600), Session::Ended { at: instant(3600) });
        assert_eq!(at(3600).remaining_secs(instant(3600)), 0);
    }

    #[test]
    fn an_early_end_wins() {
        let session = Session::at(instant(10), 3600, Some(instant(0)), Some(instant(3600)), Some(instant(5)));
        assert_eq!(session, Session::Ended { at: instant(5) });
    }

    #[test]
    fn part_seconds_are_the_customers() {
        assert_eq!(secs_rounded_up(TimeDelta::milliseconds(1)), 1);
        assert_eq!(secs_rounded_up(TimeDelta::milliseconds(1000)), 1);
        assert_eq!(secs_rounded_up(TimeDelta::milliseconds(-1)), 0);
    }

    proptest! {
        #[test]
        fn never_more_than_was_paid_for(duration in 1u64..=31_622_400, elapsed in 0i64..=40_000_000) {
            let ends = ends_at(instant(0), duration);
            let session = Session::at(instant(elapsed), duration, Some(instant(0)), Some(ends), None);
            let left = session.remaining_secs(instant(elapsed));
            prop_assert_eq!(left, duration.saturating_sub(u64::try_from(elapsed).unwrap()));
        }

        #[test]
        fn ends_at_never_panics(duration: u64) {
            prop_assert!(ends_at(instant(0), duration) >= instant(0));
        }
    }
}
