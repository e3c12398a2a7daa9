//! `prompt_slots`: one open M-Pesa prompt a phone and a device at a time.

use chrono::{DateTime, Utc};
use domain::{MacAddr, Msisdn, PaymentId};
use serde_json::json;
use sqlx::MySqlConnection;
use uuid::Uuid;

use super::{StoreError, hex_id};

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

/// Frees the slots of payments whose prompts are known to be over.
pub(crate) async fn release_slots(
    connection: &mut MySqlConnection,
    prompts: &[(PaymentId, Msisdn, MacAddr)],
) -> Result<(), StoreError> {
    let rows: Vec<_> = prompts
        .iter()
        .flat_map(|(id, msisdn, mac)| {
            let id = hex_id(id.as_uuid());
            [phone_slot(*msisdn), device_slot(*mac)].map(|slot| json!({"slot": slot, "id": id}))
        })
        .collect();
    sqlx::query!(
        "delete s from json_table(?, '$[*]' columns (slot varchar(32) path '$.slot', id char(32) path '$.id')) v
         straight_join prompt_slots s force index (primary) on s.slot = convert(v.slot using ascii)
         where s.payment_id = unhex(v.id)",
        json!(rows).to_string()
    )
    .execute(connection)
    .await?;
    Ok(())
}
