//! What was found on a router, written to the database in short transactions.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use domain::session;
use sqlx::MySqlPool;

use super::rows;
use crate::{
    db::{
        Repeat, StoreError,
        session_devices::{self, Usage, WorkRecord},
        sessions::{self, EndReason},
    },
    killpoint::killpoint,
};

/// The longest wait between attempts for one device.
const LONGEST_WAIT_SECS: i64 = 60;
/// Devices whose use is written in one transaction. It holds their rows for a few milliseconds.
const USES_AT_ONCE: usize = 50;
/// A delivery that took longer than this counts from its confirmation, not from its plan.
const SLOW_SECS: i64 = 2;

/// The router has what was intended at `planned_at`: says so, and starts paid time if it does not run yet.
/// `false` when the intent has changed in between.
pub(super) async fn applied(
    pool: &MySqlPool,
    device: &WorkRecord,
    usage: Usage,
    planned_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut repeat = Repeat::default();
    loop {
        match applied_once(pool, device, usage, planned_at, now).await {
            Err(error) if repeat.after(&error).await => {}
            done => return done,
        }
    }
}

async fn applied_once(
    pool: &MySqlPool,
    device: &WorkRecord,
    usage: Usage,
    planned_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    if device.is_on_intended {
        killpoint!("grant.before_writeback");
    } else {
        killpoint!("expiry.before_writeback");
    }
    let mut transaction = pool.begin().await?;
    if !session_devices::record_applied(&mut transaction, device, usage, now).await? {
        return Ok(false);
    }
    if device.is_on_intended && device.starts_at.is_none() {
        // The limits on the router were made for the plan's instant. When it took long to get there, the
        // time starts now, and the next comparison moves the end on the router.
        let is_slow = now - planned_at > TimeDelta::seconds(SLOW_SECS);
        let starts_at = if is_slow { now } else { planned_at }.trunc_subsecs(6);
        let ends_at = session::ends_at(starts_at, device.duration_secs);
        sessions::start_session(&mut transaction, device.session_id, starts_at, ends_at).await?;
    } else {
        sessions::touch_payment(&mut transaction, device.session_id, now).await?;
    }
    killpoint!("grant.writing");
    transaction.commit().await?;
    if device.is_on_intended {
        killpoint!("grant.written");
    } else {
        killpoint!("expiry.written");
    }
    tracing::info!(
        request.id = device.request_id.as_deref().unwrap_or("-"), session.id = %device.session_id,
        session.mac = %device.mac.masked(), intended = if device.is_on_intended { "on" } else { "off" },
        is_online = usage.is_online, "the router has what was intended"
    );
    Ok(true)
}

/// What devices that needed nothing have used. Writes only changes, many in one transaction: a full house must
/// not wait for the disk once for each. `true` if there was one to show.
pub(super) async fn used(
    pool: &MySqlPool,
    devices: &[(&WorkRecord, Usage)],
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let has_changed = |(device, usage): &&(&WorkRecord, Usage)| {
        usage.is_online != device.is_online
            || usage.used_secs > device.used_secs
            || usage.used_bytes > device.used_bytes
    };
    let changed: Vec<_> = devices.iter().filter(has_changed).copied().collect();
    for some in changed.chunks(USES_AT_ONCE) {
        let mut repeat = Repeat::default();
        loop {
            match used_once(pool, some, now).await {
                Err(error) if repeat.after(&error).await => {}
                done => break done?,
            }
        }
    }
    Ok(changed.iter().any(|(device, usage)| usage.is_online != device.is_online))
}

async fn used_once(pool: &MySqlPool, devices: &[(&WorkRecord, Usage)], now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await?;
    for (device, usage) in devices {
        session_devices::record_usage(&mut transaction, device, *usage).await?;
        if usage.is_online != device.is_online {
            sessions::touch_payment(&mut transaction, device.session_id, now).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// An attempt failed. `wait` is when the link may be tried again, when the link is what failed.
pub(super) async fn failed(
    pool: &MySqlPool,
    device: &WorkRecord,
    error: &str,
    wait: Option<Duration>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let doubled = 1_i64.checked_shl(device.attempts.min(6)).unwrap_or(LONGEST_WAIT_SECS).min(LONGEST_WAIT_SECS);
    let wait = wait.and_then(|wait| TimeDelta::from_std(wait).ok()).unwrap_or(TimeDelta::seconds(doubled));
    let mut connection = pool.acquire().await?;
    session_devices::record_failure(&mut connection, device, error, now + wait).await
}

/// Why a device's session is over at `now` although nobody has said so yet.
pub(super) fn is_over(device: &WorkRecord, now: DateTime<Utc>) -> Option<EndReason> {
    if !device.is_on_intended {
        return None;
    }
    if device.ended_at.is_some() || (device.starts_at.is_some() && rows::ends_at(device, now) <= now) {
        return Some(EndReason::Expired);
    }
    let is_data_used = device.data_left().is_some_and(|left| left.bytes() == 0);
    (device.starts_at.is_some() && is_data_used).then_some(EndReason::DataUsed)
}

/// Ends the session of a device and says that all its devices are to be taken off. Holds the device's row
/// first, as a purchase does, so that a purchase at the same moment either extends or comes after.
pub(super) async fn end(
    pool: &MySqlPool,
    router_id: domain::RouterId,
    device: &WorkRecord,
    reason: EndReason,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut repeat = Repeat::default();
    loop {
        match end_once(pool, router_id, device, reason, now).await {
            Err(error) if repeat.after(&error).await => {}
            done => return done,
        }
    }
}

async fn end_once(
    pool: &MySqlPool,
    router_id: domain::RouterId,
    device: &WorkRecord,
    reason: EndReason,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    killpoint!("expiry.due");
    let mut transaction = pool.begin().await?;
    let session_id = session_devices::lock_device(&mut transaction, router_id, device.mac).await?;
    if session_id != Some(device.session_id) {
        // Extended in between: the device belongs to another session now.
        return Ok(());
    }
    sessions::end_session(&mut transaction, device.session_id, reason, now).await?;
    session_devices::intend_off(&mut transaction, device.session_id, now).await?;
    killpoint!("expiry.ending");
    transaction.commit().await?;
    killpoint!("expiry.ended");
    Ok(())
}
