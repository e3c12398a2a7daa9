//! The live feed: says which rows changed, and nothing more. Listeners re-read what they show, so an event
//! may be lost, doubled or late without harm. Changes made by other processes are seen too, because the
//! feed reads them from the database.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{NotificationId, PaymentId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Billing,
    db::{StoreError, notifications, payments, router_strangers, session_devices},
};

/// Something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A payment, its session or its delivery.
    Payment(PaymentId),
    /// A new notification.
    Notification(NotificationId),
    /// A device of the live list, by its row's id.
    Live(Uuid),
    /// So many devices of the live list that reading it again is cheaper than reading each.
    LiveMany,
}

/// How often the feed looks when nobody wakes it, for the changes of other processes.
const POLL: Duration = Duration::from_secs(1);

/// How often the live list is looked at: a house full of devices that come and go together is one look.
const LIVE_EVERY: Duration = Duration::from_millis(500);
/// With more devices than this at one look, they are not named one by one.
const LIVE_NAMED: usize = 8;
/// How often listeners are told to read the whole live list again.
const LIVE_MANY_EVERY: Duration = Duration::from_secs(3);
/// Rows read at one look.
const LIVE_READ: u32 = 100;

/// Rows may become visible this long after the instant they bear, because they bear the instant their
/// transaction began.
fn overlap() -> TimeDelta {
    TimeDelta::seconds(10)
}

impl Billing {
    pub(crate) async fn run_feed(self, shutdown: CancellationToken) {
        let mut seen = Seen::new(self.now());
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.inner.feed_wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
            if self.inner.events.receiver_count() == 0 {
                seen = Seen::new(self.now());
                continue;
            }
            if let Err(error) = self.publish_changes(&mut seen).await {
                tracing::debug!(%error, "the live feed could not read changes; it will try again");
            }
        }
    }

    async fn publish_changes(&self, seen: &mut Seen) -> Result<(), StoreError> {
        let now = self.now();
        let since = seen.since;
        let mut events = Vec::new();
        for (id, at) in payments::list_changed(self.pool(), since).await? {
            if seen.payments.insert(id, at) != Some(at) {
                events.push(Event::Payment(id));
            }
        }
        for (id, at) in notifications::list_raised(self.pool(), since).await? {
            if seen.notifications.insert(id, at).is_none() {
                events.push(Event::Notification(id));
            }
        }
        if seen.live_read_at.is_none_or(|at| at.elapsed() >= LIVE_EVERY) {
            seen.live_read_at = Some(Instant::now());
            let mut changed = session_devices::list_changed(self.pool(), since, LIVE_READ).await?;
            changed.extend(router_strangers::list_changed(self.pool(), since, LIVE_READ).await?);
            events.extend(seen.live_events(changed));
        }
        for event in events {
            // Without receivers there is nobody to tell.
            let _ = self.inner.events.send(event);
        }
        seen.forget_before(now - overlap());
        Ok(())
    }
}

/// What was already published, for as long as it may be read again.
struct Seen {
    since: DateTime<Utc>,
    payments: HashMap<PaymentId, DateTime<Utc>>,
    notifications: HashMap<NotificationId, DateTime<Utc>>,
    live: HashMap<Uuid, DateTime<Utc>>,
    live_read_at: Option<Instant>,
    /// When listeners were told to read the whole live list again, and whether they have to be once more.
    many_at: Option<Instant>,
    is_many_owed: bool,
}

impl Seen {
    fn new(now: DateTime<Utc>) -> Self {
        Self {
            since: now - TimeDelta::seconds(1),
            payments: HashMap::new(),
            notifications: HashMap::new(),
            live: HashMap::new(),
            live_read_at: None,
            many_at: None,
            is_many_owed: false,
        }
    }

    /// What to say of devices that were read as changed.
    fn live_events(&mut self, changed: Vec<(Uuid, DateTime<Utc>)>) -> Vec<Event> {
        let news: Vec<Uuid> =
            changed.into_iter().filter(|(id, at)| self.live.insert(*id, *at) != Some(*at)).map(|(id, _)| id).collect();
        if news.len() <= LIVE_NAMED && !self.is_many_owed {
            return news.into_iter().map(Event::Live).collect();
        }
        self.is_many_owed = self.many_at.is_some_and(|at| at.elapsed() < LIVE_MANY_EVERY);
        if self.is_many_owed {
            return Vec::new();
        }
        self.many_at = Some(Instant::now());
        vec![Event::LiveMany]
    }

    fn forget_before(&mut self, since: DateTime<Utc>) {
        self.since = self.since.max(since);
        self.payments.retain(|_, at| *at >= since);
        self.notifications.retain(|_, at| *at >= since);
        self.live.retain(|_, at| *at >= since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(ids: std::ops::Range<u128>, secs: i64) -> Vec<(Uuid, DateTime<Utc>)> {
        let at = DateTime::from_timestamp(1_795_300_000 + secs, 0).unwrap();
        ids.map(|id| (Uuid::from_u128(id), at)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_devices_are_named_and_a_crowd_is_one_word() {
        let mut seen = Seen::new(DateTime::from_timestamp(1_795_300_000, 0).unwrap());
        assert_eq!(seen.live_events(changed(0..2, 0)), [Event::Live(Uuid::nil()), Event::Live(Uuid::from_u128(1))]);
        assert_eq!(seen.live_events(changed(0..2, 0)), [], "read again, said once");
        assert_eq!(seen.live_events(changed(0..1, 1)), [Event::Live(Uuid::nil())], "changed again");
        assert_eq!(seen.live_events(changed(0..1000, 2)), [Event::LiveMany]);
        assert_eq!(seen.live_events(changed(0..1000, 3)), [], "not at every look");
        assert_eq!(seen.live_events(changed(0..1, 4)), [], "what is owed covers it");
        tokio::time::advance(LIVE_MANY_EVERY).await;
        assert_eq!(seen.live_events(Vec::new()), [Event::LiveMany], "but it is said in the end");
        assert_eq!(seen.live_events(changed(0..1, 5)), [Event::Live(Uuid::nil())]);
    }
}
