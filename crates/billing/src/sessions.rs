//! From a right (a settled payment, a redeemed voucher) to paid time and the intent to let a device on.
//! Always called inside the transaction that made the right.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use domain::{DataSize, DeviceId, MacAddr, PackageId, PackageTerms, PaymentId, RouterId, SessionId, UserId};
use sqlx::MySqlConnection;

use crate::{
    db::{
        StoreError,
        session_devices::{self, Intent, Place},
        sessions::{self, EndReason, NewSession, Origin},
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

impl Right<'_> {
    /// The device on its router.
    pub(crate) const fn place(&self) -> Place {
        (self.router_id, self.mac)
    }
}

/// Makes the sessions of rights and states the intent to deliver them. Time that is left of a device's current
/// session goes over into the new one; the terms are those of the package bought last. No two rights may be for the
/// same device on the same router.
pub(crate) async fn create_sessions(
    connection: &mut MySqlConnection,
    rights: &[Right<'_>],
    now: DateTime<Utc>,
) -> Result<Vec<SessionId>, StoreError> {
    let places: Vec<Place> = rights.iter().map(Right::place).collect();
    let current = session_devices::lock_devices(connection, &places, now).await?;
    let mut new = Vec::with_capacity(rights.len());
    let mut extended = Vec::new();
    for right in rights {
        let id = SessionId::from_uuid(random::uuid(now));
        let mut carried_secs = 0;
        let mut data = right.terms.data;
        if let Some((current_id, session)) = current.get(&right.place()) {
            carried_secs = session.remaining_secs(now);
            if carried_secs > 0 {
                let left = sessions::find_session(&mut *connection, *current_id)
                    .await?
                    .and_then(|session| session.data_left());
                data = extended_data(right.terms.data, left);
                extended.push((*current_id, id));
            }
        }
        new.push(NewSession {
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
            data,
        });
    }
    sessions::insert_sessions(connection, &new, now).await?;
    for (from, to) in extended {
        sessions::end_session(connection, from, EndReason::Extended, now).await?;
        session_devices::move_devices(connection, from, to, now).await?;
    }
    let ids: Vec<SessionId> = new.iter().map(|session| session.id).collect();
    let intents: Vec<Intent> = rights
        .iter()
        .zip(&ids)
        .map(|(right, id)| Intent {
            new_id: DeviceId::from_uuid(random::uuid(now)),
            session_id: *id,
            place: right.place(),
            ip: right.ip,
        })
        .collect();
    session_devices::intend_on(connection, &intents, now).await?;
    Ok(ids)
}

/// Ends the session of a payment that was given back, and has its devices taken off.
pub(crate) async fn end_refunded(
    connection: &mut MySqlConnection,
    payment_id: PaymentId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(session) = sessions::find_by_payment(&mut *connection, payment_id).await? else { return Ok(()) };
    sessions::end_session(connection, session.id, EndReason::Refunded, now).await?;
    session_devices::intend_off(connection, session.id, now).await.map(drop)
}

/// Data adds up when both packages are limited; otherwise the package bought last decides, as for speed.
fn extended_data(bought: Option<DataSize>, left: Option<DataSize>) -> Option<DataSize> {
    bought.map(|bought| bought.saturating_add(left.unwrap_or(DataSize::from_bytes(0))))
}
