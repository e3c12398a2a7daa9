//! From a right (a settled payment, a redeemed voucher) to paid time and the intent to let a device on.
//! Always called inside the transaction that made the right.

use std::{collections::BTreeSet, net::IpAddr};

use chrono::{DateTime, Utc};
use domain::{
    DataSize, DeviceId, MacAddr, PackageId, PackageTerms, PaymentId, RouterId, SessionId, UserId, session::TimesRefusal,
};
use sqlx::MySqlConnection;

use crate::{
    db::{
        StoreError,
        session_devices::{self, Held, Intent, Place},
        sessions::{self, EndReason, NewSession, Origin, times},
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

    /// Whether the time left of the device's session goes over into the new one. Not that of a session which went on
    /// on another device, nor that of somebody who let this device on as a guest: both would lose it.
    fn extends(&self, held: &Held) -> bool {
        let is_same_customer = self.user_id.is_some() && self.user_id == held.user_id;
        !held.has_left && (!held.is_guest || is_same_customer)
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
    let mut leaving = Vec::new();
    for right in rights {
        let id = SessionId::from_uuid(random::uuid(now));
        let mut carried_secs = 0;
        let mut carried_from = None;
        let mut data = right.terms.data;
        if let Some(held) = current.get(&right.place()).filter(|held| held.session.remaining_secs(now) > 0) {
            if right.extends(held) {
                carried_secs = held.session.remaining_secs(now);
                carried_from = Some(held.session_id);
                let left = sessions::find_session(&mut *connection, held.session_id)
                    .await?
                    .and_then(|session| session.data_left());
                data = extended_data(right.terms.data, left);
                extended.push((held.session_id, id));
            } else {
                leaving.push(right.place());
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
            carried_from,
            data,
        });
    }
    sessions::insert_sessions(connection, &new, now).await?;
    for (from, to) in extended {
        sessions::end_session(connection, from, EndReason::Extended, now).await?;
        session_devices::move_devices(connection, from, to, now).await?;
    }
    session_devices::keep_use(connection, &leaving).await?;
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

/// Adds paid time to a session and has its devices brought to the new end. Gives the routers to wake.
///
/// # Errors
/// The rule's refusal inside `Ok`: the session is over, or there is none (`None`).
pub(crate) async fn add_time(
    connection: &mut MySqlConnection,
    id: SessionId,
    secs: u64,
    now: DateTime<Utc>,
) -> Result<Option<Result<BTreeSet<RouterId>, TimesRefusal>>, StoreError> {
    let routers = session_devices::lock_of_session(&mut *connection, id).await?;
    let Some(times) = times::lock_times(&mut *connection, id).await? else { return Ok(None) };
    let extended = match times.extend(now, secs) {
        Ok(extended) => extended,
        Err(refusal) => return Ok(Some(Err(refusal))),
    };
    times::store_times(&mut *connection, id, &extended, now).await?;
    session_devices::intend_again(connection, id, now).await?;
    Ok(Some(Ok(routers)))
}

/// Data adds up when both packages are limited; otherwise the package bought last decides, as for speed.
fn extended_data(bought: Option<DataSize>, left: Option<DataSize>) -> Option<DataSize> {
    bought.map(|bought| bought.saturating_add(left.unwrap_or(DataSize::from_bytes(0))))
}
