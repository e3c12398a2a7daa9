//! How often a router may ask.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::RouterId;
use tokio::time::Instant;

/// The window in which requests are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// Requests of one router in the window: far more than a catch-up of a full router in parts takes.
const REQUESTS: u32 = 240;

/// Counts the requests of routers that have shown a key, in this process.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    windows: Mutex<HashMap<RouterId, (Instant, u32)>>,
}

impl Pace {
    /// Counts one request; `Some` is the wait when it is one too many.
    pub(super) fn wait_secs(&self, router_id: RouterId) -> Option<u64> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (since, count) = windows.entry(router_id).or_insert((now, 0));
        if now.duration_since(*since) >= WINDOW {
            (*since, *count) = (now, 0);
        }
        if *count >= REQUESTS {
            return Some((WINDOW - now.duration_since(*since)).as_secs().saturating_add(1));
        }
        *count += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_router_that_asks_too_often_waits_and_the_others_do_not() {
        let (pace, one, two) = (Pace::default(), uuid::Uuid::from_u128(1).into(), uuid::Uuid::from_u128(2).into());
        assert!((0..REQUESTS).all(|_| pace.wait_secs(one).is_none()));
        assert_eq!(pace.wait_secs(one), Some(61));
        assert_eq!(pace.wait_secs(two), None);
        tokio::time::advance(WINDOW).await;
        assert_eq!(pace.wait_secs(one), None);
    }
}
