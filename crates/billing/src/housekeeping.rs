//! Work that is done once in a while by one process of the installation: the audit at three in the morning,
//! the look at how sales go, refunds that were interrupted, the sweep over what M-Pesa says was paid, what customers
//! lost while a router was away, and old rows that nobody asks for any more.

mod forget;

use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use domain::NotificationId;

pub(crate) use forget::forget_old;

use crate::{
    Billing,
    books::{PULL_HOURS_MAX, PullError},
    db::{
        StoreError, leases,
        notifications::{self, NewNotification, Severity},
    },
    random,
};

/// How often it is looked whether something is due.
const TICK: Duration = Duration::from_secs(20);
/// A turn that ends without a word, because its process died, is taken over after so long.
const TURN_MAX: TimeDelta = TimeDelta::minutes(20);
/// What failed is tried again after so long.
const AGAIN: TimeDelta = TimeDelta::minutes(5);
/// The hour of the audit, in the owner's zone.
const AUDIT_HOUR: u32 = 3;
const PULL_TROUBLE: &str = "mpesa_pull";

#[derive(Debug, Clone, Copy)]
enum Chore {
    Refunds,
    Sales,
    Audit,
    Pull,
    Routers,
    Forget,
}

impl Chore {
    const ALL: [Self; 6] = [Self::Refunds, Self::Sales, Self::Audit, Self::Pull, Self::Routers, Self::Forget];

    const fn lease(self) -> &'static str {
        match self {
            Self::Refunds => "refunds",
            Self::Sales => "sales-watch",
            Self::Audit => "audit",
            Self::Pull => "mpesa-pull",
            Self::Routers => "router-health",
            Self::Forget => "forget",
        }
    }

    /// When it is due again after a turn at `now`.
    fn next(self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Refunds | Self::Routers | Self::Forget => now + TimeDelta::minutes(1),
            Self::Sales => now + TimeDelta::minutes(10),
            Self::Pull => now + TimeDelta::hours(1),
            Self::Audit => next_at_hour(now, zone, AUDIT_HOUR),
        }
    }
}

impl Billing {
    pub(crate) async fn run_chores(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(TICK) => {}
            }
            let wanted = |chore: &Chore| !matches!(chore, Chore::Pull) || self.options().pull;
            for chore in Chore::ALL.into_iter().filter(wanted) {
                // A turn may take minutes; the process need not wait for it on its way out, for it can be cut anywhere.
                let done = tokio::select! {
                    () = shutdown.cancelled() => return,
                    done = self.take_turn(chore) => done,
                };
                if let Err(error) = done {
                    tracing::warn!(chore = chore.lease(), %error, "a chore was not finished; it will be tried again");
                }
            }
        }
    }

    async fn take_turn(&self, chore: Chore) -> Result<(), StoreError> {
        let now = self.now();
        let turn = random::uuid(now);
        if !leases::take_turn(self.pool(), chore.lease(), turn, now, now + TURN_MAX).await? {
            return Ok(());
        }
        let done = match chore {
            Chore::Refunds => self.sweep_refunds().await,
            Chore::Sales => self.watch_sales().await,
            Chore::Audit => self.audit_and_tell().await,
            Chore::Pull => self.pull_quietly().await,
            Chore::Routers => self.keep_health().await,
            Chore::Forget => forget_old(self.pool(), now).await,
        };
        let until_at = match &done {
            Ok(()) => chore.next(now, self.zone().await?),
            Err(_) => now + AGAIN,
        };
        leases::hold_lease(self.pool(), chore.lease(), turn, now, until_at).await?;
        done
    }
}

impl Billing {
    /// Trouble with M-Pesa is said once, and closed when it is over; the next turn tries again.
    async fn pull_quietly(&self) -> Result<(), StoreError> {
        let now = self.now();
        let error = match self.pull_transactions(PULL_HOURS_MAX).await {
            Ok(_) => return notifications::resolve(self.pool(), PULL_TROUBLE, now).await.map(drop),
            Err(PullError::Store(error)) => return Err(error),
            Err(error @ PullError::Lost(_)) => {
                tracing::info!(%error, "nothing was pulled");
                return Ok(());
            }
            Err(error) => error,
        };
        let message = format!("What was paid could not be pulled from M-Pesa. {error}");
        let new = NewNotification {
            id: NotificationId::from_uuid(random::uuid(now)),
            severity: Severity::Warning,
            kind: PULL_TROUBLE,
            message: &message,
            subject: None,
            dedupe_key: Some(PULL_TROUBLE),
            created_at: now,
        };
        notifications::raise_or_renew(self.pool(), &new).await
    }
}

/// The next time it is `hour` o'clock in a zone, after `now`. Where clocks skip that hour, the one after it.
fn next_at_hour(now: DateTime<Utc>, zone: Tz, hour: u32) -> DateTime<Utc> {
    let today = now.with_timezone(&zone).date_naive();
    let candidates = (0..=2).map(|days| {
        let date = today.checked_add_days(Days::new(days)).unwrap_or(today);
        let at_hour = |hour| {
            let local = date.and_time(NaiveTime::from_hms_opt(hour, 0, 0)?);
            local.and_local_timezone(zone).earliest().map(|at| at.to_utc())
        };
        at_hour(hour).or_else(|| at_hour(hour + 1))
    });
    candidates.flatten().find(|at| *at > now).unwrap_or(now + TimeDelta::days(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn three_in_the_morning_is_the_owners() {
        for (zone, now, next) in [
            (Tz::Africa__Nairobi, "2026-11-22T12:00:00Z", "2026-11-23T00:00:00Z"),
            (Tz::Africa__Nairobi, "2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z"),
            (Tz::Africa__Nairobi, "2026-11-23T01:00:00Z", "2026-11-24T00:00:00Z"),
            (Tz::Africa__Nairobi, "2026-11-23T00:30:00Z", "2026-11-24T00:00:00Z"),
            (Tz::UTC, "2026-11-22T02:59:00Z", "2026-11-22T03:00:00Z"),
        ] {
            assert_eq!(next_at_hour(at(now), zone, 3), at(next), "{zone} {now}");
        }
        // The clocks of Madrid go from two to three on this night.
        assert_eq!(next_at_hour(at("2027-03-27T20:00:00Z"), Tz::Europe__Madrid, 2), at("2027-03-28T01:00:00Z"));
    }
}
