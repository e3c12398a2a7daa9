//! What people do about a device or its paid time: one transaction each, one line in the log each. A repetition
//! changes nothing. The routers are told by their tasks, as with everything else.

use std::{collections::BTreeSet, net::IpAddr};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    RouterId, SessionId,
    live::LiveAction,
    session::{Times, TimesRefusal},
};
use sqlx::MySqlConnection;
use uuid::Uuid;

use super::owners_reason;
use crate::{
    Billing,
    admins::Admin,
    db::{
        AsStoreError, Repeat, StoreError,
        logs::{self, NewLog},
        router_strangers, session_devices,
        sessions::{self, EndReason, times},
    },
    sessions::add_time,
};

/// The same extension by the same person within this time is a button pressed twice.
const TWICE_WITHIN: TimeDelta = TimeDelta::seconds(10);

/// Why nothing was done. The texts are for the people who asked.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// Only owners may.
    #[error("Only an owner may do this.")]
    NotOwner,
    /// No usable reason.
    #[error("Say why, in 3 to 200 characters.")]
    Reason,
    /// No such device, session or block.
    #[error("There is nothing like this any more.")]
    Unknown,
    /// It is not logged in, so that it cannot be logged out.
    #[error("This device is not logged in at the moment, so it cannot be logged out.")]
    NotKickable,
    /// The rules of paid time.
    #[error(transparent)]
    Times(#[from] TimesRefusal),
    /// As many are blocked as may be.
    #[error("500 devices are blocked, and more cannot be. Lift a block first.")]
    TooManyBlocks,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AsStoreError for LiveError {
    fn as_store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

/// What is done to paid time.
#[derive(Debug, Clone)]
enum Change {
    Pause,
    Resume,
    Extend { secs: u64, reason: String },
    End { reason: String },
}

impl Billing {
    /// Logs a device out, by its row in the list. With paid time it logs in again; without, when it can.
    ///
    /// # Errors
    /// [`LiveError`].
    pub async fn kick_device(&self, id: Uuid, by: &Admin, remote_ip: Option<IpAddr>) -> Result<(), LiveError> {
        let found = self.find_live(id, by.role).await?.filter(|row| row.state.is_some()).ok_or(LiveError::Unknown)?;
        if !found.actions.contains(&LiveAction::Kick) {
            return Err(LiveError::NotKickable);
        }
        let now = self.now();
        Repeat::run(|| self.kick_once(id, found.session_id.is_some(), by, remote_ip, now)).await?;
        self.wake_feed();
        self.wake_router(found.router_id);
        Ok(())
    }

    async fn kick_once(
        &self,
        id: Uuid,
        has_paid: bool,
        by: &Admin,
        remote_ip: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<(), LiveError> {
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        let is_done = if has_paid {
            session_devices::kick(&mut tx, id, now).await?
        } else {
            router_strangers::kick_stranger(&mut tx, id, now).await?.is_some()
        };
        if !is_done {
            return Err(LiveError::Unknown);
        }
        log(&mut tx, by, "device.kick", &id.to_string(), None, remote_ip, now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Stops paid time: what is left is kept, and the devices are taken off.
    ///
    /// # Errors
    /// [`LiveError`].
    pub async fn pause_session(&self, id: SessionId, by: &Admin, remote_ip: Option<IpAddr>) -> Result<(), LiveError> {
        self.change(id, &Change::Pause, by, remote_ip).await
    }

    /// Lets paid time go on, from the moment a router lets a device on again.
    ///
    /// # Errors
    /// [`LiveError`].
    pub async fn resume_session(&self, id: SessionId, by: &Admin, remote_ip: Option<IpAddr>) -> Result<(), LiveError> {
        self.change(id, &Change::Resume, by, remote_ip).await
    }

    /// Adds paid time.
    ///
    /// # Errors
    /// [`LiveError`].
    pub async fn extend_session(
        &self,
        id: SessionId,
        minutes: u32,
        by: &Admin,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<(), LiveError> {
        let reason = owners_reason(by, reason)?;
        let change = Change::Extend { secs: u64::from(minutes).saturating_mul(60), reason };
        self.change(id, &change, by, remote_ip).await
    }

    /// Ends paid time for good. The money is another matter: see refunds.
    ///
    /// # Errors
    /// [`LiveError`].
    pub async fn stop_session(
        &self,
        id: SessionId,
        by: &Admin,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<(), LiveError> {
        let reason = owners_reason(by, reason)?;
        self.change(id, &Change::End { reason }, by, remote_ip).await
    }

    async fn change(
        &self,
        id: SessionId,
        change: &Change,
        by: &Admin,
        remote_ip: Option<IpAddr>,
    ) -> Result<(), LiveError> {
        let routers = Repeat::run(|| self.change_once(id, change, by, remote_ip)).await?;
        self.wake_feed();
        routers.into_iter().for_each(|router| self.wake_router(router));
        Ok(())
    }

    /// The devices are held before their session, as by a purchase and by the end of time, so that each of these comes
    /// either before or after and never in between.
    async fn change_once(
        &self,
        id: SessionId,
        change: &Change,
        by: &Admin,
        remote_ip: Option<IpAddr>,
    ) -> Result<BTreeSet<RouterId>, LiveError> {
        let now = self.now();
        let subject = id.to_string();
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        let routers = session_devices::lock_of_session(&mut tx, id).await?;
        let times = times::lock_times(&mut tx, id).await?.ok_or(LiveError::Unknown)?;
        let (action, detail) = match change {
            Change::Pause => {
                let Some(paused) = times.pause(now)? else { return Ok(BTreeSet::new()) };
                times::store_times(&mut tx, id, &paused, now).await?;
                session_devices::intend_off(&mut tx, id, now).await?;
                ("session.pause", format!("{} s left", paused.duration_secs))
            }
            Change::Resume => {
                let Some(resumed) = times.resume(now)? else { return Ok(BTreeSet::new()) };
                times::store_times(&mut tx, id, &resumed, now).await?;
                session_devices::intend_on_again(&mut tx, id, now).await?;
                ("session.resume", format!("{} s left", resumed.duration_secs))
            }
            Change::Extend { secs, reason } => {
                let detail = format!("{} min: {reason}", secs / 60);
                let since = now - TWICE_WITHIN;
                if logs::has_just_done(&mut *tx, &by.username, "session.extend", &subject, &detail, since).await? {
                    return Ok(BTreeSet::new());
                }
                add_time(&mut tx, id, *secs, now).await?.ok_or(LiveError::Unknown)??;
                ("session.extend", detail)
            }
            Change::End { reason } => {
                if is_over(&times, now) {
                    return Ok(BTreeSet::new());
                }
                sessions::end_session(&mut tx, id, EndReason::Stopped, now).await?;
                session_devices::intend_off(&mut tx, id, now).await?;
                session_devices::touch_of_session(&mut tx, id, now).await?;
                ("session.end", reason.clone())
            }
        };
        log(&mut tx, by, action, &subject, Some(&detail), remote_ip, now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(routers)
    }
}

fn is_over(times: &Times, now: DateTime<Utc>) -> bool {
    matches!(times.session(now), domain::session::Session::Ended { .. })
}

pub(super) async fn log(
    connection: &mut MySqlConnection,
    by: &Admin,
    action: &str,
    subject: &str,
    detail: Option<&str>,
    remote_ip: Option<IpAddr>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let log = NewLog { actor: &by.username, action, subject: Some(subject), detail, remote_ip, at };
    logs::insert_log(connection, &log).await
}
