//! The live feed: says which rows changed, and nothing more. Listeners re-read what they show, so an event
//! may be lost, doubled or late without harm. Changes made by other processes are seen too, because the
//! feed reads them from the database.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{NotificationId, PaymentId};
use tokio_util::sync::CancellationToken;

use crate::{
    Billing,
    db::{StoreError, notifications, payments},
};

/// Something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A payment, its session or its delivery.
    Payment(PaymentId),
    /// A new notification.
    Notification(NotificationId),
}

/// How often the feed looks when nobody wakes it, for the changes of other processes.
const POLL: Duration = Duration::from_secs(1);

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
}

impl Seen {
    fn new(now: DateTime<Utc>) -> Self {
        Self { since: now - TimeDelta::seconds(1), payments: HashMap::new(), notifications: HashMap::new() }
    }

    fn forget_before(&mut self, since: DateTime<Utc>) {
        self.since = self.since.max(since);
        self.payments.retain(|_, at| *at >= since);
        self.notifications.retain(|_, at| *at >= since);
    }
}
