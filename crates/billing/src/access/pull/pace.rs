//! How often a router may ask.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::RouterId;

/// The window in which requests are counted.
const WINDOW: TimeDelta = TimeDelta::seconds(60);
/// Requests of one router in the window: far more than a catch-up of a full router in parts takes.
const REQUESTS: u32 = 240;

/// Counts the requests of routers that have shown a key, in this process.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    windows: Mutex<HashMap<RouterId, (DateTime<Utc>, u32)>>,
}

impl Pace {
    /// Counts one request; `Some` is the wait when it is one too many.
    pub(super) fn wait_secs(&self, router_id: RouterId, now: DateTime<Utc>) -> Option<u64> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = windows.entry(router_id).or_insert((now, 0));
        // A clock that was put back begins a new window too, or the router would wait for it to come back.
        if now - *since >= WINDOW || now < *since {
            (*since, *count) = (now, 0);
        }
        if *count >= REQUESTS {
            return Some(domain::session::secs_rounded_up(WINDOW - (now - *since)).saturating_add(1));
        }
        *count += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_router_that_asks_too_often_waits_and_the_others_do_not() {
        let (pace, one, two) = (Pace::default(), uuid::Uuid::from_u128(1).into(), uuid::Uuid::from_u128(2).into());
        let now = DateTime::UNIX_EPOCH;
        assert!((0..REQUESTS).all(|_| pace.wait_secs(one, now).is_none()));
        assert_eq!(pace.wait_secs(one, now), Some(61));
        assert_eq!(pace.wait_secs(two, now), None);
        assert_eq!(pace.wait_secs(one, now + WINDOW), None);
    }

    #[test]
    fn a_clock_that_was_put_back_keeps_no_router_waiting() {
        let (pace, one) = (Pace::default(), uuid::Uuid::from_u128(1).into());
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(2);
        assert!((0..REQUESTS).all(|_| pace.wait_secs(one, now).is_none()));
        assert_eq!(pace.wait_secs(one, now - TimeDelta::days(1)), None);
    }
}
