//! Giving back what customers lost while a router was away: by hand, or by the owner's policy.
//!
//! A router that this server cannot reach may have served its customers well, so nothing is given back for time in
//! which they were on ([`domain::outage`]), and the policy acts only where the router itself shows that they were not.
//! What each session lost is written down when the outage ends, and given once: to the session if it still runs; to
//! the one that its device has now, if that bought again; else the session goes on for the lost time, from the moment
//! the router lets its device on again.

use std::{collections::BTreeSet, net::IpAddr};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    RouterId, SessionId,
    outage::revive,
    session::{EXTENSION_MAX_SECS, Session},
};
use sqlx::{MySqlConnection, MySqlPool};
use uuid::Uuid;

use super::OutagePolicy;
use crate::{
    Billing,
    db::{
        Repeat, StoreError,
        logs::{self, NewLog},
        outages, session_devices,
        sessions::{self, times},
    },
    sessions::add_time,
};

/// The actor of what happens by policy.
pub(crate) const AUTOMATIC: &str = "automatic";
/// An outage that is over for longer is left alone: nobody waits for that time any more.
const CREDIT_WITHIN: TimeDelta = TimeDelta::days(30);
/// The policy looks at outages that ended within this.
const POLICY_WITHIN: TimeDelta = TimeDelta::hours(1);
/// Outages worked on in one turn.
const OUTAGES_AT_ONCE: u32 = 50;

/// What was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Credited {
    /// Sessions that were lengthened.
    pub sessions: u32,
    /// Seconds, over all of them.
    pub secs: u64,
}

