//! What was found on a router, written to the database in short transactions.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use domain::{DeviceId, RouterId, access::Used, session};
use sqlx::MySqlPool;

use super::rows;
use crate::{
    db::{
        Repeat, StoreError,
        session_devices::{self, Applied, Usage, WorkRecord},
        sessions::{self, EndReason},
    },
    killpoint::killpoint,
};

/// The longest wait between attempts for one device.
const LONGEST_WAIT_SECS: i64 = 60;
/// Devices written in one transaction. It holds their rows for a few milliseconds.
const DEVICES_AT_ONCE: usize = 100;
/// A delivery that took longer than this counts from its confirmation, not from its plan.
const SLOW_SECS: i64 = 2;

/// A device that its router was brought to what was intended for.
#[derive(Debug)]
pub(super) struct Delivered<'a> {
    pub device: &'a WorkRecord,
    pub usage: Usage,
    /// Since when the device has had what was paid for.
    pub since_at: DateTime<Utc>,
}

/// Since when a device has had what a plan of `planned_at` asked for and was confirmed at `now`. The limits on the
/// router were made for the plan's instant. When it took long to get there, the time starts now, and the next
/// comparison moves the end on the router.
pub(super) fn since(planned_at: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let is_slow = now - planned_at > TimeDelta::seconds(SLOW_SECS);
    if is_slow { now } else { planned_at }
}

/// The router has what was intended: says so, and starts paid time that does not run yet. Gives the devices whose
/// intent has changed in between: there is more to do for them.
pub(super) async fn applied(
    pool: &MySqlPool,
    delivered: &[Delivered<'_>],
    now: DateTime<Utc>,
) -> Result<Vec<DeviceId>, StoreError> {
    let mut outdated = Vec::new();
    for some in delivered.chunks(DEVICES_AT_ONCE) {
        outdated.extend(Repeat::run(|| applied_once(pool, some, now)).await?);
    }
    Ok(outdated)
}

async fn applied_once(
    pool: &MySqlPool,
    delivered: &[Delivered<'_>],
    now: DateTime<Utc>,
) -> Result<Vec<DeviceId>, StoreError> {
    let (is_granting, is_ending) =
        (delivered.iter().any(|one| one.device.is_on_intended), delivered.iter().any(|one| !one.device.is_on_intended));
    if is_granting {
        killpoint!("grant.before_writeback");
    }
    if is_ending {
        killpoint!("expiry.before_writeback");
    }
    let rows: Vec<_> =
        delivered.iter().map(|one| Applied { device: one.device, usage: one.usage, starts: starts(one) }).collect();
    let mut transaction = pool.begin().await?;
    let outdated = session_devices::record_applied(&mut transaction, &rows, now).await?;
    killpoint!("grant.writing");
    transaction.commit().await?;
    if is_granting {
        killpoint!("grant.written");
    }
    if is_ending {
        killpoint!("expiry.written");
    }
    for Delivered { device, usage, .. } in delivered.iter().filter(|one| !outdated.contains(&one.device.id)) {
        tracing::info!(
            request.id = device.request_id.as_deref().unwrap_or("-"), session.id = %device.session_id,
            session.mac = %device.mac.masked(), intended = if device.is_on_intended { "on" } else { "off" },
            is_online = usage.is_online, "the router has what was intended"
        );
    }
    Ok(outdated)
}

/// When paid time begins and ends that waited for this confirmation.
fn starts(one: &Delivered<'_>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    if !one.device.is_on_intended || one.device.starts_at.is_some() {
        return None;
    }
    let starts_at = one.since_at.trunc_subsecs(6);
    Some((starts_at, session::ends_at(starts_at, one.device.duration_secs)))
}

/// What devices that needed nothing have used. Writes only changes, many in one transaction: a full house must
/// not wait for the disk once for each. `true` if there was one to show.
pub(super) async fn used(
    pool: &MySqlPool,
    devices: &[(&WorkRecord, Usage)],
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let has_changed = |(device, usage): &&(&WorkRecord, Usage)| {
        let (used, counters) = device.used_with(usage);
        usage.is_online != device.is_online
            || used != Used { secs: device.used_secs, bytes: device.used_bytes }
            || counters != device.counters
    };
    let changed: Vec<_> = devices.iter().filter(has_changed).copied().collect();
    for some in changed.chunks(DEVICES_AT_ONCE) {
        Repeat::run(|| used_once(pool, some, now)).await?;
    }
    Ok(changed.iter().any(|(device, usage)| usage.is_online != device.is_online))
}

async fn used_once(pool: &MySqlPool, devices: &[(&WorkRecord, Usage)], now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await?;
    session_devices::record_usage(&mut transaction, devices, now).await?;
    transaction.commit().await?;
    Ok(())
}

/// Attempts failed, for the reason given. `wait` is when the link may be tried again, when the link is what failed.
pub(super) async fn failed(
    pool: &MySqlPool,
    failures: Vec<(&WorkRecord, String, Option<Duration>)>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let failures: Vec<_> = failures
        .into_iter()
        .map(|(device, error, wait)| {
            let doubled = 1_i64.checked_shl(device.attempts.min(6)).unwrap_or(LONGEST_WAIT_SECS).min(LONGEST_WAIT_SECS);
            let wait = wait.and_then(|wait| TimeDelta::from_std(wait).ok()).unwrap_or(TimeDelta::seconds(doubled));
            (device, error, now + wait)
        })
        .collect();
    for some in failures.chunks(DEVICES_AT_ONCE) {
        Repeat::run(async || {
            let mut connection = pool.acquire().await?;
            session_devices::record_failures(&mut connection, some).await
        })
        .await?;
    }
    Ok(())
}

/// Nothing can be done on a router: says why for all that is due there, and when it is tried again.
pub(super) async fn unreachable(
    pool: &MySqlPool,
    router_id: RouterId,
    error: &str,
    wait: Duration,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let next_try_at = now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::seconds(LONGEST_WAIT_SECS));
    Repeat::run(async || {
        let mut connection = pool.acquire().await?;
        session_devices::record_unreachable(&mut connection, router_id, error, now, next_try_at).await
    })
    .await
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
    router_id: RouterId,
    device: &WorkRecord,
    reason: EndReason,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    Repeat::run(|| end_once(pool, router_id, device, reason, now)).await
}

async fn end_once(
    pool: &MySqlPool,
    router_id: RouterId,
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
    if !sessions::is_still_over(&mut transaction, device.session_id, reason, now).await? {
        // Given more time, or paused, in between.
        return Ok(());
    }
    sessions::end_session(&mut transaction, device.session_id, reason, now).await?;
    session_devices::intend_off(&mut transaction, device.session_id, now).await?;
    killpoint!("expiry.ending");
    transaction.commit().await?;
    killpoint!("expiry.ended");
    Ok(())
}
