//! `prompt_slots`: one open M-Pesa prompt a phone and a device at a time.

use chrono::{DateTime, Utc};
use domain::{MacAddr, Msisdn, PaymentId};
use sqlx::MySqlConnection;
use uuid::Uuid;

use super::StoreError;

/// Who holds a slot after [`claim_slot`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holder {
    /// The payment whose prompt may be open.
    pub payment_id: PaymentId,
    /// Until when.
    pub until_at: DateTime<Utc>,
}

/// The slot of a phone.
pub(crate) fn phone_slot(msisdn: Msisdn) -> String {
    format!("phone:{}", msisdn.international())
}

/// The slot of a device.
pub(crate) fn device_slot(mac: MacAddr) -> String {
    format!("mac:{mac}")
}

/// Takes the slot if it is free or its time is over, and says who holds it now.
pub(crate) async fn claim_slot(
    connection: &mut MySqlConnection,
    slot: &str,
    payment_id: PaymentId,
    now: DateTime<Utc>,
    until_at: DateTime<Utc>,
) -> Result<Holder, StoreError> {
    // Assignments run from left to right: the second one sees whether the first took the slot.
    sqlx::query!(
        "insert into prompt_slots (slot, payment_id, until_at) values (?, ?, ?)
         on duplicate key update
             payment_id = if(until_at <= ?, values(payment_id), payment_id),
             until_at = if(payment_id = values(payment_id), values(until_at), until_at)",
        slot,
        payment_id.as_uuid(),
        until_at,
        now
    )
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query!(
        r#"select payment_id as "payment_id: Uuid", until_at as "until_at: DateTime<Utc>"
           from prompt_slots where slot = ?"#,
        slot
    )
    .fetch_one(connection)
    .await?;
    Ok(Holder { payment_id: row.payment_id.into(), until_at: row.until_at })
}

/// Frees the slots of a payment whose prompt is known to be over.
pub(crate) async fn release_slots(
    connection: &mut MySqlConnection,
    payment_id: PaymentId,
    msisdn: Msisdn,
    mac: MacAddr,
) -> Result<(), StoreError> {
    for slot in [phone_slot(msisdn), device_slot(mac)] {
        sqlx::query!("delete from prompt_slots where slot = ? and payment_id = ?", slot, payment_id.as_uuid())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