/// Why nothing was given back. The texts are for the owner.
#[derive(Debug, thiserror::Error)]
pub enum CreditError {
    /// No such outage of this router.
    #[error("There is no such outage of this router.")]
    NotFound,
    /// It lasts.
    #[error("The router is still away. What was lost is known when it is back.")]
    StillAway,
    /// The customers were on all the time.
    #[error(
        "Nothing was lost: customers of this router were on all the time, only this server could not reach it. Give \
         single customers more time under On now if you want to."
    )]
    NothingLost,
    /// Too long ago.
    #[error("This outage is more than 30 days ago. Give single customers more time under On now if you want to.")]
    TooOld,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl crate::db::AsStoreError for CreditError {
    fn as_store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl Billing {
    /// Gives back what customers lost in an outage. Asked again, it gives nothing more and answers the same.
    ///
    /// # Errors
    /// [`CreditError`].
    pub async fn credit_outage(
        &self,
        router_id: RouterId,
        outage_id: Uuid,
        by: &str,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<Credited, CreditError> {
        let now = self.now();
        decide(self.pool(), (router_id, outage_id), (by, reason, remote_ip), now).await?;
        let routers = give_back(self.pool(), outage_id, now).await?;
        self.wake_feed();
        routers.into_iter().for_each(|id| self.wake_router(id));
        Ok(outages::sum_given(self.pool(), outage_id).await?)
    }

    /// What the owner's policy asks for, and what was decided and then interrupted.
    pub(crate) async fn credit_by_policy(&self) -> Result<(), StoreError> {
        let routers = by_policy(self.pool(), self.outage_policy().await?, self.now()).await?;
        if !routers.is_empty() {
            self.wake_feed();
        }
        routers.into_iter().for_each(|id| self.wake_router(id));
        Ok(())
    }
}

/// Gives back what a policy asks for, and what was decided and then interrupted. Says whose routers have something
/// to do.
pub(crate) async fn by_policy(
    pool: &MySqlPool,
    policy: OutagePolicy,
    now: DateTime<Utc>,
) -> Result<BTreeSet<RouterId>, StoreError> {
    if policy.is_automatic {
        let min = TimeDelta::minutes(i64::from(policy.min_minutes));
        let due = outages::list_provable(pool, now - POLICY_WITHIN, OUTAGES_AT_ONCE).await?;
        for (router_id, id, _) in due.into_iter().filter(|(.., span)| span.length() >= min) {
            let decided = decide(pool, (router_id, id), (AUTOMATIC, "by policy", None), now).await;
            // Whatever else it says, there is nothing to give.
            if let Err(CreditError::Store(error)) = decided {
                return Err(error);
            }
        }
    }
    let mut routers = BTreeSet::new();
    for id in outages::list_unfinished(pool, OUTAGES_AT_ONCE).await? {
        routers.extend(give_back(pool, id, now).await?);
    }
    Ok(routers)
}

/// Writes down that an outage is given back, once; who asks second changes nothing.
pub(crate) async fn decide(
    pool: &MySqlPool,
    (router_id, id): (RouterId, Uuid),
    (by, reason, remote_ip): (&str, &str, Option<IpAddr>),
    now: DateTime<Utc>,
) -> Result<(), CreditError> {
    let mut transaction = pool.begin().await.map_err(StoreError::from)?;
    let outage = outages::lock_outage(&mut transaction, router_id, id).await?.ok_or(CreditError::NotFound)?;
    if outage.credited_at.is_some() {
        return Ok(());
    }
    let to_at = outage.to_at.ok_or(CreditError::StillAway)?;
    if outage.verdict == "served" {
        return Err(CreditError::NothingLost);
    }
    if now - to_at > CREDIT_WITHIN {
        return Err(CreditError::TooOld);
    }
    outages::mark_credited(&mut transaction, id, by, reason, now).await?;
    let subject = id.to_string();
    let log = NewLog {
        actor: by,
        action: "outage.credit",
        subject: Some(&subject),
        detail: Some(reason),
        remote_ip,
        at: now,
    };
    logs::insert_log(&mut *transaction, &log).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    Ok(())
}

/// Gives every session of an outage what it lost and has not had yet, each in a transaction of its own. Says whose
/// routers have something to do.
pub(crate) async fn give_back(
    pool: &MySqlPool,
    outage_id: Uuid,
    now: DateTime<Utc>,
) -> Result<BTreeSet<RouterId>, StoreError> {
    let mut routers = BTreeSet::new();
    for session_id in outages::list_ungiven(pool, outage_id).await? {
        routers.extend(Repeat::run(|| give_once(pool, outage_id, session_id, now)).await?);
    }
    Ok(routers)
}

async fn give_once(
    pool: &MySqlPool,
    outage_id: Uuid,
    session_id: SessionId,
    now: DateTime<Utc>,
) -> Result<BTreeSet<RouterId>, StoreError> {
    let mut transaction = pool.begin().await?;
    // The row is held, so that two who give at once come one after the other.
    let Some(lost_secs) = outages::lock_ungiven(&mut transaction, outage_id, session_id).await? else {
        return Ok(BTreeSet::new());
    };
    let secs = lost_secs.min(EXTENSION_MAX_SECS);
    let target = if secs == 0 { None } else { target(&mut transaction, session_id, now).await? };
    let mut routers = BTreeSet::new();
    let given = match target {
        None => None,
        Some((id, true)) => match add_time(&mut transaction, id, secs, now).await? {
            Some(Ok(woken)) => {
                routers = woken;
                Some((id, None))
            }
            _ => None,
        },
        Some((id, false)) => {
            routers = session_devices::lock_of_session(&mut transaction, id).await?;
            match times::lock_times(&mut transaction, id).await? {
                Some(times) => {
                    outages::revive_session(&mut transaction, id, &revive(&times, secs), now).await?;
                    session_devices::intend_on_again(&mut transaction, id, now).await?;
                    Some((id, Some(now)))
                }
                None => None,
            }
        }
    };
    let secs = if given.is_some() { secs } else { 0 };
    outages::record_given(&mut transaction, (outage_id, session_id), secs, given).await?;
    transaction.commit().await?;
    Ok(routers)
}

/// Who gets what a session lost, and whether that one still runs. Its devices are held first, as a purchase does.
async fn target(
    connection: &mut MySqlConnection,
    session_id: SessionId,
    now: DateTime<Utc>,
) -> Result<Option<(SessionId, bool)>, StoreError> {
    let Some(lost) = outages::find_end(&mut *connection, session_id).await? else { return Ok(None) };
    session_devices::lock_of_session(&mut *connection, session_id).await?;
    if lost.is_alive(now) {
        return Ok(Some((session_id, true)));
    }
    if !lost.may_go_on() && lost.end_reason.as_deref() != Some(sessions::EndReason::Extended.as_str()) {
        return Ok(None);
    }
    // The device may have bought again: then what it has now is what matters to the customer.
    let Some(router_id) = lost.router_id else { return Ok(None) };
    let Some(current) = session_devices::lock_device(&mut *connection, router_id, lost.mac).await? else {
        return Ok(None);
    };
    let end = outages::find_end(&mut *connection, current).await?;
    Ok(end.and_then(|end| match (end.is_alive(now), end.may_go_on()) {
        (true, _) => Some((current, true)),
        (false, true) => Some((current, false)),
        (false, false) => None,
    }))
}

impl outages::EndRecord {
    fn is_alive(&self, now: DateTime<Utc>) -> bool {
        !matches!(Session::at(now, 1, self.starts_at, self.ends_at, self.ended_at), Session::Ended { .. })
    }

    /// Whether nothing but the clock ended it.
    fn may_go_on(&self) -> bool {
        self.end_reason.as_deref().is_none_or(|reason| reason == sessions::EndReason::Expired.as_str())
    }
}
