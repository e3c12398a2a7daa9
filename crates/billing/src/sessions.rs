//! From a right (a settled payment, a redeemed voucher) to paid time and the intent to let a device on.
//! Always called inside the transaction that made the right.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use domain::{DataSize, DeviceId, MacAddr, PackageId, PackageTerms, RouterId, SessionId, UserId};
use sqlx::MySqlConnection;

use crate::{
    db::{
        StoreError, session_devices,
        sessions::{self, EndReason, NewSession, Origin, SessionRecord},
    },
    random,
};

/// A right to paid time for one device on one router.
#[derive(Debug)]
pub(crate) struct Right<'a> {
    pub origin: Origin,
    pub user_id: Option<UserId>,
    pub router_id: RouterId,
    pub mac: MacAddr,
    pub ip: Option<IpAddr>,
    pub package_id: PackageId,
    pub package_revision: u32,
    pub terms: &'a PackageTerms,
}

/// Makes the session of a right and states the intent to deliver it. Time that is left of the device's
/// current session goes over into the new one; the terms are those of the package bought last.
pub(crate) async fn create_session(
    connection: &mut MySqlConnection,
    right: &Right<'_>,
    now: DateTime<Utc>,
) -> Result<SessionId, StoreError> {
    let current = current_session(connection, right, now).await?;
    let carried_secs = current.as_ref().map_or(0, |session| session.at(now).remaining_secs(now));
    let id = SessionId::from_uuid(random::uuid(now));
    let new = NewSession {
        id,
        origin: right.origin,
        user_id: right.user_id,
        router_id: right.router_id,
        mac: right.mac,
        package_id: right.package_id,
        package_revision: right.package_revision,
        terms: right.terms,
        duration_secs: right.terms.duration_secs().saturating_add(carried_secs),
        carried_secs,
        data: extended_data(right.terms.data, current.as_ref()),
        now,
    };
    sessions::insert_session(connection, &new).await?;
    if let Some(current) = current {
        sessions::end_session(connection, current.id, EndReason::Extended, now).await?;
        session_devices::move_devices(connection, current.id, id, now).await?;
    }
    let device_id = DeviceId::from_uuid(random::uuid(now));
    session_devices::intend_on(connection, device_id, id, right.router_id, right.mac, right.ip, now).await?;
    Ok(id)
}

/// The session the device has now, if any time is left of it. Its rows stay locked, so that an expiry at
/// the same moment waits and then finds it extended.
async fn current_session(
    connection: &mut MySqlConnection,
    right: &Right<'_>,
    now: DateTime<Utc>,
) -> Result<Option<SessionRecord>, StoreError> {
    let Some(session_id) = session_devices::lock_device(connection, right.router_id, right.mac).await? else {
        return Ok(None);
    };
    sessions::lock_session(connection, session_id).await?;
    let session = sessions::find_latest_of_device(connection, Some(right.router_id), right.mac).await?;
    Ok(session.filter(|session| session.at(now).remaining_secs(now) > 0))
}

/// Data adds up when both packages are limited; otherwise the package bought last decides, as for speed.
fn extended_data(bought: Option<DataSize>, current: Option<&SessionRecord>) -> Option<DataSize> {
    let left = current.and_then(SessionRecord::data_left).unwrap_or(DataSize::from_bytes(0));
    bought.map(|bought| bought.saturating_add(left))
}
