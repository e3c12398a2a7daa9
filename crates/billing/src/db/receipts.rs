//! `receipts`: the one ledger of M-Pesa receipts over all channels.

use chrono::{DateTime, Utc};
use domain::{Kes, PaymentId, Receipt};
use sqlx::MySqlConnection;
use uuid::Uuid;

use super::{StoreError, payment_events::Source};

/// Whose receipt it is after [`enter_receipt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// It is this payment's: entered just now, or before.
    Ours,
    /// It was entered for another payment, or for none yet.
    Elsewhere,
}

/// Enters a receipt for a payment unless it is in the ledger already. The primary key decides the race:
/// two payments that bring the same receipt at the same time cannot both get `Ours`.
pub(crate) async fn enter_receipt(
    connection: &mut MySqlConnection,
    receipt: &Receipt,
    payment_id: PaymentId,
    source: Source,
    amount: Kes,
    now: DateTime<Utc>,
) -> Result<Ownership, StoreError> {
    sqlx::query!(
        "insert into receipts (receipt, payment_id, source, amount_kes, created_at) values (?, ?, ?, ?, ?)
         on duplicate key update receipt = values(receipt)",
        receipt.as_str(),
        payment_id.as_uuid(),
        source.as_str(),
        amount.shillings(),
        now
    )
    .execute(&mut *connection)
    .await?;
    let owner = sqlx::query_scalar!(
        r#"select payment_id as "payment_id: Uuid" from receipts where receipt = ? for update"#,
        receipt.as_str()
    )
    .fetch_one(connection)
    .await?;
    Ok(if owner == Some(payment_id.as_uuid()) { Ownership::Ours } else { Ownership::Elsewhere })
}
